import Glibc

/// A folder held by its descriptor: what is done through it is done there, wherever the folder is moved and whatever its path
/// leads to meanwhile. Names are of this folder's own files, without slashes.
public final class OpenFolder {
    /// How the folder was named, for messages.
    public let path: String
    let descriptor: Int32

    public init(_ path: String) throws {
        descriptor = Int32(try retrying("open the folder", path) { Int(path.withPathBytes { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }) })
        self.path = path
    }

    /// A folder in this one; a link there is not followed.
    public init(_ name: String, in parent: OpenFolder) throws {
        let path = parent.path + "/" + name
        descriptor = Int32(try retrying("open the folder", path) { Int(name.withPathBytes { openat(parent.descriptor, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) }) })
        self.path = path
    }

    deinit { close(descriptor) }

    public func path(of name: String) -> String { path + "/" + name }

    func status(_ name: String) throws -> stat? {
        var status = stat()
        if name.withPathBytes({ fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 { return status }
        guard errno == ENOENT else { throw SystemCallError(operation: "look at", path: path(of: name), code: errno) }
        return nil
    }

    public func exists(_ name: String) -> Bool {
        var status = stat()
        return name.withPathBytes({ fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0
    }

    /// The length in bytes of a regular file, or nil where there is none of that name.
    /// - Throws: `Failure` of kind `damaged` where the name is that of a folder, a link, a pipe or a device.
    public func length(_ name: String) throws -> Int? {
        guard let status = try status(name) else { return nil }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(.damaged, "\(path(of: name)) is no regular file") }
        return Int(status.st_size)
    }

    /// The length in bytes of what can be a file that this program left: a regular one that has no second name; else nil.
    public func lengthOfUnshared(_ name: String) throws -> Int? {
        guard let status = try status(name), status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else { return nil }
        return Int(status.st_size)
    }

    /// Whether the path still leads here. What opens files by path, as SQLite does, is to be trusted only while it does.
    public var isAtItsPath: Bool {
        var held = stat(), named = stat()
        return fstat(descriptor, &held) == 0 && path.withPathBytes({ stat($0, &named) }) == 0 && held.st_ino == named.st_ino && held.st_dev == named.st_dev
    }

    /// Whether a name leads to the file that a descriptor holds.
    func leads(_ name: String, to other: Int32) -> Bool {
        var held = stat(), named = stat()
        return fstat(other, &held) == 0 && name.withPathBytes({ fstatat(descriptor, $0, &named, AT_SYMLINK_NOFOLLOW) }) == 0 && held.st_ino == named.st_ino
            && held.st_dev == named.st_dev
    }

    /// Opens a regular file; links are not followed.
    public func open(_ name: String, _ mode: OpenFile.Mode) throws -> OpenFile {
        try OpenFile(name, mode, relativeTo: descriptor, path: path(of: name))
    }

    /// The whole of a regular file.
    public func read(_ name: String) throws -> [UInt8] {
        let file = try open(name, .read), length = try file.regularLength()
        return try [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            try file.read(into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: length), at: 0)
            count = length
        }
    }

    public func remove(_ name: String) throws {
        guard name.withPathBytes({ unlinkat(descriptor, $0, 0) }) == 0 || errno == ENOENT else {
            throw SystemCallError(operation: "remove", path: path(of: name), code: errno)
        }
    }

    /// Renames within this folder, durably.
    public func rename(_ name: String, to newName: String) throws {
        guard renameat(descriptor, name, descriptor, newName) == 0 else {
            throw SystemCallError(operation: "rename \(path(of: name)) to", path: path(of: newName), code: errno)
        }
        try synchronise()
    }

    /// Makes a folder in this one for its owner alone, durably; there must be nothing of that name.
    public func makeFolder(_ name: String) throws {
        guard name.withPathBytes({ mkdirat(descriptor, $0, 0o700) }) == 0 else {
            throw SystemCallError(operation: "make the folder", path: path(of: name), code: errno)
        }
        try synchronise()
    }

    /// Removes this folder where it is empty and still at its path: no other that is there now.
    public func removeIfEmpty() {
        if isAtItsPath { _ = path.withPathBytes { rmdir($0) } }
    }

    /// Whether a name is that of a folder; a link to one is none.
    public func isFolder(_ name: String) -> Bool {
        var status = stat()
        return name.withPathBytes({ fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Removes a file, or a folder and all in it. Links are removed, not followed.
    public func removeTree(_ name: String) throws { try takeTree(name) { try $0.remove($1) } }

    func takeTree(_ name: String, _ take: (OpenFolder, String) throws -> Void) throws {
        guard let status = try status(name) else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else { return try take(self, name) }
        let folder = try OpenFolder(name, in: self)
        for inner in try folder.names() { try folder.takeTree(inner, take) }
        guard name.withPathBytes({ unlinkat(descriptor, $0, AT_REMOVEDIR) }) == 0 || errno == ENOENT else {
            throw SystemCallError(operation: "remove the folder", path: path(of: name), code: errno)
        }
    }

    /// The names in the folder, sorted, without `.` and `..`.
    public func names() throws -> [String] {
        // A copy of the descriptor would share its place in the list with another reader.
        let copy = Int32(try retrying("list", path) { Int(openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) })
        guard let list = fdopendir(copy) else {
            let code = errno
            close(copy)
            throw SystemCallError(operation: "list", path: path, code: code)
        }
        defer { closedir(list) }
        return try FileSystem.names(read: list, of: path)
    }

    /// Returns after the folder's names are on the device.
    public func synchronise() throws {
        _ = try retrying("sync the folder", path) { Int(fsync(descriptor)) }
    }

    // MARK: - The door

    /// Waits until nobody holds the door shut, and holds it open while `body` runs. Readers pass it for the moment in which they
    /// fix what they see; a writer shuts it to be alone for a moment, however many readers follow each other.
    public func passDoor<Result>(_ body: () throws -> Result) throws -> Result {
        try hold(LOCK_SH, attempts: 6000)
        defer { flock(descriptor, LOCK_UN) }
        return try body()
    }

    /// Shuts the door while `body` runs: no reader begins.
    public func shutDoor<Result>(_ body: () throws -> Result) throws -> Result {
        try hold(LOCK_EX, attempts: 6000)
        defer { flock(descriptor, LOCK_UN) }
        return try body()
    }

    private func hold(_ operation: Int32, attempts: Int) throws {
        for _ in 0..<attempts {
            if flock(descriptor, operation | LOCK_NB) == 0 { return }
            guard errno == EWOULDBLOCK || errno == EINTR else {
                // File systems without locks: then nothing keeps readers and writers apart but the database's own waiting.
                if errno == ENOLCK || errno == EOPNOTSUPP { return }
                throw SystemCallError(operation: "lock", path: path, code: errno)
            }
            usleep(10_000)
        }
        throw Failure(.locked, "\(path) was held for a minute by another command; wait for it to end")
    }
}
