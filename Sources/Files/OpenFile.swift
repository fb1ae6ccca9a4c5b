import Glibc

/// One open file descriptor, closed when the value goes away.
public struct OpenFile: ~Copyable {
    public enum Mode: Sendable {
        case read
        /// Creates the file, which must not exist, readable by its owner alone.
        case createNew
        /// Opens the file to be changed in place, and creates it where it is not there.
        case write
    }

    public let path: String
    private let descriptor: Int32

    public init(_ path: String, _ mode: Mode) throws {
        descriptor = try Self.open(path, mode)
        self.path = path
    }

    /// A file named within a folder that is open; a link of that name is not followed.
    init(_ name: String, _ mode: Mode, relativeTo folder: Int32, path: String) throws {
        descriptor = Int32(try retrying(mode == .read ? "open" : "create", path) { Int(openat(folder, name, Self.flags(mode) | O_NOFOLLOW, 0o600)) })
        self.path = path
    }

    private static func flags(_ mode: Mode) -> Int32 {
        switch mode {
        // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        case .read: O_RDONLY | O_CLOEXEC | O_NONBLOCK
        case .createNew: O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC
        case .write: O_RDWR | O_CREAT | O_CLOEXEC
        }
    }

    private static func open(_ path: String, _ mode: Mode) throws -> Int32 {
        Int32(try retrying(mode == .read ? "open" : "create", path) { Int(Glibc.open(path, flags(mode), 0o600)) })
    }

    /// Opens a file that the user named: whatever is wrong with it (not there, a loop of links, a folder, a pipe, a device,
    /// no permission) is the user's to mend.
    /// - Parameter what: what the file is, for messages.
    public static func input(_ path: String, _ what: String = "the path") throws -> OpenFile {
        let descriptor: Int32
        do {
            descriptor = try open(path, .read)
        } catch let error as SystemCallError where [ENOENT, ENOTDIR].contains(error.code) {
            throw Failure(.input, "no file \(path); check \(what)")
        } catch let error as SystemCallError where [ELOOP, ENAMETOOLONG, EACCES, EPERM, ENXIO, ENODEV].contains(error.code) {
            throw Failure(.input, "cannot open \(path): \(String(cString: strerror(error.code))); check \(what)")
        }
        let file = OpenFile(path: path, descriptor: descriptor)
        _ = try file.regularLength()
        return file
    }

    /// Throws where the user named something that no file can be written to.
    public static func expectOutput(_ path: String) throws {
        guard !path.isEmpty else { throw Failure(.input, "an empty path; name a file to write") }
        guard !FileSystem.isFolder(path) else { throw Failure(.input, "\(path) is a folder; name a file") }
        guard !FileSystem.exists(path) || FileSystem.isRegularFile(path) else {
            throw Failure(.input, "\(path) is no regular file; name another")
        }
        guard FileSystem.isFolder(FileSystem.parent(of: path)) else {
            throw Failure(.input, "no folder \(FileSystem.parent(of: path)) to write to; make it or name another file")
        }
        try FileSystem.expectWritable(folder: FileSystem.parent(of: path))
        let longest = Int(NAME_MAX) - FileSystem.temporarySuffix.utf8.count
        guard FileSystem.name(of: path).utf8.count <= longest else {
            throw Failure(.input, "the name of \(path) has more than \(longest) bytes; name a shorter one")
        }
    }

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { Glibc.close(descriptor) }

    /// The length in bytes of a regular file; anything else (a folder, a pipe) is an error.
    public func regularLength() throws -> Int {
        var status = stat()
        _ = try retrying("read the length of", path) { Int(fstat(descriptor, &status)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(.input, "\(path) is not a regular file; name a file") }
        return Int(status.st_size)
    }

    /// Reads exactly `buffer.count` bytes at `offset`; a file that ends earlier is an error.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < buffer.count {
            let count = try retrying("read", path) {
                pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            }
            guard count > 0 else { throw Failure(.failed, "\(path) ended \(buffer.count - done) bytes early") }
            done += count
        }
    }

    public func write(_ buffer: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < buffer.count {
            done += try retrying("write", path) {
                pwrite(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            }
        }
    }

    /// Sets the length; bytes beyond the old end read as zero.
    public func setLength(_ length: Int) throws {
        _ = try retrying("resize", path) { Int(ftruncate(descriptor, off_t(length))) }
    }

    /// Returns after the file's bytes are on the device. A failure here is final: the bytes must be written anew.
    public func synchronise() throws {
        guard fsync(descriptor) == 0 else { throw SystemCallError(operation: "sync", path: path, code: errno) }
    }

    /// As `synchronise`, without times and other things that reading the bytes does not need.
    public func synchroniseContent() throws {
        guard fdatasync(descriptor) == 0 else { throw SystemCallError(operation: "sync", path: path, code: errno) }
    }
}
