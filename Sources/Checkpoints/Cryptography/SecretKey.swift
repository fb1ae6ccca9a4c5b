internal import CSodium

/// 32 secret bytes in memory that is locked against swapping where the system allows it, guarded against overruns, and
/// wiped when the value goes away.
final class SecretKey {
    static let length = 32

    private let memory: UnsafeMutableRawPointer

    private init() {
        _ = Sodium.started
        guard let memory = sodium_malloc(Self.length) else { fatalError("out of memory for a key") }
        self.memory = memory
    }

    deinit { sodium_free(memory) }

    static func random() -> SecretKey {
        let key = SecretKey()
        randombytes_buf(key.memory, length)
        return key
    }

    /// - Parameter bytes: 32 bytes, wiped by this call.
    convenience init(wiping bytes: inout [UInt8]) {
        precondition(bytes.count == Self.length)
        self.init()
        memory.copyMemory(from: bytes, byteCount: Self.length)
        sodium_memzero(&bytes, bytes.count)
    }

    /// The key for one purpose, derived from this one (libsodium's KDF, keyed BLAKE2b): those who know it learn nothing of
    /// this key or of others derived from it.
    func derived(_ purpose: Purpose) -> SecretKey {
        let key = SecretKey()
        let code = withBytes { crypto_kdf_derive_from_key(key.memory.assumingMemoryBound(to: UInt8.self), Self.length, purpose.rawValue, "unlearn1", $0) }
        precondition(code == 0, "the KDF refuses its own parameters")
        return key
    }

    enum Purpose: UInt64 {
        /// Seals the keyring's own key.
        case keyring = 1
        /// Turns row ids into keyed digests.
        case rowIDs = 2
        /// Authenticates the catalogue.
        case catalogue = 3
        /// Seed of the Ed25519 pair that signs the ledger and certificates.
        case signing = 4
        /// Seals where rows stand.
        case rows = 5
        /// Seals what ledger entries disclose to the key's owner, for good.
        case ledger = 6
        /// Opens what a certificate says of single names to those who asked.
        case openings = 7
        /// Seals what was computed on a working copy.
        case results = 8
    }

    func withBytes<Result>(_ body: (UnsafePointer<UInt8>) throws -> Result) rethrows -> Result {
        try body(UnsafePointer(memory.assumingMemoryBound(to: UInt8.self)))
    }

    /// BLAKE2b-256 keyed with this key.
    func authenticate(_ data: UnsafeRawBufferPointer) -> Digest {
        Digest(
            bytes: [UInt8](unsafeUninitializedCapacity: Digest.length) { buffer, count in
                count = Digest.length
                let source = data.baseAddress?.assumingMemoryBound(to: UInt8.self)
                let code = withBytes { crypto_generichash(buffer.baseAddress!, Digest.length, source, UInt64(data.count), $0, Self.length) }
                precondition(code == 0, "BLAKE2b refuses its own parameters")
            })
    }

    func authenticate(_ bytes: [UInt8]) -> Digest { bytes.withUnsafeBytes { authenticate($0) } }
}
