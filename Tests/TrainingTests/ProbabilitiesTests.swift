import Tensors
import Testing
import TrainingReference

@testable import Training

@Suite("Class probabilities")
struct ProbabilitiesTests {
    @Test("Probabilities of a live row sum to one, those of an empty slot are zero", arguments: [0, 1, 7, 200])
    func sums(_ slots: Int) throws {
        let problem = SmallProblem.wide, trainer = try problem.trainer(threads: 2)
        let empty = Set((0..<slots).filter { $0 % 5 == 2 })
        let rows = problem.rows(slots, empty: empty, seed: 1)
        let probabilities = try trainer.probabilities(state: trainer.initialState(), rows: rows)
        #expect(probabilities.count == slots * 10)
        for slot in 0..<slots {
            let row = probabilities[slot * 10..<(slot + 1) * 10]
            if empty.contains(slot) {
                #expect(row.allSatisfy { $0 == 0 })
            } else {
                #expect(row.allSatisfy { $0 > 0 && $0 < 1 })
                #expect(abs(row.reduce(0, +) - 1) < 1e-5)
            }
        }
    }

    @Test("A block without live rows gives zeros")
    func noneLive() throws {
        let problem = SmallProblem.wide, trainer = try problem.trainer(threads: 2)
        let rows = problem.rows(3, empty: [0, 1, 2], seed: 2)
        #expect(try trainer.probabilities(state: trainer.initialState(), rows: rows) == [Float](repeating: 0, count: 30))
    }

    @Test("Probabilities agree with the reference network")
    func agreeWithReference() throws {
        for problem in [SmallProblem.wide, SmallProblem.leNet] {
            let trainer = try problem.trainer(threads: 2), rows = problem.rows(40, seed: 3)
            let state = try trainer.initialState()
            let parameters = trainer.lattice.floats(state).map(Double.init)
            let reference = ReferenceNetwork(problem.recipe.network!, input: problem.input, classes: 10)
            let expected = (0..<40).flatMap { slot in
                let width = rows.featureCount
                return ReferenceNetwork.softmax(
                    reference.logits(rows.features[slot * width..<(slot + 1) * width].map(Double.init), parameters))
            }
            expectClose(try trainer.probabilities(state: state, rows: rows), expected, relative: 1e-4, floor: 1e-6)
        }
    }

    @Test("Probabilities have the same bits for any number of threads", arguments: [2, 3, 8])
    func anyThreads(_ threads: Int) throws {
        let problem = SmallProblem.leNet, rows = problem.rows(90, empty: [0, 40], seed: 4)
        let one = try problem.trainer(), several = try problem.trainer(threads: threads)
        let state = try one.initialState()
        #expect(try bits(several.probabilities(state: state, rows: rows)) == bits(one.probabilities(state: state, rows: rows)))
    }

    @Test("A model trained on rows with a pattern learns it")
    func learning() throws {
        var problem = SmallProblem.logistic(SmallProblem.recipe(epochs: 5, batchSize: 10, learningRate: 0.5))
        problem.classes = 2
        let plain = problem.rows(200, seed: 5)
        let labels = (0..<200).map { Int32(plain.features[5 * $0] > plain.features[5 * $0 + 1] ? 1 : 0) }
        let rows = BlockRows(features: plain.features, labels: labels, featureCount: 5)
        let trainer = try problem.trainer()
        func right(_ state: LatticeVector) throws -> Int {
            let probabilities = try trainer.probabilities(state: state, rows: rows)
            return labels.indices.count { (probabilities[2 * $0 + 1] > 0.5) == (labels[$0] == 1) }
        }
        let before = try trainer.initialState(), after = try trainer.train(block: 1, from: before, rows: rows)
        #expect(try right(after) > 185)
        #expect(try right(before) < 185)
    }
}
