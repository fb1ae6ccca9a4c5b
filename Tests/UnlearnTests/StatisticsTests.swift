import Testing

@testable import Statistics

@Suite("Statistics")
struct StatisticsTests {
    struct Quantile: Decodable {
        let probability, degrees, quantile: Double
    }

    @Test("Student's t has SciPy's quantiles")
    func studentT() throws {
        let points: [Quantile] = try PowerLawFitTests.fixture("student_t")
        #expect(points.count == 42)
        for point in points {
            let found = StudentT.quantile(point.probability, degrees: point.degrees)
            #expect(abs(found - point.quantile) <= 1e-9 * max(1, abs(point.quantile)), "p \(point.probability), \(point.degrees) degrees")
            #expect(abs(StudentT.cumulative(found, degrees: point.degrees) - point.probability) < 1e-12)
        }
    }

    @Test("A regression line has the textbook's slope and standard error")
    func regression() {
        // y = 1 + 2x with errors +1, −1, −1, +1: the slope stays 2, the residual sum of squares is 4.
        let line = LinearRegression([(0, 2), (1, 2), (2, 4), (3, 8)])
        #expect(abs(line.slope - 2) < 1e-12 && abs(line.intercept - 1) < 1e-12)
        #expect(abs(line.standardError - (4.0 / 2 / 5).squareRoot()) < 1e-12)
        let upper = line.upperSlope(confidence: 0.95)
        #expect(abs(upper - (2 + 2.919_985_580 * line.standardError)) < 1e-6)
        #expect(LinearRegression([(0, 0), (1, 1)]).upperSlope(confidence: 0.95) == .infinity)
    }
}
