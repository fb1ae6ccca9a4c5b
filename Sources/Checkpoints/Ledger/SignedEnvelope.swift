import Foundation

/// A signed message in a DSSE envelope (github.com/secure-systems-lab/dsse, version 1).
public struct SignedEnvelope: Codable, Sendable {
    public struct Signature: Codable, Sendable {
        public let keyid: String
        public let sig: String
    }

    public let payloadType: String
    /// Base64.
    public let payload: String
    public let signatures: [Signature]

    /// in-toto's type of payload.
    public static let inTotoType = "application/vnd.in-toto+json"

    init(_ content: [UInt8], type: String, key: SigningKey) {
        payloadType = type
        payload = Data(content).base64EncodedString()
        signatures = [
            Signature(keyid: Self.keyID(key.publicKey), sig: Data(key.sign(Self.preAuthentication(type, content))).base64EncodedString())
        ]
    }

    /// What is signed: type and content with their lengths ("PAE").
    private static func preAuthentication(_ type: String, _ content: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(type.utf8.count) \(type) \(content.count) ".utf8) + content
    }

    /// A hint for choosing among keys: the public key itself.
    static func keyID(_ key: PublicKey) -> String { key.description }

    /// The content, where one of the signatures is this key's and all are readable; else nil.
    public func content(verifiedBy key: PublicKey) -> [UInt8]? {
        guard let content = StrictJSON.bytes(base64: payload) else { return nil }
        let message = Self.preAuthentication(payloadType, content), signatures = signatures.map { StrictJSON.bytes(base64: $0.sig) }
        guard !signatures.contains(nil) else { return nil }
        return signatures.contains { key.verify($0!, of: message) } ? content : nil
    }

    /// The key that the first signature names; who trusts it must know it from elsewhere.
    public var namedKey: PublicKey? { signatures.first.flatMap { PublicKey(text: $0.keyid) } }
}

extension Store {
    /// Signs a message with the project's key.
    public func signed(_ content: [UInt8], type: String) -> SignedEnvelope { SignedEnvelope(content, type: type, key: signingKey) }
}
