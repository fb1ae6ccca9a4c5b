import Foundation
import Tensors
import Testing

@testable import Unlearn

@Suite("Guard and damping")
struct DecayGuardTests {
    /// A series with the given residuals, relative residuals and gap norms.
    static func series(_ delta: [Double], rho: Double, gap: (Int) -> Double = { _ in 1 }) -> ResidualSeries {
        let lattice = Lattice(bits: 14)
        var series = ResidualSeries(deletedBlock: 3)
        for (t, value) in ([0] + delta).enumerated() {
            func steps(_ length: Double) -> UInt64 { UInt64((abs(length) / lattice.unit).rounded()) }
            series.append(distance: steps(value), norm: rho > 0 ? steps(value / rho) : 1, gap: steps(gap(t)), unit: lattice.unit)
        }
        return series
    }

    /// Much is left of the chain.
    static let farEnd = DecayGuard.Outlook(influenceAhead: 1e6, damping: 1)

    @Test("A moderate residual may be stitched where little of the chain is left", arguments: [(0.1, true), (0.19, true), (0.21, false)])
    func nearTheEnd(rho: Double, allowed: Bool) throws {
        let series = Self.series((1...10).map { pow(Double($0), -0.6) }, rho: rho) { _ in 4 }
        // The bound is ρ·ahead + (1 − γ)·4; doing nothing leaves γ·4.
        let near = try #require(DecayGuard().verdict(series, method: .leastSquares, outlook: .init(influenceAhead: 5, damping: 0.9)))
        #expect(abs(near.distanceBound - (rho * 5 + 0.4)) < 1e-2)
        #expect(near.allowsStitch == allowed)
        let far = try #require(DecayGuard().verdict(series, method: .leastSquares, outlook: .init(influenceAhead: 40, damping: 0.9)))
        #expect(!far.allowsStitch)
    }

    @Test("The ceiling of what may be stitched at all is four times the limit", arguments: [(0.05, 0.19, true), (0.05, 0.21, false), (0.02, 0.079, true), (0.02, 0.081, false), (0, 0.001, false)])
    func ceiling(limit: Double, rho: Double, allowed: Bool) throws {
        let series = Self.series((1...10).map { pow(Double($0), -0.6) }, rho: rho) { _ in 4 }
        var decayGuard = DecayGuard()
        decayGuard.rhoLimit = limit
        let verdict = try #require(decayGuard.verdict(series, method: .leastSquares, outlook: .init(influenceAhead: 1, damping: 1)))
        #expect(verdict.allowsStitch == allowed)
    }

    @Test("Too few residuals give no verdict")
    func fewResiduals() {
        let series = Self.series([1, 0.5, 0.3, 0.2, 0.1, 0.05, 0.04], rho: 0.01)
        #expect(series.count == 7)
        #expect(DecayGuard().verdict(series, method: .leastSquares, outlook: Self.farEnd) == nil)
    }

    @Test("A decaying series below the limit may be stitched")
    func decaying() throws {
        let series = Self.series((1...10).map { pow(Double($0), -0.6) }, rho: 0.01)
        let verdict = try #require(DecayGuard().verdict(series, method: .leastSquares, outlook: Self.farEnd))
        #expect(abs(verdict.slope + 0.6) < 1e-3 && verdict.slopeUpper < 0)
        #expect(verdict.objection == nil && verdict.ruleSatisfied && verdict.allowsStitch)
    }

    @Test("A flat or rising series is refused, with its slope", arguments: [0.0, 0.3])
    func notDecaying(exponent: Double) throws {
        let wobble = [1.0, 1.02, 0.98]
        let series = Self.series((1...10).map { pow(Double($0), exponent) * wobble[$0 % 3] }, rho: 0.01)
        let verdict = try #require(DecayGuard().verdict(series, method: .leastSquares, outlook: Self.farEnd))
        #expect(verdict.objection?.contains("does not decay") == true)
        #expect(!verdict.allowsStitch)
    }

    @Test("A large relative residual is refused, with its size")
    func largeResidual() throws {
        let series = Self.series((1...10).map { pow(Double($0), -0.6) }, rho: 0.2)
        let verdict = try #require(DecayGuard().verdict(series, method: .leastSquares, outlook: Self.farEnd))
        #expect(verdict.objection == "the relative residual is still 20.00 %, above the limit of 5.00 %")
    }

    @Test("The stop rule holds from the first block whose decline is at most epsilon")
    func stopRule() throws {
        // a·h·t^(−h−1) with a = 100, h = 1 is 100/t²: it reaches 1 at t = 10.
        for n in 8...12 {
            let series = Self.series((1...n).map { 100 / Double($0) }, rho: 0.01)
            let verdict = try #require(DecayGuard(epsilon: 1.0001).verdict(series, method: .leastSquares, outlook: Self.farEnd))
            #expect(verdict.ruleSatisfied == (n >= 10), "after \(n) blocks")
        }
    }

    @Test("Residuals that vanish count as decayed")
    func vanishing() throws {
        let verdict = try #require(DecayGuard().verdict(Self.series([Double](repeating: 0, count: 8), rho: 0), method: .leastSquares, outlook: Self.farEnd))
        #expect(verdict.allowsStitch)
    }

    @Test("Damping follows the gap's own fading", arguments: [-0.5, -0.2, 0.0, 0.4])
    func damping(slope: Double) {
        let series = Self.series([Double](repeating: 0.5, count: 9), rho: 0.1) { 4 * pow(Double($0 + 1), slope) }
        let factor = Damping.automatic.factor(series, blocksLeft: 30).value
        // Ten blocks walked, forty in all.
        #expect(abs(factor - min(1, pow(4, slope))) < 1e-3)
        #expect(Damping.fixed(0.3).factor(series, blocksLeft: 30).value == 0.3)
    }

    @Test("A gap that is nothing needs no damping")
    func noGap() {
        #expect(Damping.automatic.factor(Self.series([0, 0, 0], rho: 0) { _ in 0 }, blocksLeft: 5).value == 1)
    }
}
