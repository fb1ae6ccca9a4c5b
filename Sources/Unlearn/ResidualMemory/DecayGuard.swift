import Statistics

/// Decides whether residual memory has decayed enough to stitch, and whether it decays at all.
public struct DecayGuard: Sendable, Equatable {
    /// ε of the stop rule: stop where the fit declines by no more than this a block.
    public var epsilon = 0.1
    /// A recent relative residual up to this is as good as forgotten.
    public var rhoLimit = 0.05
    /// One up to this, four times the limit, may be stitched where little is left of the chain to go wrong on: where the
    /// bound on the stitched model's distance to exact replay is below `boundLimit` times what doing nothing would leave.
    public var rhoCeiling: Double { 4 * rhoLimit }
    public var boundLimit = 0.5
    /// Residuals needed before anything is decided.
    public var fewestResiduals = 8
    /// Of the one-sided upper limit of the log-log slope, which must be negative.
    public var confidence = 0.95
    /// The recent residual is the median of so many.
    static let recent = 3

    public init(epsilon: Double = 0.1) { self.epsilon = epsilon }

    /// What the residuals of one walk say.
    public struct Verdict: Sendable, Equatable {
        public let fit: PowerLawFit
        /// The log-log slope of Δ over t and its upper confidence limit.
        public let slope: Double
        public let slopeUpper: Double
        public let recentRho: Double
        /// An extrapolation of the stitched model's distance to exact replay: what it is if later blocks remember no more than recent ones:
        /// ρ·Σ‖D_i‖ over the blocks ahead, and the part of the gap that damping leaves.
        public let distanceBound: Double
        /// The paper's rule: a·h·t^{−h−1} ≤ ε.
        public let ruleSatisfied: Bool
        /// Why stitching here would be unsound, or nil.
        public let objection: String?

        public var allowsStitch: Bool { ruleSatisfied && objection == nil }
    }

    /// What lies ahead of a stitch.
    public struct Outlook: Sendable {
        /// Σ ‖D_i‖₁ over the blocks that the stitch would put back on.
        public let influenceAhead: Double
        /// γ of the stitch.
        public let damping: Double
        /// The share of the gap's L1 norm that its own fading predicts to be left at the end: what doing nothing would leave.
        public let fading: Double
        /// Why the deleted rows themselves forbid it, or nil.
        public let objection: String?

        public init(influenceAhead: Double, damping: Double, fading: Double? = nil, objection: String? = nil) {
            self.influenceAhead = influenceAhead
            self.damping = damping
            self.fading = fading ?? damping
            self.objection = objection
        }
    }

    /// Nil as long as there are too few residuals.
    public func verdict(_ series: ResidualSeries, method: FitMethod, outlook: Outlook) -> Verdict? {
        guard series.count >= fewestResiduals else { return nil }
        let fit = PowerLawFit(series.delta, method: method)
        let recentRho = Self.median(series.rho.suffix(Self.recent))
        // A residual of zero has no logarithm; one below the lattice's step is as good as forgotten.
        let points = series.delta.enumerated().filter { $0.element > 0 }.map { (x: PortableMath.log(Double($0.offset + 1)), y: PortableMath.log($0.element)) }
        var (slope, upper) = (-Double.infinity, -Double.infinity)
        if points.count >= 3 {
            let line = LinearRegression(points)
            (slope, upper) = (line.slope, line.upperSlope(confidence: confidence))
        }
        let gap = series.gapNorms.last ?? 0
        let bound = recentRho * outlook.influenceAhead + (1 - outlook.damping) * gap
        // Of the gap's size, not of its effect on the rows, for which γ may be smaller.
        let near = recentRho * outlook.influenceAhead + (1 - outlook.fading) * gap
        let isNear = series.hasGaps && recentRho <= rhoCeiling && near <= boundLimit * outlook.fading * gap
        var objection: String?
        if upper >= 0 {
            objection = "residual memory does not decay: log-log slope \(Self.format(slope)), upper limit \(Self.format(upper))"
        } else if recentRho > rhoLimit && !isNear {
            objection = "the relative residual is still \(Self.format(recentRho * 100)) %, above the limit of \(Self.format(rhoLimit * 100)) %"
        } else {
            objection = outlook.objection
        }
        return Verdict(
            fit: fit, slope: slope, slopeUpper: upper, recentRho: recentRho, distanceBound: bound, ruleSatisfied: fit.decline(series.count) <= epsilon,
            objection: objection)
    }

    static func median(_ values: some Collection<Double>) -> Double {
        let sorted = values.sorted()
        precondition(!sorted.isEmpty)
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// Two decimals.
    static func format(_ value: Double) -> String {
        guard value.isFinite else { return "\(value)" }
        let hundredths = Int((abs(value) * 100).rounded())
        let decimals = hundredths % 100
        return (value < 0 && hundredths > 0 ? "-" : "") + "\(hundredths / 100)." + (decimals < 10 ? "0" : "") + "\(decimals)"
    }
}
