import Files
import Foundation

/// What happens to a project and is put on record.
public enum LedgerEvent: String, Codable, Sendable {
    case created, trained
    /// Rows came into new blocks.
    case appended
    case deletionRequested = "deletion-requested"
    case deletionPublished = "deletion-published"
    case deletionClosed = "deletion-closed"
    case deletionUndone = "deletion-undone"
    /// Other requests erased the rows of one that waited.
    case requestSuperseded = "request-superseded"
    /// The trainer, which alone holds the rows, says that it has erased them.
    case erasureAcknowledged = "erasure-acknowledged"
    case audited, valued
    /// Somebody put destroyed objects back, and they were destroyed again.
    case erasedAgain = "erased-again"
}

/// One entry of the ledger, stored and hashed as JSON. In the open it says what happened to which request and when; all else
/// (rows, objects, options, measurements) are commitments, opened by disclosures that the project keeps sealed.
public struct LedgerEntry: Sendable, Equatable {
    public let event: LedgerEvent
    /// ISO 8601, UTC.
    public let time: String
    /// Version of the program that wrote it.
    public let program: String
    /// R1, R2, …
    public let request: String?
    /// What it commits to: digests of disclosures, and decoys, sorted.
    public let sealed: [String]
    /// The disclosures that there are, with their lifetimes.
    public let disclosures: [(lifetime: DisclosureLifetime, disclosure: Disclosure)]

    /// What stands in the ledger.
    private struct Open: Codable {
        let event: LedgerEvent
        let time: String
        let program: String
        let request: String?
        let sealed: [String]
    }

    public init(
        _ event: LedgerEvent, request: Int? = nil, details: JSONValue? = nil, lasting: [String: JSONValue] = [:],
        untilDeletion: [String: JSONValue] = [:], whileStitched: [String: JSONValue] = [:]
    ) throws {
        self.event = event
        time = Date.now.formatted(.iso8601)
        program = programVersion
        self.request = request.map(Store.requestName)
        var lasting = lasting
        lasting["details"] = details
        let named: [(DisclosureLifetime, [String: JSONValue])] = [(.lasting, lasting), (.untilDeletion, untilDeletion), (.whileStitched, whileStitched)]
        disclosures = try named.flatMap { lifetime, values in
            try values.sorted { $0.key < $1.key }.map { (lifetime: lifetime, disclosure: try Disclosure($0.key, $0.value)) }
        }
        let commitments = disclosures.map(\.disclosure.commitment)
        let missing = (Self.sealedStep - commitments.count % Self.sealedStep) % Self.sealedStep
        sealed = (commitments + (0..<missing).map { _ in Hexadecimal.encode(Sodium.random(SHA256.length)) }).sorted()
    }

    /// An entry has a multiple of so many commitments: decoys that nothing opens make up the number (RFC 9901, section 4.2.5),
    /// for the number alone would tell a stitch from an exact replay.
    static let sealedStep = 8

    /// The bytes that are hashed into the ledger's tree.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(Open(event: event, time: time, program: program, request: request, sealed: sealed)))
    }

    /// Why an entry with its disclosures is none.
    public enum Invalid: Error {
        case unreadable
        /// A disclosure that the entry did not commit to, or one name twice.
        case foreignDisclosure
    }

    /// An entry from its bytes and the disclosures of it that there still are.
    public init(decoding bytes: [UInt8], disclosures: [(DisclosureLifetime, String)]) throws {
        guard let open = try? StrictJSON.decode(Open.self, from: bytes) else { throw Invalid.unreadable }
        event = open.event
        time = open.time
        program = open.program
        request = open.request
        sealed = open.sealed
        let commitments = Set(open.sealed)
        var names: Set<String> = []
        self.disclosures = try disclosures.map { lifetime, text in
            guard let disclosure = Disclosure(text: text), commitments.contains(disclosure.commitment), names.insert(disclosure.name).inserted else {
                throw Invalid.foreignDisclosure
            }
            return (lifetime: lifetime, disclosure: disclosure)
        }
    }

    public static func == (a: LedgerEntry, b: LedgerEntry) -> Bool {
        (a.event, a.time, a.program, a.request, a.sealed) == (b.event, b.time, b.program, b.request, b.sealed)
            && a.disclosures.map(\.disclosure) == b.disclosures.map(\.disclosure)
    }

    // MARK: - What it discloses

    /// A value by its name; nil where the entry has none, or what opened it is destroyed.
    public subscript(name: String) -> JSONValue? { disclosures.first { $0.disclosure.name == name }?.disclosure.value }

    /// What else there is to say: options, what was done.
    public var details: JSONValue? { self["details"] }

    /// The names of what certificates do not show: an officer's reference may name a person, and how many others a list named is theirs.
    static let ticket = "ticket", asked = "asked"

    /// What a certificate of the entry's request shows.
    public var disclosuresForOthers: [Disclosure] { disclosures.map(\.disclosure).filter { ![Self.ticket, Self.asked].contains($0.name) } }

    /// What a certificate of another request shows, which this one settled: that it was done and what it destroyed, but nobody's rows.
    public var disclosuresOfSettlement: [Disclosure] {
        switch event {
        case .deletionPublished: disclosures.map(\.disclosure).filter { $0.name == "details" }
        case .deletionClosed: disclosures.map(\.disclosure)
        default: []
        }
    }

    /// Keyed digests of the ids of the rows concerned, sorted; nil, too, where what stands there is no list of texts.
    public var rows: [String]? { texts("rows") }

    /// Commitments to the names that rows were asked for by (`NameOpening`), sorted; nil in entries of earlier versions, too.
    public var names: [String]? { texts("names") }

    private func texts(_ name: String) -> [String]? {
        guard case .array(let values)? = self[name] else { return nil }
        let texts = values.compactMap(\.text)
        return texts.count == values.count ? texts : nil
    }

    public var written: ObjectSummary? { self["written"].flatMap(ObjectSummary.init) }
    public var destroyed: ObjectSummary? { self["destroyed"].flatMap(ObjectSummary.init) }
}
