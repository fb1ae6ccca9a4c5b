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
            let all = try store.ledger(), requests = try store.requests(), lineage = try lineage()
            if let number, !requests.contains(where: { $0.number == number }) {
                throw Failure(.input, "no request \(Store.requestName(number)); 'unlearn log' lists them")
            }
            guard !requests.isEmpty else { throw Failure(.input, "no rows were asked for yet; 'unlearn delete' deletes some") }
            let model = lineage.isEmpty ? nil : try lineage.model()
            let serving = try model.map { try servingDigest(of: ExportedModel(state: $0, settings: settings)).description }
            let ofRequests = Dictionary(grouping: all.filter { $0.entry.request != nil }) { $0.entry.request! }
            let settlements = try store.owedAndSettled().settlements, owed = Set(status.requestsOwed)
            let settledBy = Dictionary(grouping: settlements.keys.sorted()) { settlements[$0]! }
            let copies = try workingCopies().map(\.folder), carriedOut = try store.carriedOut(), reports = Dictionary(uniqueKeysWithValues: carriedOut.map { ($0.number, $0.report) }), runs = Dictionary(uniqueKeysWithValues: carriedOut.map { ($0.number, $0.run) })
            let dates = Dictionary(uniqueKeysWithValues: try store.requestList().map { ($0.request, $0) })
            return requests.filter { number == nil || $0.number == number }.map { request in
                let name = Store.requestName(request.number), entries = ofRequests[name] ?? []
                func first(_ event: LedgerEvent) -> LedgerEntry? { entries.lazy.map(\.entry).first { $0.event == event } }
                let begun = first(.deletionRequested), closing = first(.deletionClosed), claims = ErasureClaims(entries.map(\.entry))
                let report = reports[request.number]
                let asked = begun?["asked"].flatMap(AskedRows.init)
                let gone = erasedMeanwhile(first(.deletionPublished) ?? first(.requestSuperseded))
                let owedBefore = Set((asked?.deletedBefore.keys.map { $0 } ?? []) + gone.keys).filter(owed.contains).inOrderOfRequests
                // Of rows that others erased the model forgot as much as it did by those requests.
                let erasers = gone.keys.compactMap { Int($0.dropFirst()) }.filter { reports[$0] != nil }
                let isOwed = report?.isExactnessOwed == true && owed.contains(name)
                let settling = isOwed ? nil : ([request.number] + erasers).compactMap { settlements[$0] }.max { runs[$0]! < runs[$1]! }
                let outcome: RequestRecord.Outcome =
                    if request.state == .undone { .undone }
                    else if request.state == .withdrawn { .withdrawn }
                    else if request.state == .received { .waiting }
                    else if request.state == .superseded { owedBefore.isEmpty ? .superseded : .owed }
                    else if request.state != .closed { .unfinished }
                    else if let report, report.exact, report.rowsDeleted == 0, report.rowsDeletedBefore == nil { .replay }
                    else if isOwed || !owedBefore.isEmpty { .owed }
                    else if settling != nil { .settled }
                    else if let report, report.blocksRetrained > 0 { report.exact ? .exact : .retrained }
                    else if let eraser = erasers.lazy.map({ reports[$0]! }).first(where: { $0.blocksRetrained > 0 }) { eraser.exact ? .exact : .retrained }
                    else { .noInfluence }
                let since = outcome == .settled || outcome == .owed
                    ? ([request.number] + erasers).filter { reports[$0]?.isExactnessOwed == true }.compactMap { ofRequests[Store.requestName($0)]?.first { $0.entry.event == .deletionPublished }?.entry.time }.min() : nil
                let settler = outcome == .settled ? settling.map(Store.requestName) : nil, run = runs[request.number], later = carriedOut.count { $0.run > run ?? .max }
                let remainders = first(.deletionPublished).flatMap { published in
                    published.details?["report"].map { ErasureClaims.remainders(ErasureClaims.report($0, published), published, isEncrypted: ErasureClaims.isEncrypted(store.encryption.name), isAcknowledged: first(.erasureAcknowledged) != nil) }
                } ?? []
                return RequestRecord(
                    request: name, outcome: outcome, settledBy: settler,
                    settledAt: settler.flatMap { ofRequests[$0]?.first { $0.entry.event == .deletionClosed }?.entry.time },
                    approximateSince: since, settles: (settledBy[request.number] ?? []).map(Store.requestName), owedBefore: owedBefore,
                    reason: first(.deletionUndone)?.details?["reason"]?.text, project: store.projectID, model: status.model, source: status.source, testSource: status.testSource,
                    requested: begun?.time, published: first(.deletionPublished)?.time, closed: closing?.time,
                    ended: (first(.deletionUndone) ?? first(.requestSuperseded))?.time, received: dates[name]?.due == nil ? nil : dates[name]?.received,
                    due: dates[name]?.due, sharedWith: report?.sharedWith ?? [], erasedMeanwhile: gone, asked: asked, ticket: begun?["ticket"]?.text,
                    rowsErased: claims?.rowsErased.count ?? (request.state == .published ? begun?.rows?.count ?? 0 : 0), testRowsErased: claims?.rowsErased.testRows ?? 0, erasureOrdered: report?.rowsOrdered == true ? .init(acknowledged: first(.erasureAcknowledged)?.time) : nil, objectsDestroyed: closing?.destroyed?.count,
                    encrypted: ErasureClaims.isEncrypted(store.encryption.name), meaning: claims?.influenceRemoved.meaning, report: report,
                    // An audit is of a run: it is recorded under one of its requests, and is each one's.
                    audits: ([name] + (report?.sharedWith ?? [])).flatMap { ofRequests[$0] ?? [] }.filter { $0.entry.event == .audited }
                        .sorted { $0.position < $1.position }.map { RequestRecord.Audit($0.entry) },
                    notReached: remainders.filter { !($0.kind == .influences && outcome != .owed) && !($0.kind == .sample && later > 0) }
                        .map { .init(kind: $0.kind, what: $0.1.what, place: $0.1.place) },
                    workingCopies: copies,
                    lineage: status.lineage, blocks: status.blocks,
                    stateDigest: status.stateDigest, servingDigest: serving, isModelExact: status.exact,
                    laterRequests: later,
                    ledgerPositions: entries.map(\.position), ledger: status.ledger, publicKey: status.publicKey)
            }
        }
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
