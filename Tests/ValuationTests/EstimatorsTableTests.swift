import Files
import Foundation
import Testing

@testable import Valuation

@Suite struct EstimatorsTableTests {
    @Test func `every coalition is evaluated once and new values are handed on as they come`() throws {
        let game = Games.majority(4)
        var stored: [[Coalition]] = []
        let table = UtilityTable(game, largestBatch: 2) { stored.append($0.map(\.0)) }
        let a = Coalition([0], of: 4), b = Coalition([0, 1, 3], of: 4), c = Coalition([2], of: 4)
        #expect(try table.values(of: [a, b, a, c, b]) == [0, 1, 0, 0, 1])
        #expect(try table.values(of: [c, a]) == [0, 0])
        #expect(game.asked == 3 && table.evaluations == 3 && stored == [[a, b], [c]])
        #expect(table.known.map(\.coalition) == [a, c, b])
    }

    @Test func `preloaded values cost nothing and must not contradict what is known`() throws {
        let game = Games.majority(3)
        let table = UtilityTable(game)
        let one = Coalition([1], of: 3)
        try table.preload([(one, 0.25)])
        #expect(try table.value(of: one) == 0.25 && game.asked == 0)
        try table.preload([(one, 0.25)])
        let failure = #expect(throws: Failure.self) { try table.preload([(one, 0.5)]) }
        #expect(failure?.kind == .input && failure!.description.contains("[1]"))
    }

    @Test func `a limit is never passed and stops before any work`() throws {
        let game = Games.majority(3)
        let table = UtilityTable(game, evaluationLimit: 7)
        let failure = #expect(throws: Failure.self) { try ExactEstimator().estimate(table) }
        #expect(failure?.kind == .input && game.asked == 0)
    }

    @Test func `a utility that is not a number is refused`() throws {
        let table = UtilityTable(Game(2) { $0.isFull ? .nan : 0 })
        #expect(throws: Failure.self) { try ExactEstimator().estimate(table) }
    }

    /// Throws when it has been asked for so many coalitions.
    private final class Interrupted: Utility {
        let game: Game, limit: Int
        var playerCount: Int { game.playerCount }
        init(_ game: Game, after limit: Int) { (self.game, self.limit) = (game, limit) }
        func values(of coalitions: [Coalition]) throws -> [Double] {
            guard game.asked + coalitions.count <= limit else { throw Failure.interrupted }
            return game.values(of: coalitions)
        }
    }

    @Test func `an interrupted estimate resumes from what was stored to the same bytes`() throws {
        let rule = StoppingRule(maxEvaluations: 120)
        let whole = try PermutationEstimator(seed: 4, stopping: rule).estimate(UtilityTable(Games.learning(8, seed: 1)))
        var stored: [(Coalition, Double)] = []
        let first = UtilityTable(Interrupted(Games.learning(8, seed: 1), after: 60), largestBatch: 10) { stored += $0 }
        let failure = #expect(throws: Failure.self) { try PermutationEstimator(seed: 4, stopping: rule).estimate(first) }
        #expect(failure?.kind == .interrupted && stored.count >= 50)
        let second = UtilityTable(Games.learning(8, seed: 1))
        try second.preload(stored)
        let resumed = try PermutationEstimator(seed: 4, stopping: rule).estimate(second)
        #expect(try encoded(resumed) == encoded(whole))
        #expect(second.evaluations < whole.evaluations - 40)
    }

    private func encoded(_ estimate: ValueEstimate) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try encoder.encode(estimate)
    }

    private static func estimators(_ batch: Int, width: Double?) -> [any ValueEstimator] {
        let rule = StoppingRule(width: width, maxEvaluations: 150)
        return [
            PermutationEstimator(seed: 9, stopping: rule, pairsPerBatch: batch),
            PermutationEstimator(.beta(alpha: 4, beta: 1), seed: 9, stopping: rule, pairsPerBatch: batch),
            AdjustedEstimator(seed: 9, stopping: rule, controls: [UtilityTable(Games.cheap(8, seed: 1))], pairsPerBatch: batch),
            BanzhafEstimator(seed: 9, stopping: rule, coalitionsPerBatch: batch), KernelEstimator(seed: 9, stopping: rule, pairsPerBatch: batch),
            ExactEstimator(), LeaveOneOutEstimator(),
        ]
    }

    @Test(arguments: 0..<7, [nil, 0.15, 0.5]) func `merged shards give the bytes of one process, whatever the batches`(index: Int, width: Double?) throws {
        let one = UtilityTable(Games.learning(8, seed: 1))
        let whole = try Self.estimators(1, width: width)[index].estimate(one)
        let merged = UtilityTable(Game(8) { _ in fatalError("a merge evaluates nothing") })
        var evaluated = 0
        for shard in 0..<3 {
            let table = UtilityTable(Games.learning(8, seed: 1))
            let estimator = Self.estimators(8, width: width)[index]
            try ShardPlan(index: shard, count: 3).evaluate(estimator, table)
            evaluated += table.evaluations
            try merged.preload(table.known.map { ($0.coalition, $0.value) })
        }
        #expect(evaluated == merged.knownCount, "no coalition is evaluated by two shards")
        let again = try ShardPlan.merge(Self.estimators(5, width: width)[index], merged)
        #expect(try encoded(again) == encoded(whole))
        #expect(merged.used == one.used && one.used.count == whole.evaluations)
        #expect(whole.evaluations <= (index < 5 ? 150 : 256))
    }

    @Test func `a merge says how many coalitions are missing`() throws {
        let estimator = PermutationEstimator(seed: 2, stopping: StoppingRule(maxSamples: 6))
        let table = UtilityTable(Games.majority(6))
        try ShardPlan(index: 0, count: 2).evaluate(estimator, table)
        let total = Set(try estimator.plan(playerCount: 6).joined()).count
        let failure = #expect(throws: Failure.self) { try ShardPlan.merge(estimator, table) }
        #expect(failure?.kind == .input && failure!.description.hasPrefix("\(total - table.knownCount) of \(total) coalitions are missing"))
    }

    @Test(arguments: [(3, 3), (-1, 2), (0, 0)]) func `a shard out of range is refused`(index: Int, count: Int) {
        let failure = #expect(throws: Failure.self) { try ShardPlan(index: index, count: count) }
        #expect(failure?.kind == .input)
    }
}
