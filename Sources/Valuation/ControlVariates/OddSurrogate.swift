/// A regression of the odd game u(S) = v(S) − v(N∖S) whose Shapley values are known in closed form.
///
///     û(S) = Σ_m e_m(|S|) Σ_j β_mj z_j(S) + o(|S|) + Σ_g c_g û_g(S),   z_j = +1 for members, −1 for the others
///
/// with even size profiles e_m, an odd offset o for each size, and the control games û_g. With e_0 = 1 alone it is the additive
/// model of RegressionMSR (Witter, Liu, Musco, *Regression-adjusted Monte Carlo estimators for Shapley values and
/// probabilistic values*, 2025). The other profiles let a player's worth shrink as the coalition grows: the first-order expansion
/// of any saturating function of a weighted sum.
struct OddSurrogate {
    let playerCount: Int
    let profileCount: Int
    let coefficients: [Double]

    /// e_m(s): 1; the slope of a logarithm at both ends, n²/(4s(n−s)) − 1; x² with x = 2s/n − 1.
    static func profile(_ m: Int, size s: Int, _ n: Int) -> Double {
        switch m {
        case 0: 1
        case 1: Double(n * n) / (4 * Double(s) * Double(n - s)) - 1
        default: (2 * Double(s) / Double(n) - 1) * (2 * Double(s) / Double(n) - 1)
        }
    }

    static func featureCount(playerCount n: Int, profiles: Int, controls: Int) -> Int { profiles * n + n / 2 + controls }

    /// Σ over a set of paths of w·x·xᵀ (lower triangle, row-major), w·x·u and w, with Shapley-kernel weights.
    struct Sums {
        let profiles: Int
        var gram: [Double]
        var moments: [Double]
        var weight = 0.0

        init(playerCount n: Int, profiles: Int, controls: Int) {
            let size = OddSurrogate.featureCount(playerCount: n, profiles: profiles, controls: controls)
            self.profiles = profiles
            gram = [Double](repeating: 0, count: size * size)
            moments = [Double](repeating: 0, count: size)
        }

        /// - Complexity: O(n·size²).
        mutating func append(_ path: OddPath) {
            let n = path.order.count, size = moments.count
            var row = [Double](repeating: 0, count: size)
            var signs = [Double](repeating: -1, count: n)
            for s in 1..<max(n, 1) {
                signs[path.order[s - 1]] = 1
                for m in 0..<profiles {
                    let height = OddSurrogate.profile(m, size: s, n)
                    for j in 0..<n { row[m * n + j] = height * signs[j] }
                }
                for offset in 0..<n / 2 { row[profiles * n + offset] = offset + 1 == s ? 1 : offset + 1 == n - s ? -1 : 0 }
                if 2 * s == n { row[profiles * n + s - 1] = 0 }
                for (g, control) in path.controls.enumerated() { row[profiles * n + n / 2 + g] = control[s - 1] }
                let w = OddPath.weight(s, n)
                for i in 0..<size where row[i] != 0 {
                    let scaled = w * row[i]
                    moments[i] += scaled * path.inner[s - 1]
                    for j in 0...i { gram[i * size + j] += scaled * row[j] }
                }
                weight += w
            }
        }

        mutating func add(_ other: Sums) {
            for i in gram.indices { gram[i] += other.gram[i] }
            for i in moments.indices { moments[i] += other.moments[i] }
            weight += other.weight
        }
    }

    /// Ridge regression: a prior worth about `ridge` observations of zero on each coefficient, and a hundredth of that on the
    /// additive ones. Controls too, so that an unrelated one is left out.
    init(_ sums: Sums, playerCount n: Int, ridge: Double, checkpoint: () throws -> Void) rethrows {
        let size = sums.moments.count
        var gram = sums.gram
        // One observation's mean weight times one coefficient's mean square.
        let unit = sums.weight / Double(max(1, n - 1))
        for i in 0..<size {
            let own = gram[i * size + i]
            gram[i * size + i] += own * 1e-8 + (own > 0 ? min(own, unit) : 1) * ridge * (i < n ? 0.01 : 1)
        }
        playerCount = n
        profileCount = sums.profiles
        // Nothing to learn from yet: the surrogate that knows nothing is as sound as any.
        coefficients = try Cholesky(gram, size: size, checkpoint: checkpoint)?.solve(sums.moments) ?? [Double](repeating: 0, count: size)
    }

    private func control(_ g: Int) -> Double { coefficients[profileCount * playerCount + playerCount / 2 + g] }

    var controlCoefficients: [Double] { Array(coefficients[(profileCount * playerCount + playerCount / 2)...]) }

    /// û of the proper prefixes. - Complexity: O(n·(profiles + controls)).
    func predict(_ path: OddPath) -> [Double] {
        let n = playerCount
        var sums = (0..<profileCount).map { m in -coefficients[m * n..<(m + 1) * n].reduce(0, +) }
        return (1..<max(n, 1)).map { s in
            let player = path.order[s - 1]
            var value = 0.0
            for m in 0..<profileCount {
                sums[m] += 2 * coefficients[m * n + player]
                value += sums[m] * Self.profile(m, size: s, n)
            }
            if 2 * s != n { value += 2 * s < n ? coefficients[profileCount * n + s - 1] : -coefficients[profileCount * n + n - s - 1] }
            for (g, odd) in path.controls.enumerated() { value += control(g) * odd[s - 1] }
            return value
        }
    }

    /// Exact Shapley values of ½û with û(N) = `last`: last/n + Σ_m (ē_m / n)·(β_mi − Σ_{j≠i} β_mj / (n − 1)), ē_m = Σ_s e_m(s),
    /// and each control game's own deviations. Offsets by size favour nobody. - Complexity: O(n·(profiles + controls)).
    func shapley(last: Double, controls: [ControlGame]) -> [Double] {
        let n = playerCount
        var values = [Double](repeating: last / Double(n), count: n)
        for m in 0..<profileCount where n > 1 {
            let height = (1..<n).reduce(0) { $0 + Self.profile(m, size: $1, n) } / Double(n)
            let total = coefficients[m * n..<(m + 1) * n].reduce(0, +)
            for i in 0..<n {
                let own = coefficients[m * n + i]
                values[i] += height * (own - (total - own) / Double(n - 1))
            }
        }
        for (g, game) in controls.enumerated() {
            for i in 0..<n { values[i] += control(g) * game.deviations[i] }
        }
        return values
    }
}
