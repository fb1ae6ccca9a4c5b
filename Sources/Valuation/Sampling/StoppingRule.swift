/// When a sampling estimator has done enough: a width, a budget, a number of samples, whichever comes first.
///
/// Counts coalitions that the estimate *uses*, evaluated now or known before, so that a resumed or merged run stops where
/// one uninterrupted process would.
public struct StoppingRule: Sendable, Codable, Equatable {
    /// Stop when every player's interval, high − low, is narrower than this.
    public var width: Double?
    /// Distinct coalitions at most, the empty and the full one included. Never exceeded.
    public var maxEvaluations: Int?
    /// Samples at most: pairs of permutations, or pairs of coalitions, or coalitions, as the estimator draws them.
    public var maxSamples: Int
    /// Samples before the width is looked at: a standard error from fewer is itself too uncertain.
    public var minimumSamples: Int

    public init(width: Double? = nil, maxEvaluations: Int? = nil, maxSamples: Int = 100_000, minimumSamples: Int = 10) {
        precondition(maxSamples >= 1 && minimumSamples >= 2 && width.map { $0 > 0 } ?? true && maxEvaluations.map { $0 >= 1 } ?? true)
        (self.width, self.maxEvaluations, self.maxSamples, self.minimumSamples) = (width, maxEvaluations, maxSamples, minimumSamples)
    }

    /// Whether so wide an interval, the widest of all players, ends the sampling.
    func isNarrow(_ widest: @autoclosure () -> Double, samples: Int) -> Bool {
        guard let width, samples >= minimumSamples else { return false }
        return widest() < width
    }
}

/// Why sampling ended.
public enum StopReason: String, Sendable, Codable {
    case narrow = "every interval is narrower than the width asked for"
    case budget = "the budget of evaluations is spent"
    case samples = "the number of samples asked for is drawn"
    case everyCoalition = "every coalition is evaluated, so the values are exact"
}

/// Sample counts at which costly looks are taken, the same ones whatever the batches.
enum Looks {
    /// Every count up to 32, then about 16 to a doubling.
    static func isLook(_ count: Int) -> Bool { isMultiple(count, perDoubling: 16) }

    /// About 8 to a doubling: points of a convergence curve.
    static func isPlotted(_ count: Int) -> Bool { count >= 4 && isMultiple(count, perDoubling: 4) }

    private static func isMultiple(_ count: Int, perDoubling: Int) -> Bool {
        let step = max(1, count / perDoubling)
        // The highest power of two ≤ step.
        return count % (1 << (Int.bitWidth - 1 - step.leadingZeroBitCount)) == 0
    }
}
