import Foundation
import Testing

@testable import Unlearn

@Suite("Power-law fits")
struct PowerLawFitTests {
    struct Case: Decodable {
        let delta: [Double]
        let a, b, h, error: Double
    }

    static func fixture<Value: Decodable>(_ name: String) throws -> Value {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"))
        return try JSONDecoder().decode(Value.self, from: Data(contentsOf: url))
    }

    @Test("Least squares finds what SciPy's curve_fit finds")
    func agreesWithSciPy() throws {
        let cases: [Case] = try Self.fixture("power_law_fits")
        #expect(cases.count == 8)
        for (index, known) in cases.enumerated() {
            let fit = PowerLawFit(known.delta, method: .leastSquares)
            let error = known.delta.enumerated().reduce(0.0) { $0 + pow(fit.value($1.offset + 1) - $1.element, 2) }
            #expect(error <= known.error * (1 + 1e-6) + 1e-18, "case \(index): a larger error than SciPy's")
            #expect(abs(fit.h - known.h) <= 2e-4 * known.h, "case \(index): h \(fit.h), SciPy \(known.h)")
            #expect(abs(fit.a - known.a) <= 2e-4 * known.a, "case \(index): a \(fit.a), SciPy \(known.a)")
            #expect(abs(fit.b - known.b) <= 2e-4 * (known.a + known.b), "case \(index): b \(fit.b), SciPy \(known.b)")
        }
    }

    @Test("A pure power law is recovered", arguments: [0.2, 0.5, 1.0, 2.0])
    func recoversPowerLaw(h: Double) {
        let delta = (1...20).map { 3 * pow(Double($0), -h) + 0.25 }
        let fit = PowerLawFit(delta, method: .leastSquares)
        #expect(abs(fit.h - h) < 1e-5 && abs(fit.a - 3) < 1e-4 && abs(fit.b - 0.25) < 1e-4)
        #expect(fit.r2 > 0.999_999)
        #expect(abs(fit.decline(4) - 3 * h * pow(4, -h - 1)) < 1e-4)
        #expect(abs(fit.sum(from: 5, through: 7) - (5...7).reduce(0) { $0 + fit.value($1) }) < 1e-12)
        #expect(fit.sum(from: 5, through: 4) == 0)
    }

    @Test("Coefficients stay in their quadrant where the free optimum does not")
    func boundedCoefficients() {
        let rising = PowerLawFit([1, 2, 3, 4, 5, 6, 7, 8], method: .leastSquares)
        #expect(rising.a == 0 && abs(rising.b - 4.5) < 1e-9)
        let steep = PowerLawFit([100, 10, 1, 0, 0, 0, 0, 0], method: .leastSquares)
        #expect(steep.a > 0 && steep.b >= 0)
        let flat = PowerLawFit([2, 2, 2, 2], method: .leastSquares)
        #expect(abs(flat.value(9) - 2) < 1e-9 && flat.r2 == 1)
    }

    @Test("Fluctuation analysis tells white noise from its sum", arguments: [UInt64(1), 2, 3])
    func scalingExponents(seed: UInt64) throws {
        var random = RandomSource(seed)
        let noise = (0..<2000).map { _ in random.gaussian() }
        let alpha = try #require(DetrendedFluctuation.scalingExponent(noise))
        #expect(abs(alpha - 0.5) < 0.1, "white noise: α \(alpha)")
        var sum = 0.0
        let walk = noise.map { step -> Double in
            sum += step
            return sum
        }
        let walkAlpha = try #require(DetrendedFluctuation.scalingExponent(walk))
        #expect(abs(walkAlpha - 1.5) < 0.15, "random walk: α \(walkAlpha)")
    }

    @Test("Fluctuation analysis finds the exponent of a pure power law of any length", arguments: [8, 11, 40, 400], [0.2, 0.5, 1.0, 1.6])
    func decayExponents(count: Int, h: Double) {
        let fit = PowerLawFit((1...count).map { 2 * pow(Double($0), -h) + 0.1 }, method: .dfa)
        #expect(fit.method == .dfa && abs(fit.h - h) < 1e-6, "found \(fit.h)")
        #expect(abs(fit.a - 2) < 1e-4 && abs(fit.b - 0.1) < 1e-4 && fit.r2 > 0.999_999)
    }

    @Test("Fluctuation analysis of a noisy decay is near its exponent", arguments: [0.3, 0.6, 1.0])
    func noisyDecay(h: Double) {
        var random = RandomSource(9)
        let delta = (1...100).map { pow(Double($0), -h) * (1 + 0.02 * random.gaussian()) }
        let found = PowerLawFit(delta, method: .dfa).h
        #expect(abs(found - h) < 0.15, "found \(found)")
    }

    @Test("A series without fluctuations has the least exponent, not a trap")
    func degenerateSeries() {
        #expect(DetrendedFluctuation.scalingExponent([1, 1, 1, 1, 1, 1, 1, 1]) == nil)
        let fit = PowerLawFit([Double](repeating: 1, count: 8), method: .dfa)
        #expect(fit.h == PowerLawFit.exponents.lowerBound)
        #expect(PowerLawFit([Double](repeating: 0, count: 8), method: .leastSquares).value(20) == 0)
    }
}

/// Gaussians from TestSupport's generator (Box and Muller 1958).
struct RandomSource {
    private var generator: SeededUniforms

    init(_ seed: UInt64) { generator = SeededUniforms(seed) }

    mutating func gaussian() -> Double {
        (-2 * log(1 - generator.next())).squareRoot() * cos(2 * .pi * generator.next())
    }
}
