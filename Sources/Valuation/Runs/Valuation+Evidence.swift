import Checkpoints
import Training
import Unlearn

extension Valuation {
    /// Coalitions at most on which a cheap utility is compared with the exact one.
    private static let mostCompared = 2048

    /// ε_u = |v̂ − v| of a cheap utility, over coalitions of which v is known, and whether it would rank the players alike.
    func compare(_ name: ValuationOptions.UtilityName, with known: OrderEstimate) throws -> ValueReport.Fidelity {
        let costed = try make(name, saying: "fidelity of \(name.rawValue)")
        let utility = try stored(costed.utility)
        let cheap = UtilityTable(utility)
        // A base rate is the same to both: agreeing on it says nothing.
        let scored = known.evaluated.filter { !(usesBaseRate && $0.coalition.isEmpty) }
        let step = max(1, (scored.count + Self.mostCompared - 1) / Self.mostCompared)
        let compared = stride(from: 0, to: scored.count, by: step).map { scored[$0] }
        let estimated = try cheap.values(of: compared.map(\.coalition))
        let errors = zip(estimated, compared).map { abs($0 - $1.value) }
        var correlation: Double?
        if options.estimator == .exact, step == 1, players.count <= ExactEstimator.defaultPlayerLimit {
            correlation = Correlation.spearman(try ExactEstimator().estimate(cheap).values, known.estimate.values)
        }
        try utility.flush()
        return ValueReport.Fidelity(
            utility: name.rawValue, coalitions: errors.count, meanError: compensatedSum(errors) / Double(errors.count), largestError: errors.max() ?? 0,
            rankCorrelation: correlation, blocksTrained: costed.blocksTrained())
    }

    /// Points at most on a removal curve.
    private static let mostCurvePoints = 21

    /// Scores on the final test rows of the models that lose their players one after the other, in several orders.
    /// - Returns: the curves, and the blocks that were trained for them.
    func removalCurves(_ report: ValueReport) throws -> ([ValueReport.Removal], Int) {
        let n = players.count
        func sorted(_ key: (ValueReport.Player) -> Double) -> [Int] { (0..<n).sorted { (key(report.players[$1]), $0) < (key(report.players[$0]), $1) } }
        var random = Array(0..<n)
        var stream = RandomStream(seed: options.seed, purpose: .valuation, epoch: RemovalStream.epoch)
        stream.shuffle(&random)
        let byValue = sorted(\.value)
        let orders = [
            ("highest value first", byValue), ("lowest value first", byValue.reversed()), ("random", random),
            ("highest leave-one-out first", sorted { $0.leaveOneOut ?? 0 }),
        ]
        let counts = Set((0..<Self.mostCurvePoints).map { $0 * n / (Self.mostCurvePoints - 1) }).sorted()
        let coalitions = orders.flatMap { order in counts.map { Coalition(order.1.dropFirst($0), of: n) } }
        let trainer = try trainer.onFinalRows()
        let costed = try make(.exact, on: trainer, saying: "removal curves")
        let utility = try stored(costed.utility, of: trainer)
        let scores = try utility.values(of: coalitions)
        try utility.flush()
        let curves = orders.enumerated().map { number, order in
            ValueReport.Removal(order: order.0, removed: counts, scores: Array(scores[number * counts.count..<(number + 1) * counts.count]))
        }
        return (curves, costed.blocksTrained())
    }

    private enum RemovalStream {
        /// Apart from those that estimators and block orders draw from.
        static let epoch = (1 << 24) - 2
    }
}
