import Checkpoints
import Files
import Foundation
import Testing

@testable import Valuation

@Suite struct EstimatorsTableTests {
    @Test func `every coalition is evaluated once`() throws {
        let game = Games.majority(4), table = UtilityTable(game)
        let a = Coalition([0], of: 4), b = Coalition([0, 1, 3], of: 4), c = Coalition([2], of: 4)
        #expect(try table.values(of: [a, b, a, c, b]) == [0, 1, 0, 0, 1])
        #expect(try table.values(of: [c, a]) == [0, 0])
        #expect(game.asked == 3)
    }

    @Test func `a utility that is not a number is refused`() throws {
        let table = UtilityTable(Game(2) { $0 == .all(of: 2) ? .nan : 0 })
        #expect(throws: Failure.self) { try ExactEstimator().estimate(table) }
    }

    @Test func `an interrupted estimate resumes from what was stored to the same bytes`() throws {
        let estimator = PermutationEstimator(seed: 4, stopping: StoppingRule(maxEvaluations: 120))
        let whole = try estimator.estimate(UtilityTable(Games.learning(8, seed: 1)))
        let game = Games.learning(8, seed: 1), storage = MemoryStorage()
        let first = try StoredUtility(CountingUtility(players: 8) {
            guard game.asked < 60 else { throw Failure.interrupted }
            return game.values(of: [$0])[0]
        }, in: storage)
        let failure = #expect(throws: Failure.self) { try estimator.estimate(UtilityTable(first)) }
        #expect(failure?.kind == .interrupted && storage.entries.count == 60)
        let second = try StoredUtility(CountingUtility(players: 8) { Games.learning(8, seed: 1).values(of: [$0])[0] }, in: storage)
        #expect(try encoded(estimator.estimate(UtilityTable(second))) == encoded(whole))
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
        let game = Games.learning(8, seed: 1)
        var entries: [UtilityRecord.Entry] = []
        for shard in 1...3 {
            let plan = try Self.estimators(8, width: width)[index].plan(playerCount: 8)
            entries += try Self.evaluated(ShardPlan(index: shard, count: 3).share(of: plan), game)
        }
        #expect(Set(entries.map(\.words)).count == entries.count, "no coalition is evaluated by two shards")
        let merged = UtilityTable(RecordedUtility(entries, by: .loss, playerCount: 8))
        let again = try Self.estimators(5, width: width)[index].estimate(merged)
        #expect(try encoded(again) == encoded(whole))
        #expect(merged.used == one.used && one.used.count == whole.evaluations)
        #expect(whole.evaluations <= (index < 5 ? 150 : 256))
    }

    private static func evaluated(_ coalitions: [Coalition], _ game: Game) -> [UtilityRecord.Entry] {
        zip(coalitions, game.values(of: coalitions)).map { .init(words: $0.words, scores: .init(accuracy: 0, loss: $1), source: .exact) }
    }

    @Test func `what shards did not evaluate is missed`() throws {
        let estimator = PermutationEstimator(seed: 2, stopping: StoppingRule(maxSamples: 6))
        let half = try ShardPlan(index: 1, count: 2).share(of: estimator.plan(playerCount: 6))
        let recorded = RecordedUtility(Self.evaluated(half, Games.majority(6)), by: .loss, playerCount: 6)
        let failure = #expect(throws: Failure.self) { try estimator.estimate(UtilityTable(recorded)) }
        #expect(failure?.kind == .input && failure!.description.contains("was not evaluated"))
    }

    @Test(arguments: [(4, 3), (0, 3), (-1, 2), (1, 0)]) func `a shard out of range is refused`(index: Int, count: Int) {
        let failure = #expect(throws: Failure.self) { try ShardPlan(index: index, count: count) }
        #expect(failure?.kind == .input)
    }
}
