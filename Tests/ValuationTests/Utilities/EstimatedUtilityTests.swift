import Checkpoints
import Files
import Tensors
import TestSupport
import Testing
import Training

@testable import Unlearn
@testable import Valuation

@Suite("Stitch and additive utilities")
struct EstimatedUtilityTests {
    @Test("A stitch value is the score of the state that deleting the other players' rows at once leaves")
    func stitch() throws {
        let project = try ValuationProject(providers: 3, rows: 240, policy: .stratified, blocks: 24)
        let path = try project.folder.write("player,id\na,1\na,40\nb,7\nb,8\nb,200\nc,100\n", to: "players.csv")
        let trainer = try project.trainer(.file(path)), coalitions = Coalition.every(of: 3)
        let utility = try StitchUtility(trainer)
        let values = try utility.values(of: coalitions)
        var trained = 0
        for (coalition, value) in zip(coalitions, values) {
            let ids = [["1", "40"], ["7", "8", "200"], ["100"]].enumerated().filter { !coalition.contains($0.offset) }.flatMap(\.element)
            guard !ids.isEmpty else {
                #expect(try trainer.metric.value(of: trainer.scorer.scores(trainer.model, by: trainer.trainers[0])) == value)
                continue
            }
            // Deleted from a project of the same rows.
            let other = try ValuationProject(providers: 3, rows: 240, policy: .stratified, blocks: 24)
            let report = try other.delete(ids) { ($0.replay.onNoDecay, $0.replay.damping) = (.stitch, .gapNorms) }
            #expect(try trainer.metric.value(of: trainer.scorer.scores(other.open().model(), by: trainer.trainers[0])) == value)
            trained += report.blocksRetrained
        }
        #expect(utility.blocksTrained == trained && trained > 0 && utility.blocksTrainedFromScratch == 24 * 8)
    }

    @Test("Values have the same bits for any number of threads and wherever the chain is read from")
    func purity() throws {
        let project = try ValuationProject(policy: .stratified, blocks: 14), coalitions = Coalition.every(of: 4)
        let one = try StitchUtility(project.trainer()).values(of: coalitions), sums = try AdditiveUtility(project.trainer()).values(of: coalitions)
        for threads in [2, 3] {
            #expect(try StitchUtility(project.trainer(threads: threads)).values(of: coalitions) == one)
            #expect(try AdditiveUtility(project.trainer(threads: threads)).values(of: coalitions) == sums)
        }
        let trainer = try project.trainer(threads: 2)
        for chain in try trainer.chains(mostBytes: 0) + trainer.chains() {
            for block in [14, 3, 9, 1] {
                #expect(try chain.state(block) == trainer.project.lineage().state(block))
                #expect(try chain.influence(block) == trainer.project.lineage().influence(block) && chain.correction(block) == nil)
            }
            #expect(try chain.length == 14 && chain.firstInexact == nil && chain.state(0) == trainer.trainers[0].initialState())
        }
    }

    @Test("An additive state is the last one without the influences of the blocks that are left out")
    func additive() throws {
        let project = try ValuationProject(), trainer = try project.trainer(threads: 2), utility = try AdditiveUtility(trainer), chain = try trainer.project.lineage()
        #expect(try utility.state(of: .all(of: 4)) == trainer.model)
        #expect(try utility.state(of: .none(of: 4)) == chain.state(0))
        let left = try trainer.model.subtracting(chain.influence(project.block(of: 0))).subtracting(chain.influence(project.block(of: 3)))
        #expect(try utility.state(of: Coalition([1, 2], of: 4)) == left)
        let coalitions = Coalition.every(of: 4)
        let expected = try coalitions.map { try trainer.metric.value(of: trainer.scorer.scores(utility.state(of: $0), by: trainer.trainers[0])) }
        #expect(try utility.values(of: coalitions) == expected)
    }

    @Test("A block that is left out in part loses that part of its influence")
    func additivePart() throws {
        let project = try ValuationProject(policy: .random, blocks: 2, ungrouped: 12), trainer = try project.trainer(), chain = try project.open().lineage()
        let coalition = Coalition([0, 3], of: 4)
        var expected = trainer.model
        for block in 1...2 {
            let missing = [1, 2].reduce(0) { $0 + trainer.players.players[$1].slots[block, default: []].count }
            expected = try expected.subtracting(chain.influence(block).scaled(by: Double(missing) / 48))
        }
        #expect(try AdditiveUtility(trainer).state(of: coalition) == expected && expected != trainer.model)
    }

    @Test("Scores are what `evaluate` says of the same rows")
    func scores() throws {
        let made = try ValuationProject(testRows: 50), project = try made.open(.read), state = try project.model()
        defer { withExtendedLifetime(made) {} }
        let scorer = try Scorer(project, slots: [1: Array(0..<50)])
        let known = try #require(try project.decide(state, on: .test)).score
        let scores = try scorer.scores(state, by: project.trainer)
        #expect(scores.accuracy == known.accuracy && abs(scores.loss + known.loss) < 1e-12)
        // Half of the rows are other rows.
        let half = try Scorer(project, slots: [1: Array(0..<25)])
        #expect(half.digest != scorer.digest)
        let whole = try #require(try project.decide(state, on: .test, leavingOut: [1: Set(25..<50)])).score
        let halfScores = try half.scores(state, by: project.trainer)
        #expect(try abs(halfScores.accuracy - #require(whole.accuracy)) < 1e-12 && abs(halfScores.loss + whole.loss) < 1e-12)
    }
}
