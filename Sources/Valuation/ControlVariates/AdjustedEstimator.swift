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
    /// Pairs at most on which a control utility of more than 12 players is sampled.
    public var controlPairs: Int
    /// Pairs whose coalitions are asked for together: never changes a result.
    public var pairsPerBatch: Int
    private let controlTables: [UtilityTable]
    var stream = ValuationStream.permutations.rawValue
    /// Points of the convergence curve refit the regressions.
    var plotsConvergence = true

    /// Evaluations of a control's own values, for each that the budget allows of the dear utility: enough for their error to be the
    /// smaller one, few enough for scoring models not to cost more than training them.
    private static let controlEvaluations = 4
    private static let fewestControlPairs = 40

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

    public func plan(playerCount n: Int) -> [[Coalition]] { sampler.plan(playerCount: n) }

    public func lackingBudget(playerCount n: Int) -> Int? { sampler.lackingBudget(playerCount: n) }

    private func controlPairs(playerCount n: Int) -> Int {
        guard let budget = stopping.maxEvaluations else { return controlPairs }
        return min(controlPairs, max(Self.fewestControlPairs, Self.controlEvaluations * budget / (2 * max(1, n - 1))))
    }

    /// The width is looked at after every pair up to 32 and then about 16 times to a doubling: a look refits the regressions.
    public func estimate(_ table: UtilityTable) throws -> ValueEstimate {
        let n = table.playerCount
        precondition(controlTables.allSatisfy { $0.playerCount == n }, "a control of another game")
        table.beginEstimate()
        let controls = try controlTables.enumerated().map {
            try ControlGame($0.element, index: $0.offset, seed: seed, pairs: controlPairs(playerCount: n))
        }
        var fit = CrossFit(playerCount: n, controls: controls)
        var convergence: [ValueEstimate.Convergence] = []
        let reason = try sampler.run(table) { path in
            fit.append(OddPath(path, controls: try controls.map { try $0.odd([path.pair])[0] }))
            let isLook = stopping.width != nil && fit.count >= stopping.minimumSamples && Looks.isLook(fit.count)
            guard fit.count >= 2, isLook || plotsConvergence && Looks.isPlotted(fit.count) else { return nil }
            let state = Self.state(of: fit, try fit.readings(checkpoint: table.checkpoint))
            let widest = Interval.widest(state.variances.map { $0.squareRoot() }, degrees: state.degrees, confidence: confidence)
            let isNarrow = isLook && stopping.isNarrow(widest, samples: fit.count)
            if Looks.isPlotted(fit.count) || isNarrow {
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
        let readings = try fit.readings(checkpoint: table.checkpoint), state = Self.state(of: fit, readings)
        var estimate = ValueEstimate(
            estimator: "permutation", values: state.values, variances: state.variances, degrees: state.degrees, vAll: ends[1], vEmpty: ends[0],
            isEfficient: true, evaluations: table.usedCount, samples: fit.count, stopped: reason, convergence: convergence, confidence: confidence)
        if n <= ValueEstimate.mostCovariances { estimate.covariance = try Self.covariance(of: fit, readings, table.checkpoint) }
        return estimate
    }

    /// Of the values' errors: the pairs' and, with the weights that the estimate gives them, the sampled controls'.
    private static func covariance(of fit: CrossFit, _ readings: CrossFit.Readings, _ checkpoint: () throws -> Void) rethrows -> [[Double]]? {
        var covariance = try readings.moments.covariance(checkpoint: checkpoint).map { $0.map { $0 * readings.inflation } }
        for (weight, game) in zip(readings.controlWeights, fit.controls) where game.degrees != nil {
            guard let own = game.covariance else { return nil }
            for i in covariance.indices { for j in covariance.indices { covariance[i][j] += weight * weight * own[i][j] } }
        }
        return covariance
    }

    /// Values, the variances of their errors, and degrees of freedom: K − 1 for the pairs', one less where their readings share
    /// coefficients, joined by Satterthwaite with the controls'.
    private static func state(of fit: CrossFit, _ readings: CrossFit.Readings) -> (values: [Double], variances: [Double], degrees: [Double]) {
        let freedom = Double(fit.count - (fit.count < CrossFit.minimumPairs ? 1 : 2))
        var variances = readings.moments.variances.map { $0 * readings.inflation }
        var squares = variances.map { $0 * $0 / freedom }
        for (weight, game) in zip(readings.controlWeights, fit.controls) {
            guard let degrees = game.degrees else { continue }
            for i in variances.indices {
                let own = weight * weight * game.variances[i]
                squares[i] += own * own / degrees[i]
                variances[i] += own
            }
        }
        return (readings.moments.mean, variances, zip(variances, squares).map { $1 > 0 ? $0 * $0 / $1 : freedom })
    }
}
