import Glibc

/// One axis: from numbers to a place between 0 and 1, with ticks at round numbers.
///
/// Steps are 1, 2 or 5 times a power of ten (Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990).
public struct Scale: Sendable {
    public enum Kind: Sendable { case linear, logarithmic }

    public let kind: Kind
    /// The ends of the axis; ticks lie within.
    public let low: Double
    public let high: Double
    public let ticks: [Double]
    /// Of the tick labels.
    private let decimals: Int
    /// Every tenth, hundredth, … power of ten is labelled.
    private let powers: Bool

    /// - Parameters:
    ///   - values: what must lie on the axis; others than finite ones are left out, and for a logarithmic axis those ≤ 0.
    ///   - includesZero: the axis begins or ends at 0, or passes it.
    ///   - isWhole: the numbers count something, so no tick lies between whole numbers.
    ///   - most: about how many ticks.
    public init(_ kind: Kind = .linear, _ values: some Sequence<Double>, includesZero: Bool = false, isWhole: Bool = false, most: Int = 6) {
        precondition(most >= 2)
        self.kind = kind
        // The limits leave room for differences.
        let usable = values.filter { abs($0) < 1e150 && (kind == .linear || $0 > 1e-150) }
        switch kind {
        case .linear:
            var low = usable.min() ?? 0, high = usable.max() ?? 1
            if includesZero { (low, high) = (min(low, 0), max(high, 0)) }
            let narrowest = max(abs(low), abs(high)) * 1e-9
            if high - low <= narrowest {
                let half = low == 0 ? 0.5 : max(abs(low) / 10, narrowest)
                (low, high) = (includesZero && low == 0 ? 0 : low - half, high + half)
            }
            let step = Self.niceStep(high - low, most: most, isWhole: isWhole)
            let first = (low / step).rounded(.down), last = (high / step).rounded(.up)
            ticks = stride(from: first, through: last, by: 1).map { $0 * step }
            (self.low, self.high) = (first * step, last * step)
            decimals = min(max(-Int(log10(step * 1.0001).rounded(.down)), 0), 12)
            powers = false
        case .logarithmic:
            var first = Int(log10(usable.min() ?? 1).rounded(.down)), last = Int(log10(usable.max() ?? 1).rounded(.up))
            if first == last { (first, last) = (first - 1, last + 1) }
            let step = max((last - first + most - 1) / most, 1)
            ticks = stride(from: first, through: last, by: step).map { pow(10, Double($0)) }
            (low, high) = (pow(10, Double(first)), pow(10, Double(last)))
            decimals = 0
            powers = true
        }
    }

    /// 0 at the low end, 1 at the high end; numbers outside are put on the end. Only finite numbers have a place.
    public func place(_ value: Double) -> Double {
        precondition(value.isFinite)
        let share = switch kind {
        case .linear: (value - low) / (high - low)
        case .logarithmic: value <= low ? 0 : log10(value / low) / log10(high / low)
        }
        return min(max(share, 0), 1)
    }

    /// Whether a number can be drawn.
    public func shows(_ value: Double) -> Bool { value.isFinite && (kind == .linear || value > 0) }

    public func label(_ tick: Double) -> String {
        if powers {
            let exponent = Int(log10(tick).rounded())
            return (-3...4).contains(exponent) ? NumberText.fixed(tick, max(-exponent, 0)) : "1e\(exponent < 0 ? "−" : "")\(abs(exponent))"
        }
        return NumberText.fixed(tick, decimals)
    }

    private static func niceStep(_ range: Double, most: Int, isWhole: Bool) -> Double {
        let rough = range / Double(most)
        let power = pow(10, log10(rough).rounded(.down))
        let step = [1, 2, 5, 10].first { $0 * power >= rough * 0.9999 }.map { $0 * power } ?? power * 10
        return isWhole ? max(step, 1) : step
    }
}
