import Statistics

/// How the exponent of a power law is found.
public enum FitMethod: String, Codable, Sendable, CaseIterable {
    /// Jointly with a and b by least squares.
    case leastSquares = "least-squares"
    /// By detrended fluctuation analysis, as DeepObliviate does; then a and b by least squares.
    case dfa
}

/// Δ_t ≈ a·t^{−h} + b with a ≥ 0, b ≥ 0, h > 0 (He et al. 2021, arXiv 2105.06209, equation of residual memory).
public struct PowerLawFit: Sendable, Codable, Equatable {
    public let a: Double
    public let b: Double
    public let h: Double
    public let method: FitMethod
    /// Share of the variance explained; negative where a constant would do better, 1 where there is none.
    public let r2: Double

    /// Exponents that the fit may take: below, decay cannot be told from none; above, from an instant one.
    public static let exponents = 0.01...8.0

    /// Fits Δ_1…Δ_n, n ≥ 3.
    /// - Complexity: O(n) for each of some 250 exponents.
    public init(_ delta: [Double], method: FitMethod) {
        precondition(delta.count >= 3, "a power law needs three points")
        // Of t = 1 … n, once for all exponents.
        let logarithms = delta.indices.map { PortableMath.logarithm(Double($0 + 1)) }
        let h =
            switch method {
            case .leastSquares: Self.bestExponent(delta, logarithms)
            case .dfa: DetrendedFluctuation.decayExponent(delta, in: Self.exponents)
            }
        let (a, b, error) = Self.coefficients(delta, logarithms, h)
        let mean = delta.reduce(0, +) / Double(delta.count)
        let variance = delta.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        self.init(a: a, b: b, h: h, method: method, r2: variance > 0 ? 1 - error / variance : 1)
    }

    public init(a: Double, b: Double, h: Double, method: FitMethod, r2: Double) {
        self.a = a
        self.b = b
        self.h = h
        self.method = method
        self.r2 = r2
    }

    public func value(_ t: Int) -> Double { a * PortableMath.pow(Double(t), -h) + b }

    /// −dΔ/dt at t: what the stop rule compares with ε.
    public func decline(_ t: Int) -> Double { a * h * PortableMath.pow(Double(t), -h - 1) }

    /// Σ Δ_i for from ≤ i ≤ through.
    public func sum(from: Int, through: Int) -> Double { from > through ? 0 : (from...through).reduce(0) { $0 + value($1) } }

    /// The best a, b ≥ 0 for an exponent, and the sum of squared errors: linear least squares, on the border of the
    /// quadrant where the free optimum lies outside.
    private static func coefficients(_ delta: [Double], _ logarithms: [PortableMath.Pair], _ h: Double) -> (a: Double, b: Double, error: Double) {
        let n = Double(delta.count)
        var (sx, sy, sxx, sxy) = (0.0, 0.0, 0.0, 0.0)
        let powers = logarithms.map { PortableMath.pow($0, -h) }
        for (x, y) in zip(powers, delta) {
            sx += x
            sy += y
            sxx += x * x
            sxy += x * y
        }
        let determinant = n * sxx - sx * sx
        var a = determinant > 0 ? (n * sxy - sx * sy) / determinant : 0
        var b = (sy - a * sx) / n
        if a < 0 { (a, b) = (0, max(0, sy / n)) }
        if b < 0 { (a, b) = (max(0, sxy / sxx), 0) }
        let error = zip(powers, delta).reduce(0.0) { sum, point in
            let miss = point.1 - a * point.0 - b
            return sum + miss * miss
        }
        return (a, b, error)
    }

    /// The exponent of the least error: a scan, since the error may have two valleys, then golden sections.
    private static func bestExponent(_ delta: [Double], _ logarithms: [PortableMath.Pair]) -> Double {
        func error(_ logarithm: Double) -> Double { coefficients(delta, logarithms, PortableMath.exp(logarithm)).error }
        let (first, last) = (PortableMath.log(exponents.lowerBound), PortableMath.log(exponents.upperBound))
        let points = 160
        let step = (last - first) / Double(points)
        let errors = (0...points).map { error(first + Double($0) * step) }
        let best = errors.indices.min { errors[$0] < errors[$1] }!
        var low = max(first, first + Double(best - 1) * step), high = min(last, first + Double(best + 1) * step)
        let golden = (5.0.squareRoot() - 1) / 2
        var left = high - golden * (high - low), right = low + golden * (high - low)
        var (leftError, rightError) = (error(left), error(right))
        for _ in 0..<80 {
            if leftError <= rightError {
                (high, right, rightError) = (right, left, leftError)
                left = high - golden * (high - low)
                leftError = error(left)
            } else {
                (low, left, leftError) = (left, right, rightError)
                right = low + golden * (high - low)
                rightError = error(right)
            }
        }
        return PortableMath.exp((low + high) / 2)
    }
}
