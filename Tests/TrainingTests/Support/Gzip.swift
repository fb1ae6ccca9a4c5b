import CZlib
import TestSupport

extension TemporaryFolder {
    /// Writes a gzip file and gives its path.
    func writeGzip(_ bytes: [UInt8], to name: String) throws -> String {
        struct NotWritten: Error {}
        guard let handle = gzopen(file(name), "wb") else { throw NotWritten() }
        let written = bytes.isEmpty ? 0 : gzwrite(handle, bytes, UInt32(bytes.count))
        guard gzclose(handle) == Z_OK, written == bytes.count else { throw NotWritten() }
        return file(name)
    }
}
