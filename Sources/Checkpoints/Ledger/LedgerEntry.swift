import Files
import Foundation

/// What happens to a project and is put on record.
public enum LedgerEvent: String, Codable, Sendable {
    case created, trained
    case deletionRequested = "deletion-requested"
    case deletionPublished = "deletion-published"
    case deletionClosed = "deletion-closed"
    case deletionUndone = "deletion-undone"
    case audited
}

/// An object as the ledger names it: by what it is and its file's digest, never by its content.
public struct LedgerObject: Codable, Sendable, Equatable {
    public let kind: String
    public let block: Int
    public let bytes: Int
    public let digest: String

    init(_ kind: ObjectKind, _ block: Int, _ bytes: Int, _ digest: Digest) {
        self.kind = kind.name
        self.block = block
        self.bytes = bytes
        self.digest = digest.description
    }
}

/// One entry of the ledger, stored and hashed as JSON. It holds no row content; rows appear as keyed digests of their ids.
public struct LedgerEntry: Codable, Sendable, Equatable {
    public let event: LedgerEvent
    /// ISO 8601, UTC.
    public let time: String
    /// Version of the program that wrote it.
    public let program: String
    /// R1, R2, …
    public var request: String?
    /// Keyed digests of the ids of the rows concerned, sorted.
    public var rows: [String]?
    public var written: [LedgerObject]?
    public var destroyed: [LedgerObject]?
    /// What else there is to say: options, report, measurements.
    public var details: JSONValue?

    public init(_ event: LedgerEvent, request: Int? = nil, details: JSONValue? = nil) {
        self.event = event
        time = Date.now.formatted(.iso8601)
        program = programVersion
        self.request = request.map(Store.requestName)
        self.details = details
    }

    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(self))
    }

    public init(decoding bytes: [UInt8]) throws { self = try JSONDecoder().decode(LedgerEntry.self, from: Data(bytes)) }
}
