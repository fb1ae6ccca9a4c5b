/// An ordinary least-squares line y = intercept + slope·x.
package struct LinearRegression: Sendable {
    package let slope: Double
    package let intercept: Double
    /// Of the slope; zero for two points.
    package let standardError: Double
    package let count: Int

    package init(_ points: [(x: Double, y: Double)]) {
        precondition(points.count >= 2, "a line needs two points")
        let n = Double(points.count)
        let meanX = points.reduce(0) { $0 + $1.x } / n, meanY = points.reduce(0) { $0 + $1.y } / n
        let sxx = points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
        let sxy = points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) }
        precondition(sxx > 0, "a line needs two places")
        let slope = sxy / sxx, intercept = meanY - slope * meanX
        let residual = points.reduce(0) { sum, point in
            let error = point.y - intercept - slope * point.x
            return sum + error * error
        }
        self.slope = slope
        self.intercept = intercept
        count = points.count
        standardError = points.count > 2 ? (residual / (n - 2) / sxx).squareRoot() : 0
    }

    /// The one-sided upper confidence limit of the slope.
    package func upperSlope(confidence: Double) -> Double {
        guard count > 2 else { return .infinity }
        return slope + StudentT.quantile(confidence, degrees: Double(count - 2)) * standardError
    }
}
