import Statistics

/// How what a chain knows of deleted rows fades: a·τ^{−h}, where τ is the learning time since, the L1 norms of all influences added up.
///
/// Counted in blocks, the law bends: a falling rate slows learning and forgetting alike, so that a straight log-log line through
/// the first blocks falls too steeply for the last. Counted in what the chain learned, it is straight, and its exponent hardly
/// depends on where in the chain the rows stood. Few points of a row or two say little of the exponent, so they are heard beside a prior.
struct FadingLaw: Equatable {
    /// h.
    let exponent: Double
    /// The value that recent points agree on, at `time`.
    let level: Double
    let time: Double

    /// Of h, as single mislabelled rows all over the chain of the built-in LeNet-5 had it: its mean, and how much the prior weighs, in units of
    /// the sum of squares of log τ; 2 is what points with errors of a fifth weigh beside a standard deviation of 0.14.
    static let prior = (exponent: 0.6, weight: 2.0)
    /// Beyond these the line through the points is noise.
    static let exponents = 0.2...1.2
    /// Points that the level is a mean of.
    static let recent = 4

    /// - Parameter points: by time, which is positive and grows; values may have any sign.
    /// - Returns: nil where there is no point.
    /// - Complexity: O(n).
    init?(_ points: [(time: Double, value: Double)]) {
        guard let last = points.last else { return nil }
        precondition(zip(points, points.dropFirst()).allSatisfy { $0.time <= $1.time } && points[0].time > 0)
        time = last.time
        // Least squares on logarithms, drawn towards the prior. What has the other sign, or none, has no logarithm.
        let sign = points.suffix(Self.recent).reduce(0) { $0 + $1.value } < 0 ? -1.0 : 1.0
        let logs = points.filter { sign * $0.value > 0 }.map { (x: PortableMath.log($0.time), y: PortableMath.log(sign * $0.value)) }
        var exponent = Self.prior.exponent
        if logs.count >= 3 {
            let n = Double(logs.count), meanX = logs.reduce(0) { $0 + $1.x } / n, meanY = logs.reduce(0) { $0 + $1.y } / n
            var (squares, products) = (Self.prior.weight, -Self.prior.weight * Self.prior.exponent)
            for point in logs {
                squares += (point.x - meanX) * (point.x - meanX)
                products += (point.x - meanX) * (point.y - meanY)
            }
            exponent = min(max(-products / squares, Self.exponents.lowerBound), Self.exponents.upperBound)
        }
        self.exponent = exponent
        // Not on logarithms: noise of either sign cancels.
        let recent = points.suffix(Self.recent), now = time
        level = recent.reduce(0) { $0 + $1.value * PortableMath.pow($1.time / now, exponent) } / Double(recent.count)
    }

    /// The law at a time that is not before the last point's.
    func value(at time: Double) -> Double { level * PortableMath.pow(time / self.time, -exponent) }
}
