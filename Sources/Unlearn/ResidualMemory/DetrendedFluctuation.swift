import Statistics

/// Detrended fluctuation analysis (Peng et al. 1994) with overlapping windows, so that short series have enough of them.
public enum DetrendedFluctuation {
    /// Sizes of windows, in geometric steps from the shortest in which a line leaves something over to half of a short
    /// series or a quarter of a long one.
    static func windows(_ count: Int) -> [Int] {
        let (first, last) = count < 16 ? (3.0, Double(max(4, count / 2))) : (4.0, Double(max(8, count / 4)))
        let steps = 20
        let sizes = (0...steps).map { Int((first * PortableMath.pow(last / first, Double($0) / Double(steps))).rounded()) }
        return Set(sizes).filter { $0 <= count }.sorted()
    }

    /// α of F(s) ∝ s^α: the series' cumulative sum is cut into windows of s, a line is taken out of each, and F(s) is
    /// the root mean square of what is left. Nil where fewer than two window sizes leave anything.
    /// - Complexity: O(n).
    public static func scalingExponent(_ series: [Double]) -> Double? {
        let mean = series.reduce(0, +) / Double(series.count)
        var profile: [Double] = []
        var sum = 0.0
        for value in series {
            sum += value - mean
            profile.append(sum)
        }
        var points: [(x: Double, y: Double)] = []
        for window in windows(series.count) {
            var (squares, count) = (0.0, 0)
            for start in stride(from: 0, through: profile.count - window, by: max(1, window / 4)) {
                squares += residualSquares(profile[start..<start + window])
                count += window
            }
            let fluctuation = (squares / Double(count)).squareRoot()
            if fluctuation > 0 { points.append((PortableMath.log(Double(window)), PortableMath.log(fluctuation))) }
        }
        return points.count >= 2 ? LinearRegression(points).slope : nil
    }

    /// The exponent h, within `range`, of a series that decays as a·t^{−h} + b.
    ///
    /// For long stationary series α and the exponent of decay are linked in closed form. Residual series are neither:
    /// they are short and all trend. So α is inverted by comparison: h is the exponent whose pure power law of the same
    /// length has the same α, which makes the answer exact for pure laws of any length. (a and b do not change α.)
    /// - Complexity: O(n) for each of some 50 bisections.
    public static func decayExponent(_ series: [Double], in range: ClosedRange<Double>) -> Double {
        guard let alpha = scalingExponent(series) else { return range.lowerBound }
        let logarithms = series.indices.map { PortableMath.logarithm(Double($0 + 1)) }
        // α falls as h grows.
        func isFlatter(_ h: Double) -> Bool {
            (scalingExponent(logarithms.map { PortableMath.pow($0, -h) }) ?? alpha) > alpha
        }
        var (low, high) = (range.lowerBound, range.upperBound)
        guard isFlatter(low) else { return low }
        guard !isFlatter(high) else { return high }
        for _ in 0..<50 {
            let middle = (low + high) / 2
            if isFlatter(middle) { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// What the least-squares line over a window leaves, squared and added up.
    private static func residualSquares(_ window: ArraySlice<Double>) -> Double {
        let n = Double(window.count), middle = (n - 1) / 2
        let mean = window.reduce(0, +) / n
        var (x, products, squares) = (-middle, 0.0, 0.0)
        for value in window {
            products += x * (value - mean)
            squares += (value - mean) * (value - mean)
            x += 1
        }
        // Σ x² over x = −middle … middle.
        return max(0, squares - products * products / (n * (n * n - 1) / 12))
    }
}
