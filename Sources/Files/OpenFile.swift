internal import CSystem
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
        descriptor = Int32(try retrying(mode == .read ? "open" : "create", path) { Int(name.withPathBytes { openat(folder, $0, Self.flags(mode) | O_NOFOLLOW, 0o600) }) })
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
        Int32(try retrying(mode == .read ? "open" : "create", path) { Int(path.withPathBytes { Glibc.open($0, flags(mode), 0o600) }) })
    }

    /// Opens a file that the user named: whatever is wrong with it (not there, a loop of links, a folder, a device, no permission)
    /// is the user's to mend. A pipe is read to its end and held in memory. The secret key of a project is opened for nobody: its
    /// digits would end up in the message that says why it is no list, table or model.
    /// - Parameters:
    ///   - what: what the file is, for messages.
    ///   - most: bytes that are taken from a pipe.
    public static func input(_ path: String, _ what: String = "the path", digits: Digits = .areSecret, most: Int = mostPiped) throws -> OpenFile {
        let descriptor: Int32
        do {
            descriptor = try open(path, .read)
        } catch let error as SystemCallError where [ENOENT, ENOTDIR].contains(error.code) {
            throw Failure(.input, "no file \(path); check \(what)")
        } catch let error as SystemCallError where [ELOOP, ENAMETOOLONG, EACCES, EPERM, ENXIO, ENODEV].contains(error.code) {
            throw Failure(.input, "cannot open \(path): \(String(cString: strerror(error.code))); check \(what)")
        }
        let opened = OpenFile(path: path, descriptor: descriptor)
        let isPipe = try opened.status().st_mode & S_IFMT == S_IFIFO
        let file = isPipe ? try opened.heldInMemory(most: min(most, mostPiped)) : opened
        try file.refuseSecret(isPipe: isPipe, what, digits)
        return file
    }

    /// What 64 hexadecimal digits and nothing else are, in a file that the user names.
    public enum Digits: Sendable {
        /// A project's secret key: nothing else that can be meant looks like it.
        case areSecret
        /// Perhaps an id that is a digest, or a public key. Whoever reads the file must not repeat them in a message.
        case mayBeMeant
    }

    private func refuseSecret(isPipe: Bool, _ what: String, _ digits: Digits) throws {
        let length = try regularLength()
        var isSecret = SecretFile.isPlace(path, isPipe ? nil : try status())
        if !isSecret, digits == .areSecret, (SecretFile.digits...SecretFile.digits + 2).contains(length) {
            var bytes = [UInt8](repeating: 0, count: length)
            try bytes.withUnsafeMutableBytes { try read(into: $0, at: 0) }
            isSecret = SecretFile.isKey(bytes)
        }
        if isSecret {
            throw Failure(.input, "\(path) is a secret key, not a public one nor any other input, and nothing of it is shown; check \(what)")
        }
    }

    /// What is held of a pipe takes memory; more than this belongs into a file.
    public static let mostPiped = 1 << 31
    /// Whoever writes to a pipe with a name may open it a moment after us: how often to look, a hundredth of a second apart.
    private static let looksForWriter = 10

    /// What comes through this pipe, in a file that has no name and lies in memory alone: tables are read twice, archives in
    /// any order, and rows of people must not be left in a folder for temporary files.
    private consuming func heldInMemory(most: Int) throws -> OpenFile {
        let held = try OpenFile(inMemoryAs: path)
        var chunk = [UInt8](repeating: 0, count: 1 << 16), length = 0, looks = 0
        while true {
            try StopRequest.check()
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && (errno == EAGAIN || errno == EINTR) {
                // Somebody is there and has nothing to say yet.
                try StopRequest.waitForInput(descriptor, path)
                continue
            }
            guard count >= 0 else { throw SystemCallError(operation: "read", path: path, code: errno) }
            if count == 0 {
                if length > 0 { return held }
                guard looks < Self.looksForWriter else { throw Failure(.input, "nothing comes out of the pipe \(path); start what writes to it first") }
                looks += 1
                usleep(10_000)
                continue
            }
            guard length + count <= most else {
                throw Failure(.input, "more than \(most) bytes come out of the pipe \(path); write them to a file and name that")
            }
            try chunk.withUnsafeBytes { try held.write(UnsafeRawBufferPointer(rebasing: $0[..<count]), at: length) }
            length += count
        }
    }

    private func status() throws -> stat {
        var status = stat()
        _ = try retrying("read the length of", path) { Int(fstat(descriptor, &status)) }
        return status
    }

    /// A second descriptor of the same file, which stands at its beginning; whoever gets it closes it. Both move together.
    public func rewound() throws -> Int32 {
        _ = try retrying("read", path) { Int(lseek(descriptor, 0, SEEK_SET)) }
        return Int32(try retrying("read", path) { Int(fcntl(descriptor, F_DUPFD_CLOEXEC, 0)) })
    }

    /// Throws where the user named something that no file can be written to.
    public static func expectOutput(_ path: String) throws {
        guard !path.isEmpty else { throw Failure(.input, "an empty path; name a file to write") }
        // Elsewhere it is standard input, and whoever writes it means standard output.
        guard path != "-" else { throw Failure(.input, "'-' is no file to write; name one (./- for one of that name)") }
        guard !FileSystem.isFolder(path) else { throw Failure(.input, "\(path) is a folder; name a file") }
        guard !FileSystem.exists(path) || FileSystem.isRegularFile(path) else {
            throw Failure(.input, "\(path) is no regular file; name another")
        }
        guard FileSystem.isFolder(FileSystem.parent(of: path)) else {
            throw Failure(.input, "no folder \(FileSystem.parent(of: path)) to write to; make it or name another file")
        }
        try FileSystem.expectWritable(folder: FileSystem.parent(of: path))
        guard PathText.bytes(of: FileSystem.name(of: path)).count <= Int(NAME_MAX) else {
            throw Failure(.input, "the name of \(path) has more than \(NAME_MAX) bytes; name a shorter one")
        }
    }

    /// An empty file that has no name and lies in memory alone; messages call it by `path`.
    init(inMemoryAs path: String) throws {
        descriptor = Int32(try retrying("hold in memory", path) { Int(unlearn_memory_file("unlearn")) })
        self.path = path
    }

    /// The same with bytes in it.
    package static func holding(_ bytes: [UInt8], inMemoryAs path: String) throws -> OpenFile {
        let file = try OpenFile(inMemoryAs: path)
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        return file
    }

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { Glibc.close(descriptor) }

    /// The length in bytes of a regular file; anything else (a folder, a pipe) is an error.
    public func regularLength() throws -> Int {
        let status = try status()
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
        _ = try retrying("sync", path) { Int(fsync(descriptor)) }
    }

    /// As `synchronise`, without times and other things that reading the bytes does not need.
    public func synchroniseContent() throws {
        _ = try retrying("sync", path) { Int(fdatasync(descriptor)) }
    }
}
