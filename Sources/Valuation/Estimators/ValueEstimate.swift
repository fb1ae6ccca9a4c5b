/// Each player's value with its interval, and how it was found.
public struct ValueEstimate: Codable, Sendable {
    /// exact, permutation, loo, banzhaf, beta or kernel.
    public var estimator: String
    /// By player, in the utility's units.
    public var values: [Double]
    /// 0 where exact.
    public var standardErrors: [Double]
    /// Of Student's t, by player; nil where exact.
    public var degreesOfFreedom: [Double]?
    /// The two-sided interval at `confidence`; both equal the value where exact.
    public var low: [Double]
    public var high: [Double]
    /// 0.95 means that 95 of 100 such intervals hold the true value.
    public var confidence: Double
    public var vAll: Double
    public var vEmpty: Double
    /// Σ value − (v(N) − v(∅)); nil where the estimator promises no efficiency.
    public var efficiencyGap: Double?
    /// Distinct coalitions that it rests on.
    public var evaluations: Int
    /// Independent samples (pairs of permutations, coalitions); 0 where exact.
    public var samples: Int
    /// nil where exact.
    public var stopped: StopReason?
    public var convergence: [Convergence] = []

    /// The estimate after so many evaluated coalitions.
    public struct Convergence: Codable, Sendable {
        public var evaluations: Int
        /// Widest of the players' intervals.
        public var width: Double
        /// By player.
        public var values: [Double]

        public init(evaluations: Int, width: Double, values: [Double]) {
            (self.evaluations, self.width, self.values) = (evaluations, width, values)
        }
    }

    /// Values without sampling error.
    init(estimator: String, exact values: [Double], vAll: Double, vEmpty: Double, isEfficient: Bool = false, evaluations: Int, confidence: Double) {
        let zeros = [Double](repeating: 0, count: values.count)
        (self.estimator, self.values, standardErrors, low, high) = (estimator, values, zeros, values, values)
        (self.confidence, self.vAll, self.vEmpty, self.evaluations, samples) = (confidence, vAll, vEmpty, evaluations, 0)
        efficiencyGap = isEfficient ? compensatedSum(values + [vEmpty, -vAll]) : nil
    }

    /// Values with errors of the given variances and degrees of freedom.
    init(
        estimator: String, values: [Double], variances: [Double], degrees: [Double], vAll: Double, vEmpty: Double, isEfficient: Bool,
        evaluations: Int, samples: Int, stopped: StopReason, convergence: [Convergence], confidence: Double
    ) {
        self.init(estimator: estimator, exact: values, vAll: vAll, vEmpty: vEmpty, isEfficient: isEfficient, evaluations: evaluations, confidence: confidence)
        standardErrors = variances.map { max(0, $0).squareRoot() }
        let halves = Interval.halfWidths(standardErrors, degrees: degrees, confidence: confidence)
        low = zip(values, halves).map { $0 - $1 }
        high = zip(values, halves).map { $0 + $1 }
        (degreesOfFreedom, self.samples, self.stopped, self.convergence) = (degrees, samples, stopped, convergence)
    }

    /// Widest of the intervals.
    public var width: Double { zip(high, low).map { $0 - $1 }.max() ?? 0 }
}
