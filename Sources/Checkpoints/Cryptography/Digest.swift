internal import CSodium
import Files
import Tensors

/// BLAKE2b with 256 bits of output (RFC 7693), by libsodium. `b2sum -l 256` gives the same.
public struct Digest: Sendable, Hashable, CustomStringConvertible {
    public static let length = 32

    public let bytes: [UInt8]

    public init(bytes: [UInt8]) {
        precondition(bytes.count == Self.length)
        self.bytes = bytes
    }

    public init(of data: UnsafeRawBufferPointer) {
        _ = Sodium.started
        bytes = [UInt8](unsafeUninitializedCapacity: Self.length) { buffer, count in
            count = Self.length
            let source = data.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let code = crypto_generichash(buffer.baseAddress!, Self.length, source, UInt64(data.count), nil, 0)
            precondition(code == 0, "BLAKE2b refuses its own parameters")
        }
    }

    /// The digest of the first `length` bytes of a file, of which little is in memory at a time.
    init(of file: borrowing OpenFile, length: Int) throws {
        var chunk = [UInt8](repeating: 0, count: min(length, 1 << 20))
        var start = 0
        self = try Digest(ofPieces: { more in
            while start < length {
                let count = min(chunk.count, length - start)
                try chunk.withUnsafeMutableBytes { try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<count]), at: start) }
                chunk.withUnsafeBytes { more(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                start += count
            }
        })
    }

    /// The digest of pieces that follow each other.
    public init(ofPieces pieces: (_ more: (UnsafeRawBufferPointer) -> Void) throws -> Void) rethrows {
        _ = Sodium.started
        let state = UnsafeMutableRawPointer.allocate(byteCount: crypto_generichash_statebytes(), alignment: 64)
        defer { state.deallocate() }
        let hash = OpaquePointer(state)
        precondition(crypto_generichash_init(hash, nil, 0, Self.length) == 0, "BLAKE2b refuses its own parameters")
        try pieces { piece in
            precondition(crypto_generichash_update(hash, piece.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(piece.count)) == 0, "BLAKE2b refuses its input")
        }
        bytes = [UInt8](unsafeUninitializedCapacity: Self.length) { buffer, count in
            count = Self.length
            precondition(crypto_generichash_final(hash, buffer.baseAddress!, Self.length) == 0, "BLAKE2b refuses its own parameters")
        }
    }

    /// The digest of a state: its step counts as little-endian Int32, in layout order.
    public init(of vector: LatticeVector) {
        self = vector.steps.withUnsafeBytes { Digest(of: $0) }
    }

    /// 64 hexadecimal digits.
    public var description: String { Hexadecimal.encode(bytes) }
}
