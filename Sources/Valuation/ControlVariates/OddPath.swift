/// What one pair of permutations says, in the odd game u(S) = v(S) − v(N∖S), to which the Shapley values of v owe everything.
///
/// Two unbiased readings of the same 2(n − 1) utilities. *Marginal*: the permutation's marginal contributions, which only
/// compare a prefix with the next. *Reuse*: every prefix tells of every player, as in maximum sample reuse, stratified by
/// size: φ_i = 1/n Σ_s (mean of v over |S| = s with i − mean without). The second has the smaller variance where u is noise around
/// a good model, by about n / ln n, and a far larger one where it is not.
struct OddPath {
    let order: [Int]
    /// u of the first s players, s = 1…n−1, at s − 1.
    let inner: [Double]
    /// u(N) = v(N) − v(∅) = −u(∅).
    let last: Double
    /// The same of each control game.
    let controls: [[Double]]

    init(order: [Int], inner: [Double], last: Double, controls: [[Double]]) {
        precondition(inner.count == order.count - 1 && controls.allSatisfy { $0.count == inner.count })
        (self.order, self.inner, self.last, self.controls) = (order, inner, last, controls)
    }

    init(_ path: PathValues, controls: [[Double]]) {
        let odd = path.odd
        self.init(order: path.pair.order, inner: Array(odd.dropFirst().dropLast()), last: odd[odd.count - 1], controls: controls)
    }

    /// The weight of size s in both the variance of *reuse* and the Shapley kernel.
    static func weight(_ s: Int, _ n: Int) -> Double { Double(n) / (Double(s) * Double(n - s)) }

    /// ½ (u(S ∪ i) − u(S)) by player, with `inner` between `-last` and `last`.
    static func marginal(order: [Int], inner: [Double], last: Double) -> [Double] {
        var values = [Double](repeating: 0, count: order.count)
        var before = -last
        for (s, player) in order.enumerated() {
            let after = s < inner.count ? inner[s] : last
            values[player] = (after - before) / 2
            before = after
        }
        return values
    }

    /// last / n + ½ Σ_s u(S_s) · (1/s for members, −1/(n − s) for the others). Sums to `last`. - Complexity: O(n).
    static func reuse(order: [Int], inner: [Double], last: Double) -> [Double] {
        let n = order.count
        var values = [Double](repeating: 0, count: n)
        // A player at place t is in S_s for s > t.
        var sum = zip(1..., inner).reduce(0) { $0 + $1.1 / Double($1.0) }
        for (t, player) in order.enumerated() {
            if t > 0 { sum -= inner[t - 1] / Double(t) + inner[t - 1] / Double(n - t) }
            values[player] = last / Double(n) + sum / 2
        }
        return values
    }
}
