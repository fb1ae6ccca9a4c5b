/// What each player's data is worth, how that was found and how sure it is. Encoded as JSON in snake case, what is not known as null.
public struct ValueReport: Codable, Sendable {
    public struct Player: Codable, Sendable {
        /// Name of the group, block or id set.
        public var player: String
        /// Its live training rows.
        public var rows: Int
        /// In the metric's units (share of rows right, or nats), averaged over block orders.
        public var value: Double
        /// The confidence interval; both equal `value` where the estimate is exact, and are nil where there is none (`noInterval`).
        public var low: Double?
        public var high: Double?
        /// Of the payment: the value, or 0 where it is negative, over the sum of these.
        public var share: Double
        /// Of the pool, to the hundredth; nil where none is shared out.
        public var amount: Double?
        /// 1 is the most valuable.
        public var rank: Int
        /// The best and the worst rank that the intervals allow; nil where there are none.
        public var rankBest: Int?
        public var rankWorst: Int?
        /// v(all) − v(all without the player), nil where not evaluated.
        public var leaveOneOut: Double?
        /// Standard deviation of its value over block orders, nil with one order.
        public var spreadOverOrders: Double?
        /// What deleting all its rows would retrain at most, of how many blocks.
        public var deletionBlocks: Int

        public init(
            player: String, rows: Int, value: Double, low: Double?, high: Double?, share: Double, rank: Int, rankBest: Int?, rankWorst: Int?,
            leaveOneOut: Double? = nil, spreadOverOrders: Double? = nil, deletionBlocks: Int
        ) {
            (self.player, self.rows, self.value, self.low, self.high, self.share) = (player, rows, value, low, high, share)
            (self.rank, self.rankBest, self.rankWorst, self.leaveOneOut) = (rank, rankBest, rankWorst, leaveOneOut)
            (self.spreadOverOrders, self.deletionBlocks) = (spreadOverOrders, deletionBlocks)
        }
    }

    /// What the players of one group of rows (a provider) are worth together: the sum of their values.
    public struct Group: Codable, Sendable {
        public var group: String
        public var players: Int
        public var rows: Int
        public var value: Double
        /// The confidence interval, which knows how the players' errors go together; nil where that is not known.
        public var low: Double?
        public var high: Double?
    }

    /// Scores on the final test rows, which valuation never sees, of the models that have lost some players.
    public struct Removal: Codable, Sendable {
        /// Who goes first: `highest value first`, `lowest value first`, `random`, `highest leave-one-out first`.
        public var order: String
        /// How many are gone, ascending from 0, and the score then.
        public var removed: [Int]
        public var scores: [Double]

        public init(order: String, removed: [Int], scores: [Double]) {
            precondition(removed.count == scores.count)
            (self.order, self.removed, self.scores) = (order, removed, scores)
        }
    }

    /// A cheap utility beside the exact one, over coalitions for which both are known.
    public struct Fidelity: Codable, Sendable {
        public var utility: String
        public var coalitions: Int
        /// ε_u = |v̂ − v|.
        public var meanError: Double
        public var largestError: Double
        /// Spearman, of the players' values under both; nil where one of them was not computed for all.
        public var rankCorrelation: Double?
        /// Blocks trained for it.
        public var blocksTrained: Int

        public init(utility: String, coalitions: Int, meanError: Double, largestError: Double, rankCorrelation: Double?, blocksTrained: Int) {
            (self.utility, self.coalitions, self.meanError) = (utility, coalitions, meanError)
            (self.largestError, self.rankCorrelation, self.blocksTrained) = (largestError, rankCorrelation, blocksTrained)
        }
    }

    /// What scored `vEmpty`.
    public enum NoneModel: String, Codable, Sendable {
        /// No model: the frequencies of the classes among the valuation rows.
        case baseRate = "base-rate"
        case untrained
        /// Rows of no player belong to every coalition: the model that learned these alone.
        case unownedRows = "unowned-rows"
    }

    public enum AllModel: String, Codable, Sendable {
        /// The project's own model.
        case project
        /// Exact replay: the project's model is a stitch, or was trained with other numerics.
        case replay
        /// The mean over models of several block orders.
        case orders
    }

    /// When the values were found: ISO 8601, UTC.
    public var date = ""
    /// The project's id, and where its rows came from, as `init` was told.
    public var project = ""
    public var source = ""
    public var testSource: String?
    /// Money shared out by the values; nil where there is none.
    public var pool: Double?
    /// Position of the entry that the project's ledger has of the valuation; nil where it has none.
    public var ledgerEntry: Int?
    /// What a player is: group (a provider), block, or set (of ids, from a file).
    public var playerKind: String
    public var players: [Player]
    /// Where players are blocks or sets of rows, and the rows have groups.
    public var groups: [Group] = []
    /// exact, permutation, loo, banzhaf, beta or kernel.
    public var estimator: String
    /// exact, stitch or additive.
    public var utility: String
    /// accuracy or loss (then v is the negative mean log-loss).
    public var metric: String
    /// Distinct coalitions that the estimate rests on, over all block orders.
    public var evaluations: Int
    public var blocksTrained: Int
    public var blocksTrainedFromScratch: Int
    public var seconds: Double
    public var vAll: Double
    public var vEmpty: Double
    public var none = NoneModel.baseRate
    /// Live training rows of no player; every coalition learns from them, and nobody is paid for them.
    public var unownedRows = 0
    /// What scored `vAll`.
    public var all = AllModel.project
    /// The same in the project's own block order, where `vAll` is a mean over several.
    public var vAllOwnOrder: Double?
    /// Why there are no intervals; nil where there are, or where values need none.
    public var noInterval: String?
    /// Σ value − (v(all) − v(none)); nil for estimators that promise no efficiency.
    public var efficiencyGap: Double?
    public var confidence: Double
    public var orders: Int
    public var seed: String
    public var trainingRows: Int
    public var valuationRows: Int
    public var finalTestRows: Int
    /// Blocks of the lineage.
    public var blocks: Int
    /// Branches of the lineage; 0: a chain.
    public var branches = 0
    /// Of the state whose rows are valued.
    public var stateDigest: String
    /// Why the estimator stopped, in words; nil for exact ones.
    public var stopped: String?
    public var convergence: [ValueEstimate.Convergence]
    public var removal: [Removal]
    /// For the removal curves, beyond `blocksTrained`.
    public var removalBlocksTrained = 0
    public var fidelity: [Fidelity]

    public init(
        players: [Player], estimator: String, utility: String, metric: String, evaluations: Int, blocksTrained: Int, blocksTrainedFromScratch: Int,
        seconds: Double, vAll: Double, vEmpty: Double, efficiencyGap: Double?, confidence: Double, orders: Int, seed: String, trainingRows: Int,
        valuationRows: Int, finalTestRows: Int, blocks: Int, stateDigest: String, stopped: String? = nil, convergence: [ValueEstimate.Convergence] = [],
        removal: [Removal] = [], fidelity: [Fidelity] = [], playerKind: String = "group"
    ) {
        (self.players, self.estimator, self.utility, self.metric, self.evaluations) = (players, estimator, utility, metric, evaluations)
        (self.blocksTrained, self.blocksTrainedFromScratch, self.seconds) = (blocksTrained, blocksTrainedFromScratch, seconds)
        (self.vAll, self.vEmpty, self.efficiencyGap, self.confidence, self.orders) = (vAll, vEmpty, efficiencyGap, confidence, orders)
        (self.seed, self.trainingRows, self.valuationRows, self.finalTestRows) = (seed, trainingRows, valuationRows, finalTestRows)
        (self.blocks, self.stateDigest, self.stopped, self.convergence) = (blocks, stateDigest, stopped, convergence)
        (self.removal, self.fidelity, self.playerKind) = (removal, fidelity, playerKind)
    }
}

extension ValueReport {
    /// One row more or less moves an accuracy on a hundred rows by a point, and its standard error is up to five.
    private static let fewestRowsToPayBy = 100

    /// What is wrong with paying by scores on so few rows as there are; nil where there are enough.
    public var fewRows: String? {
        guard valuationRows < Self.fewestRowsToPayBy else { return nil }
        return "only \(valuationRows) valuation \(valuationRows == 1 ? "row" : "rows"), half of the test rows: other ones would give other values, "
            + "and nobody should be paid by these; make the project with more --test rows or a larger --holdout"
    }

    /// That providers are measured by rows of their own, with whatever is wrong in them; nil where test rows came from elsewhere.
    public var ownRows: String? {
        guard playerKind == "group", testSource == nil else { return nil }
        return "the valuation rows are a part of the providers' own rows: wrong labels of theirs count as right ones in the scores, and whoever brought them can "
            + "seem worth most; give 'init --test' rows that you trust before you pay by values"
    }

    /// That no value is told apart from nothing: whoever pays by them pays by chance. Nil where one is, and where values have no intervals.
    public var undecided: String? {
        let widths = players.map { player in player.low.flatMap { low in player.high.map { (low, $0) } } }
        guard !players.isEmpty, widths.contains(where: { $0.map { $0.0 < $0.1 } ?? false }), widths.allSatisfy({ $0.map { $0.0 <= 0 && 0 <= $0.1 } ?? false }) else { return nil }
        return "every interval holds 0, so that no value is told apart from nothing, and shares are of chance; give more \(orders > 1 ? "--orders" : "--max-evaluations"), or fewer "
            + "and larger players, before you pay by values"
    }
}
