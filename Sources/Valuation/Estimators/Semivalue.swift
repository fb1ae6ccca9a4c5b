import Files

/// Which average of a player's marginal contributions is its value: φ_i = Σ_s p(s) · mean of v(S ∪ i) − v(S) over |S| = s.
///
/// (Dubey, Neyman, Weber, *Value theory without efficiency*, 1981; Kwon, Zou, *Beta Shapley*, AISTATS 2022, eq. 5.)
public enum Semivalue: Sendable, Codable, Equatable {
    /// p(s) = 1/n. The only efficient one.
    case shapley
    /// Every coalition counts the same.
    case banzhaf
    /// p is beta-binomial; a large α looks at small coalitions, a large β at large ones, (1, 1) is Shapley.
    case beta(alpha: Double, beta: Double)

    /// p(s) for s = 0…n−1 players before; sums to 1. - Complexity: O(n).
    public func sizeWeights(playerCount n: Int) -> [Double] {
        precondition(n >= 1)
        switch self {
        case .shapley: return [Double](repeating: 1 / Double(n), count: n)
        case .banzhaf: return Self.normalised(ratios: (0..<n - 1).map { s -> Double in Double(n - 1 - s) / Double(s + 1) })
        case .beta(let alpha, let beta):
            precondition(alpha > 0 && beta > 0 && alpha.isFinite && beta.isFinite, "Beta(α, β) needs positive α and β")
            return Self.normalised(ratios: (0..<n - 1).map { s -> Double in
                let before = Double(s), behind = Double(n - 1 - s)
                let share: Double = behind / (before + 1), preference: Double = (before + beta) / (behind - 1 + alpha)
                return share * preference
            })
        }
    }

    public var isEfficient: Bool {
        switch self {
        case .shapley, .beta(alpha: 1, beta: 1): true
        default: false
        }
    }

    public var name: String {
        switch self {
        case .shapley: "shapley"
        case .banzhaf: "banzhaf"
        case .beta: "beta"
        }
    }

    /// Weights with p(s + 1) / p(s) given, scaled from their largest so that none overflows.
    private static func normalised(ratios: [Double]) -> [Double] {
        // Where the ratios fall, the peak is where they pass 1; where they rise (α, β < 1), any place to begin from will do.
        let peak = ratios.firstIndex { $0 < 1 } ?? ratios.count
        var weights = [Double](repeating: 1, count: ratios.count + 1)
        for s in peak..<ratios.count { weights[s + 1] = weights[s] * ratios[s] }
        for s in (0..<peak).reversed() { weights[s] = weights[s + 1] / ratios[s] }
        let total = weights.reduce(0, +)
        return weights.map { $0 / total }
    }
}
