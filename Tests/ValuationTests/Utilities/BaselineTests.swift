import Checkpoints
import Files
import Foundation
import Testing
import Training
import Unlearn

@testable import Valuation

@Suite("What nobody's data is worth")
struct BaselineTests {
    private func valuation(
        _ project: ValuationProject, _ none: Baseline, _ metric: Metric = .loss, utility: ValuationOptions.UtilityName = .exact, players: PlayerSource = .groups
    ) throws -> Valuation {
        var options = ValuationOptions(estimator: .exact)
        (options.none, options.metric, options.utility) = (none, metric, utility)
        let opened = try project.open()
        // The folder stays as long as the valuation does.
        nonisolated(unsafe) let folder = project.folder
        let control = TrainingControl { withExtendedLifetime(folder) { false } }
        return try Valuation(opened, players: PlayerSet(players, of: opened), options: options, threads: 1, control: control) { _, _, _ in }
    }

    /// How often each class occurs among the valuation rows, counted from the stored labels.
    private func counts(_ trainer: CoalitionTrainer) throws -> [Double] {
        var counts: [Int32: Double] = [:]
        for block in try trainer.project.store.rowBlocks(.test) {
            let labels = try trainer.project.rows(block).labels
            for slot in trainer.split.valuation[block.block] ?? [] { counts[labels[slot], default: 0] += 1 }
        }
        return counts.keys.sorted().map { counts[$0]! }
    }

    @Test("It is the entropy of the classes by log-loss, and the share of the most frequent one by accuracy")
    func baseRate() throws {
        let trainer = try ValuationProject().trainer(), counts = try counts(trainer), all = counts.reduce(0, +)
        let scores = trainer.scorer.baseRate
        #expect(counts.count == 3 && Set(counts).count > 1, "frequencies that differ")
        let entropy: Double = counts.reduce(0) { (sum: Double, count: Double) in sum - count / all * log(count / all) }
        #expect(abs(scores.loss + entropy) < 1e-15)
        #expect(scores.accuracy == counts.max()! / all)
        // No constant answer does better: log-loss is proper.
        for shift in [-0.05, 0.05] {
            let other = [counts[0] / all + shift, counts[1] / all - shift, counts[2] / all]
            let loss: Double = zip(counts, other).map { (count: Double, probability: Double) in count / all * log(probability) }.reduce(0, +)
            #expect(loss < scores.loss)
        }
    }

    @Test("Its utility asks for every coalition but the empty one, and keeps their order")
    func passesOthersOn() throws {
        let models = CountingUtility(players: 3), utility = BaseRateUtility(models, baseRate: -7)
        let coalitions = [Coalition([1], of: 3), .none(of: 3), .all(of: 3), .none(of: 3), Coalition([0], of: 3)]
        #expect(try utility.values(of: coalitions) == [2, -7, 7, -7, 1])
        #expect(models.asked == [coalitions[0], coalitions[2], coalitions[4]])
        #expect(try utility.values(of: [.none(of: 3)]) == [-7] && models.asked.count == 3)
    }

    @Test("Values are measured against it, whatever the utility, unless the untrained network is asked for", arguments: Metric.allCases, ValuationOptions.UtilityName.allCases)
    func measured(metric: Metric, utility: ValuationOptions.UtilityName) throws {
        let project = try ValuationProject()
        // Each valuation holds the project open for writing as long as it is there.
        func outcome(_ none: Baseline) throws -> (outcome: ValuationOutcome, baseRate: Double) {
            let valuation = try valuation(project, none, metric, utility: utility)
            return (try valuation.run(fidelity: [], withCurves: false), metric.value(of: valuation.trainer.scorer.baseRate))
        }
        let (grounded, scores) = try outcome(.baseRate), untrained = try outcome(.untrained).outcome
        #expect(grounded.report.vEmpty == scores && grounded.report.none == .baseRate)
        #expect(untrained.report.vEmpty != scores && untrained.report.none == .untrained && untrained.report.vAll == grounded.report.vAll)
        // The empty coalition counts alike for all: values shift by an equal part of the difference.
        let shift = (untrained.report.vEmpty - scores) / 4
        for (a, b) in zip(grounded.report.players, untrained.report.players) { #expect(abs(a.value - b.value - shift) < 1e-12) }
        #expect(grounded.utilities[0].source == "base-rate" && grounded.utilities.dropFirst().allSatisfy { $0.source == utility.rawValue })
        #expect(untrained.utilities[0].source == utility.rawValue)
        // One table serves both: it has scores of models alone, and nothing is trained for the second.
        #expect(untrained.report.blocksTrained == 0)
    }

    @Test("No stored table holds a base rate")
    func tables() throws {
        let project = try ValuationProject()
        func stored() throws -> [UtilityRecord.Entry] {
            let trainer = try project.trainer(.groups, .read)
            return try ProjectStorage(trainer.project, Provenance(trainer, utility: .exact)).load()
        }
        _ = try valuation(project, .baseRate).run(fidelity: [], withCurves: true)
        #expect(try stored().count == 15 && stored().allSatisfy { $0.words != [0] })
        _ = try valuation(project, .untrained).run(fidelity: [], withCurves: false)
        #expect(try stored().count == 16)
    }

    @Test("Cheap utilities are not praised for agreeing on it", arguments: [(Baseline.baseRate, 15), (.untrained, 16)])
    func fidelity(none: Baseline, compared: Int) throws {
        let report = try valuation(ValuationProject(), none).run(fidelity: [.additive], withCurves: false).report
        #expect(report.fidelity.map(\.coalitions) == [compared])
    }

    @Test("Where rows of no player belong to every coalition, it is the model of these", arguments: Baseline.allCases)
    func unowned(none: Baseline) throws {
        let project = try ValuationProject(policy: .stratified, blocks: 4, ungrouped: 9)
        let valuation = try valuation(project, none), report = try valuation.run(fidelity: [], withCurves: false).report
        #expect(report.none == .unownedRows)
        #expect(report.vEmpty == (try ExactUtility(valuation.trainer).values(of: [.none(of: 4)])[0]))
    }

    @Test("Shards that were measured against different ones do not merge")
    func shards() throws {
        let project = try ValuationProject(), path = project.folder.file("shard")
        _ = try valuation(project, .baseRate).computeShard(ShardPlan(index: 1, count: 2), at: path + "1")
        _ = try valuation(project, .untrained).computeShard(ShardPlan(index: 2, count: 2), at: path + "2")
        let error = #expect(throws: Failure.self) { try MergedShards(reading: [path + "1", path + "2"]) }
        #expect(error?.description.contains("different estimators or their options") == true)
        // The base rate is no model's score: it is not in the file, and the merging project knows it.
        _ = try valuation(project, .baseRate).computeShard(ShardPlan(index: 2, count: 2), at: path + "3")
        #expect(try MergedShards(reading: [path + "1", path + "3"]).entries.count == 15)
        let opened = try project.open(.read)
        let merged = try Valuation.merge([path + "1", path + "3"], of: opened, players: PlayerSet(.groups, of: opened), threads: 1, control: TrainingControl()) { _, _, _ in }
        let alone = try valuation(project, .baseRate).run(fidelity: [], withCurves: false)
        #expect(merged.report.players.map(\.value) == alone.report.players.map(\.value) && merged.utilities[0].source == "base-rate")
    }
}
