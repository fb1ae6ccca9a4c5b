import Glibc

/// Detrended fluctuation analysis (Peng et al. 1994; windows from both ends, Kantelhardt et al. 2001).
public enum DetrendedFluctuation {
    /// The shortest window in which a line leaves something over.
    static let shortestWindow = 3

    /// α of F(s) ∝ s^α: the series' cumulative sum is cut into windows of s, a line is taken out of each, and F(s) is
    /// the root mean square of what is left. Nil where fewer than two window sizes leave anything.
    /// - Complexity: O(n²).
    public static func scalingExponent(_ series: [Double]) -> Double? {
        let mean = series.reduce(0, +) / Double(series.count)
        var profile: [Double] = []
        var sum = 0.0
        for value in series {
            sum += value - mean
            profile.append(sum)
        }
        var points: [(x: Double, y: Double)] = []
        for window in shortestWindow...max(shortestWindow, series.count / 2) where window <= series.count {
            let count = profile.count / window
            var squares = 0.0
            for index in 0..<count {
                squares += residualSquares(profile[index * window..<(index + 1) * window])
                let end = profile.count - index * window
                squares += residualSquares(profile[end - window..<end])
            }
            let fluctuation = (squares / Double(2 * count * window)).squareRoot()
            if fluctuation > 0 { points.append((log(Double(window)), log(fluctuation))) }
        }
        return points.count >= 2 ? LinearRegression(points).slope : nil
    }

    /// h of a series that decays as t^{−h}.
    ///
    /// The cumulative sum of t^{−h} bends by about t^{−h−1}; over a window of s a line leaves s²·t^{−h−1} of it. Windows
    /// begin at multiples of s, so that the mean square is dominated by the first and scales as (s/n)·s^{2−2h}:
    /// F ∝ s^{3/2−h} and h = 3/2 − α.
    public static func decayExponent(_ series: [Double]) -> Double {
        scalingExponent(series).map { 1.5 - $0 } ?? 0
    }

    private static func residualSquares(_ window: ArraySlice<Double>) -> Double {
        let points = window.enumerated().map { (x: Double($0.offset), y: $0.element) }
        let line = LinearRegression(points)
        return points.reduce(0) { sum, point in
            let error = point.y - line.intercept - line.slope * point.x
            return sum + error * error
        }
    }
}
