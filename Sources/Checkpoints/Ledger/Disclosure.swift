import Foundation

/// How long the project keeps what opens a commitment of the ledger.
public enum DisclosureLifetime: Int, Sendable, Codable {
    /// For good: nothing in it depends on what a row held.
    case lasting = 0
    /// Until the next deletion: it speaks of a model that knew the rows which that one deletes.
    case untilDeletion = 1
    /// As long as a stitch lies in the chain, which tells as much of the rows itself.
    case whileStitched = 2
}

/// A value that a ledger entry commits to without showing it (as in SD-JWT, RFC 9901): the entry holds the SHA-256 digest of
/// this text, a JSON array of salt, name and value. Without the salt nobody can test a guess at the value; with the text, whoever
/// has the entry can check that this is what it committed to. Once every copy of the text is destroyed, the entry tells nothing.
public struct Disclosure: Sendable, Equatable {
    public let name: String
    public let value: JSONValue
    /// What is hashed, to the byte.
    public let text: String

    private static let saltLength = 16

    init(_ name: String, _ value: JSONValue) throws {
        self.name = name
        self.value = value
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let content: [JSONValue] = [.string(Hexadecimal.encode(Sodium.random(Self.saltLength))), .string(name), value]
        text = String(decoding: try encoder.encode(content), as: UTF8.self)
    }

    /// Nil where the text is no disclosure.
    public init?(text: String) {
        guard case .array(let parts)? = try? StrictJSON.value(of: Array(text.utf8)), parts.count == 3,
            parts[0].text != nil, let name = parts[1].text
        else { return nil }
        self.name = name
        value = parts[2]
        self.text = text
    }

    /// The commitment: 64 hexadecimal digits.
    public var commitment: String { Hexadecimal.encode(SHA256(of: Array(text.utf8)).bytes) }
}
