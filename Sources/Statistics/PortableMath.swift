/// Logarithm, exponential, power and logarithm of the gamma function, from additions, multiplications and divisions alone.
///
/// The C library's functions of these names round differently from version to version and from processor to processor. A
/// stitch's γ, and whether the guard lets it pass, follow from them; IEEE 754 fixes the bits of plain arithmetic, so what is
/// computed here is the same on every machine.
///
/// Method: the argument is reduced to x = m·2^e with m in (√½, √2], log m = 2·artanh((m − 1)/(m + 1)) by its Taylor series, and
/// e^r by its Taylor series for |r| ≤ ½·ln 2 (W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980,
/// chapters 5 to 7). Logarithms are kept as sums of two numbers (T. J. Dekker, Numerische Mathematik 18, 1971), since a power's
/// exponent multiplies their error.
///
/// Error: `log`, `exp` and `pow` lie within 1 unit in the last place of the true value, where that is no subnormal number;
/// `logGamma` within 1e-15 or 1e-15 of its value, whichever is larger.
package enum PortableMath {
    /// The unevaluated sum of a number and what it lacks.
    package struct Pair: Sendable {
        package var high: Double
        package var low: Double
    }

    // MARK: - The functions

    package static func log(_ x: Double) -> Double {
        guard x > 0, x.isFinite else { return x == 0 ? -.infinity : x == .infinity ? x : .nan }
        return logarithm(x).high
    }

    package static func exp(_ x: Double) -> Double { exp(Pair(high: x, low: 0)) }

    /// x^y for x ≥ 0; not a number for negative x.
    package static func pow(_ x: Double, _ y: Double) -> Double {
        if y == 0 || x == 1 { return 1 }
        guard x >= 0, !y.isNaN else { return .nan }
        if x == 0 || x == .infinity { return (x == 0) == (y < 0) ? .infinity : 0 }
        guard y.isFinite else { return (x > 1) == (y > 0) ? .infinity : 0 }
        return pow(logarithm(x), y)
    }

    /// x^y, where the logarithm of x is at hand: for many powers of few numbers.
    package static func pow(_ logarithm: Pair, _ y: Double) -> Double {
        // Beyond the exponential's range, where an exact product might overflow on its way.
        let estimate = logarithm.high * y
        guard abs(estimate) < 800 else { return estimate > 0 ? .infinity : 0 }
        var exponent = product(logarithm.high, y)
        exponent.low += logarithm.low * y
        return exp(exponent)
    }

    /// log Γ(x) for x > 0: Stirling's series (Abramowitz and Stegun 1964, 6.1.40) behind a shift by Γ(x + 1) = x·Γ(x).
    package static func logGamma(_ x: Double) -> Double {
        precondition(x > 0 && x.isFinite)
        if x == 1 || x == 2 { return 0 }
        var shifted = x, factor = 1.0
        while shifted < 16 {
            factor *= shifted
            shifted += 1
        }
        let logarithm = logarithm(shifted), inverse = 1 / shifted, square = inverse * inverse
        var series = 0.0
        for coefficient in stirling.reversed() { series = series * square + coefficient }
        var value = product(shifted - 0.5, logarithm.high)
        value.low += (shifted - 0.5) * logarithm.low
        value = sum(sum(value, Pair(high: -shifted, low: 0)), halfLogarithmOfTwoPi)
        value = sum(value, Pair(high: series * inverse, low: 0))
        guard factor != 1 else { return value.high }
        let product = Self.logarithm(factor)
        return sum(value, Pair(high: -product.high, low: -product.low)).high
    }

    // MARK: - The logarithm as a pair

    /// Of a positive, finite number.
    package static func logarithm(_ x: Double) -> Pair {
        precondition(x > 0 && x.isFinite)
        var m = x.significand, e = Double(x.exponent)
        if m > squareRootOfTwo {
            m /= 2
            e += 1
        }
        // s = (m − 1)/(m + 1), with what the division leaves over.
        let f = m - 1, denominator = sum(m, 1)
        let quotient = f / denominator.high
        let back = product(quotient, denominator.high)
        let s = Pair(high: quotient, low: ((f - back.high) - back.low - quotient * denominator.low) / denominator.high)
        // z = s²
        var z = product(s.high, s.high)
        z.low += 2 * s.high * s.low
        // artanh(s) = s·(1 + z/3 + z²/5 + …): the first two terms in pairs, the small rest in single numbers.
        var rest = 0.0
        for coefficient in artanh.reversed() { rest = rest * z.high + coefficient }
        var third = sum(oneThird.high, z.high * rest)
        third.low += oneThird.low
        var tail = product(z.high, third.high)
        tail.low += z.high * third.low + z.low * third.high
        var scaled = product(s.high, tail.high)
        scaled.low += s.high * tail.low + s.low * tail.high
        var half = sum(s.high, scaled.high)
        half.low += s.low + scaled.low
        var value = sum(e * ln2High, 2 * half.high)
        value.low += 2 * half.low + e * ln2Low
        return sum(value.high, value.low)
    }

    /// e to the power of a pair.
    private static func exp(_ x: Pair) -> Double {
        if x.high.isNaN { return .nan }
        if x.high > 709.79 { return .infinity }
        if x.high < -745.2 { return 0 }
        // The nearest whole number, by adding one so large that it has no room for fractions.
        let k = (x.high * inverseOfLn2 + roundingConstant) - roundingConstant
        let r = sum(x.high - k * ln2High, x.low - k * ln2Low)
        var series = 0.0
        for coefficient in exponential.reversed() { series = series * r.high + coefficient }
        let value = 1 + (r.high + (r.low + r.high * r.high * series))
        return scale(value, Int(k))
    }

    /// value·2^k with one rounding.
    private static func scale(_ value: Double, _ k: Int) -> Double {
        func power(_ k: Int) -> Double { Double(bitPattern: UInt64(k + 1023) << 52) }
        if k > 1023 { return value * 2 * power(k - 1) }
        if k < -1022 { return value * power(k + 128) * power(-128) }
        return value * power(k)
    }

    // MARK: - Arithmetic of pairs

    /// a + b exactly (Knuth's TwoSum).
    private static func sum(_ a: Double, _ b: Double) -> Pair {
        let sum = a + b, part = sum - a
        return Pair(high: sum, low: (a - (sum - part)) + (b - part))
    }

    private static func sum(_ a: Pair, _ b: Pair) -> Pair {
        var high = sum(a.high, b.high)
        high.low += a.low + b.low
        return sum(high.high, high.low)
    }

    /// a·b exactly (Dekker's product, from halves of 26 bits), where nothing over- or underflows.
    private static func product(_ a: Double, _ b: Double) -> Pair {
        let product = a * b, (aHigh, aLow) = halves(a), (bHigh, bLow) = halves(b)
        return Pair(high: product, low: ((aHigh * bHigh - product) + aHigh * bLow + aLow * bHigh) + aLow * bLow)
    }

    private static func halves(_ a: Double) -> (high: Double, low: Double) {
        let spread = a * 134_217_729, high = spread - (spread - a)
        return (high, a - high)
    }

    // MARK: - Constants

    private static let squareRootOfTwo = 0x1.6a09e667f3bcdp0
    private static let inverseOfLn2 = 0x1.71547652b82fep0
    /// ln 2 in two parts, of which the first has so few digits that its product with any exponent is exact.
    private static let ln2High = 0x1.62e42fefa38p-1
    private static let ln2Low = 0x1.ef35793c7673p-45
    private static let roundingConstant = 0x1.8p52
    private static let oneThird = Pair(high: 0x1.5555555555555p-2, low: 0x1.5555555555555p-56)
    /// ½·log 2π.
    private static let halfLogarithmOfTwoPi = Pair(high: 0x1.d67f1c864beb5p-1, low: -0x1.65b5a1b7ff5dfp-55)
    /// 1/5, 1/7, … of artanh.
    private static let artanh: [Double] = stride(from: 5.0, through: 25, by: 2).map { 1 / $0 }
    /// 1/2!, 1/3!, … of e^r.
    private static let exponential: [Double] = {
        var factorial = 1.0
        return (2...15).map { n in
            factorial *= Double(n)
            return 1 / factorial
        }
    }()
    /// B_2n / (2n·(2n − 1)).
    private static let stirling: [Double] = [1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360_360, 1.0 / 156]
}
