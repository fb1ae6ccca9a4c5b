import Glibc

extension FileSystem {
    /// Reads what a descriptor gives until its end.
    /// - Parameter most: more than so many bytes are refused.
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
