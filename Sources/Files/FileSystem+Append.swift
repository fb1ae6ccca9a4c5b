import Glibc

extension FileSystem {
    /// Appends bytes to a file in one call, so that lines of several processes do not mix; makes the file, its owner's alone, where it is not there. A
    /// link, or a file with a second name, is not followed: it may be anything. Nothing is synced: what is appended tells of what is done, and
    /// nothing rests on it.
    public static func append(_ bytes: [UInt8], to path: String) throws {
        // Without O_NONBLOCK, opening a pipe that nobody reads from would wait for ever.
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW
        let descriptor = Int32(try retrying("open", path) { Int(path.withPathBytes { open($0, flags, 0o600) }) })
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
            throw Failure(.input, "\(path) is no plain file of one name; name another")
        }
        guard !bytes.isEmpty else { return }
        let written = try retrying("append to", path) { bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } }
        guard written == bytes.count else { throw SystemCallError(operation: "append to", path: path, code: ENOSPC) }
    }
}
