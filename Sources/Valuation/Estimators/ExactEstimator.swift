import Files

/// Semivalues from all 2ⁿ coalitions, asked for at once: no sampling, no error but rounding.
public struct ExactEstimator: ValueEstimator, Sendable {
    public var semivalue: Semivalue
    /// More players than this are refused; their coalitions double with each.
    public var playerLimit: Int
    public var confidence: Double

    public static let defaultPlayerLimit = 12

    public init(_ semivalue: Semivalue = .shapley, playerLimit: Int = defaultPlayerLimit, confidence: Double = 0.95) {
        precondition((1...PermutationSampler.mostComplete).contains(playerLimit), "2³⁰ utilities are as many as memory holds")
        (self.semivalue, self.playerLimit, self.confidence) = (semivalue, playerLimit, confidence)
    }

    public func plan(playerCount n: Int) throws -> [[Coalition]] { try coalitions(n).map { [$0] } }

    /// - Complexity: 2ⁿ utilities, O(2ⁿ·n) arithmetic, O(2ⁿ) memory.
    public func estimate(_ table: UtilityTable) throws -> ValueEstimate {
        let n = table.playerCount
        let coalitions = try coalitions(n)
        table.beginEstimate()
        let v = try table.values(of: coalitions)
        table.use(coalitions)
        return ValueEstimate(
            estimator: "exact", exact: Self.values(v, playerCount: n, semivalue), vAll: v[v.count - 1], vEmpty: v[0], isEfficient: semivalue.isEfficient,
            evaluations: table.usedCount, confidence: confidence)
    }

    /// In the order of their masks.
    private func coalitions(_ n: Int) throws -> [Coalition] {
        guard n <= playerLimit else {
            let count = n < 63 ? "\(1 << n)" : "2^\(n)"
            throw Failure(
                .input, "exact values of \(n) players take \(count) coalitions, and more than \(playerLimit) players have to be asked for: "
                    + "add --yes, or use --estimator permutation")
        }
        return (0..<UInt64(1) << UInt64(n)).map { Coalition(mask: $0, of: n) }
    }

    /// What a sampling estimator says once its samples have met every coalition: nothing is left to sample, the values are exact.
    static func completing(
        _ table: UtilityTable, _ semivalue: Semivalue, estimator: String, samples: Int, convergence: [ValueEstimate.Convergence], confidence: Double
    ) throws -> ValueEstimate {
        var estimate = try ExactEstimator(semivalue, playerLimit: table.playerCount, confidence: confidence).estimate(table)
        (estimate.estimator, estimate.samples, estimate.convergence, estimate.stopped) = (estimator, samples, convergence, .everyCoalition)
        return estimate
    }

    /// φ_i = Σ_S p(|S|) / C(n−1, |S|) · (v(S ∪ i) − v(S)), with v by mask.
    static func values(_ v: [Double], playerCount n: Int, _ semivalue: Semivalue) -> [Double] {
        var choices = 1.0
        var weights = semivalue.sizeWeights(playerCount: n)
        for s in weights.indices {
            weights[s] /= choices
            // C(n−1, s + 1): exact in a Double far past 30 players.
            choices = choices * Double(n - 1 - s) / Double(s + 1)
        }
        return (0..<n).map { player in
            let bit = 1 << player
            return compensatedSum((0..<v.count).lazy.filter { $0 & bit == 0 }.map { weights[$0.nonzeroBitCount] * (v[$0 | bit] - v[$0]) })
        }
    }
}
