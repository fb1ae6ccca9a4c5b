internal import CSodium

/// A SHA-256 digest (FIPS 180-4).
public struct SHA256: Sendable, Hashable {
    public static let length = 32
    public let bytes: [UInt8]

    public init(bytes: [UInt8]) {
        precondition(bytes.count == Self.length)
        self.bytes = bytes
    }

    public init(of data: [UInt8]) {
        bytes = [UInt8](unsafeUninitializedCapacity: Self.length) { buffer, count in
            count = Self.length
            _ = crypto_hash_sha256(buffer.baseAddress!, data, UInt64(data.count))
        }
    }
}
