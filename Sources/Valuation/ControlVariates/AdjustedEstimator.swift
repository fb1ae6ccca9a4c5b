/// Shapley values from pairs of permutations with control variates: cheap utilities and regressions on the coalitions that the
/// pairs evaluate anyway, cross-fitted, so that the estimate is unbiased and never much worse than plain sampling.
///
/// Intervals are from pairs by Student t, as for `PermutationEstimator`, widened where a jackknife over the folds says that pairs
/// err together through the surrogates they share; where a control's own Shapley values are sampled, their
/// error is in the interval with the weight that the estimate gives them.
public struct AdjustedEstimator: ValueEstimator {
    public var seed: UInt64
    public var stopping: StoppingRule
    public var confidence: Double
    /// Pairs on which a control utility of more than 12 players is sampled.
    public var controlPairs: Int
    /// Pairs whose coalitions are asked for together: never changes a result.
    public var pairsPerBatch: Int
    private let controlTables: [UtilityTable]
    var stream = ValuationStream.permutations.rawValue

    /// - Parameter controls: tables of cheap utilities over the same players, such as the additive and the stitch one.
    ///   Evaluations of theirs do not count against the budget.
    public init(
        seed: UInt64, stopping: StoppingRule, confidence: Double = 0.95, controls: [UtilityTable] = [], controlPairs: Int = 1000, pairsPerBatch: Int = 8
    ) {
        precondition(controlPairs >= 2 && pairsPerBatch >= 1)
        (self.seed, self.stopping, self.confidence) = (seed, stopping, confidence)
        (controlTables, self.controlPairs, self.pairsPerBatch) = (controls, controlPairs, pairsPerBatch)
    }

    private var sampler: PermutationSampler { PermutationSampler(seed: seed, stream: stream, stopping: stopping, pairsPerBatch: pairsPerBatch) }

    public func plan(playerCount n: Int) -> [[Coalition]] {
        let ends = [Coalition.none(of: n), .all(of: n)]
        return sampler.plan(playerCount: n).enumerated().map { $0.offset == 0 ? ends + $0.element : $0.element }
    }

    public func lackingBudget(playerCount n: Int) -> Int? { sampler.lackingBudget(playerCount: n) }

    /// The width is looked at after every pair up to 32 and then about 16 times to a doubling: a look refits the regressions.
    public func estimate(_ table: UtilityTable) throws -> ValueEstimate {
        let n = table.playerCount
        precondition(controlTables.allSatisfy { $0.playerCount == n }, "a control of another game")
        table.beginEstimate()
        let controls = try controlTables.enumerated().map {
            try ControlGame($0.element, index: $0.offset, seed: seed, pairs: controlPairs)
        }
        var fit = CrossFit(playerCount: n, controls: controls)
        var convergence: [ValueReport.Convergence] = []
        let reason = try sampler.run(table) { path in
            fit.append(OddPath(path, controls: try controls.map { try $0.odd([path.pair])[0] }))
            let isLook = stopping.width != nil && fit.count >= stopping.minimumSamples && Checkpoints.isLook(fit.count)
            guard fit.count >= 2, isLook || Checkpoints.isPlotted(fit.count) else { return nil }
            let state = Self.state(of: fit)
            let widest = Interval.widest(state.covariance.indices.map { state.covariance[$0][$0].squareRoot() }, degrees: state.degrees, confidence: confidence)
            let isNarrow = isLook && stopping.isNarrow(widest, samples: fit.count)
            if Checkpoints.isPlotted(fit.count) || isNarrow {
                convergence.append(.init(evaluations: table.usedCount, width: widest, values: state.values))
            }
            return isNarrow ? .narrow : nil
        }
        if reason == .everyCoalition {
            return try ExactEstimator.completing(
                table, .shapley, estimator: "permutation", samples: fit.count, convergence: convergence, confidence: confidence)
        }
        try PermutationEstimator.requireTwo(fit.count, playerCount: n)
        let ends = try table.values(of: [.none(of: n), .all(of: n)])
        let state = Self.state(of: fit)
        return ValueEstimate(
            estimator: "permutation", values: state.values, covariance: state.covariance, degrees: state.degrees, vAll: ends[1], vEmpty: ends[0],
            isEfficient: true, evaluations: table.usedCount, samples: fit.count, stopped: reason, convergence: convergence, confidence: confidence)
    }

    /// Values, the covariance of their errors, and degrees of freedom: K − 1 for the pairs', joined by Satterthwaite with the controls'.
    private static func state(of fit: CrossFit) -> (values: [Double], covariance: [[Double]], degrees: [Double]) {
        let readings = fit.readings()
        let n = fit.playerCount, freedom = Double(fit.count - 1)
        var covariance = readings.moments.covariance.map { $0.map { $0 * readings.inflation } }
        var squares = covariance.indices.map { covariance[$0][$0] * covariance[$0][$0] / freedom }
        for (weight, game) in zip(readings.controlWeights, fit.controls) {
            guard let degrees = game.degrees else { continue }
            for i in 0..<n {
                let own = weight * weight * game.covariance[i][i]
                squares[i] += own * own / degrees[i]
                for j in 0..<n { covariance[i][j] += weight * weight * game.covariance[i][j] }
            }
        }
        return (readings.moments.mean, covariance, squares.indices.map { squares[$0] > 0 ? covariance[$0][$0] * covariance[$0][$0] / squares[$0] : freedom })
    }
}
