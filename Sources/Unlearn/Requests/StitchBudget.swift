import Checkpoints

/// How far stitches may have led the model from exact replay, as a share of test rows that it may name otherwise.
///
/// A stitch is taken to err on as many test rows as it changed, which doing nothing would have left: measured ones erred on fewer. Errors of
/// several stitches fall on different rows, and cancel out as chance has it: they add up as squares do. Documentation/Requests.md has both
/// beside what was measured.
public struct StitchBudget: Codable, Sendable, Equatable {
    /// Above this the engine replays exactly; nil: it never does by itself.
    public let limit: Double?
    /// Used by all stitches since the model was exact last; nil where it is not known any more: a test row that was deleted since took it along.
    public let spent: Double?

    /// - Parameter changes: of each stitch, the share of test rows that it changed; nil where that is not kept any more.
    init(limit: Double?, changes: [Double?]) {
        self.limit = limit
        spent = changes.contains(nil) ? nil : changes.reduce(0) { $0 + $1! * $1! }.squareRoot()
    }

    /// What is not known may be any amount.
    var isOverspent: Bool { limit.map { limit in spent.map { $0 > limit } ?? true } ?? false }
}

extension Store {
    /// Of each run that stitched since the model was exact last, the share of test rows that it changed; nil where that is not kept any more.
    func changesOfStitches() throws -> [Double?] {
        try carriedOut().byRun.reduce(into: []) { changes, run in
            if run.contains(where: \.report.exact) { changes = [] }
            if let stitched = run.first(where: \.report.isExactnessOwed) { changes.append(stitched.report.agreementBefore.map { 1 - $0 }) }
        }
    }
}
