import Files

/// Data Banzhaf by maximum sample reuse: φ_i = mean of v(S) over the sampled S with i − mean over those without, every sampled
/// coalition telling of every player (Wang, Jia, *Data Banzhaf*, AISTATS 2023, §4).
///
/// Given who is in, the two means are of independent samples: Welch's interval, degrees of freedom by Satterthwaite.
public struct BanzhafEstimator: ValueEstimator, Sendable {
    public var seed: UInt64
    /// Samples are coalitions.
    public var stopping: StoppingRule
    public var confidence: Double
    /// Coalitions asked for together: never changes a result.
    public var coalitionsPerBatch: Int

    public init(seed: UInt64, stopping: StoppingRule, confidence: Double = 0.95, coalitionsPerBatch: Int = 64) {
        precondition(coalitionsPerBatch >= 1)
        (self.seed, self.stopping, self.confidence, self.coalitionsPerBatch) = (seed, stopping, confidence, coalitionsPerBatch)
    }

    /// Each player is in with probability ½.
    private func sample(_ k: Int, _ n: Int) -> Coalition {
        var numbers = ValuationStream.numbers(seed: seed, stream: ValuationStream.banzhaf.rawValue, sample: k)
        var coalition = Coalition.none(of: n)
        for player in 0..<n where numbers.nextWord() >> 31 == 1 { coalition.insert(player) }
        return coalition
    }

    /// The samples that number and budget allow, and why there are no more.
    private func samples(_ n: Int) -> ([Coalition], StopReason) {
        var used: Set<Coalition> = [.none(of: n), .all(of: n)]
        var samples: [Coalition] = []
        while samples.count < stopping.maxSamples {
            let next = sample(samples.count, n)
            let isNew = used.insert(next).inserted
            if let budget = stopping.maxEvaluations, isNew && used.count > budget { return (samples, .budget) }
            samples.append(next)
            if PermutationSampler.isComplete(used.count, playerCount: n) { return (samples, .everyCoalition) }
        }
        return (samples, .samples)
    }

    public func plan(playerCount n: Int) -> [[Coalition]] {
        let ends = [Coalition.none(of: n), .all(of: n)]
        return samples(n).0.enumerated().map { $0.offset == 0 ? ends + [$0.element] : [$0.element] }
    }

    public func lackingBudget(playerCount n: Int) -> Int? {
        guard let budget = stopping.maxEvaluations else { return nil }
        let (samples, reason) = samples(n)
        guard reason != .everyCoalition else { return nil }
        var sums = TwoSums(playerCount: n, origin: 0)
        for coalition in samples { sums.append(coalition, 0) }
        return sums.isDefined ? nil : max(8 + n, budget + 1)
    }

    public func estimate(_ table: UtilityTable) throws -> ValueEstimate {
        let n = table.playerCount
        table.beginEstimate()
        let ends = [Coalition.none(of: n), .all(of: n)]
        let endValues = try table.values(of: ends)
        table.use(ends)
        var (samples, reason) = samples(n)
        // Around v(∅)…v(N), so that the sums of squares keep their digits.
        var sums = TwoSums(playerCount: n, origin: (endValues[0] + endValues[1]) / 2)
        var convergence: [ValueEstimate.Convergence] = []
        drawing: for start in stride(from: 0, to: samples.count, by: coalitionsPerBatch) {
            let batch = Array(samples[start..<min(samples.count, start + coalitionsPerBatch)])
            for (coalition, value) in zip(batch, try table.values(of: batch)) {
                table.use([coalition])
                sums.append(coalition, value)
                guard sums.isDefined, Looks.isLook(sums.count) else { continue }
                let (values, variances, degrees) = sums.estimate
                let widest = Interval.widest(variances.map { $0.squareRoot() }, degrees: degrees, confidence: confidence)
                let isNarrow = stopping.isNarrow(widest, samples: sums.count)
                if Looks.isPlotted(sums.count) || isNarrow {
                    convergence.append(.init(evaluations: table.usedCount, width: widest, values: values))
                }
                if isNarrow {
                    reason = .narrow
                    break drawing
                }
            }
        }
        if reason == .everyCoalition {
            return try ExactEstimator.completing(
                table, .banzhaf, estimator: "banzhaf", samples: sums.count, convergence: convergence, confidence: confidence)
        }
        guard sums.isDefined else {
            throw Failure(
                .input, "\(sums.count) coalitions are too few: every player has to be in two of them and out of two; "
                    + "raise --max-evaluations to \(8 + n) or more")
        }
        let (values, variances, degrees) = sums.estimate
        return ValueEstimate(
            estimator: "banzhaf", values: values, variances: variances, degrees: degrees, vAll: endValues[1], vEmpty: endValues[0],
            isEfficient: false, evaluations: table.usedCount, samples: sums.count,
            stopped: reason, convergence: convergence, confidence: confidence)
    }
}

/// Count, sum and sum of squares of v(S) over coalitions with and without each player.
private struct TwoSums {
    private(set) var count = 0
    private let origin: Double
    /// [without, with] of each player.
    private var counts: [SIMD2<Double>]
    private var sums: [SIMD2<Double>]
    private var squares: [SIMD2<Double>]

    init(playerCount: Int, origin: Double) {
        counts = [SIMD2<Double>](repeating: .zero, count: playerCount)
        (sums, squares, self.origin) = (counts, counts, origin)
    }

    mutating func append(_ coalition: Coalition, _ value: Double) {
        count += 1
        let x = value - origin
        for player in counts.indices {
            let side = coalition.contains(player) ? 1 : 0
            counts[player][side] += 1
            sums[player][side] += x
            squares[player][side] += x * x
        }
    }

    /// Two on either side of each player.
    var isDefined: Bool { counts.allSatisfy { $0.min() >= 2 } }

    /// Differences of means, their variances, and degrees of freedom by Satterthwaite.
    var estimate: (values: [Double], variances: [Double], degrees: [Double]) {
        var result: (values: [Double], variances: [Double], degrees: [Double]) = ([], [], [])
        for player in counts.indices {
            let n = counts[player], mean = sums[player] / n
            let variance = ((squares[player] - n * mean * mean) / (n - 1)).clamped(lowerBound: .zero, upperBound: SIMD2(repeating: .infinity)) / n
            let total = variance.sum()
            let parts = variance * variance / (n - 1)
            result.values.append(mean[1] - mean[0])
            result.variances.append(total)
            result.degrees.append(parts.sum() > 0 ? total * total / parts.sum() : n.sum() - 2)
        }
        return result
    }
}
