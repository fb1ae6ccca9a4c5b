internal import CSodium
import Files

/// Room on disk for rows that wait to find their places. The file has no name, and what is in it is encrypted with a key
/// that exists in memory alone: nothing readable outlives the process.
public final class ScratchFile {
    /// For the moment in which the file has one.
    static let name = "scratch" + FileSystem.temporarySuffix

    private let file: OpenFile
    private let key = SecretKey.random()
    private let rowBytes: Int

    /// - Parameters:
    ///   - folder: where the file's blocks are to lie.
    init(in folder: OpenFolder, rows: Int, rowBytes: Int) throws {
        file = try folder.open(Self.name, .createNew)
        self.rowBytes = rowBytes
        try folder.remove(Self.name)
        try file.setLength(rows * rowBytes)
    }

    /// Writes a row; each may be written once.
    public func write(_ content: UnsafeRawBufferPointer, row: Int) throws {
        precondition(content.count == rowBytes)
        try crypt(content, row: row).withUnsafeBytes { try file.write($0, at: row * rowBytes) }
    }

    /// Reads rows that were all written; those that were not are without meaning.
    public func read(rows: Range<Int>) throws -> [UInt8] {
        var content = [UInt8](repeating: 0, count: rows.count * rowBytes)
        try content.withUnsafeMutableBytes { raw in
            try file.read(into: raw, at: rows.lowerBound * rowBytes)
            for row in rows {
                let place = UnsafeMutableRawBufferPointer(rebasing: raw[(row - rows.lowerBound) * rowBytes..<(row - rows.lowerBound + 1) * rowBytes])
                place.copyBytes(from: crypt(UnsafeRawBufferPointer(place), row: row))
            }
        }
        return content
    }

    /// ChaCha20 with the row's number as nonce, in both directions. No tag: the bytes come back within the same call.
    private func crypt(_ content: UnsafeRawBufferPointer, row: Int) -> [UInt8] {
        guard let source = content.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return [] }
        let nonce = withUnsafeBytes(of: UInt64(row).littleEndian) { Array($0) }
        return [UInt8](unsafeUninitializedCapacity: content.count) { buffer, count in
            count = content.count
            let code = key.withBytes { crypto_stream_chacha20_xor(buffer.baseAddress!, source, UInt64(content.count), nonce, $0) }
            precondition(code == 0, "ChaCha20 refuses its own parameters")
        }
    }
}
