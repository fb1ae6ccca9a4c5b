import Checkpoints

/// What a deletion's report comes to in words, for claim (c) of its certificate. Each sentence follows from what the report says of
/// every segment, of the state that the first started from and of the stitches that still lie in the chain.
struct InfluenceWords {
    let meaning: String
    let bound: JSONValue
    let boundMeaning: String
    let extrapolation: JSONValue
    let extrapolationMeaning: String

    init(_ report: JSONValue) {
        let facts = Facts(report)
        meaning = facts.meaning
        (bound, boundMeaning) = facts.bound
        (extrapolation, extrapolationMeaning) = facts.extrapolation
    }

    private struct Facts {
        let report: JSONValue
        /// γ of this request's own stitches.
        let dampings: [Double]
        /// Requests before this one whose stitches lie in the chain.
        let earlierStitches: [String]
        /// By how many of the rows other requests had erased while this one waited.
        let erasedMeanwhile: [String]
        /// Those whose stitches lay in it when this one was carried out, and that an exact replay has taken away since.
        let stitchesGone: [String]

        init(_ report: JSONValue) {
            self.report = report
            dampings = if case .array(let segments)? = report["segments"] { segments.compactMap { $0["damping"]?.double } } else { [] }
            func names(_ key: String) -> [String] { if case .array(let names)? = report[key] { names.compactMap(\.text) } else { [] } }
            earlierStitches = names(DeletionReport.earlierStitchesNow)
            erasedMeanwhile = if case .object(let rows)? = report["erased_meanwhile"] { rows.keys.inOrderOfRequests } else { [] }
            stitchesGone = earlierStitches.isEmpty ? names(DeletionReport.earlierStitchesThen) : []
        }

        private func says(_ key: String) -> Bool { report[key] == .bool(true) }
        private var retrainedNothing: Bool { ErasureClaims.retrainedNothing(report) }
        /// Whether no other request had a part in what happened to the model, or to its rows.
        private var isAlone: Bool { if case .array(let others)? = report["shared_with"], !others.isEmpty { false } else { erasedMeanwhile.isEmpty } }
        private var isExact: Bool { says("exact") }
        private var isStitched: Bool { report["method"] == .string("stitch") }
        /// Whether this request made stitches of which nothing measured is kept any more: an exact replay took them away.
        private var stitchesAreGone: Bool {
            if case .integer(let count)? = report["stitches"] { dampings.isEmpty && count > 0 } else { false }
        }
        private var runsToTheEnd: Bool { report["damping"]?.double == nil }
        /// Reports of earlier versions have no such field, and their certificates keep the words that they were issued with.
        private var tellsOfRows: Bool { report["row_forecast"] != nil }
        /// The same of branches that are merged no more, and of stitches that lay in the chain.
        private var tellsOfMerge: Bool { report[DeletionReport.earlierStitchesThen] != nil }
        /// Whether γ was chosen by what the deleted rows themselves said.
        private var isDampedByRows: Bool {
            guard let forecast = report["row_forecast"], forecast["kind"] == .string(RowForecast.Kind.remembered.rawValue),
                let share = forecast["share"]?.double, let tolerance = forecast["tolerance"]?.double, let damping = report["damping"]?.double
            else { return false }
            return abs(damping - share) <= tolerance + 1e-12
        }
        private var startedInexactly: Bool { report["from_exact_state"] == .bool(false) }

        var meaning: String {
            // Others' certificates tell of what others erased.
            guard !erasedMeanwhile.isEmpty else { return ownMeaning }
            return "of the rows that it erased itself: \(ownMeaning); of those that \(erasedMeanwhile.joined(separator: ", ")) erased while it waited, "
                + "\(erasedMeanwhile.count == 1 ? "that request's certificate tells" : "those requests' certificates tell")"
        }

        private var ownMeaning: String {
            if retrainedNothing {
                let emptied = branches("branches_emptied")
                guard !emptied.isEmpty else { return "no block that was trained held the rows; \(isAlone ? "the model is untouched" : "nothing was retrained for them")" }
                return "no block that was trained held the rows; \(named(emptied)) had no other row, and the model is merged without \(emptied.count == 1 ? "it" : "them")"
            }
            if says("exact_by_construction") { return byConstruction }
            if isExact {
                return (report["rows_deleted"] == .integer(0)
                    ? "replayed what earlier stitches had left; the state has the bits that training without any deleted row gives"
                    : "retrained without the rows; the state has the bits that training without them gives") + outOfMerge
            }
            if stitchesAreGone {
                return "retrained without the rows until the stop rule held, then put the rest back on; an exact replay has taken that stitch away "
                    + "since, and what was measured for it went with it"
            }
            var words = isStitched && !dampings.isEmpty ? stitched : "retrained without the rows to the end of \(report["branches_touched"] == nil || report["branches_touched"] == .null ? "the chain" : "their branches")"
            if says("other_numerics") { words += ", with numerics other than those that the chain was trained with" }
            if says("unrepeatable") { return words + ", by a program that does not give the same bits twice: as by a training without the rows, and not bit for bit" + outOfMerge }
            if startedInexactly { words += ", from a state that \((earlierStitches + stitchesGone).isEmpty ? "other numerics" : "an earlier stitch") had left" }
            if !earlierStitches.isEmpty { words += "; earlier stitches remain in the chain: \(earlierStitches.joined(separator: ", "))" }
            if !stitchesGone.isEmpty {
                words += "; earlier stitches remained in the chain then: \(stitchesGone.joined(separator: ", ")); an exact replay has taken them away since"
            }
            return words + outOfMerge
        }

        private func branches(_ key: String) -> [Int] {
            if case .array(let numbers)? = report[key] { numbers.compactMap { if case .integer(let number) = $0 { number } else { nil } } } else { [] }
        }

        private func named(_ branches: [Int]) -> String {
            branches.count == 1 ? "branch \(branches[0])" : "branches \(branches.map(String.init).joined(separator: ", "))"
        }

        /// Nothing where no branch lost its last row with this request.
        private var outOfMerge: String {
            let emptied = branches("branches_emptied")
            guard tellsOfMerge, !emptied.isEmpty else { return "" }
            return "; \(named(emptied)) \(emptied.count == 1 ? "has no row left and is" : "have no row left and are") out of the merge"
        }

        private var byConstruction: String {
            let emptied = tellsOfMerge ? branches("branches_emptied") : [], touched = branches("branches_touched").filter { !emptied.contains($0) }
            let retrained = touched.isEmpty ? [] : ["\(named(touched)) \(touched.count == 1 ? "was" : "were") retrained without the rows, from states that never knew them"]
            return "exact by construction: " + (retrained + [String(outOfMerge.dropFirst(2))].filter { !$0.isEmpty }).joined(separator: "; ")
                + "; no other block was trained on a state that knew them, "
                + "and the model is the exact merge of all branches\(tellsOfMerge ? " that have a row left" : ""): it has the bits that training without the rows gives"
                + (isExact ? "" : "; but for what else in it is not exact: \(earlierStitches.isEmpty ? "other numerics" : earlierStitches.joined(separator: ", "))")
        }

        private var stitched: String {
            let isGuarded = says("guarded")
            var words = "retrained until \(isGuarded ? "the memory of the rows had decayed" : "the stop rule held"), then put the unaffected rest back on"
            if runsToTheEnd { words += ", and from the last block that held rows retrained to the end of the chain" }
            words += isGuarded ? "; a statistical guard found the decay real" : "; the guard objected and was overruled"
            // What a damped stitch takes out of the rest of the chain is a share of what it found. With all its digits: certificates that were
            // issued say so, and are compared word by word.
            if let least = dampings.min(), least < 1 {
                words += least == 0
                    ? "; behind a stitch with damping 0 the model is what it was before"
                    : "; of the difference from the model before, the rest of the chain carries a share of \(least)"
                if tellsOfRows {
                    if isDampedByRows { words += ", as much as changes what the model makes of the rows themselves by what exact replay is forecast to" }
                    words += "; what it does not carry stays in the chain as a record of its own: whoever has the key can add it back, and comes "
                        + "within rounding of the model before"
                }
            }
            return words
        }

        var bound: (JSONValue, String) {
            let others = erasedMeanwhile.isEmpty ? "" : ", but for rows that others erased while it waited"
            if retrainedNothing { return (.integer(0), "there was no influence to remove\(others)") }
            if isExact { return (.integer(0), "exact on the numerics of the fingerprint") }
            if stitchesAreGone || !stitchesGone.isEmpty { return (.null, "nothing bounded the distance to exact replay; see the certificate of the replay") }
            let earlier = earlierStitches.isEmpty ? "" : ", nor what earlier stitches left; see their own certificates"
            return (.null, "nothing bounds the distance to exact replay" + earlier)
        }

        var extrapolation: (JSONValue, String) {
            if retrainedNothing || isExact { return (.null, "nothing is extrapolated") }
            guard isStitched, !dampings.isEmpty else { return (.null, "nothing is extrapolated: no stitch of this request lies in the chain") }
            return (
                report["tail_bound"] ?? .null,
                "L1 distance to exact replay by extrapolation of the fit of residual memory to the blocks that were not retrained; "
                    + "not a bound: it can be larger"
                    + (earlierStitches.isEmpty ? "" : "; what earlier stitches left is not in it")
            )
        }
    }
}
