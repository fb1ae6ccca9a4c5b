import Files

/// Kernel SHAP: Shapley values as a weighted regression of v(S) on who is in S, kept efficient (Lundberg, Lee, NeurIPS 2017;
/// paired sampling and errors: Covert, Lee, *Improving KernelSHAP*, AISTATS 2021). The baseline that the field compares with.
///
/// Sample k is a coalition of a size drawn with the Shapley kernel, ∝ 1 / (s·(n − s)), and its complement. The estimate is
/// consistent; a bias of order 1/K remains. Intervals are those of a least-squares fit (sandwich over pairs).
public struct KernelEstimator: ValueEstimator, Sendable {
    public var seed: UInt64
    /// Samples are pairs of coalitions.
    public var stopping: StoppingRule
    public var confidence: Double
    public var pairsPerBatch: Int

    public init(seed: UInt64, stopping: StoppingRule, confidence: Double = 0.95, pairsPerBatch: Int = 32) {
        precondition(pairsPerBatch >= 1)
        (self.seed, self.stopping, self.confidence, self.pairsPerBatch) = (seed, stopping, confidence, pairsPerBatch)
    }

    private func sample(_ k: Int, _ n: Int) -> Coalition {
        var numbers = ValuationStream.numbers(seed: seed, stream: ValuationStream.kernel.rawValue, sample: k)
        let weights = (1..<n).map { 1 / (Double($0) * Double(n - $0)) }
        var left = Double(numbers.next() >> 11) * 0x1p-53 * weights.reduce(0, +)
        var size = 1
        while size < n - 1 && left >= weights[size - 1] {
            left -= weights[size - 1]
            size += 1
        }
        var order = Array(0..<n)
        numbers.shuffle(&order)
        return Coalition(order.prefix(size), of: n)
    }

    private func samples(_ n: Int) -> ([Coalition], StopReason) {
        var used: Set<Coalition> = [.none(of: n), .all(of: n)]
        var samples: [Coalition] = []
        while n >= 2 && samples.count < stopping.maxSamples {
            let next = sample(samples.count, n)
            let both = [next, next.complement]
            if let budget = stopping.maxEvaluations, used.count + both.count(where: { !used.contains($0) }) > budget { return (samples, .budget) }
            used.formUnion(both)
            samples.append(next)
            if PermutationSampler.isComplete(used.count, playerCount: n) { return (samples, .everyCoalition) }
        }
        return (samples, .samples)
    }

    public func plan(playerCount n: Int) -> [[Coalition]] {
        let ends = [Coalition.none(of: n), .all(of: n)]
        return samples(n).0.enumerated().map { ($0.offset == 0 ? ends : []) + [$0.element, $0.element.complement] }
    }

    public func lackingBudget(playerCount n: Int) -> Int? {
        guard n >= 2, stopping.maxEvaluations != nil else { return nil }
        let (samples, reason) = samples(n)
        // Whether values are determined is a matter of the coalitions alone.
        guard reason != .everyCoalition else { return nil }
        var fit = KernelFit(playerCount: n, vEmpty: 0, vAll: 0)
        for coalition in samples { fit.append(coalition, 0, 0) }
        return fit.isDetermined() ? nil : Self.sufficientPairs(n) * 2 + 2
    }

    /// Far beyond the rank that is needed, which random coalitions reach soon.
    private static func sufficientPairs(_ n: Int) -> Int { 2 * n }

    public func estimate(_ table: UtilityTable) throws -> ValueEstimate {
        let n = table.playerCount
        table.beginEstimate()
        let ends = [Coalition.none(of: n), .all(of: n)]
        let v = try table.values(of: ends)
        table.use(ends)
        guard n >= 2 else {
            return ValueEstimate(estimator: "kernel", exact: [v[1] - v[0]], vAll: v[1], vEmpty: v[0], isEfficient: true, evaluations: 2, confidence: confidence)
        }
        var (samples, reason) = samples(n)
        var fit = KernelFit(playerCount: n, vEmpty: v[0], vAll: v[1])
        var convergence: [ValueEstimate.Convergence] = []
        drawing: for start in stride(from: 0, to: samples.count, by: pairsPerBatch) {
            let batch = Array(samples[start..<min(samples.count, start + pairsPerBatch)])
            let values = try table.values(of: batch.flatMap { [$0, $0.complement] })
            for (index, coalition) in batch.enumerated() {
                table.use([coalition, coalition.complement])
                fit.append(coalition, values[2 * index], values[2 * index + 1])
                let count = fit.count
                guard stopping.width != nil ? Looks.isLook(count) : Looks.isPlotted(count), let solution = try fit.solution(checkpoint: table.checkpoint) else { continue }
                let errors = solution.variances.map { $0.squareRoot() }
                let widest = Interval.widest(errors, degrees: solution.degrees, confidence: confidence)
                let isNarrow = stopping.isNarrow(widest, samples: count)
                if Looks.isPlotted(count) || isNarrow {
                    convergence.append(.init(evaluations: table.usedCount, width: widest, values: solution.values))
                }
                if isNarrow {
                    reason = .narrow
                    break drawing
                }
            }
        }
        if reason == .everyCoalition {
            return try ExactEstimator.completing(table, .shapley, estimator: "kernel", samples: fit.count, convergence: convergence, confidence: confidence)
        }
        guard let solution = try fit.solution(checkpoint: table.checkpoint) else {
            throw Failure(.input, "\(fit.count) pairs of coalitions do not determine \(n) values: raise --max-evaluations to \(Self.sufficientPairs(n) * 2 + 2) or more")
        }
        var estimate = ValueEstimate(
            estimator: "kernel", values: solution.values, variances: solution.variances, degrees: solution.degrees, vAll: v[1], vEmpty: v[0],
            isEfficient: true, evaluations: table.usedCount, samples: fit.count, stopped: reason, convergence: convergence, confidence: confidence)
        if n <= ValueEstimate.mostCovariances {
            estimate.covariance = try solution.influences.covariance(checkpoint: table.checkpoint).map { $0.map { $0 * solution.scale } }
        }
        return estimate
    }
}

/// Least squares of v(S) − v(∅) on the indicator of S under Σ φ = v(N) − v(∅).
private struct KernelFit {
    private let n: Int
    private let vEmpty: Double
    private let vAll: Double
    private var pairs: [(coalition: Coalition, value: Double, other: Double)] = []
    /// Σ z·zᵀ over both coalitions of the first `summed` pairs, of whose rows the lower triangle is used, and Σ z·(v − v(∅)) of all.
    private var gram: [Double]
    private var summed = 0
    private var moments: [Double]

    init(playerCount: Int, vEmpty: Double, vAll: Double) {
        (n, self.vEmpty, self.vAll) = (playerCount, vEmpty, vAll)
        gram = [Double](repeating: 0, count: n * n)
        moments = [Double](repeating: 0, count: n)
    }

    var count: Int { pairs.count }

    mutating func append(_ coalition: Coalition, _ value: Double, _ other: Double) {
        pairs.append((coalition, value, other))
        for (members, value) in [(coalition.members, value), (coalition.complement.members, other)] {
            for i in members { moments[i] += value - vEmpty }
        }
    }

    /// Rows of this many coalitions lie in memory at once.
    private static let batch = 256

    /// Adds what is missing to `gram`. Sums of whole numbers, exact in any order.
    /// - Complexity: O(n²) for each pair.
    private mutating func sumPairs(_ checkpoint: () throws -> Void) rethrows {
        while summed < pairs.count {
            try checkpoint()
            let next = pairs[summed..<min(pairs.count, summed + Self.batch)]
            // With 1 for members and 0 for the others, z·zᵀ + (1 − z)·(1 − z)ᵀ is 2·z·zᵀ − z·1ᵀ − 1·zᵀ + 1·1ᵀ.
            var rows = [Double](repeating: 0, count: next.count * n), often = [Double](repeating: 0, count: n)
            for (k, pair) in next.enumerated() {
                for i in pair.coalition.members {
                    rows[i * next.count + k] = 1
                    often[i] += 1
                }
            }
            gram.withUnsafeMutableBufferPointer { gram in
                if let blas = OpenBLAS.forSystem(of: n) {
                    blas.addSquare(rows, rows: next.count, stride: next.count, times: 2, to: gram.baseAddress!, size: n, strideOfC: n)
                } else {
                    for pair in next {
                        let members = pair.coalition.members
                        for i in members {
                            for j in members where j <= i { gram[i * n + j] += 2 }
                        }
                    }
                }
                for i in 0..<n {
                    for j in 0...i { gram[i * n + j] += Double(next.count) - often[i] - often[j] }
                }
            }
            summed += next.count
        }
    }

    struct Solution {
        var values: [Double]
        var influences: SampleMoments
        var scale: Double
        var variances: [Double]
        var degrees: [Double]
    }

    /// Whether the samples determine the values.
    mutating func isDetermined() -> Bool { factor {} != nil }

    private mutating func factor(_ checkpoint: () throws -> Void) rethrows -> Cholesky? {
        guard count > n else { return nil }
        try sumPairs(checkpoint)
        return try Cholesky(gram, size: n, checkpoint: checkpoint)
    }

    /// nil while the samples leave values undetermined. - Complexity: O(n³ + K·n²).
    mutating func solution(checkpoint: () throws -> Void) rethrows -> Solution? {
        guard let factor = try factor(checkpoint) else { return nil }
        let free = factor.solve(moments), ones = factor.solve([Double](repeating: 1, count: n))
        let total = ones.reduce(0, +)
        let excess = (free.reduce(0, +) - (vAll - vEmpty)) / total
        let values = zip(free, ones).map { $0 - $1 * excess }
        var influences = SampleMoments(playerCount: n)
        for start in stride(from: 0, to: pairs.count, by: Self.batch) {
            let batch = pairs[start..<min(pairs.count, start + Self.batch)]
            var scores = [Double](repeating: 0, count: batch.count * n)
            for (k, pair) in batch.enumerated() {
                for (members, value) in [(pair.coalition.members, pair.value), (pair.coalition.complement.members, pair.other)] {
                    let error = value - vEmpty - members.reduce(0) { $0 + values[$1] }
                    for i in members { scores[k * n + i] += error }
                }
            }
            let steps = try factor.solve(scores, checkpoint: checkpoint)
            for k in 0..<batch.count {
                let step = steps[k * n..<(k + 1) * n], shift = step.reduce(0, +) / total
                influences.append(zip(step, ones).map { ($0 - $1 * shift) * Double(count) })
            }
        }
        // Residuals are smaller than errors by the n − 1 fitted coefficients.
        let degrees = Double(count - n + 1)
        let scale = Double(count - 1) / degrees
        return Solution(
            values: values, influences: influences, scale: scale, variances: influences.variances.map { $0 * scale },
            degrees: [Double](repeating: degrees, count: n))
    }
}
