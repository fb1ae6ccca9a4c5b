/// Turns utilities into values. A value type: its settings determine, with the utility, every bit of the result.
public protocol ValueEstimator {
    /// The samples in order, each with the coalitions it may ask for, as far as budget and number let it go. Independent of
    /// any utility; the ends (nobody, everybody) belong to the first sample.
    func plan(playerCount: Int) throws -> [[Coalition]]

    /// nil where number and budget allow an estimate; else a budget that does. Evaluates nothing.
    func lackingBudget(playerCount: Int) -> Int?

    /// Throws what the utility throws, and `.input` where the settings leave nothing to estimate.
    func estimate(_ table: UtilityTable) throws -> ValueEstimate
}

extension ValueEstimator {
    public func lackingBudget(playerCount: Int) -> Int? { nil }
}

/// Leave-one-out: v(N) − v(N∖i). Exact, n + 1 coalitions, blind to duplicates: either alone can go.
public struct LeaveOneOutEstimator: ValueEstimator, Sendable {
    public var confidence: Double

    public init(confidence: Double = 0.95) { self.confidence = confidence }

    public func plan(playerCount n: Int) -> [[Coalition]] {
        let all = Coalition.all(of: n)
        return [[Coalition.none(of: n), all]] + (0..<n).map { [all.removing($0)] }
    }

    public func estimate(_ table: UtilityTable) throws -> ValueEstimate {
        table.beginEstimate()
        let coalitions = plan(playerCount: table.playerCount).flatMap { $0 }
        let v = try table.values(of: coalitions)
        table.use(coalitions)
        return ValueEstimate(
            estimator: "loo", exact: v.dropFirst(2).map { v[1] - $0 }, vAll: v[1], vEmpty: v[0], evaluations: table.usedCount, confidence: confidence)
    }
}
