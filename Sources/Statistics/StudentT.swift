/// Student's t distribution.
package enum StudentT {
    /// P(T ≤ t) with `degrees` degrees of freedom, by the regularised incomplete beta function.
    package static func cumulative(_ t: Double, degrees: Double) -> Double { cumulative(t, tails: IncompleteBeta(degrees / 2, 0.5)) }

    private static func cumulative(_ t: Double, tails: IncompleteBeta) -> Double {
        let degrees = 2 * tails.a, tail = 0.5 * tails.value(at: degrees / (degrees + t * t))
        return t > 0 ? 1 - tail : tail
    }

    /// The t below which lies `probability`, to the precision of `cumulative`: Newton's steps, halving where one would leave the interval
    /// in which t lies.
    package static func quantile(_ probability: Double, degrees: Double) -> Double {
        precondition(probability > 0 && probability < 1 && degrees > 0)
        if probability < 0.5 { return -quantile(1 - probability, degrees: degrees) }
        let tails = IncompleteBeta(degrees / 2, 0.5)
        var (low, high) = (0.0, 2.0)
        while cumulative(high, tails: tails) < probability { high *= 2 }
        var t = (low + high) / 2
        while true {
            let excess = cumulative(t, tails: tails) - probability
            // `cumulative` itself tells no more apart.
            if abs(excess) <= 2 * probability.ulp { return t }
            if excess < 0 { low = t } else { high = t }
            let newton = t - excess / density(t, tails: tails), middle = (low + high) / 2
            guard middle > low, middle < high, abs(newton - t) > 2 * t.ulp else { return middle > low && middle < high ? newton : middle }
            t = newton > low && newton < high ? newton : middle
        }
    }

    /// (1 + t²/ν)^(−(ν+1)/2) / (√ν · B(ν/2, ½)).
    private static func density(_ t: Double, tails: IncompleteBeta) -> Double {
        let degrees = 2 * tails.a
        return PortableMath.exp(-(degrees + 1) / 2 * PortableMath.log(1 + t * t / degrees) - tails.logBeta) / degrees.squareRoot()
    }
}

/// The regularised incomplete beta function x ↦ I_x(a, b): what depends on a and b alone is computed once.
struct IncompleteBeta {
    let a: Double
    let b: Double
    let logBeta: Double

    init(_ a: Double, _ b: Double) {
        (self.a, self.b) = (a, b)
        logBeta = PortableMath.logGamma(a) + PortableMath.logGamma(b) - PortableMath.logGamma(a + b)
    }

    /// By the continued fraction, evaluated from the side on which it converges (Lentz's method).
    func value(at x: Double) -> Double {
        if x <= 0 { return 0 }
        if x >= 1 { return 1 }
        return x > (a + 1) / (a + b + 2) ? 1 - fraction(1 - x, b, a) : fraction(x, a, b)
    }

    private func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
        let front: Double = PortableMath.exp(a * PortableMath.log(x) + b * PortableMath.log(1 - x) - logBeta) / a
        let tiny = 1e-300
        var c = 1.0
        var d = 1 - (a + b) * x / (a + 1)
        d = 1 / (abs(d) < tiny ? tiny : d)
        var fraction = d
        func extend(by numerator: Double) {
            d = 1 + numerator * d
            d = 1 / (abs(d) < tiny ? tiny : d)
            c = 1 + numerator / c
            if abs(c) < tiny { c = tiny }
            fraction *= d * c
        }
        for step in 1...500 {
            let m = Double(step)
            let n = a + 2 * m
            let even: Double = m * (b - m) * x / ((n - 1) * n)
            let odd: Double = -(a + m) * (a + b + m) * x / (n * (n + 1))
            extend(by: even)
            extend(by: odd)
            if abs(d * c - 1) < 1e-15 { break }
        }
        return front * fraction
    }
}
