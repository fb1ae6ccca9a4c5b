/// How much of the gap a stitch carries to the end of the chain.
public enum Damping: Sendable, Equatable {
    /// As much as the gap's own fading predicts to be left there.
    case automatic
    /// A fixed share: 1 is the paper's stitch, 0 does nothing.
    case fixed(Double)

    /// γ for a stitch right behind the last of `series`, over a chain whose end lies `blocksLeft` blocks further on.
    ///
    /// The gap fades as a power of the blocks since the deletion, the deleted one counted as the first:
    /// γ = min(1, (n/m)^s) with m blocks walked, n in all, and s ≤ 0 the log-log slope of ‖g‖₁ so far.
    public func factor(_ series: ResidualSeries, blocksLeft: Int) -> Double {
        switch self {
        case .fixed(let factor): return factor
        case .automatic:
            let norms = series.gapNorms.enumerated().filter { $0.element > 0 }.map { (x: PortableMath.log(Double($0.offset + 1)), y: PortableMath.log($0.element)) }
            guard norms.count >= 2 else { return 1 }
            let slope = LinearRegression(norms).slope
            let walked = Double(series.gapNorms.count)
            return min(1, PortableMath.pow((walked + Double(blocksLeft)) / walked, slope))
        }
    }
}
