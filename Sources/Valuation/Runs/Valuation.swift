import Checkpoints
import Files
import Training
import Unlearn

/// A valuation of a trained project's players: utilities evaluated once and stored, an estimate for each block order, and
/// what stands beside it (leave-one-out, fidelity of cheap utilities, removal curves).
public final class Valuation {
    public typealias Progress = (_ what: String, _ done: Int, _ total: Int) -> Void

    let project: Project
    public let players: PlayerSet
    public private(set) var options: ValuationOptions
    let progress: Progress
    let trainer: CoalitionTrainer
    let orders: [[Int]]
    /// Deletions that were made before it began.
    let requests: [Int]

    /// - Throws: `Failure` of kind `input` where the project is not trained, players cannot be told apart, test rows are too few or
    ///   the estimator needs more than was allowed.
    public init(
        _ project: Project, players: PlayerSet, options: ValuationOptions, threads: Int, control: TrainingControl, progress: @escaping Progress
    ) throws {
        try options.validate()
        let lineage = project.settings.recipe.plan.lineage
        var options = options
        if !lineage.isChain {
            func expect(_ holds: Bool, _ complaint: String) throws { if !holds { throw Failure(.input, complaint) } }
            try expect(options.orders == 1, "branches know nothing of each other, and values of no order; leave out --orders")
            try expect(options.utility == .exact, "models of coalitions are merges of branches, exact as they are; leave out --utility \(options.utility.rawValue)")
            // The additive utility subtracts from one chain; regressions on the coalitions themselves are controls enough.
            options.controls = options.controls.map { _ in [] }
        }
        requests = try project.store.requestNumbers()
        self.project = project
        self.options = options
        self.progress = progress
        self.players = players
        let split = try ValuationSplit(of: project, keeping: project.store.isWritable)
        trainer = try CoalitionTrainer(project, players: players, split: split, metric: options.metric, threads: threads, control: control)
        orders = ExactUtility.orders(options.orders, blocks: trainer.blocks, seed: options.seed)
        if takesNoTraining, options.samples, options.maxEvaluations == nil, options.width == nil {
            self.options.maxEvaluations = ValuationOptions.mergesPerPlayer * players.count
        }
        try expectFeasible()
        try expectBudget()
    }

    /// A budget that no estimate can come of is refused before anything is trained.
    private func expectBudget() throws {
        guard let budget = options.maxEvaluations else { return }
        let count = orders.count
        guard let sufficient = (0..<count).compactMap({ estimator(order: $0, controls: []).lackingBudget(playerCount: players.count) }).max() else { return }
        throw Failure(
            .input, "--max-evaluations \(budget) is too few for \(options.estimator.rawValue) values of \(players.count) players"
                + "\(count > 1 ? " over \(count) block orders" : ""); raise it to \(sufficient * count) or more")
    }

    private static let mostBytesOfCoalitions = 4 << 30

    /// Exact values of many players have to be asked for, with what they cost.
    private func expectFeasible() throws {
        if options.samples, players.count > ValuationOptions.mostPlayersSampled {
            throw Failure(
                .input, "\(players.count) players are more than sampling takes, \(ValuationOptions.mostPlayersSampled); join them to larger sets, or use --estimator loo")
        }
        if options.samples, let budget = options.budget(playerCount: players.count) {
            // A set of players takes a bit for each, and what lists and tables take for an element.
            let bytes = budget * orders.count * (players.count / 8 + 64)
            guard bytes <= Self.mostBytesOfCoalitions else {
                throw Failure(
                    .input, "\(budget * orders.count) coalitions of \(players.count) players take \(bytes >> 30) GiB of memory, more than \(Self.mostBytesOfCoalitions >> 30); lower --max-evaluations")
            }
        }
        guard options.estimator == .exact, players.count > ExactEstimator.defaultPlayerLimit else { return }
        let coalitions = players.count < 63 ? "\(1 << players.count)" : "2^\(players.count)"
        guard players.count <= ValuationOptions.mostPlayersExactly else {
            throw Failure(.input, "exact values of \(players.count) players take \(coalitions) coalitions, beyond any budget; use --estimator permutation")
        }
        guard options.allowsManyPlayers else {
            throw Failure(
                .input, "exact values of \(players.count) players take \(coalitions) coalitions and \(exactTrainings) block trainings; "
                    + "add --yes to do it, or use --estimator permutation")
        }
    }

    /// What the work may take at most, in words.
    public var outlook: String {
        let n = players.count
        let coalitions: Int? =
            switch options.estimator {
            case .exact: 1 << n
            case .loo: n + 2
            default: options.budget(playerCount: n)
            }
        let most = coalitions.map { "up to \($0 * orders.count) coalitions" } ?? "coalitions until every interval is narrow enough"
        guard options.utility == .exact else { return most }
        if takesNoTraining { return "\(most), each a merge of branches that are there: no block is trained" }
        let trainings = options.estimator == .exact ? "\(exactTrainings)" : "each up to \(trainer.blocks)"
        return "\(most), \(trainings) block trainings, less what is known already"
    }

    /// Block trainings that all coalitions take: at each place of each order one for every way to keep players so far that leaves a row
    /// in its block; in the project's own order without the ways that the stored chain knows.
    private var exactTrainings: Int {
        guard options.utility == .exact else { return 0 }
        guard trainer.lineage.isChain else { return branchTrainings }
        return orders.enumerated().reduce(0) { sum, order in
            let isStored = order.offset == 0 && trainer.storedIsExact
            var met: Set<Int> = []
            return order.element.reduce(sum) { sum, number in
                let block = players.blocks[number - 1]
                met.formUnion(block.players)
                let empty = block.unowned > 0 ? 0 : 1 << (met.count - block.players.count)
                return sum + (1 << met.count) - empty - (isStored && block.allRows > 0 ? 1 : 0)
            }
        }
    }

    /// The same in a lineage: ways to keep players of the stem so far; and for each block of a branch, ways to keep players of the stem and
    /// the branch that leave a row in it, without those that leave both as they are stored.
    private var branchTrainings: Int {
        let lineage = trainer.lineage, isStored = trainer.storedIsExact
        func ways(_ block: PlayerSet.Block, among players: Set<Int>) -> Int {
            (1 << players.count) - (block.unowned > 0 ? 0 : 1 << (players.count - block.players.count))
        }
        var ofStem: Set<Int> = [], sum = 0
        for number in 1..<lineage.stem + 1 where players.blocks[number - 1].allRows > 0 {
            let block = players.blocks[number - 1]
            ofStem.formUnion(block.players)
            sum += ways(block, among: ofStem) - (isStored ? 1 : 0)
        }
        return (1...lineage.branches).reduce(sum) { sum, branch in
            let blocks = lineage.blocks(ofBranch: branch).map { players.blocks[$0 - 1] }.filter { $0.allRows > 0 }
            let owners = Set(blocks.flatMap(\.players)), all = ofStem.union(owners)
            // Ways that keep the branch whole, on the stored stem.
            let whole = isStored ? 1 : 0
            return blocks.reduce(sum) { $0 + ways($1, among: all) - whole }
        }
    }

    /// Whether every coalition's model is a merge of what is stored: players fill whole branches and leave the stem alone.
    private var takesNoTraining: Bool {
        let lineage = trainer.lineage
        guard !lineage.isChain, trainer.storedIsExact, (1..<lineage.stem + 1).allSatisfy({ players.blocks[$0 - 1].players.isEmpty }) else { return false }
        return (1...lineage.branches).allSatisfy { branch in
            let blocks = lineage.blocks(ofBranch: branch).map { players.blocks[$0 - 1] }.filter { $0.allRows > 0 }
            return Set(blocks.flatMap(\.players)).count <= 1 && (blocks.allSatisfy { $0.unowned == 0 } || blocks.allSatisfy { $0.players.isEmpty })
        }
    }

    // MARK: - Utilities

    /// A utility of the valuation, and what it has cost so far.
    struct Costed {
        let utility: any StreamingUtility
        let blocksTrained: () -> Int
        let blocksTrainedFromScratch: () -> Int
    }

    func make(_ name: ValuationOptions.UtilityName, order: [Int]? = nil, on trainer: CoalitionTrainer? = nil, saying what: String) throws -> Costed {
        let trainer = trainer ?? self.trainer
        let progress = progress
        switch name {
        case .exact:
            let utility = try ExactUtility(trainer, order: order) { progress(what + ": blocks trained", $0, $1) }
            return Costed(utility: utility, blocksTrained: { utility.blocksTrained }, blocksTrainedFromScratch: { utility.blocksTrainedFromScratch })
        case .stitch:
            let utility = try StitchUtility(trainer) { progress(what + ": coalitions", $0, $1) }
            return Costed(utility: utility, blocksTrained: { utility.blocksTrained }, blocksTrainedFromScratch: { utility.blocksTrainedFromScratch })
        case .additive:
            let utility = try AdditiveUtility(trainer) { progress(what + ": coalitions", $0, $1) }
            return Costed(utility: utility, blocksTrained: { 0 }, blocksTrainedFromScratch: { utility.blocksTrainedFromScratch })
        }
    }

    /// Asks whether to go on where an estimator computes for long.
    func table(of utility: any Utility) -> UtilityTable {
        UtilityTable(utility) { [control = trainer.control] in
            guard !control.isInterrupted() else { throw Failure.interrupted }
        }
    }

    /// Control utilities that the estimator takes, each with its table.
    func controls() throws -> [(table: UtilityTable, costed: Costed)] {
        guard options.estimator == .permutation, options.truncation == 0, players.count <= ValuationOptions.mostAdjustedPlayers else { return [] }
        return try (options.controls ?? []).filter { $0 != options.utility && $0 != .exact }.map {
            let costed = try make($0, saying: "control variate (\($0.rawValue))")
            return (table(of: try stored(costed.utility)), costed)
        }
    }

    /// A utility whose models' scores are kept in the project, where that is open for writing, measured against the baseline.
    /// - Parameter trainer: whose utility it is, where that is not the valuation's own.
    func stored(_ utility: any StreamingUtility, of trainer: CoalitionTrainer? = nil, order: [Int]? = nil) throws -> any Utility {
        let trainer = trainer ?? self.trainer
        guard project.store.isWritable else { return grounded(utility, on: trainer) }
        return grounded(try StoredUtility(utility, in: ProjectStorage(project, try Provenance(trainer, utility: utility.source, order: order))), on: trainer)
    }

    /// Whether nobody's data is worth the base rate: asked for, and no rows of no player to learn from.
    var usesBaseRate: Bool { options.none == .baseRate && !players.hasUnownedRows }

    /// A utility measured against the baseline.
    func grounded(_ models: any Utility, on trainer: CoalitionTrainer) -> any Utility {
        usesBaseRate ? BaseRateUtility(models, baseRate: options.metric.value(of: trainer.scorer.baseRate)) : models
    }

    /// - Parameter order: the number of a block order; each draws samples of its own, so that the spread over orders holds the error of
    ///   sampling, too.
    func estimator(order: Int = 0, controls: [UtilityTable]) -> any ValueEstimator {
        options.makeEstimator(playerCount: players.count, seed: ValuationStream.seed(options.seed, order: order), controls: controls)
    }
}
