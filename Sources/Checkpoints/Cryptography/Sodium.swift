internal import CSodium

/// libsodium, started once.
enum Sodium {
    static let started: Void = precondition(sodium_init() >= 0, "libsodium cannot start")

    /// Unpredictable bytes from the system.
    static func random(_ count: Int) -> [UInt8] {
        _ = started
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
            randombytes_buf(buffer.baseAddress!, count)
            initialised = count
        }
    }

    /// Overwrites bytes that were secret, in a way that no optimiser leaves out.
    static func wipe(_ bytes: inout [UInt8]) { bytes.withUnsafeMutableBytes { if let start = $0.baseAddress { sodium_memzero(start, $0.count) } } }
}
