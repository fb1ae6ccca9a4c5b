import Files

/// Semivalues by plain sampling of antithetic pairs of permutations.
///
/// A pair's sample of player i is the mean of its two marginal contributions, weighted by n·p(s) where s players precede it:
/// 1 for Shapley (Castro, Gómez, Tejada 2009; Mitchell et al. 2022), Kwon and Zou's importance weight for Beta(α, β).
/// Samples of different pairs are independent, so Student's t with K − 1 degrees of freedom gives the interval; the two
/// permutations of one pair are not.
///
/// With a truncation tolerance (Ghorbani, Zou, *Data Shapley*, ICML 2019, alg. 1) a permutation stops once |v(N) − v(prefix)|
/// is below it and what is left is shared equally among the players not reached. That is a bias which no interval shows: at most
/// the tolerance for a utility that never falls when players join, and at most the tolerance in the sum over the players left
/// out for any other.
public struct PermutationEstimator: ValueEstimator, Sendable {
    public var semivalue: Semivalue
    public var seed: UInt64
    public var stopping: StoppingRule
    public var truncation: Double
    public var confidence: Double
    /// Pairs whose coalitions are asked for together: never changes a result.
    public var pairsPerBatch: Int

    public init(
        _ semivalue: Semivalue = .shapley, seed: UInt64, stopping: StoppingRule, truncation: Double = 0, confidence: Double = 0.95, pairsPerBatch: Int = 8
    ) {
        precondition(truncation >= 0 && pairsPerBatch >= 1)
        precondition(truncation == 0 || semivalue == .shapley, "truncation is for Shapley values")
        (self.semivalue, self.seed, self.stopping, self.truncation) = (semivalue, seed, stopping, truncation)
        (self.confidence, self.pairsPerBatch) = (confidence, pairsPerBatch)
    }

    private var sampler: PermutationSampler {
        PermutationSampler(seed: seed, stopping: stopping, truncation: truncation, pairsPerBatch: pairsPerBatch)
    }

    /// Throws `.input` for a truncated estimate with an evaluation budget: how far the budget goes is then known only with the values.
    public func plan(playerCount n: Int) throws -> [[Coalition]] {
        guard truncation == 0 || stopping.maxEvaluations == nil else {
            throw Failure(.input, "a truncated estimate cannot be cut into shards by its evaluations: leave out the truncation, or fix the number of pairs")
        }
        return sampler.plan(playerCount: n)
    }

    public func lackingBudget(playerCount n: Int) -> Int? { sampler.lackingBudget(playerCount: n) }

    public func estimate(_ table: UtilityTable) throws -> ValueEstimate {
        let n = table.playerCount
        table.beginEstimate()
        let weights = semivalue.sizeWeights(playerCount: n).map { $0 * Double(n) }
        var moments = SampleMoments(playerCount: n)
        var convergence: [ValueEstimate.Convergence] = []
        let reason = try sampler.run(table) { path in
            moments.append(Self.sample(path, weights: weights))
            let count = moments.count
            guard count >= 2, stopping.width != nil || Looks.isPlotted(count) else { return nil }
            let widest = Interval.widest(moments.standardErrors, degrees: [Double](repeating: Double(count - 1), count: n), confidence: confidence)
            let isNarrow = stopping.isNarrow(widest, samples: count)
            if Looks.isPlotted(count) || isNarrow {
                convergence.append(.init(evaluations: table.usedCount, width: widest, values: moments.mean))
            }
            return isNarrow ? .narrow : nil
        }
        let name = semivalue == .shapley ? "permutation" : semivalue.name
        if reason == .everyCoalition {
            return try ExactEstimator.completing(table, semivalue, estimator: name, samples: moments.count, convergence: convergence, confidence: confidence)
        }
        try Self.requireTwo(moments.count, playerCount: n)
        let ends = try table.values(of: [.none(of: n), .all(of: n)])
        var estimate = ValueEstimate(
            estimator: name, values: moments.mean, variances: moments.variances,
            degrees: [Double](repeating: Double(moments.count - 1), count: n), vAll: ends[1], vEmpty: ends[0], isEfficient: semivalue.isEfficient,
            evaluations: table.usedCount, samples: moments.count, stopped: reason, convergence: convergence, confidence: confidence)
        if n <= ValueEstimate.mostCovariances { estimate.covariance = try moments.covariance(checkpoint: table.checkpoint) }
        return estimate
    }

    /// One pair's values.
    static func sample(_ path: PathValues, weights: [Double]) -> [Double] {
        let n = path.pair.order.count
        var values = [Double](repeating: 0, count: n)
        for (s, player) in path.pair.order.enumerated() {
            let t = n - 1 - s
            values[player] = (weights[s] * (path.forward[s + 1] - path.forward[s]) + weights[t] * (path.backward[t + 1] - path.backward[t])) / 2
        }
        return values
    }

    static func requireTwo(_ pairs: Int, playerCount n: Int) throws {
        guard pairs >= 2 else {
            throw Failure(
                .input, "the budget allows \(pairs) pair\(pairs == 1 ? "" : "s") of permutations and an interval needs 2: "
                    + "raise --max-evaluations to \(PermutationSampler.sufficientBudget(playerCount: n)) or more")
        }
    }
}
