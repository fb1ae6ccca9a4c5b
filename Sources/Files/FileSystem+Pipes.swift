import Glibc

extension FileSystem {
    /// Reads a file that the user named, or all that comes through a pipe that this process was handed: `<(…)` and `/dev/stdin`
    /// are names of such. Any other pipe is refused: where nobody writes to it, reading would never end.
    /// - Parameter most: more than so many bytes are refused.
    public static func read(inputOrPipe path: String, _ what: String = "the path", most: Int) throws -> [UInt8] {
        var status = stat()
        guard isOwnDescriptor(path), stat(path, &status) == 0, [S_IFIFO, S_IFCHR, S_IFSOCK].contains(status.st_mode & S_IFMT) else {
            return try read(input: path, what, most: most)
        }
        let descriptor = Int32(try retrying("open", path) { Int(open(path, O_RDONLY | O_CLOEXEC)) })
        defer { close(descriptor) }
        return try readToEnd(descriptor, path, most: most)
    }

    private static func isOwnDescriptor(_ path: String) -> Bool {
        path == "/dev/stdin" || path.hasPrefix("/dev/fd/") || path.hasPrefix("/proc/self/fd/")
    }

    /// Reads what a descriptor gives until its end.
    public static func readToEnd(_ descriptor: Int32, _ path: String, most: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            // Ctrl-C while waiting for input.
            if count < 0 && errno == EINTR { throw Failure.interrupted }
            guard count >= 0 else { throw SystemCallError(operation: "read", path: path, code: errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= most else { throw Failure(.input, "\(path) goes on behind \(most) bytes; give a shorter list") }
        }
    }
}
