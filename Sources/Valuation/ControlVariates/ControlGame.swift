/// A cheap utility that resembles the dear one, with its own Shapley values: what it takes to be a control variate.
///
/// The Shapley value is linear, so φ(v) = c·φ(ĉ) + φ(v − c·ĉ) for any c, and only the last term needs dear coalitions.
struct ControlGame {
    let table: UtilityTable
    /// φ_i(ĉ) − (ĉ(N) − ĉ(∅)) / n: what the cheap game says of how players differ.
    let deviations: [Double]
    /// Of the errors of φ(ĉ); zeros where it was computed from all coalitions.
    let variances: [Double]
    /// The same with how they go together; nil where exact, or not known.
    let covariance: [[Double]]?
    /// Of φ(ĉ), by player; nil where exact.
    let degrees: [Double]?

    /// Exact from all coalitions of up to `exactLimit` players, else sampled from pairs that share nothing with the estimate's own.
    init(_ table: UtilityTable, index: Int, seed: UInt64, pairs: Int, exactLimit: Int = ExactEstimator.defaultPlayerLimit) throws {
        let n = table.playerCount
        let own: ValueEstimate
        if n <= exactLimit {
            own = try ExactEstimator(playerLimit: exactLimit).estimate(table)
        } else {
            var estimator = AdjustedEstimator(seed: seed, stopping: StoppingRule(maxSamples: pairs), pairsPerBatch: 64)
            estimator.stream = ValuationStream.controls.rawValue + index
            estimator.plotsConvergence = false
            own = try estimator.estimate(table)
        }
        let share = (own.vAll - own.vEmpty) / Double(n)
        (self.table, deviations, degrees) = (table, own.values.map { $0 - share }, own.degreesOfFreedom)
        variances = own.standardErrors.map { $0 * $0 }
        covariance = own.covariance
    }

    /// u(S) = ĉ(S) − ĉ(N∖S) over the proper prefixes of each permutation.
    func odd(_ pairs: [PermutationPair]) throws -> [[Double]] {
        let values = try table.values(of: pairs.flatMap(\.coalitions))
        let inner = table.playerCount - 1
        return pairs.indices.map { k in (0..<inner).map { values[2 * inner * k + $0] - values[2 * inner * k + inner + $0] } }
    }
}
