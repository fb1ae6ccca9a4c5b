import Checkpoints
import Files

/// The requests of a project and what was done, as its ledger tells it.
public struct LogReport: Encodable, Sendable {
    public struct Request: Encodable, Sendable {
        public let request: String
        /// `received`, `planned`, `published`, `closed`, `undone`, `superseded` or `withdrawn`.
        public let state: String
        /// ISO 8601, UTC; nil where it did not come so far.
        public let requested: String?
        public let published: String?
        public let closed: String?
        /// Keyed digests of the ids of the rows.
        public let rows: [String]
        /// How many objects of each kind, under one root.
        public let destroyed: ObjectSummary?
        public let written: ObjectSummary?
        /// What was destroyed, object by object.
        public let destroyedObjects: [Object]
        /// What `delete` reported, or nil.
        public let report: JSONValue?
        /// Why it was undone, or nil.
        public let reason: String?
        /// When it ended without being carried out, or nil.
        public let ended: String?
        /// By request, how many of its rows that one erased while this one waited.
        public let erasedMeanwhile: [String: Int]
        /// When the trainer, which alone holds the rows, said that it has erased them; nil where it has not, or the rows lay here.
        public let erasureAcknowledged: String?
        public let audits: [JSONValue]

        /// Whether it was carried out and no trained block had held the rows.
        public var hadNoInfluence: Bool { report.map(ErasureClaims.retrainedNothing) ?? false }

        /// How the influence was removed. Entries of earlier versions call a stitch what made none.
        public var method: RemovalMethod? {
            guard let report, let method = report["method"]?.text.flatMap(RemovalMethod.init) else { return nil }
            return method == .stitch && !ErasureClaims.madeStitch(report) && report["stitches"] != nil ? .retraining : method
        }
    }

    public struct Object: Encodable, Sendable {
        public let name: String
        public let kind: String
        public let block: Int
        /// BLAKE2b of its file, hexadecimal.
        public let digest: String

        init(_ object: ListedObject) {
            (name, kind, block, digest) = (object.name.description, object.kind.name, object.block, object.digest.description)
        }
    }

    public struct Event: Encodable, Sendable {
        public let position: Int
        public let event: LedgerEvent
        public let time: String
        public let program: String
        public let request: String?
        /// What it says for good beside what requests say; nil where it belongs to one.
        public let details: JSONValue?
    }

    public let requests: [Request]
    /// Every entry of the ledger, in order.
    public let events: [Event]
    public let treeHead: TreeHead?
    /// What is odd and no fault: times that run backwards.
    public let remarks: [String]
    /// Of what was destroyed and written.
    public let encryption: String
    public var isEncrypted: Bool { ErasureClaims.isEncrypted(encryption) }

    /// What `delete` reported, with the earlier stitches that still lie in the chain.
    private static func report(_ published: LedgerEntry) -> JSONValue? {
        guard case .object(var fields)? = published.details?["report"] else { return nil }
        if let earlier = published[DeletionReport.earlierStitchesNow] { fields[DeletionReport.earlierStitchesNow] = earlier }
        return .object(fields)
    }

    /// - Parameter number: one request alone, or nil: all.
    /// - Throws: kind `damaged` where the ledger is not the one that was signed: what it tells would be believed.
    /// - Complexity: O(entries · log entries) hashes.
    public init(of store: Store, request number: Int?) throws {
        if let fault = try store.ledgerFaults().first { throw Failure(.damaged, "\(fault); run 'unlearn check'") }
        let entries = try store.ledger()
        encryption = store.encryption.name
        treeHead = try store.treeHeads().last
        remarks = LedgerTimes.remarks(entries)
        let wanted = number.map(Store.requestName)
        events = entries.filter { wanted == nil || $0.entry.request == wanted }.map {
            Event(position: $0.position, event: $0.entry.event, time: $0.entry.time, program: $0.entry.program, request: $0.entry.request,
                details: $0.entry.request == nil ? $0.entry.details : nil)
        }
        requests = try store.requests().filter { number == nil || $0.number == number }.map { request in
            let name = Store.requestName(request.number)
            let own = entries.map(\.entry).filter { $0.request == name }
            func first(_ event: LedgerEvent) -> LedgerEntry? { own.first { $0.event == event } }
            return Request(
                request: name, state: "\(request.state)", requested: first(.deletionRequested)?.time, published: first(.deletionPublished)?.time,
                closed: first(.deletionClosed)?.time, rows: first(.deletionRequested)?.rows ?? [], destroyed: first(.deletionClosed)?.destroyed,
                written: first(.deletionPublished)?.written,
                destroyedObjects: number == nil ? [] : try store.destroyedObjects(by: request.number).map(Object.init), report: first(.deletionPublished).flatMap(Self.report),
                reason: first(.deletionUndone)?.details?["reason"]?.text, ended: (first(.deletionUndone) ?? first(.requestSuperseded))?.time,
                erasedMeanwhile: Unlearn.erasedMeanwhile(first(.deletionPublished) ?? first(.requestSuperseded)),
                erasureAcknowledged: first(.erasureAcknowledged)?.time, audits: own.filter { $0.event == .audited }.compactMap { $0["figures"] ?? $0.details })
        }
    }
}
