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

    /// The digest of a state: its step counts as little-endian Int32, in layout order.
    public init(of vector: LatticeVector) {
        self = vector.steps.withUnsafeBytes { Digest(of: $0) }
    }

    /// 64 hexadecimal digits.
    public var description: String { Hexadecimal.encode(bytes) }
}
