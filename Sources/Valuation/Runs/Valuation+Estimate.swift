import Checkpoints
import Files
import Foundation
import Training
import Unlearn

/// What one block order's coalitions said.
struct OrderEstimate {
    let estimate: ValueEstimate
    let leaveOneOut: [Double]
    /// Everything that the estimate and leave-one-out rest on, in the order of coalitions.
    let evaluated: [(coalition: Coalition, value: Double)]
}

/// A finished valuation.
public struct ValuationOutcome: Sendable {
    public var report: ValueReport
    /// One a coalition: its utility, averaged over the block orders that evaluated it.
    public let utilities: [EvaluatedCoalition]
    /// Deletions of the project before it began.
    let requests: [Int]
}

extension Valuation {
    /// Estimates every player's value.
    /// - Parameter withCurves: also trains the models of the removal curves.
    public func run(fidelity: [ValuationOptions.UtilityName], withCurves: Bool) throws -> ValuationOutcome {
        let watch = ContinuousClock(), start = watch.now
        let controls = try controls()
        var costs = controls.map(\.costed)
        var estimates: [OrderEstimate] = []
        var fidelities: [ValueReport.Fidelity] = []
        for (number, order) in orders.enumerated() {
            let costed = try make(options.utility, order: order, saying: orders.count == 1 ? "valuing" : "valuing, order \(number + 1) of \(orders.count)")
            let utility = try stored(costed.utility, order: order)
            costs.append(costed)
            estimates.append(
                try keeping([utility] + controls.map(\.table.utility)) {
                    try estimate(table(of: utility), order: number, controls: controls.map(\.table))
                })
            if number == 0, options.utility == .exact, trainer.lineage.isChain {
                fidelities = try fidelity.filter { $0 != .exact }.map { try compare($0, with: estimates[0]) }
            }
        }
        var report = summary(estimates, costs, seconds: 0)
        report.fidelity = fidelities
        if withCurves { (report.removal, report.removalBlocksTrained) = try removalCurves(report) }
        report.seconds = (watch.now - start) / .seconds(1)
        return ValuationOutcome(report: report, utilities: utilities(estimates), requests: requests)
    }

    /// Stores what utilities know at the end, whether the work was done or ended early: by an error of another utility, say.
    private func keeping<Result>(_ utilities: [any Utility], _ work: () throws -> Result) throws -> Result {
        do {
            let result = try work()
            for utility in utilities { try utility.flush() }
            return result
        } catch {
            for utility in utilities { try? utility.flush() }
            throw error
        }
    }

    private func estimate(_ table: UtilityTable, order: Int = 0, controls: [UtilityTable]) throws -> OrderEstimate {
        let estimate = try estimator(order: order, controls: controls).estimate(table)
        var rested = Set(table.used)
        // Beyond the budget: every report sets the values beside leave-one-out.
        let leaveOneOut = try LeaveOneOutEstimator(confidence: options.confidence).estimate(table)
        rested.formUnion(table.used)
        let coalitions = rested.sorted()
        return OrderEstimate(
            estimate: estimate, leaveOneOut: leaveOneOut.values, evaluated: Array(zip(coalitions, try table.values(of: coalitions))).map { ($0, $1) })
    }

    /// Why there are no intervals over so many block orders; nil where there are.
    static func noInterval(orders: Int) -> String? {
        (2..<ValuationOptions.fewestOrdersForIntervals).contains(orders)
            ? "\(orders) block orders are too few for an interval: it takes \(ValuationOptions.fewestOrdersForIntervals)" : nil
    }

    /// The report without fidelity and curves. Over several orders, intervals are Student's t over the orders' estimates, which have
    /// both errors in them: that of sampling, since each order draws its own samples, and that of the orders drawn.
    private func summary(_ estimates: [OrderEstimate], _ costs: [Costed], seconds: Double) -> ValueReport {
        let n = players.count, count = Double(estimates.count)
        func mean(_ of: (OrderEstimate) -> Double) -> Double { compensatedSum(estimates.map(of)) / count }
        let overOrders = SampleMoments(estimates.map(\.estimate.values), playerCount: n), values = overOrders.mean
        var ends: (low: [Double], high: [Double])? = (estimates[0].estimate.low, estimates[0].estimate.high)
        var spread: [Double]?
        if estimates.count > 1 {
            ends = interval(overOrders)
            spread = overOrders.standardErrors.map { $0 * count.squareRoot() }
        }
        let ranking = Ranking(values: values, low: ends?.low ?? values, high: ends?.high ?? values)
        let shares = PaymentShares(values: values).shares
        let gaps = estimates.compactMap(\.estimate.efficiencyGap)
        let listed = (0..<n).map { player in
            ValueReport.Player(
                player: players.players[player].name, rows: players.players[player].rows, value: values[player], low: ends?.low[player],
                high: ends?.high[player], share: shares[player], rank: ranking.ranks[player],
                rankBest: ends.map { _ in ranking.best[player] }, rankWorst: ends.map { _ in ranking.worst[player] },
                leaveOneOut: mean { $0.leaveOneOut[player] }, spreadOverOrders: spread?[player],
                deletionBlocks: deletionBlocks(players.players[player]))
        }
        var report = ValueReport(
            players: listed, estimator: options.estimator.rawValue, utility: options.utility.rawValue, metric: options.metric.rawValue,
            evaluations: estimates.reduce(0) { $0 + $1.estimate.evaluations }, blocksTrained: costs.reduce(0) { $0 + $1.blocksTrained() },
            blocksTrainedFromScratch: costs.reduce(0) { $0 + $1.blocksTrainedFromScratch() }, seconds: seconds,
            vAll: mean(\.estimate.vAll), vEmpty: mean(\.estimate.vEmpty), efficiencyGap: gaps.isEmpty ? nil : compensatedSum(gaps) / Double(gaps.count),
            confidence: options.confidence, orders: estimates.count, seed: String(options.seed), trainingRows: players.rows,
            valuationRows: trainer.split.valuationRows, finalTestRows: trainer.split.finalRows, blocks: trainer.blocks,
            stateDigest: Digest(of: trainer.model).description, stopped: estimates[0].estimate.stopped?.rawValue,
            convergence: estimates.count == 1 ? estimates[0].estimate.convergence : [], playerKind: players.kind)
        report.groups = groups(estimates)
        report.branches = trainer.lineage.branches
        report.date = Date.now.formatted(.iso8601)
        (report.project, report.source, report.testSource) = (project.store.projectID, project.settings.source, project.settings.testSource)
        let isOwnModel = options.utility != .exact || trainer.storedIsExact
        report.all = estimates.count > 1 ? .orders : isOwnModel ? .project : .replay
        if estimates.count > 1 { report.vAllOwnOrder = estimates[0].estimate.vAll }
        report.noInterval = Self.noInterval(orders: estimates.count)
        report.unownedRows = players.unownedRows
        report.none = players.hasUnownedRows ? .unownedRows : usesBaseRate ? .baseRate : .untrained
        return report
    }

    /// What deleting all rows of a player would retrain at most: the blocks that hold them and those that stand on these.
    private func deletionBlocks(_ player: PlayerSet.Player) -> Int {
        player.slots.keys.reduce(into: Set<Int>()) { $0.formUnion([$1] + Array(trainer.lineage.descendants(of: $1))) }.count
    }

    /// Student's t over block orders; nil where they are too few.
    private func interval(_ orders: SampleMoments) -> (low: [Double], high: [Double])? {
        guard Self.noInterval(orders: orders.count) == nil else { return nil }
        let margins = Interval.halfWidths(
            orders.standardErrors, degrees: orders.mean.map { _ in Double(orders.count - 1) }, confidence: options.confidence)
        return (zip(orders.mean, margins).map { $0 - $1 }, zip(orders.mean, margins).map { $0 + $1 })
    }

    /// Players' values summed by the groups of their rows; over several block orders with Student's t over the orders' sums.
    private func groups(_ estimates: [OrderEstimate]) -> [ValueReport.Group] {
        let members = players.groups.map(\.players)
        let sums = estimates.map { estimate in members.map { compensatedSum($0.map { estimate.estimate.values[$0] }) } }
        let overOrders = SampleMoments(sums, playerCount: members.count)
        var intervals = estimates[0].estimate.grouped(by: members).map { ($0.low, $0.high) }
        if estimates.count > 1 { intervals = interval(overOrders) }
        return players.groups.enumerated().map { number, group in
            ValueReport.Group(
                group: group.name, players: group.players.count, rows: group.players.reduce(0) { $0 + players.players[$1].rows },
                value: overOrders.mean[number], low: intervals?.0[number], high: intervals?.1[number])
        }
    }

    private func utilities(_ estimates: [OrderEstimate]) -> [EvaluatedCoalition] {
        var sums: [Coalition: [Double]] = [:]
        for estimate in estimates { for (coalition, value) in estimate.evaluated { sums[coalition, default: []].append(value) } }
        return sums.keys.sorted().map {
            EvaluatedCoalition(
                coalition: $0, utility: compensatedSum(sums[$0]!) / Double(sums[$0]!.count),
                source: $0.isEmpty && usesBaseRate ? Baseline.baseRate.rawValue : options.utility.rawValue)
        }
    }
}

// MARK: - Shards

extension Valuation {
    /// Evaluates one share of the coalitions into a file; the project stays as it is.
    /// - Returns: coalitions of the share, and how many of them were evaluated now.
    public func computeShard(_ plan: ShardPlan, at path: String, replacing: Bool = false) throws -> (coalitions: Int, evaluated: Int) {
        try options.validateForShards()
        let estimator = estimator(controls: []), n = players.count
        // Cut as one plan, so that no two shards evaluate the same coalition.
        let own = plan.share(of: try estimator.plan(playerCount: n) + LeaveOneOutEstimator().plan(playerCount: n))
        let costed = try make(options.utility, saying: "shard \(plan.index) of \(plan.count)")
        let shard = ShardFile(
            provenance: try Provenance(trainer, utility: costed.utility.source), plan: try options.text, seed: options.seed, index: plan.index, of: plan.count)
        let storage = try ShardStorage(shard, at: path, replacing: replacing)
        let utility = try StoredUtility(costed.utility, in: storage)
        _ = try grounded(utility, on: trainer).values(of: own)
        try utility.flush()
        try storage.complete()
        return (own.count, utility.evaluations)
    }

    /// The valuation that one process would have made of what shards evaluated. Control utilities, which no shard holds, are evaluated
    /// here.
    public static func merge(
        _ paths: [String], of project: Project, players: PlayerSet, threads: Int, control: TrainingControl, progress: @escaping Progress
    ) throws -> ValuationOutcome {
        let watch = ContinuousClock(), start = watch.now
        let shards = try MergedShards(reading: paths)
        let options = try ValuationOptions(text: shards.plan)
        try options.validateForShards()
        guard options.seed == shards.seed else { throw Failure(.input, "\(paths[0]) names two seeds; compute the shards again") }
        let valuation = try Valuation(
            project, players: players, options: options, threads: threads, control: control, progress: progress)
        let own = try Provenance(valuation.trainer, utility: valuation.options.utility.source)
        if let difference = shards.provenance.firstDifference(from: own) {
            throw Failure(.input, "\(paths[0]) and the project have different \(difference); merge the shards in the project that they were computed from")
        }
        let controls = try valuation.controls()
        let outcome = try valuation.estimate(valuation.table(of: valuation.grounded(shards.utility(by: options.metric), on: valuation.trainer)), controls: controls.map(\.table))
        return ValuationOutcome(
            report: valuation.summary([outcome], controls.map(\.costed), seconds: (watch.now - start) / .seconds(1)),
            utilities: valuation.utilities([outcome]), requests: valuation.requests)
    }
}
