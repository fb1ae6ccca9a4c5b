import Checkpoints

/// What a certificate claims of one deletion, in three parts that are never mixed. A function of the ledger's entries
/// alone: whoever has the entries can derive the claims again.
struct ErasureClaims: Codable, Equatable {
    /// (a) Rows erased from the project's store.
    struct RowsErased: Codable, Equatable {
        let count: Int
        let testRows: Int
        /// Keyed digests of the rows' ids.
        let rows: [String]
        /// Blocks of rows that held them: destroyed, with their keys, and written anew without them.
        let blocksDestroyed: Int
        /// Nil where the rows lay in the project.
        let ordered: ErasureOrdered?
    }

    /// Rows that only the trainer holds: the project's store held their names, and what became of the rows is the trainer's word.
    struct ErasureOrdered: Codable, Equatable {
        /// When the trainer was first to be told.
        let since: String
        /// When it said that it had erased them; null where it had not when the certificate was issued.
        let acknowledged: String?
        let meaning: String

        /// - Parameter entries: those of the request; nil where they say otherwise.
        fileprivate init?(_ entries: [LedgerEntry], published: LedgerEntry, report: JSONValue) {
            guard report["rows_ordered"] == .bool(true) else { return nil }
            since = published.time
            acknowledged = entries.first { $0.event == .erasureAcknowledged }?.time
            meaning = "erasure ordered of the trainer, " + (acknowledged.map { "acknowledged at \($0)" } ?? "not acknowledged yet")
        }
    }

    /// (b) Checkpoints that remembered them, erased with their keys where they were encrypted.
    struct CheckpointsErased: Codable, Equatable {
        let count: Int
        /// What earlier deletions had left for audits: samples of models that knew the rows.
        let evidence: Int
        /// Tables of scores of models that knew the rows, kept for valuation.
        let utilities: Int
    }

    /// (c) Influence on the model removed: how, with what measured evidence, what bound or what extrapolation.
    struct InfluenceRemoved: Codable, Equatable {
        let method: JSONValue
        /// Stem, branches and blocks of a branch; null for a chain.
        let lineage: JSONValue
        /// Digests of what the model was merged from, where exactness follows from the lineage and nothing was deleted since.
        let mergedFrom: JSONValue
        /// What the method promises, in words.
        let meaning: String
        /// Of the L1 distance to exact replay; 0 where the method is exact, null where nothing bounds it.
        let bound: JSONValue
        let boundMeaning: String
        /// Of the same distance, where a fit says how it goes on; null where none does. Measured distances have been larger.
        let extrapolation: JSONValue
        let extrapolationMeaning: String
        let report: JSONValue
        let seed: JSONValue
        let latticeBits: JSONValue
        let fingerprint: JSONValue
        /// Comparisons with exact replay and with doing nothing, made since.
        let audits: [JSONValue]
    }

    /// What the deletion did not reach.
    struct NotReached: Codable, Equatable {
        let what: String
        let place: String?

        /// What takes away the influences that a stitch leaves. Certificates that were issued with the former words, which read as if it had
        /// happened, mean the same.
        fileprivate static let remedy = "an exact deletion afterwards takes them away"
        private static let formerRemedy = "an exact deletion since then has taken them away"

        init(what: String, place: String?) { (self.what, self.place) = (what, place) }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            what = try values.decode(String.self, forKey: .what).replacing(Self.formerRemedy, with: Self.remedy)
            place = try values.decodeIfPresent(String.self, forKey: .place)
        }
    }

    /// The exact replay that took away what a stitch of this request had left: another request of the same ledger, published later.
    struct Settlement: Codable, Equatable {
        let request: String
        let published: String
        let closed: String

        /// - Parameter entries: those of one request, in the ledger's order.
        /// - Returns: nil where they do not tell of an exact deletion, or replay, that was begun, published and closed, once and in this order.
        fileprivate init?(_ entries: [LedgerEntry]) {
            guard entries.map(\.event) == [.deletionRequested, .deletionPublished, .deletionClosed], let request = entries[0].request,
                request.wholeMatch(of: /R[1-9][0-9]*/) != nil, entries.allSatisfy({ $0.request == request }), entries[2].destroyed != nil,
                let report = entries[1].details?["report"], report["exact"] == .bool(true), report["method"] == .string("exact"), report["other_numerics"] != .bool(true),
                case .integer(let blocks)? = report["blocks_retrained"], blocks > 0
            else { return nil }
            (self.request, published, closed) = (request, entries[1].time, entries[2].time)
        }
    }

    let request: String
    let requested: String
    let published: String
    let closed: String
    let program: String
    /// Of everything that was destroyed; nil where the entries do not say.
    let encryption: String?
    /// All of these objects; the list that the root is of is sealed beside the ledger, and `log --request R --json` shows it to whoever has the key.
    let destroyed: ObjectSummary
    let rowsErased: RowsErased
    let checkpointsErased: CheckpointsErased
    let influenceRemoved: InfluenceRemoved
    /// Nil where the request was exact itself, or exactness is owed to it still.
    let settled: Settlement?
    /// What a settlement took away is not in it.
    let notReached: [NotReached]

    /// - Parameters:
    ///   - entries: those of one request, in the ledger's order; and those of the one that settled it, where it was owed exactness.
    ///   - name: the request's; nil: that of the first entry, where all are of one. What settled it may have been asked for before.
    /// - Returns: nil where they do not tell of a deletion that was begun, published and closed.
    init?(_ all: [LedgerEntry], of name: String? = nil) {
        let name = name ?? all.first?.request, entries = all.filter { $0.request == name }, others = all.filter { $0.request != name }
        // Each once, and none undone.
        guard [.deletionRequested, .deletionPublished, .deletionClosed].allSatisfy({ event in entries.count { $0.event == event } == 1 }),
            !entries.contains(where: { $0.event == .deletionUndone }), entries.count(where: { $0.event == .erasureAcknowledged }) <= 1,
            let requested = entries.first(where: { $0.event == .deletionRequested }),
            let published = entries.first(where: { $0.event == .deletionPublished }),
            let closed = entries.first(where: { $0.event == .deletionClosed }), let request = requested.request,
            entries.allSatisfy({ $0.request == request }), let kept = published.details?["report"], let destroyed = closed.destroyed, let rows = requested.rows
        else { return nil }
        let report = Self.report(kept, published)
        if others.isEmpty {
            settled = nil
        } else {
            // What came after it, and settled what was owed.
            guard Self.isExactnessOwed(report), let settlement = Settlement(others), let close = all.firstIndex(of: closed),
                // One that waited was asked for before.
                all[..<close].allSatisfy({ $0.request == request || $0.event == .deletionRequested })
            else { return nil }
            settled = settlement
        }
        self.request = request
        self.requested = requested.time
        self.published = published.time
        self.closed = closed.time
        program = published.program
        encryption = published.details?["encryption"]?.text
        self.destroyed = destroyed
        let testRows = if case .integer(let count)? = report["test_rows_deleted"] { count } else { 0 }
        rowsErased = RowsErased(
            count: rows.count, testRows: testRows, rows: rows, blocksDestroyed: destroyed.count(where: \.isRows),
            ordered: ErasureOrdered(entries, published: published, report: report))
        checkpointsErased = CheckpointsErased(
            count: destroyed.count(where: \.isCheckpoint), evidence: destroyed.count { $0 == .evidence }, utilities: destroyed.count { $0 == .utilities })
        influenceRemoved = Self.influence(
            report, published, audits: entries.filter { $0.event == .audited }.compactMap { $0["figures"] ?? $0.details })
        let isSettled = settled != nil
        notReached = Self.remainders(report, published, isEncrypted: Self.isEncrypted(encryption), isAcknowledged: rowsErased.ordered?.acknowledged != nil)
            .filter { !isSettled || ![.influences, .sample].contains($0.kind) }.map(\.1)
    }

    /// The deletion's report with what the entry still discloses of the model and of what was measured.
    static func report(_ kept: JSONValue, _ published: LedgerEntry) -> JSONValue {
        guard case .object(var fields) = kept else { return kept }
        if case .object(let measured)? = published["measured"] { fields.merge(measured) { $1 } }
        for name in ["state_digest", "serving", "test_accuracy", "interim", DeletionReport.earlierStitchesNow] { if let value = published[name] { fields[name] = value } }
        return .object(fields)
    }

    /// Whether what was destroyed lay encrypted, so that its keys went with it.
    static func isEncrypted(_ encryption: String?) -> Bool { encryption.map { $0 != Encryption.none.name } ?? false }

    private static func influence(_ report: JSONValue, _ published: LedgerEntry, audits: [JSONValue]) -> InfluenceRemoved {
        let words = InfluenceWords(report), details = published.details ?? .null
        return InfluenceRemoved(
            method: report["method"] ?? .null, lineage: details["lineage"] ?? .null, mergedFrom: published["merged"] ?? .null, meaning: words.meaning, bound: words.bound, boundMeaning: words.boundMeaning,
            extrapolation: words.extrapolation, extrapolationMeaning: words.extrapolationMeaning, report: report, seed: details["seed"] ?? .null,
            latticeBits: details["lattice_bits"] ?? .null, fingerprint: details["fingerprint"] ?? .null, audits: audits)
    }

    /// Whether a deletion's report says that there was no influence to remove.
    static func retrainedNothing(_ report: JSONValue) -> Bool { report["blocks_retrained"] == .integer(0) }

    /// Whether a deletion's report says that it put blocks back on behind a stitch of its own.
    static func madeStitch(_ report: JSONValue) -> Bool {
        if case .integer(let count)? = report["stitches"] { count > 0 } else { report["damping"]?.double != nil }
    }

    /// Whether exactness is owed to the request, as far as its own entries tell.
    var owesExactness: Bool { settled == nil && Self.isExactnessOwed(influenceRemoved.report) }

    /// Whether a deletion's report says that exactness was owed behind it.
    static func isExactnessOwed(_ report: JSONValue) -> Bool { report["exact"] != .bool(true) && (madeStitch(report) || report["other_numerics"] == .bool(true)) }

    /// What is left where, by kind.
    static func remainders(_ report: JSONValue, _ published: LedgerEntry, isEncrypted: Bool, isAcknowledged: Bool) -> [(kind: RequestRecord.Remainder.Kind, NotReached)] {
        let details = published.details ?? .null
        var list: [(kind: RequestRecord.Remainder.Kind, NotReached)] = [(.source, NotReached(what: "the source that the rows were imported from", place: details["source"]?.text))]
        if let test = details["test_source"]?.text { list.append((.source, NotReached(what: "the source that test rows were imported from", place: test))) }
        if report["rows_ordered"] == .bool(true) {
            let names = isAcknowledged ? "" : "; it has not said so yet, and until it does their names stay in the project, sealed"
            list.append((.holder, NotReached(what: "the rows themselves, which the trainer alone holds: that it erases them is its word, and its own copies and backups are its own\(names)", place: nil)))
        }
        list += [
            (.exports, NotReached(what: "states exported before the deletion, and certificates issued before it, which name digests of models that knew the rows", place: nil)),
            (.copies, NotReached(what: "backups and copies of the project's folder\(isEncrypted ? ", and of its key" : "")", place: nil)),
            (.drive, NotReached(what: "what the drive keeps of overwritten and removed files; swap and memory of the time", place: nil)),
            (.constants, NotReached(what: "constants of the data's encoding, names and weights of classes, fixed when the project was made", place: nil)),
        ]
        // Where branches alone were retrained, no other block knew the rows.
        let isOfBranches = details["lineage"].map { $0 != .null } == true && !madeStitch(report)
        if report["method"] == .string("stitch"), !retrainedNothing(report), !isOfBranches {
            let influences = "influences of the blocks that were not retrained: they are those of models that knew the rows, and confirm a guess at one; \(NotReached.remedy)"
            list.append((.influences, NotReached(what: influences, place: nil)))
        }
        let others = erasedMeanwhile(published).keys.inOrderOfRequests
        if !others.isEmpty {
            list.append((.influences, NotReached(what: "what \(others.joined(separator: ", ")) may have left of the rows that \(others.count == 1 ? "it" : "they") erased while this request waited: \(others.count == 1 ? "its certificate tells" : "their certificates tell")", place: nil)))
        }
        if published.written?.kinds["evidence"] != nil {
            let sample = "a sparse sample of the model before the deletion\(isEncrypted ? ", encrypted" : ""), kept for audits until the next deletion"
            list.append((.sample, NotReached(what: sample, place: nil)))
        }
        let stitches = if case .array(let segments)? = report["segments"] { segments.compactMap { $0["damping"]?.double } } else { [Double]() }
        for damping in stitches where damping < 1 {
            list.append((.influences, NotReached(what: "the part of the gap that a damped stitch leaves in the chain, \(1 - damping) of it", place: nil)))
        }
        return list
    }
}
