import Statistics

/// How much of the gap a stitch carries to the end of the chain.
public enum Damping: Sendable, Equatable {
    /// As much as does to the deleted rows what exact replay will do to them, where they were looked at and are remembered at all, and
    /// of all shares that the rows cannot tell from this one that which is nearest to `gapNorms`; else as `gapNorms`.
    case automatic
    /// As much as the fading of the gap's L1 norm predicts to be left there.
    case gapNorms
    /// A fixed share: 1 is the paper's stitch, 0 does nothing.
    case fixed(Double)

    /// γ for a stitch right behind the last of `series`, over a chain whose end lies `blocksLeft` blocks further on.
    func factor(_ series: ResidualSeries, blocksLeft: Int, rows: RowForecast? = nil) -> StitchFactor {
        switch self {
        case .fixed(let factor): return StitchFactor(value: factor, fading: factor, forecast: rows)
        case .gapNorms: return StitchFactor(value: Self.fading(series, blocksLeft: blocksLeft), forecast: rows)
        case .automatic:
            let fading = Self.fading(series, blocksLeft: blocksLeft)
            guard let rows, rows.kind != .forgotten else { return StitchFactor(value: fading, forecast: rows) }
            return StitchFactor(value: rows.nearest(to: fading), fading: fading, forecast: rows, objection: rows.objection)
        }
    }

    /// The gap fades as a power of the blocks since the deletion, the deleted one counted as the first:
    /// min(1, (n/m)^s) with m blocks walked, n in all, and s ≤ 0 the log-log slope of ‖g‖₁ so far.
    private static func fading(_ series: ResidualSeries, blocksLeft: Int) -> Double {
        let norms = series.gapNorms.enumerated().filter { $0.element > 0 }.map { (x: PortableMath.log(Double($0.offset + 1)), y: PortableMath.log($0.element)) }
        guard norms.count >= 2 else { return 1 }
        let slope = LinearRegression(norms).slope
        let walked = Double(series.gapNorms.count)
        return min(1, PortableMath.pow((walked + Double(blocksLeft)) / walked, slope))
    }
}

/// γ of a stitch, and what it follows from.
struct StitchFactor {
    let value: Double
    /// What is left of the gap's L1 norm at the end.
    let fading: Double
    let forecast: RowForecast?
    /// Why no γ is sound yet, or nil.
    let objection: String?

    init(value: Double, fading: Double? = nil, forecast: RowForecast? = nil, objection: String? = nil) {
        self.value = value
        self.fading = fading ?? value
        self.forecast = forecast
        self.objection = objection
    }
}

extension RowForecast {
    /// Of the γ that are right on the rows, as far as can be told, the one nearest to another.
    func nearest(to other: Double) -> Double { min(max(other, max(share - tolerance, 0)), min(share + tolerance, 1)) }

    /// Why no γ can be told to be right on the rows, or nil.
    var objection: String? {
        guard kind == .unclear else { return nil }
        return "what the chain will know of the deleted rows at its end cannot be told from chance: "
            + "\(DecayGuard.format(memoryAtEnd)) of their log-odds, chance is \(DecayGuard.format(noise))"
    }
}
