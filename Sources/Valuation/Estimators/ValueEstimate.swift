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
    /// Of the values' errors, n × n; not encoded. Nil where it is exact, not known, or larger than `mostCovariances` players.
    var covariance: [[Double]]?

    static let mostCovariances = 1000

    private enum CodingKeys: String, CodingKey {
        case estimator, values, standardErrors, degreesOfFreedom, low, high, confidence, vAll, vEmpty, efficiencyGap, evaluations, samples, stopped
        case convergence
    }

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

    /// The summed values of groups of players, with intervals that know how the players' errors go together: errors of an
    /// efficient estimator cancel in sums. `groups[g]` lists the players of group g. Nil where the covariance is not known.
    ///
    /// A sum of Shapley values is what the group's players receive together, not the Shapley value of a game in which the
    /// group joins as one player.
    func grouped(by groups: [[Int]]) -> (values: [Double], low: [Double], high: [Double])? {
        precondition(Set(groups.joined()).count == groups.joined().count, "groups overlap")
        let sums = groups.map { compensatedSum($0.map { values[$0] }) }
        guard let degreesOfFreedom else { return (sums, sums, sums) }
        guard let covariance else { return nil }
        let errors = groups.map { players in max(0, compensatedSum(players.flatMap { i in players.map { covariance[i][$0] } })).squareRoot() }
        let halves = Interval.halfWidths(
            errors, degrees: groups.map { $0.map { degreesOfFreedom[$0] }.min() ?? .infinity }, confidence: confidence)
        return (sums, zip(sums, halves).map { $0 - $1 }, zip(sums, halves).map { $0 + $1 })
    }
}
