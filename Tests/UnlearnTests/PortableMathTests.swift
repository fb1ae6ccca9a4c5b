import Glibc
@testable import Statistics
import TestSupport
import Testing
@testable import Unlearn

@Suite("Arithmetic of our own")
struct PortableMathTests {
    /// Units in the last place between two numbers of one sign.
    private func distance(_ a: Double, _ b: Double) -> UInt64 { a == b ? 0 : a.bitPattern > b.bitPattern ? a.bitPattern - b.bitPattern : b.bitPattern - a.bitPattern }

    /// The C library's functions are within a unit of the truth themselves.
    private static let tolerance: UInt64 = 2

    @Test("It agrees with the C library to two units in the last place over wide ranges", arguments: [UInt64(1), 2, 3])
    func agreement(seed: UInt64) {
        var random = SeededUniforms(seed)
        for _ in 0..<20_000 {
            let wide = exp2(2000 * random.next() - 1000), near = 0.5 + random.next(), exponent = 1400 * random.next() - 700
            for x in [wide, near, 1 + (near - 1) * 1e-9] { #expect(distance(PortableMath.log(x), log(x)) <= Self.tolerance, "log \(x)") }
            for x in [exponent, exponent / 700, exponent * 1e-9] { #expect(distance(PortableMath.exp(x), exp(x)) <= Self.tolerance, "exp \(x)") }
            let power = exponent / log(wide), block = (1e5 * random.next()).rounded(.up), h = 18 * random.next() - 9
            #expect(distance(PortableMath.pow(wide, power), pow(wide, power)) <= Self.tolerance, "\(wide)^\(power)")
            #expect(distance(PortableMath.pow(block, h), pow(block, h)) <= Self.tolerance, "\(block)^\(h)")
            #expect(PortableMath.pow(PortableMath.logarithm(block), h) == PortableMath.pow(block, h), "\(block)^\(h) by its logarithm")
            let halves = (2e4 * random.next()).rounded(.up) / 2, gamma: Double = lgamma(halves)
            #expect(abs(PortableMath.logGamma(halves) - gamma) <= 2e-15 * max(1, abs(gamma)), "log Γ(\(halves))")
        }
    }

    @Test("It is exact where the value is a number that it can say")
    func exactValues() {
        #expect(PortableMath.log(1) == 0 && PortableMath.exp(0) == 1 && PortableMath.exp(-0.0) == 1)
        #expect(PortableMath.pow(7, 0) == 1 && PortableMath.pow(1, 1e300) == 1 && PortableMath.pow(123.25, 1) == 123.25)
        for k in -1022...1023 { #expect(PortableMath.pow(2, Double(k)) == exp2(Double(k)), "2^\(k)") }
        for (base, most) in [(3.0, 33), (5.0, 22), (10.0, 22)] {
            var power = 1.0
            for k in 1...most {
                power *= base
                #expect(PortableMath.pow(base, Double(k)) == power, "\(base)^\(k)")
            }
        }
        #expect(PortableMath.logGamma(1) == 0 && PortableMath.logGamma(2) == 0)
    }

    private func isSame(_ a: Double, _ b: Double) -> Bool { a == b || a.isNaN && b.isNaN }

    @Test("Beyond its range it gives what the C library gives")
    func edges() {
        for x in [0, -0.0, -1, .infinity, -.infinity, Double.nan, .leastNonzeroMagnitude, Double(sign: .plus, exponent: -1022, significand: 1), .greatestFiniteMagnitude] {
            #expect(isSame(PortableMath.log(x), log(x)), "log \(x)")
        }
        for x in [.infinity, -.infinity, Double.nan, 709.79, 710, 1e300, -745.13, -745.3, -746, -1e300] {
            #expect(isSame(PortableMath.exp(x), exp(x)), "exp \(x)")
        }
        for x in [0, 0.5, 1, 2, Double.infinity] {
            for y in [0, 1, -1, 1e300, -1e300, .infinity, -.infinity, .leastNonzeroMagnitude] { #expect(PortableMath.pow(x, y) == pow(x, y), "\(x)^\(y)") }
        }
        #expect(PortableMath.pow(.nan, 0) == 1 && PortableMath.pow(.nan, 1).isNaN && PortableMath.pow(2, .nan).isNaN && PortableMath.pow(-2, 2).isNaN)
    }

    @Test(
        "Logarithms have the bits that every machine gives",
        arguments: [
            (0.5, 0xbfe6_2e42_fefa_39ef), (3, 0x3ff1_93ea_7aad_030b), (10, 0x4002_6bb1_bbb5_5516), (0.1, 0xc002_6bb1_bbb5_5515),
            (1e-300, 0xc085_9634_47f8_7fb5), (1.7e308, 0x4086_2dd0_8fdc_6f88), (0.7071, 0xbfd6_2e6b_3842_a25e),
        ] as [(Double, UInt64)])
    func pinnedLogarithms(x: Double, bits: UInt64) { #expect(PortableMath.log(x).bitPattern == bits) }

    @Test(
        "Exponentials have the bits that every machine gives",
        arguments: [
            (-745, 1), (-1, 0x3fd7_8b56_362c_ef38), (-0.3, 0x3fe7_b4c8_69c3_7c05), (1e-10, 0x3ff0_0000_0006_df38), (0.5, 0x3ffa_6129_8e1e_069c),
            (1, 0x4005_bf0a_8b14_576a), (10, 0x40d5_829d_cf95_0560), (709, 0x7fdd_422d_2be5_dc9b),
        ] as [(Double, UInt64)])
    func pinnedExponentials(x: Double, bits: UInt64) { #expect(PortableMath.exp(x).bitPattern == bits) }

    @Test(
        "Powers have the bits that every machine gives",
        arguments: [
            (2, 0.5, 0x3ff6_a09e_667f_3bcc), (10, -1, 0x3fb9_9999_9999_999a), (7, -0.37, 0x3fdf_270d_f991_42e4), (1.001, 1e5, 0x48f2_58a7_3ff6_1536),
            (600, -2.5, 0x3e7e_70f2_691c_fddf), (1e-5, 0.1, 0x3fd4_3d13_6248_490e), (3, -0.01, 0x3fef_a67e_86a7_c8a1),
        ] as [(Double, Double, UInt64)])
    func pinnedPowers(x: Double, y: Double, bits: UInt64) { #expect(PortableMath.pow(x, y).bitPattern == bits) }

    @Test(
        "Logarithms of gamma have the bits that every machine gives",
        arguments: [(0.5, 0x3fe2_50d0_48e7_a1bd), (1.5, 0xbfbe_eb95_b094_c191), (3, 0x3fe6_2e42_fefa_39ef), (49.5, 0x4061_d3c0_c7e7_268c)] as [(Double, UInt64)])
    func pinnedGammas(x: Double, bits: UInt64) { #expect(PortableMath.logGamma(x).bitPattern == bits) }

    @Test("γ of a damped stitch and a fit of residuals have the bits that every machine gives")
    func pinnedDecisions() {
        let delta = (1...12).map { 3 / Double($0).squareRoot() + 0.1 }
        let series = DecayGuardTests.series(delta, rho: 0.01) { 4 / Double($0 + 1).squareRoot() }
        #expect(Damping.automatic.factor(series, blocksLeft: 30).value.bitPattern == 0x3fe1_9848_a3df_0005)
        let law = FadingLaw(delta.enumerated().map { (Double($0.offset + 2) * 270, $0.element) })!
        #expect(law.exponent.bitPattern == 0x3fe3_3eb3_2c91_5b61)
        #expect(law.value(at: 20_000).bitPattern == 0x3fd5_69e3_de3d_d36b)
        #expect(PowerLawFit(delta, method: .leastSquares).h.bitPattern == 0x3fdf_ffff_ffff_fffb)
        #expect(PowerLawFit(delta, method: .dfa).h.bitPattern == 0x3fdf_ffff_ffff_ff6c)
        #expect(StudentT.quantile(0.95, degrees: 10).bitPattern == 0x3ffc_ffd7_3bfb_f620)
    }
}
