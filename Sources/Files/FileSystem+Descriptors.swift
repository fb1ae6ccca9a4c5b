import Glibc

extension FileSystem {
    /// Reads what a descriptor gives until its end.
    /// - Parameter most: more than so many bytes are refused.
    public static func readToEnd(_ descriptor: Int32, _ path: String, most: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            try StopRequest.waitForInput(descriptor, path)
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            // A descriptor that was given to us may be one that does not wait.
            if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard count >= 0 else { throw SystemCallError(operation: "read", path: path, code: errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= most else { throw Failure(.input, "\(path) goes on behind \(most) bytes; give a shorter list") }
        }
    }
}
