import Checkpoints
import Files
import Foundation

/// What to value players by. Its canonical JSON is the plan that shards of one valuation share.
public struct ValuationOptions: Codable, Sendable, Equatable {
    public enum EstimatorName: String, Codable, Sendable, CaseIterable {
        case exact, permutation, loo, banzhaf, beta, kernel
    }

    public enum UtilityName: String, Codable, Sendable, CaseIterable {
        case exact, stitch, additive

        var source: UtilityRecord.Source {
            switch self {
            case .exact: .exact
            case .stitch: .stitch
            case .additive: .additive
            }
        }
    }

    public var estimator: EstimatorName
    public var utility = UtilityName.exact
    public var metric = Metric.accuracy
    /// What nobody's data is worth. Where rows of no player belong to every coalition, nobody's model is the one that learned these.
    public var none = Baseline.baseRate
    /// Coalitions at most that the estimate rests on, over all block orders.
    public var maxEvaluations: Int?
    /// Stop when every interval, high − low, is narrower.
    public var width: Double?
    public var confidence = 0.95
    /// Of permutation sampling: see `PermutationEstimator`.
    public var truncation = 0.0
    /// Of the Beta(α, β) semivalue.
    public var alpha = 4.0
    public var beta = 1.0
    public var seed: UInt64 = 0
    /// Block orders to average over: the project's own, and others drawn from the seed.
    public var orders = 1
    /// Cheap utilities as control variates of permutation sampling; nil: plain sampling. Regressions on the coalitions are
    /// always among them.
    public var controls: [UtilityName]? = [.additive]
    /// More than `ExactEstimator.defaultPlayerLimit` players are valued exactly only where the caller insists.
    public var allowsManyPlayers = false

    public init(estimator: EstimatorName) { self.estimator = estimator }

    /// Whether coalitions are drawn.
    var samples: Bool { estimator != .exact && estimator != .loo }

    /// Over fewer block orders there is no interval: Student's t of one or two degrees of freedom is wider than anything it could tell.
    static let fewestOrdersForIntervals = 8

    /// Evaluations for each player where neither a budget nor a width ends the sampling.
    static let evaluationsPerPlayer = 40
    /// The same where coalitions' models are merges of what is stored, and cost a look at the valuation rows each.
    static let mergesPerPlayer = 100

    var text: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    init(text: String) throws {
        guard let options = try? JSONDecoder().decode(ValuationOptions.self, from: Data(text.utf8)) else {
            throw Failure(.input, "the shards were computed with options that this version does not know; compute them again")
        }
        self = options
        try validate()
    }

    /// - Throws: `Failure` of kind `input` where numbers are out of range or options do not go together.
    public func validate() throws {
        func expect(_ holds: Bool, _ complaint: String) throws { if !holds { throw Failure(.input, complaint) } }
        try expect((1...1000).contains(orders), "--orders takes a whole number from 1 to 1000")
        try expect(maxEvaluations.map { $0 >= 1 } ?? true && width.map { $0 > 0 } ?? true, "a budget or a width must be above 0")
        try expect((0.5...0.9999).contains(confidence), "--confidence takes a number from 0.5 to 0.9999")
        try expect(truncation >= 0 && alpha > 0 && beta > 0, "an option is out of range")
        try expect(orders == 1 || utility == .exact, "block orders other than the project's own have no stored chain to stitch or subtract from; use --utility exact with --orders")
        try expect(orders == 1 || width == nil, "--width looks at one block order; leave it out with --orders, whose intervals are over the orders")
        try expect(samples || (maxEvaluations == nil && width == nil), "--max-evaluations and --width are for estimators that sample; use --estimator permutation with them")
        try expect(truncation == 0 || estimator == .permutation, "--truncation is for --estimator permutation")
        try expect(maxEvaluations.map { $0 >= 2 * orders } ?? true, "every block order takes two evaluations at least; give --max-evaluations of \(2 * orders) or more")
    }

    /// What a share of the coalitions cannot be cut by.
    public func validateForShards() throws {
        guard orders == 1 else { throw Failure(.input, "shares of the coalitions are those of one block order; leave out --orders") }
        guard truncation == 0 else { throw Failure(.input, "shares of the coalitions are cut from a plan that is known beforehand; leave out --truncation") }
        guard width == nil || maxEvaluations != nil else {
            throw Failure(.input, "a share cannot know when all intervals are narrow; give --max-evaluations with --width")
        }
    }

    /// Coalitions at most that sampling takes in one block order; nil where a width alone ends it.
    func budget(playerCount: Int) -> Int? {
        maxEvaluations.map { max(1, $0 / orders) } ?? (width == nil ? Self.evaluationsPerPlayer * playerCount : nil)
    }

    /// - Parameter controls: tables of the utilities that `controls` names.
    func makeEstimator(playerCount: Int, seed: UInt64, controls tables: [UtilityTable]) -> any ValueEstimator {
        let stopping = StoppingRule(width: width, maxEvaluations: budget(playerCount: playerCount))
        switch estimator {
        case .exact:
            let limit = allowsManyPlayers ? ValuationOptions.mostPlayersExactly : ExactEstimator.defaultPlayerLimit
            return ExactEstimator(playerLimit: limit, confidence: confidence)
        case .permutation where controls != nil && truncation == 0 && playerCount <= Self.mostAdjustedPlayers:
            return AdjustedEstimator(seed: seed, stopping: stopping, confidence: confidence, controls: tables)
        case .permutation: return PermutationEstimator(seed: seed, stopping: stopping, truncation: truncation, confidence: confidence)
        case .loo: return LeaveOneOutEstimator(confidence: confidence)
        case .banzhaf: return BanzhafEstimator(seed: seed, stopping: stopping, confidence: confidence)
        case .beta: return PermutationEstimator(.beta(alpha: alpha, beta: beta), seed: seed, stopping: stopping, confidence: confidence)
        case .kernel: return KernelEstimator(seed: seed, stopping: stopping, confidence: confidence)
        }
    }

    /// Regressions take memory and time by the square and the cube of the players; beyond so many, sampling is plain.
    static let mostAdjustedPlayers = 300
    /// A pair of permutations is players² / 4 bytes of coalitions, and an interval takes forty evaluations a player.
    static let mostPlayersSampled = 10_000
    /// 2²⁰ coalitions.
    static let mostPlayersExactly = 20
}
