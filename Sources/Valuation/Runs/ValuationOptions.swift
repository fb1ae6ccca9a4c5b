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
    }

    public var estimator: EstimatorName
    public var utility = UtilityName.exact
    public var metric = Metric.accuracy
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
    /// Of the test rows.
    public var valuationShare = ValuationSplit.defaultShare
    /// More than `ExactEstimator.defaultPlayerLimit` players are valued exactly only where the caller insists.
    public var allowsManyPlayers = false

    public init(estimator: EstimatorName) { self.estimator = estimator }

    /// Evaluations for each player where neither a budget nor a width ends the sampling.
    static let evaluationsPerPlayer = 40

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
    }

    /// - Parameter controls: tables of the utilities that `controls` names.
    func makeEstimator(playerCount: Int, controls tables: [UtilityTable]) -> any ValueEstimator {
        let budget = maxEvaluations.map { max(1, $0 / orders) } ?? (width == nil ? Self.evaluationsPerPlayer * playerCount : nil)
        let stopping = StoppingRule(width: width, maxEvaluations: budget)
        switch estimator {
        case .exact:
            let limit = allowsManyPlayers ? ValuationOptions.mostPlayersExactly : ExactEstimator.defaultPlayerLimit
            return ExactEstimator(playerLimit: limit, confidence: confidence)
        case .permutation where controls != nil && truncation == 0:
            return AdjustedEstimator(seed: seed, stopping: stopping, confidence: confidence, controls: tables)
        case .permutation: return PermutationEstimator(seed: seed, stopping: stopping, truncation: truncation, confidence: confidence)
        case .loo: return LeaveOneOutEstimator(confidence: confidence)
        case .banzhaf: return BanzhafEstimator(seed: seed, stopping: stopping, confidence: confidence)
        case .beta: return PermutationEstimator(.beta(alpha: alpha, beta: beta), seed: seed, stopping: stopping, confidence: confidence)
        case .kernel: return KernelEstimator(seed: seed, stopping: stopping, confidence: confidence)
        }
    }

    /// 2²⁰ coalitions.
    static let mostPlayersExactly = 20
}
