import Unlearn

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
    public var convergence: [ValueReport.Convergence] = []
    /// Of the values' errors, row by row (n × n); not encoded, and empty where unknown.
    public var covariance: [[Double]] = []

    private enum CodingKeys: String, CodingKey {
        case estimator, values, standardErrors, degreesOfFreedom, low, high, confidence, vAll, vEmpty, efficiencyGap, evaluations, samples, stopped
        case convergence
    }

    /// Values without sampling error.
    init(estimator: String, exact values: [Double], vAll: Double, vEmpty: Double, isEfficient: Bool = false, evaluations: Int, confidence: Double) {
        let zeros = [Double](repeating: 0, count: values.count)
        (self.estimator, self.values, standardErrors, low, high) = (estimator, values, zeros, values, values)
        (self.confidence, self.vAll, self.vEmpty, self.evaluations, samples) = (confidence, vAll, vEmpty, evaluations, 0)
        efficiencyGap = isEfficient ? compensatedSum(values + [vEmpty, -vAll]) : nil
        covariance = values.map { _ in zeros }
    }

    /// Values with errors of the given covariance and degrees of freedom.
    init(
        estimator: String, values: [Double], covariance: [[Double]], degrees: [Double], vAll: Double, vEmpty: Double, isEfficient: Bool,
        evaluations: Int, samples: Int, stopped: StopReason, convergence: [ValueReport.Convergence], confidence: Double
    ) {
        self.init(estimator: estimator, exact: values, vAll: vAll, vEmpty: vEmpty, isEfficient: isEfficient, evaluations: evaluations, confidence: confidence)
        standardErrors = values.indices.map { max(0, covariance[$0][$0]).squareRoot() }
        let halves = Interval.halfWidths(standardErrors, degrees: degrees, confidence: confidence)
        low = zip(values, halves).map { $0 - $1 }
        high = zip(values, halves).map { $0 + $1 }
        (self.covariance, degreesOfFreedom, self.samples, self.stopped, self.convergence) = (covariance, degrees, samples, stopped, convergence)
    }

    /// Widest of the intervals.
    public var width: Double { zip(high, low).map { $0 - $1 }.max() ?? 0 }

    /// The summed values of groups of players, with intervals that know how the players' errors go together: errors of an
    /// efficient estimator cancel in sums. `groups[g]` lists the players of group g.
    ///
    /// A sum of Shapley values is what the group's players receive together, not the Shapley value of a game in which the
    /// group joins as one player.
    public func grouped(by groups: [[Int]]) -> ValueEstimate {
        precondition(covariance.count == values.count, "a decoded estimate has no covariance to group by")
        precondition(Set(groups.joined()).count == groups.joined().count, "groups overlap")
        func summed(_ rows: [Int], _ columns: [Int]) -> Double { compensatedSum(rows.flatMap { row in columns.map { covariance[row][$0] } }) }
        var result = self
        result.values = groups.map { compensatedSum($0.map { values[$0] }) }
        result.covariance = groups.map { rows in groups.map { summed(rows, $0) } }
        result.standardErrors = groups.indices.map { max(0, result.covariance[$0][$0]).squareRoot() }
        result.degreesOfFreedom = degreesOfFreedom.map { degrees in groups.map { $0.map { degrees[$0] }.min() ?? .infinity } }
        let halves = result.degreesOfFreedom.map { Interval.halfWidths(result.standardErrors, degrees: $0, confidence: confidence) }
        result.low = result.values.indices.map { result.values[$0] - (halves?[$0] ?? 0) }
        result.high = result.values.indices.map { result.values[$0] + (halves?[$0] ?? 0) }
        if Set(groups.joined()).count != values.count { result.efficiencyGap = nil }
        result.convergence = []
        return result
    }
}

/// Student-t intervals.
enum Interval {
    /// t · se by player. Quantiles are worked out once for equal degrees of freedom.
    static func halfWidths(_ errors: [Double], degrees: [Double], confidence: Double) -> [Double] {
        precondition(confidence > 0 && confidence < 1, "confidence lies between 0 and 1: 0.95 means 95 %")
        var quantiles: [Double: Double] = [:]
        return zip(errors, degrees).map { error, degrees in
            guard error > 0 else { return 0 }
            // Past a million degrees t is the normal distribution to seven digits.
            let capped = min(degrees, 1e6)
            let t = quantiles[capped] ?? StudentT.quantile((1 + confidence) / 2, degrees: capped)
            quantiles[capped] = t
            return t * error
        }
    }

    static func widest(_ errors: [Double], degrees: [Double], confidence: Double) -> Double {
        2 * (halfWidths(errors, degrees: degrees, confidence: confidence).max() ?? 0)
    }
}

/// Neumaier's sum: the error of one rounding, whatever the order and the signs (Neumaier, ZAMM 54, 1974).
func compensatedSum(_ terms: some Sequence<Double>) -> Double {
    var sum = 0.0, lost = 0.0
    for term in terms {
        let next = sum + term
        lost += abs(sum) >= abs(term) ? (sum - next) + term : (term - next) + sum
        sum = next
    }
    return sum + lost
}
