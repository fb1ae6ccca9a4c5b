import Files
import Synchronization
import Tensors
import Testing

@testable import Training

@Suite("Training that stops")
struct TrainerStopTests {
    @Test("A rate too high diverges with an error that names the block and the tensor", arguments: [1, 4])
    func divergence(_ block: Int) throws {
        let problem = SmallProblem.logistic(SmallProblem.recipe(epochs: 3, learningRate: 1e9))
        let trainer = try problem.trainer(), state = try trainer.initialState()
        let error = try failure { _ = try trainer.train(block: block, from: state, rows: problem.rows(12, seed: 1)) }
        let divergence = try #require(error as? Divergence)
        #expect(divergence.block == block)
        #expect(divergence.tensor == "linear.weight")
        #expect(!(abs(divergence.value) < 8192))
        #expect(error.kind == .failed)
        #expect(error.description.contains("block \(block)") && error.description.contains("'linear.weight'"))
    }

    @Test("The tensor named is the one that left the lattice")
    func divergenceNamesTheTensor() throws {
        // Features of zero leave the weights where they are; only the bias moves.
        let problem = SmallProblem.logistic(SmallProblem.recipe(learningRate: 1e9))
        let trainer = try problem.trainer()
        let rows = BlockRows(features: [Float](repeating: 0, count: 20), labels: [0, 1, 2, 0], featureCount: 5)
        let error = try failure { _ = try trainer.train(block: 2, from: trainer.initialState(), rows: rows) }
        #expect((error as? Divergence)?.tensor == "linear.bias")
    }

    @Test("A feature that is not a number stops training in any model", arguments: ModelName.allCases, ActivationName.allCases)
    func notANumber(_ model: ModelName, _ activation: ActivationName) throws {
        var problem = SmallProblem.leNet
        problem.recipe = SmallProblem.recipe(model, hidden: [6], activation)
        let trainer = try problem.trainer(), good = problem.rows(8, seed: 2)
        var features = good.features
        for index in 0..<problem.input.count { features[3 * problem.input.count + index] = .nan }
        let bad = BlockRows(features: features, labels: good.labels, featureCount: good.featureCount)
        let state = try trainer.initialState()
        #expect(throws: Divergence.self) { try trainer.train(block: 1, from: state, rows: bad) }
    }

    @Test("An interruption stops training before the next epoch", arguments: [0, 1, 2])
    func interruption(_ epochs: Int) throws {
        let problem = SmallProblem.logistic(SmallProblem.recipe(epochs: 3)), trainer = try problem.trainer()
        let asked = Mutex(0)
        let control = TrainingControl {
            asked.withLock {
                $0 += 1
                return $0 > epochs
            }
        }
        let state = try trainer.initialState()
        #expect(throws: Failure.interrupted) { try trainer.train(block: 1, from: state, rows: problem.rows(12, seed: 3), control: control) }
        #expect(asked.withLock { $0 } == epochs + 1)
    }

    @Test("Asking changes nothing: a training that may go on ends as one that nobody watches")
    func watched() throws {
        let problem = SmallProblem.logistic(SmallProblem.recipe(epochs: 3)), trainer = try problem.trainer()
        let state = try trainer.initialState(), rows = problem.rows(12, seed: 4)
        let asked = Mutex(0)
        let watched = try trainer.train(
            block: 1, from: state, rows: rows,
            control: TrainingControl {
                asked.withLock { $0 += 1 }
                return false
            })
        #expect(asked.withLock { $0 } == 3)
        #expect(try trainer.train(block: 1, from: state, rows: rows) == watched)
    }
}
