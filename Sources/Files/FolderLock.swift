import Glibc

/// Holds a folder, or a file, for one writer at a time. The kernel drops the lock when its process ends, however it ends.
public final class FolderLock {
    private let descriptor: Int32
    private let path: String
    private static let microsecondsBetweenAttempts: UInt32 = 10_000

    /// Takes the lock file at `path` or says who holds it.
    /// - Parameters:
    ///   - what: what is held, for messages.
    ///   - attempts: how often to ask, a hundredth of a second apart.
    public convenience init(_ path: String, of what: String = "the project", attempts: Int = 6) throws {
        try self.init(path, relativeTo: AT_FDCWD, path: path, of: what, attempts: attempts)
    }

    /// The same, of a name in a folder that is held open, wherever its path leads.
    public convenience init(_ name: String, in folder: OpenFolder, of what: String = "the project") throws {
        try self.init(name, relativeTo: folder.descriptor, path: folder.path(of: name), of: what, attempts: 6)
    }

    private init(_ name: String, relativeTo folder: Int32, path: String, of what: String, attempts mostAttempts: Int) throws {
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW
        do {
            descriptor = Int32(try retrying("open the lock", path) { Int(name.withPathBytes { openat(folder, $0, flags, 0o600) }) })
        } catch let error as SystemCallError where [ELOOP, EISDIR, ENXIO].contains(error.code) {
            throw Self.foreign(path)
        }
        self.path = path
        // Its owner is written over what is there, which must be no file of somebody else's.
        guard try Self.holdsLock(descriptor, path) else { throw Self.foreign(path) }
        var code: Int32 = 0, attempts = 0
        repeat {
            // A process that is about to start another program lends it its locks for a moment, between fork and exec.
            if attempts > 0 { usleep(Self.microsecondsBetweenAttempts) }
            code = flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno
            attempts += 1
        } while code == EINTR || (code == EWOULDBLOCK && attempts < mostAttempts)
        if code != 0 {
            var owner = [UInt8](repeating: 0, count: 32)
            let length = pread(descriptor, &owner, owner.count, 0)
            // Everything is initialised, so a throw from here runs deinit, which closes.
            guard code == EWOULDBLOCK else { throw SystemCallError(operation: "lock", path: path, code: code) }
            let process = String(decoding: owner.prefix(max(0, length)), as: UTF8.self)
            throw Failure(.locked, "\(what) is in use by process \(process.isEmpty ? "?" : process) (\(path)); wait for it to end")
        }
        let process = Array("\(getpid())".utf8)
        // For messages only: the lock holds whether or not its owner can be written down.
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, process, process.count, 0)
    }

    private static let mostDigits = 20

    /// Whether a file can be one that an earlier holder left: its process's number and no more, and no second name of another file.
    private static func holdsLock(_ descriptor: Int32, _ path: String) throws -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemCallError(operation: "look at", path: path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink <= 1, (0...mostDigits).contains(Int(status.st_size)) else { return false }
        var content = [UInt8](repeating: 0, count: mostDigits)
        let length = try retrying("read", path) { pread(descriptor, &content, content.count, 0) }
        return content.prefix(length).allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func foreign(_ path: String) -> Failure {
        Failure(.input, "\(path) is the name of a lock, and what lies there is none; move it elsewhere")
    }

    /// Whether the file that is locked is still the one at its path. Where somebody removed it, another writer may hold a new one.
    public var isInPlace: Bool {
        var held = stat(), named = stat()
        return fstat(descriptor, &held) == 0 && path.withPathBytes { lstat($0, &named) } == 0 && held.st_ino == named.st_ino && held.st_dev == named.st_dev
    }

    /// The same, of a name in a folder that is held open: true only where the lock is the one of that very folder.
    public func isInPlace(as name: String, in folder: OpenFolder) -> Bool { folder.leads(name, to: descriptor) }

    /// Removes the file at the path while it is held: whoever waits for it holds nothing then, and has to look with `isInPlace`.
    public func remove() {
        if isInPlace { _ = path.withPathBytes { unlink($0) } }
    }

    deinit { close(descriptor) }
}
