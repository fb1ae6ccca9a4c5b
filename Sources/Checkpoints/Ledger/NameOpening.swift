import Files

/// What lets somebody see that a certificate speaks of their name, and nobody see of whom else it speaks.
///
/// For each name of a request (the id of a row, a person, a provider) the ledger and the certificate hold a commitment, the SHA-256 digest of
/// an opening of 32 bytes and the name. The opening is a keyed digest of request and name: whoever has the project's key can compute it
/// and hand it over. With it and the name anybody can check the commitment; without it no guess at a name can be tested.
public struct NameOpening: Sendable, Equatable {
    public static let length = Digest.length

    public let bytes: [UInt8]

    /// - Throws: `Failure` of kind `input` where the text is no opening.
    public init(hexadecimal text: String) throws {
        guard let bytes = Hexadecimal.decode(text), bytes.count == Self.length, Hexadecimal.encode(bytes) == text else {
            throw Failure(.input, "an opening has \(2 * Self.length) hexadecimal digits in lower case, as 'unlearn opening' prints them, and this one has not; copy it whole")
        }
        self.bytes = bytes
    }

    fileprivate init(_ digest: Digest) { bytes = digest.bytes }

    public var hexadecimal: String { Hexadecimal.encode(bytes) }

    /// What a ledger entry and a certificate hold for a name.
    /// - Parameter name: in Unicode's form C.
    public func commitment(to name: String) -> String { Hexadecimal.encode(SHA256(of: bytes + Array(name.utf8)).bytes) }
}

extension Store {
    /// The opening of a name in a request.
    /// - Parameter name: in Unicode's form C.
    public func opening(of name: String, inRequest number: Int) -> NameOpening {
        NameOpening(keys.openings.authenticate(keys.projectID + Array("R\(number)".utf8) + [0] + Array(name.utf8)))
    }

    func commitments(to names: [String], inRequest number: Int) -> [String] {
        Set(names).map { opening(of: $0, inRequest: number).commitment(to: $0) }.sorted()
    }
}
