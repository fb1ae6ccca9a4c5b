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

    /// From 64 hexadecimal digits.
    public init?(hexadecimal: String) {
        guard let bytes = Hexadecimal.decode(hexadecimal), bytes.count == Self.length else { return nil }
        self.bytes = bytes
    }

    /// 64 hexadecimal digits.
    public var description: String { Hexadecimal.encode(bytes) }
}

/// Bytes as lower-case hexadecimal digits.
public enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Nil where the text is anything but pairs of digits, of either case.
    public static func decode(_ text: String) -> [UInt8]? {
        let values = text.utf8.map { byte in digits.firstIndex(of: byte | 0x20).flatMap { byte >= 0x30 ? UInt8($0) : nil } }
        guard values.count % 2 == 0, !values.contains(nil) else { return nil }
        return stride(from: 0, to: values.count, by: 2).map { values[$0]! << 4 | values[$0 + 1]! }
    }
}
