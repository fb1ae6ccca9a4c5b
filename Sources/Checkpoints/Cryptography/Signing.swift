internal import CSodium
import Files
import Foundation

/// An Ed25519 key pair (RFC 8032).
final class SigningKey {
    let publicKey: PublicKey
    private let memory: UnsafeMutableRawPointer
    /// libsodium keeps the seed and the public key together.
    private static let length = 64

    init(seed: SecretKey) {
        guard let memory = sodium_malloc(Self.length) else { fatalError("out of memory for a key") }
        self.memory = memory
        var bytes = [UInt8](repeating: 0, count: PublicKey.length)
        let code = seed.withBytes { crypto_sign_seed_keypair(&bytes, memory.assumingMemoryBound(to: UInt8.self), $0) }
        precondition(code == 0, "Ed25519 refuses its own parameters")
        publicKey = PublicKey(bytes: bytes)
    }

    deinit { sodium_free(memory) }

    func sign(_ message: [UInt8]) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: PublicKey.signatureLength)
        let code = crypto_sign_detached(&signature, nil, message, UInt64(message.count), memory.assumingMemoryBound(to: UInt8.self))
        precondition(code == 0, "Ed25519 refuses its own parameters")
        return signature
    }
}

/// The public half of a signing key.
public struct PublicKey: Sendable, Equatable, CustomStringConvertible {
    static let length = 32
    static let signatureLength = 64

    public let bytes: [UInt8]

    init(bytes: [UInt8]) {
        precondition(bytes.count == Self.length)
        self.bytes = bytes
    }

    func verify(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        _ = Sodium.started
        return signature.count == Self.signatureLength && crypto_sign_verify_detached(signature, message, UInt64(message.count), bytes) == 0
    }

    /// 64 hexadecimal digits.
    public var description: String { Hexadecimal.encode(bytes) }

    /// What stands before the key in its SubjectPublicKeyInfo (RFC 8410, section 4).
    private static let derPrefix: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]

    /// As other programs read it: PEM of a SubjectPublicKeyInfo.
    public var pem: String { "-----BEGIN PUBLIC KEY-----\n\(Data(Self.derPrefix + bytes).base64EncodedString())\n-----END PUBLIC KEY-----\n" }

    static let pemLength = PublicKey(bytes: [UInt8](repeating: 0, count: length)).pem.utf8.count

    /// Whether these are the bytes of the secret key from which the pair of `other` follows: given in the place of a public key.
    public func isSecret(behind other: PublicKey) -> Bool {
        var bytes = bytes
        return SigningKey(seed: SecretKey(wiping: &bytes).derived(.signing)).publicKey == other
    }

    /// Reads 64 hexadecimal digits or PEM.
    public init?(text: String) {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        if lines.count == 1, let bytes = Hexadecimal.decode(lines[0]), bytes.count == Self.length {
            self.bytes = bytes
        } else if lines.first == "-----BEGIN PUBLIC KEY-----", lines.last == "-----END PUBLIC KEY-----",
            let der = Data(base64Encoded: lines.dropFirst().dropLast().joined()), der.count == Self.derPrefix.count + Self.length,
            der.starts(with: Self.derPrefix)
        {
            bytes = Array(der.suffix(Self.length))
        } else {
            return nil
        }
    }
}
