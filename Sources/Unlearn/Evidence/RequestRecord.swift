import Checkpoints
import Files
import Training

/// All that a project can say of one request, for a page that somebody signs: what was asked, what was done, what is owed, what was found
/// when it was compared with exact replay, and what is out of the program's reach.
public struct RequestRecord: Encodable, Sendable {
    /// What became of the rows' influence on the model, as far as it is known now.
    public enum Outcome: String, Encodable, Sendable {
        /// Recorded as an intention, or published and not yet closed: the next command that writes goes on with it, or undoes it.
        case unfinished
        /// Everything is as it was before.
        case undone
        /// Taken back while it waited.
        case withdrawn
        /// Nothing is done yet.
        case waiting
        /// Other requests erased its rows while it waited, or none of its names had one.
        case superseded
        /// No trained block held the rows.
        case noInfluence = "no-influence"
        /// The bits of a training without the rows.
        case exact
        /// All that had stood on the rows was trained anew; what is not exact in the model is of other requests.
        case retrained
        /// Approximate, and an exact replay is owed: to this request, or to an earlier one that had erased some of the rows asked for.
        case owed
        /// It was approximate until a later request replayed it exactly.
        case settled
        /// No rows of its own: stitches of other requests were replayed.
        case replay
    }

    /// One comparison with exact replay and with doing nothing. Figures are gone once a later deletion came.
    public struct Audit: Encodable, Sendable {
        public let time: String
        public let verdict: AuditReport.Verdict?
        public let agreementExact: Double?
        public let agreementNothing: Double?
        public let l1ToExact: Double?
        public let l1NothingToExact: Double?
        public let accuracy: AuditReport.Accuracy

        init(_ entry: LedgerEntry) {
            let figures = entry["figures"] ?? .null
            time = entry.time
            verdict = (figures["verdict"] ?? entry.details?["verdict"])?.text.flatMap(AuditReport.Verdict.init)
            agreementExact = figures["agreement_exact"]?.double
            agreementNothing = figures["agreement_nothing_vs_exact"]?.double
            l1ToExact = figures["l1_to_exact"]?.double
            l1NothingToExact = figures["l1_nothing_to_exact"]?.double
            let accuracies = figures["accuracy"]
            accuracy = .init(current: accuracies?["current"]?.double, exact: accuracies?["exact"]?.double, nothing: accuracies?["nothing"]?.double)
        }
    }

    /// What the deletion did not reach, and where it lies where that is known.
    public struct Remainder: Encodable, Sendable {
        public enum Kind: String, Encodable, Sendable {
            /// Where rows were imported from.
            case source
            /// The trainer, where it alone holds the rows.
            case holder
            /// Models that were exported, and certificates that name them.
            case exports
            /// Of the project's folder and its key.
            case copies
            case drive
            case constants
            /// Of the model: gone with the next exact replay.
            case influences
            /// Of the model before: gone with the next deletion.
            case sample
        }

        public let kind: Kind
        public let what: String
        public let place: String?
    }

    /// The erasure of rows that only the trainer holds.
    public struct Ordered: Encodable, Sendable {
        /// When it said that they are erased; nil: it has not.
        public let acknowledged: String?
    }

    public let request: String
    public let outcome: Outcome
    /// The request whose exact replay settled it, and when that was closed.
    public let settledBy: String?
    public let settledAt: String?
    /// When the approximation came into place that was settled, or is owed an exact replay.
    public let approximateSince: String?
    /// Requests that this one made exact.
    public let settles: [String]
    /// Of those that had erased rows asked for before, the ones to which exactness is owed still.
    public let owedBefore: [String]
    /// Why it was undone.
    public let reason: String?
    public let project: String
    public let model: String
    public let source: String
    public let testSource: String?
    /// ISO 8601, UTC; nil where it did not come so far.
    public let requested: String?
    public let published: String?
    public let closed: String?
    /// When it ended without being carried out: withdrawn, undone or superseded.
    public let ended: String?
    /// When the letter came: ISO 8601, UTC; and the day until whose end the request is to be carried out. Nil where it was carried out at once.
    public let received: String?
    public let due: String?
    /// Other requests that were carried out in the same run.
    public let sharedWith: [String]
    /// By request, how many of its rows others erased while it waited.
    public let erasedMeanwhile: [String: Int]
    /// Nil in requests of versions that did not keep it.
    public let asked: AskedRows?
    /// The officer's own reference.
    public let ticket: String?
    public let rowsErased: Int
    public let testRowsErased: Int
    /// Nil where the rows lay in the project.
    public let erasureOrdered: Ordered?
    /// Blocks of rows and checkpoints that were destroyed, with their keys where they lay encrypted.
    public let objectsDestroyed: Int?
    public let encrypted: Bool
    /// How the influence was removed, as the certificate says it.
    public let meaning: String?
    /// What is kept of `delete`'s own report; nil where it did not come so far.
    public let report: DeletionReport?
    public let audits: [Audit]
    /// As it is now: what a later exact replay or deletion took away is left out.
    public let notReached: [Remainder]
    /// Folders of copies that work elsewhere (`jobs`), as they are now.
    public let workingCopies: [String]
    public let lineage: LineageShape?
    public let blocks: Int
    /// The model that the project serves now, and whether it is one that training without all deleted rows gives.
    public let stateDigest: String?
    public let servingDigest: String?
    public let isModelExact: Bool
    /// Carried out after this one: the model is theirs, too.
    public let laterRequests: Int
    /// Where the ledger has it, and what signs it.
    public let ledgerPositions: [Int]
    public let ledger: TreeHead?
    public let publicKey: String

    public var isCarriedOut: Bool { published != nil }
}

extension Project {
    /// - Parameters:
    ///   - number: nil: all requests, in order.
    ///   - status: of this project as it is.
    /// - Throws: kind `input` where there is no such request, `damaged` where the ledger is not what was signed.
    /// - Complexity: O(entries · log entries) hashes, and one reading of the model.
    public func records(ofRequest number: Int?, _ status: Status) throws -> [RequestRecord] {
        try store.snapshot {
            if let fault = try store.ledgerFaults().first { throw Failure(.damaged, "\(fault); run 'unlearn check'") }
            let requests = try store.requests()
            if let number, !requests.contains(where: { $0.number == number }) {
                throw Failure(.input, "no request \(Store.requestName(number)); 'unlearn log' lists them")
            }
            guard !requests.isEmpty else { throw Failure(.input, "no rows were asked for yet; 'unlearn delete' deletes some") }
            let history = try RequestHistory(self, status)
            return requests.filter { number == nil || $0.number == number }.map(history.record)
        }
    }
}

/// What the records of all requests are made of.
private struct RequestHistory {
    private let status: Status
    private let projectID: String
    private let encryption: String
    /// Digest of the model that is served; nil where none is trained.
    private let serving: String?
    /// By name.
    private let entries: [String: [StoredLedgerEntry]]
    private let dates: [String: ListedRequest]
    private let owed: Set<String>
    /// By number: who settled it, and whom it settled.
    private let settlements: [Int: Int]
    private let settledBy: [Int: [Int]]
    private let carriedOut: [CarriedOut]
    private let reports: [Int: DeletionReport]
    private let runs: [Int: Int]
    private let workingCopies: [String]

    init(_ project: Project, _ status: Status) throws {
        let store = project.store, lineage = try project.lineage()
        self.status = status
        (projectID, encryption) = (store.projectID, store.encryption.name)
        serving = lineage.isEmpty ? nil : try project.servingDigest(of: Project.ExportedModel(state: lineage.model(), settings: project.settings)).description
        entries = Dictionary(grouping: try store.ledger().filter { $0.entry.request != nil }) { $0.entry.request! }
        dates = Dictionary(uniqueKeysWithValues: try store.requestList().map { ($0.request, $0) })
        owed = Set(status.requestsOwed)
        let settlements = try store.owedAndSettled().settlements
        self.settlements = settlements
        settledBy = Dictionary(grouping: settlements.keys.sorted()) { settlements[$0]! }
        carriedOut = try store.carriedOut()
        reports = Dictionary(uniqueKeysWithValues: carriedOut.map { ($0.number, $0.report) })
        runs = Dictionary(uniqueKeysWithValues: carriedOut.map { ($0.number, $0.run) })
        workingCopies = try project.workingCopies().map(\.folder)
    }

    /// A request's entries of one kind, the first of them.
    private func first(_ event: LedgerEvent, _ request: StoredRequest) -> LedgerEntry? {
        entries[Store.requestName(request.number)]?.first { $0.entry.event == event }?.entry
    }

    /// Of rows that others erased the model forgot as much as it did by those requests.
    private func erasers(_ gone: [String: Int]) -> [Int] { gone.keys.compactMap { Int($0.dropFirst()) }.filter { reports[$0] != nil } }

    private func isOwed(_ request: StoredRequest) -> Bool {
        reports[request.number]?.isExactnessOwed == true && owed.contains(Store.requestName(request.number))
    }

    /// The last request that settled it, or one that had erased rows of its.
    private func settler(_ request: StoredRequest, _ erasers: [Int]) -> Int? {
        isOwed(request) ? nil : ([request.number] + erasers).compactMap { settlements[$0] }.max { runs[$0]! < runs[$1]! }
    }

    private func outcome(_ request: StoredRequest, owedBefore: [String], erasers: [Int]) -> RequestRecord.Outcome {
        switch request.state {
        case .undone: return .undone
        case .withdrawn: return .withdrawn
        case .received: return .waiting
        case .superseded: return owedBefore.isEmpty ? .superseded : .owed
        case .closed: break
        default: return .unfinished
        }
        let report = reports[request.number]
        if let report, report.exact, report.rowsDeleted == 0, report.rowsDeletedBefore == nil { return .replay }
        if isOwed(request) || !owedBefore.isEmpty { return .owed }
        if settler(request, erasers) != nil { return .settled }
        let retrained = ([report] + erasers.map { reports[$0] }).lazy.compactMap { $0 }.first { $0.blocksRetrained > 0 }
        return retrained.map { $0.exact ? .exact : .retrained } ?? .noInfluence
    }

    /// When the approximation came into place that was settled, or is owed an exact replay.
    private func approximateSince(_ request: StoredRequest, _ erasers: [Int]) -> String? {
        let owing = ([request.number] + erasers).filter { reports[$0]?.isExactnessOwed == true }.map(Store.requestName)
        return owing.compactMap { entries[$0]?.first { $0.entry.event == .deletionPublished }?.entry.time }.min()
    }

    /// An audit is of a run: it is recorded under one of its requests, and is each one's.
    private func audits(_ names: [String]) -> [RequestRecord.Audit] {
        let all = names.flatMap { entries[$0] ?? [] }.filter { $0.entry.event == .audited }
        return all.sorted { $0.position < $1.position }.map { RequestRecord.Audit($0.entry) }
    }

    private func notReached(_ published: LedgerEntry?, isAcknowledged: Bool, isOwed: Bool, laterRequests: Int) -> [RequestRecord.Remainder] {
        guard let published, let kept = published.details?["report"] else { return [] }
        let all = ErasureClaims.remainders(
            ErasureClaims.report(kept, published), published, isEncrypted: ErasureClaims.isEncrypted(encryption), isAcknowledged: isAcknowledged)
        return all.filter { ($0.kind != .influences || isOwed) && ($0.kind != .sample || laterRequests == 0) }
            .map { RequestRecord.Remainder(kind: $0.kind, what: $0.1.what, place: $0.1.place) }
    }

    func record(_ request: StoredRequest) -> RequestRecord {
        let name = Store.requestName(request.number), entries = entries[name] ?? [], report = reports[request.number], claims = ErasureClaims(entries.map(\.entry))
        let begun = first(.deletionRequested, request), published = first(.deletionPublished, request), closing = first(.deletionClosed, request)
        let undone = first(.deletionUndone, request), superseded = first(.requestSuperseded, request), acknowledged = first(.erasureAcknowledged, request)
        let asked = begun?["asked"].flatMap(AskedRows.init), gone = erasedMeanwhile(published ?? superseded), erasers = erasers(gone)
        let owedBefore = Set(asked?.deletedBefore.map(\.key) ?? []).union(gone.keys).filter(owed.contains).inOrderOfRequests
        let outcome = outcome(request, owedBefore: owedBefore, erasers: erasers), dates = dates[name]
        let settler = outcome == .settled ? settler(request, erasers).map(Store.requestName) : nil
        let settlement = settler.flatMap { self.entries[$0]?.first { $0.entry.event == .deletionClosed } }
        let run = runs[request.number] ?? .max, later = carriedOut.count { $0.run > run }
        // What was published and not yet closed has no claims.
        let publishedRows = request.state == .published ? begun?.rows?.count ?? 0 : 0
        return RequestRecord(
            request: name, outcome: outcome, settledBy: settler, settledAt: settlement?.entry.time,
            approximateSince: outcome == .settled || outcome == .owed ? approximateSince(request, erasers) : nil,
            settles: (settledBy[request.number] ?? []).map(Store.requestName), owedBefore: owedBefore, reason: undone?.details?["reason"]?.text,
            project: projectID, model: status.model, source: status.source, testSource: status.testSource,
            requested: begun?.time, published: published?.time, closed: closing?.time, ended: (undone ?? superseded)?.time,
            received: dates?.due == nil ? nil : dates?.received, due: dates?.due, sharedWith: report?.sharedWith ?? [], erasedMeanwhile: gone, asked: asked,
            ticket: begun?["ticket"]?.text, rowsErased: claims?.rowsErased.count ?? publishedRows, testRowsErased: claims?.rowsErased.testRows ?? 0,
            erasureOrdered: report?.rowsOrdered == true ? .init(acknowledged: acknowledged?.time) : nil, objectsDestroyed: closing?.destroyed?.count,
            encrypted: ErasureClaims.isEncrypted(encryption), meaning: claims?.influenceRemoved.meaning, report: report,
            audits: audits([name] + (report?.sharedWith ?? [])),
            notReached: notReached(published, isAcknowledged: acknowledged != nil, isOwed: outcome == .owed, laterRequests: later),
            workingCopies: workingCopies, lineage: status.lineage, blocks: status.blocks, stateDigest: status.stateDigest, servingDigest: serving,
            isModelExact: status.exact, laterRequests: later, ledgerPositions: entries.map(\.position), ledger: status.ledger, publicKey: status.publicKey)
    }
}

/// What a request's entries say of rows that others erased while it waited.
/// - Parameter entry: its publication, or that it was superseded.
func erasedMeanwhile(_ entry: LedgerEntry?) -> [String: Int] {
    guard case .object(let rows)? = entry?.details?["report"]?["erased_meanwhile"] ?? entry?.details?["erased_meanwhile"] else { return [:] }
    return rows.compactMapValues { if case .integer(let count) = $0 { count } else { nil } }
}

extension AskedRows {
    /// As the ledger has it; nil where it is of another form.
    init?(_ value: JSONValue) {
        func whole(_ key: String) -> Int? { if case .integer(let number)? = value[key] { number } else { nil } }
        guard let way = value["way"]?.text.flatMap(Way.init), let names = whole("names"), let repeated = whole("repeated"),
            case .array(let notFound)? = value["not_found"], case .object(let before)? = value["deleted_before"]
        else { return nil }
        self.way = way
        (self.names, self.repeated) = (names, repeated)
        self.notFound = notFound.compactMap(\.text)
        deletedBefore = before.compactMapValues { if case .integer(let count) = $0 { count } else { nil } }
    }
}
