import Checkpoints
import Foundation
import Training

/// How a deletion removed the influence of its rows: the one word that JSON, the log and certificates have for it.
public enum RemovalMethod: String, Codable, Sendable, CaseIterable {
    /// Retrained until memory had decayed, and put the rest back on behind a stitch of its own.
    case stitch
    /// Replayed to the end, or found nothing to remove.
    case exact
    /// Retrained whatever had stood on the rows, but from a state that an earlier stitch, or other numerics, had left. Reports of earlier
    /// versions call it a stitch, of which they count none.
    case retraining

    init(_ outcome: ReplayOutcome) {
        self = outcome.method == .exact ? .exact : outcome.segments.contains { $0.damping != nil } ? .stitch : .retraining
    }
}

/// One request's part in a run.
struct RunShare {
    let name: String
    /// Its own rows, test rows among them.
    let rows: Int
    let testRows: Int
    /// Trained blocks that held them, in order.
    let touched: [Int]
    let hasWaited: Bool
    /// By request, rows of it that were erased while it waited.
    let erasedMeanwhile: [String: Int]
}

/// What a deletion did. Stored with the project and in its ledger, and most of what `delete --json` prints; it names no row.
public struct DeletionReport: Codable, Sendable {
    public struct Erased: Codable, Sendable {
        public var rows = 0
        /// Superseded checkpoint records.
        public var checkpoints = 0
        /// Bytes of all files that were removed; nil where it is not kept: sizes of compressed checkpoints are as good as digests.
        public var bytes: Int? = 0
    }

    /// The decay as the guard saw it last.
    public struct Decay: Codable, Sendable {
        /// Log-log slope of Δ over t and its upper 95 % limit; nil where residuals vanish altogether.
        public let slope: Double?
        public let slopeUpper: Double?
        public let recentRho: Double
        /// An extrapolation of the distance to exact replay: what it is if later blocks remember no more than recent ones do.
        /// Called a bound for those who read it by that name; nothing bounds it.
        public let distanceBound: Double
        /// The same number under a name that says what it is; nil in reports of earlier versions.
        public let extrapolatedDistance: Double?
        /// Why stitching would be unsound, or nil.
        public let objection: String?
    }

    /// One run of retrained blocks.
    public struct Segment: Codable, Sendable {
        public let first: Int
        public let last: Int
        /// γ of the stitch behind it; nil where it reached the end of the chain.
        public let damping: Double?
        public let tailBound: Double
    }

    /// An exact model that was there at once, before anything was retrained.
    public struct Interim: Codable, Sendable {
        /// These two stay until the next deletion: the model knew other rows.
        public var stateDigest: String?
        public var testAccuracy: Double?
        /// From the command's start to the file's being there.
        public let milliseconds: Double

        var kept: Interim { Interim(stateDigest: nil, testAccuracy: nil, milliseconds: milliseconds) }
    }

    /// How firmly models hold to the deleted rows: mean log-odds of their given labels. It goes where what was measured goes.
    public struct Margin: Codable, Sendable {
        /// Of the model before: doing nothing.
        public let before: Double
        /// Of the model that was made.
        public let after: Double
        /// Of exact replay: the same where that was done, else by forecast; nil where nothing forecasts it.
        public let exact: Double?
        public let exactIsForecast: Bool
    }

    /// What the deleted rows say of the last stitch.
    public struct Forecast: Codable, Sendable {
        public let kind: RowForecast.Kind
        /// Of the log-odds at the end of the chain, and by how much chance moves them.
        public let memoryAtEnd: Double
        public let noise: Double
        public let exponent: Double
        /// γ as the rows have it.
        public let share: Double
        /// What a γ may differ from it without the rows telling.
        public let tolerance: Double

        init(_ forecast: RowForecast) {
            (kind, memoryAtEnd, noise) = (forecast.kind, forecast.memoryAtEnd, forecast.noise)
            (exponent, share, tolerance) = (forecast.exponent, forecast.share, forecast.tolerance)
        }
    }

    /// Nil where nothing was left to do, so that no request was made, and of a run as a whole.
    public var request: String?
    /// The run's place among all of the project; nil in reports of earlier versions, where each request has a run of its own, in their order.
    public var run: Int?
    /// Other requests that the same run carried out; nil where there were none.
    public var sharedWith: [String]?
    /// By request, rows of this one that it erased while this one waited; nil where there are none.
    public var erasedMeanwhile: [String: Int]?
    /// When it was done: ISO 8601, UTC.
    public var time: String
    public var method = RemovalMethod.exact
    public var guarded = true
    public var fallback: String?
    /// Whether that is the budget of stitches; nil where it is not.
    public var isOverBudget: Bool?
    public var rowsDeleted: Int
    public var testRowsDeleted = 0
    /// Whether the rows are the trainer's alone: here their names are erased, and the trainer is told to erase them. Nil: no.
    public var rowsOrdered: Bool?
    /// Rows of the list that were deleted already, for which an exact replay took the place of earlier stitches.
    public var rowsDeletedBefore: Int?
    public var blocksTouched: [Int] = []
    /// Nil in a chain.
    public var branchesTouched: [Int]?
    public var blocksRetrained = 0
    public var blocksTotal = 0
    public var segments: [Segment] = []
    /// Δ_1, Δ_2, … and ρ_1, ρ_2, … behind the last touched block.
    public var residual: [Double] = []
    public var rho: [Double] = []
    /// m_0, m_1, … and e_0, e_1, …: what the chain still knew of the deleted rows themselves, and what the gap would take of it at the
    /// end. Nil where they were not looked at, as the next two, and in reports of earlier versions.
    public var rowMemory: [Double]?
    public var rowReach: [Double]?
    public var rowForecast: Forecast?
    public var margin: Margin?
    public var fit: PowerLawFit?
    /// The same residuals fitted by the other method.
    public var otherFit: PowerLawFit?
    public var decay: Decay?
    public var damping: Double?
    public var epsilon: Double
    /// The fit's extrapolation of the distance to exact replay, all stitches of this request added up. Called a bound for those
    /// who read it by that name; nothing bounds it: distances above it were measured.
    public var tailBound = 0.0 { didSet { extrapolatedDistance = tailBound } }
    /// The same number under a name that says what it is; nil in reports of earlier versions.
    public private(set) var extrapolatedDistance: Double? = 0.0
    public var seconds = 0.0
    public var stateDigestBefore: String?
    public var stateDigest: String?
    public var testAccuracyBefore: Double?
    public var testAccuracy: Double?
    /// ‖M_before − M_after‖₁, and the share of test rows for which both name the same class: how far doing nothing lies from what
    /// was done. Nil where nothing was retrained.
    public var l1Changed: Double?
    public var agreementBefore: Double?
    public var erased = Erased()
    /// Stitches that this request made and that lay in the chain behind it; nil in reports of earlier versions.
    public var stitches: Int?
    /// Whether the chain is now one that training visits without a stitch.
    public var exact = false
    /// Whether the chain was such a one before, too. Nil, as the next three, in reports of earlier versions.
    public var exactBefore: Bool?
    /// Whether the first retrained block started from a state that training reaches without a stitch; nil where none was retrained.
    public var fromExactState: Bool?
    /// Requests before this one whose stitches still lie in the chain, in order.
    public var earlierStitches: [String]?
    /// Whether blocks were retrained with numerics other than the project's.
    public var otherNumerics: Bool?
    /// Whether blocks were retrained by a program that does not give the same bits twice: forgotten as by a training without the rows, which
    /// no replay can repeat. Nil: no.
    public var unrepeatable: Bool?
    public var dryRun = false
    /// Whether exactness follows from the lineage: nothing but branches was retrained, each from a state that training reaches. Nil in
    /// chains and in reports of earlier versions.
    public var exactByConstruction: Bool?
    public var interim: Interim?
    /// What the blocks still to come of an exact replay would have taken where that was too long; nil where it was not, or not tried.
    public var exactSeconds: Double?
    /// Branches that lost their last row, and are not merged any more; nil where none did.
    public var branchesEmptied: [Int]?
    /// What this stitch and those before it may have led the model astray; nil where nothing is owed.
    public var budget: StitchBudget?
    /// What went wrong after the deletion was done, or nil.
    public var note: String?

    /// Whether something of this deletion's rows is left that an exact replay would take: a stitch, or numerics other than the project's.
    public var isExactnessOwed: Bool { !exact && (stitches ?? segments.count { $0.damping != nil } > 0 || otherNumerics == true) }

    init(request: String?, rows: Int, epsilon: Double) {
        self.request = request
        time = Date.now.formatted(.iso8601)
        rowsDeleted = rows
        self.epsilon = epsilon
    }

    mutating func describe(_ outcome: ReplayOutcome, otherMethod: FitMethod) {
        method = RemovalMethod(outcome)
        guarded = outcome.guarded
        fallback = outcome.fallback
        blocksRetrained = outcome.blocksTrained
        fromExactState = outcome.fromExactState
        if branchesTouched != nil { exactByConstruction = outcome.merged != nil && outcome.blocksTrained > 0 }
        segments = outcome.segments.map { Segment(first: $0.firstBlock, last: $0.lastBlock, damping: $0.damping, tailBound: $0.tailBound) }
        tailBound = outcome.tailBound
        stitches = segments.count { $0.damping != nil }
        // Behind a stem's walk may stand those of branches, in which nothing is measured.
        guard let last = outcome.segments.last(where: { $0.residuals.count > 0 }) ?? outcome.segments.last else { return }
        residual = last.residuals.delta
        rho = last.residuals.rho
        damping = last.damping
        rowMemory = last.rowMemory?.memory
        rowReach = last.rowMemory?.reach
        rowForecast = last.forecast.map(Forecast.init)
        guard let verdict = last.verdict else { return }
        fit = verdict.fit
        otherFit = PowerLawFit(residual, method: otherMethod)
        decay = Decay(
            slope: verdict.slope.isFinite ? verdict.slope : nil, slopeUpper: verdict.slopeUpper.isFinite ? verdict.slopeUpper : nil,
            recentRho: verdict.recentRho, distanceBound: verdict.distanceBound, extrapolatedDistance: verdict.distanceBound, objection: verdict.objection)
    }

    /// The report of one request that this run carried out: of its own rows alone, but for what is of the model as a whole. What was measured on
    /// rows is left out where others' were among them.
    /// - Parameters:
    ///   - own: its own rows.
    ///   - others: the run's other requests.
    func share(of own: RunShare, besides others: [RunShare], _ shape: Lineage) -> DeletionReport {
        var copy = self
        copy.request = own.name
        copy.sharedWith = others.isEmpty ? nil : others.map(\.name)
        copy.erasedMeanwhile = own.erasedMeanwhile.isEmpty ? nil : own.erasedMeanwhile
        // What others had erased of all requests of the run is no one's own.
        if own.hasWaited { copy.rowsDeletedBefore = nil }
        guard !others.isEmpty else { return copy }
        copy.rowsDeleted = own.rows
        copy.testRowsDeleted = own.testRows
        copy.erased.rows = own.rows
        copy.blocksTouched = own.touched
        if branchesTouched != nil { copy.branchesTouched = Set(own.touched.compactMap(shape.branch)).sorted() }
        guard others.contains(where: { !$0.touched.isEmpty }) else { return copy }
        copy.leaveOutMeasurements()
        guard !own.touched.isEmpty else {
            // Its rows were in nothing that is trained: as if it had been carried out by itself, behind the others.
            copy.describeNothingRetrained()
            return copy
        }
        // The walks that passed through its rows, from there on.
        copy.segments = segments.compactMap { segment in
            own.touched.first { (segment.first...segment.last).contains($0) }.map { Segment(first: $0, last: segment.last, damping: segment.damping, tailBound: segment.tailBound) }
        }
        guard !exact else { return copy }
        let stitches = copy.segments.count { $0.damping != nil }
        copy.stitches = stitches
        if stitches == 0 { copy.budget = nil }
        copy.method = stitches > 0 ? .stitch : .retraining
        copy.damping = copy.segments.last?.damping
        copy.tailBound = copy.segments.reduce(0) { $0 + $1.tailBound }
        let stitchedBefore = segments.filter { $0.damping != nil && $0.last < copy.segments[0].first }
        if !stitchedBefore.isEmpty {
            copy.fromExactState = false
            // Whose rows those walks passed through.
            let names = others.filter { other in stitchedBefore.contains { segment in other.touched.contains { (segment.first...segment.last).contains($0) } } }.map(\.name)
            copy.earlierStitches = (earlierStitches ?? []) + names
        }
        return copy
    }

    private mutating func leaveOutMeasurements() {
        (residual, rho, fit, otherFit, decay, margin) = ([], [], nil, nil, nil, nil)
        (rowMemory, rowReach, rowForecast) = (nil, nil, nil)
    }

    private mutating func describeNothingRetrained() {
        (method, guarded, fallback, blocksRetrained, segments, stitches) = (.exact, true, nil, 0, [], 0)
        (damping, tailBound, l1Changed, agreementBefore, exactSeconds, budget) = (nil, 0, nil, nil, nil, nil)
        (fromExactState, exactBefore, otherNumerics, branchesEmptied, isOverBudget) = (nil, exact, false, nil, nil)
        (stateDigestBefore, testAccuracyBefore) = (stateDigest, testAccuracy)
        if exactByConstruction != nil { exactByConstruction = false }
    }

    /// What was measured on models that knew the deleted rows, or tells how they differ from the one that does not. Training is a
    /// pure function: whoever has the other rows could compute each of these figures for a guess at a deleted row, and compare.
    struct Measured: Encodable {
        let residual: [Double]
        let rho: [Double]
        let rowMemory: [Double]?
        let rowReach: [Double]?
        let rowForecast: Forecast?
        let margin: Margin?
        let fit: PowerLawFit?
        let otherFit: PowerLawFit?
        let decay: Decay?
        let damping: Double?
        let tailBound: Double
        let extrapolatedDistance: Double?
        let segments: [Segment]
        let fallback: String?
    }

    var measured: Measured {
        Measured(
            residual: residual, rho: rho, rowMemory: rowMemory, rowReach: rowReach, rowForecast: rowForecast, margin: margin, fit: fit, otherFit: otherFit, decay: decay, damping: damping, tailBound: tailBound,
            extrapolatedDistance: extrapolatedDistance, segments: segments,
            fallback: fallback)
    }

    /// The same without anything that depends on what the deleted rows held: what may stay when no stitch lies in the chain.
    var kept: DeletionReport {
        var copy = self
        (copy.residual, copy.rho, copy.fit, copy.otherFit, copy.decay, copy.damping) = ([], [], nil, nil, nil, nil)
        (copy.rowMemory, copy.rowReach, copy.rowForecast, copy.margin) = (nil, nil, nil, nil)
        (copy.stateDigestBefore, copy.stateDigest, copy.testAccuracyBefore, copy.testAccuracy) = (nil, nil, nil, nil)
        (copy.l1Changed, copy.agreementBefore, copy.tailBound, copy.budget) = (nil, nil, 0, nil)
        (copy.erased.bytes, copy.exactSeconds) = (nil, nil)
        copy.interim = interim?.kept
        if fallback != nil { copy.fallback = isOverBudget == true ? "the budget of stitches was used up" : "no stitch was sound before the end of the chain" }
        if method == .exact, exactByConstruction != true, let first = segments.map(\.first).min() {
            // Where a walk with stitches stood before it became an exact replay is of no account any more.
            copy.segments = [Segment(first: first, last: blocksTotal, damping: nil, tailBound: 0)]
            if sharedWith == nil { copy.blocksRetrained = blocksTotal - first + 1 }
        } else {
            copy.segments = segments.map { Segment(first: $0.first, last: $0.last, damping: nil, tailBound: 0) }
        }
        return copy
    }

    /// The same without digests and figures of models that knew rows which a later deletion took, where its own stitch stays.
    var withoutModels: DeletionReport {
        var copy = withoutTestFigures
        (copy.stateDigestBefore, copy.stateDigest, copy.l1Changed, copy.margin) = (nil, nil, nil, nil)
        copy.interim = interim?.kept
        return copy
    }

    /// The same without what tells how a test row was classified that a later deletion took.
    var withoutTestFigures: DeletionReport {
        var copy = self
        (copy.testAccuracyBefore, copy.testAccuracy, copy.agreementBefore, copy.budget) = (nil, nil, nil, nil)
        copy.interim?.testAccuracy = nil
        // In it are lengths of blocks of test rows, which say how well these could be packed.
        copy.erased.bytes = nil
        return copy
    }

    /// What the ledger says for good: `kept`, in which nothing stands for a number that is not there. Stitches of earlier requests lay in the
    /// chain then: whether they still do is disclosed as long as any does.
    var recorded: JSONValue {
        get throws {
            let value = try JSONValue(kept)
            guard case .object(var fields) = value else { return value }
            fields[Self.earlierStitchesThen] = fields.removeValue(forKey: Self.earlierStitchesNow)
            guard stitches ?? 0 > 0 else { return .object(fields) }
            for name in Self.extrapolations { fields[name] = nil }
            if case .array(let segments)? = fields["segments"] {
                fields["segments"] = .array(segments.map { segment in
                    guard case .object(var fields) = segment else { return segment }
                    for name in Self.extrapolations { fields[name] = nil }
                    return .object(fields)
                })
            }
            return .object(fields)
        }
    }

    /// Where the ledger names earlier stitches: as they are as long as one lies in the chain, and as they were, for good.
    static let earlierStitchesNow = "earlier_stitches"
    static let earlierStitchesThen = "earlier_stitches_then"

    private static let extrapolations = ["tail_bound", "extrapolated_distance"]

    /// Reads a report as the store keeps it.
    public init(json: String) throws { self = try JSONDecoder().decode(DeletionReport.self, from: Data(json.utf8)) }

    func encoded() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
