import Tensors
import Testing
import TrainingReference

@testable import Training

@Suite("Deleted rows")
struct EmptySlotTests {
    private let recipe = SmallProblem.recipe(epochs: 3, momentum: 0.9, weightDecay: 0.1)

    @Test("A block without a live row returns the state it was given, in spite of weight decay", arguments: [0, 1, 3, 12])
    func emptyBlock(_ slots: Int) throws {
        let problem = SmallProblem.logistic(recipe), trainer = try problem.trainer()
        let state = try trainer.initialState()
        #expect(try trainer.train(block: 2, from: state, rows: problem.rows(slots, empty: Set(0..<slots), seed: 1)) == state)
    }

    @Test("So it does where states are averaged, and where steps have no float of their own", arguments: [0, 0.6] as [Float])
    func emptyBlockOfLargeSteps(_ averaging: Float) throws {
        let problem = SmallProblem.logistic(SmallProblem.recipe(epochs: 3, averaging: averaging)), trainer = try problem.trainer()
        let state = LatticeVector((0..<Int32(trainer.layout.count)).map { 1 << 25 + 1 + 2 * $0 })
        #expect(try trainer.train(block: 2, from: state, rows: problem.rows(12, empty: Set(0..<12), seed: 1)) == state)
    }

    @Test("A batch without a live row takes no step: neither decay nor momentum", arguments: [0, 1, 2])
    func emptyBatch(_ missing: Int) throws {
        var problem = SmallProblem.logistic(recipe)
        problem.recipe.plan.epochs = 1
        let trainer = try problem.trainer()
        let order = problem.order(slots: 12, block: 1), empty = Set(order[4 * missing..<4 * missing + 4])
        let rows = problem.rows(12, empty: empty, seed: 2), state = try trainer.initialState()
        let after = try trainer.train(block: 1, from: state, rows: rows)
        let expected = ReferenceTrainer(problem.recipe, input: problem.input, classes: problem.classes).train(block: 1, from: state, rows: rows)
        #expect(zip(after.steps, expected).allSatisfy { abs($0 - $1) <= 1 })
        // One row in that batch is enough for a step.
        let one = problem.rows(12, empty: empty.subtracting([order[4 * missing]]), seed: 2)
        #expect(try trainer.train(block: 1, from: state, rows: one).l1Distance(to: after) > UInt64(100 * state.count))
    }

    @Test("The features of an empty slot are never read")
    func emptyFeatures() throws {
        let problem = SmallProblem.logistic(recipe), trainer = try problem.trainer(threads: 2)
        let state = try trainer.initialState(), notANumber = problem.rows(12, empty: [0, 5, 11], seed: 3)
        let zero = BlockRows(features: notANumber.features.map { $0.isNaN ? 0 : $0 }, labels: notANumber.labels, featureCount: 5)
        let after = try trainer.train(block: 1, from: state, rows: notANumber)
        #expect(try trainer.train(block: 1, from: state, rows: zero) == after)
        #expect(try trainer.probabilities(state: state, rows: zero) == trainer.probabilities(state: state, rows: notANumber))
    }

    @Test("A batch with half of its rows empty has half the gradient: the divisor is the nominal size")
    func nominalDivisor() throws {
        var whole = SmallProblem.logistic(SmallProblem.recipe(batchSize: 4)), half = whole
        whole.recipe.plan.learningRate = 0.5
        half.recipe = whole.recipe
        half.recipe.network!.batchSize = 8
        let rows = whole.rows(4, seed: 4), state = try whole.trainer().initialState()
        // The same four rows, between four empty slots.
        let absent = [Float](repeating: .nan, count: 5)
        let features: [Float] = (0..<4).flatMap { (row: Int) -> [Float] in absent + rows.features[5 * row..<5 * row + 5] }
        let spread = BlockRows(features: features, labels: rows.labels.flatMap { [-1, $0] }, featureCount: 5)
        let full = try whole.trainer().train(block: 1, from: state, rows: rows).subtracting(state)
        let halved = try half.trainer().train(block: 1, from: state, rows: spread).subtracting(state)
        #expect(full.l1Norm > UInt64(1000 * state.count))
        #expect(zip(full.steps, halved.steps).allSatisfy { abs($0 - 2 * $1) <= 3 })
    }

    @Test("A short last batch is divided by the nominal size, too")
    func shortBatch() throws {
        let short = SmallProblem.logistic(SmallProblem.recipe(batchSize: 4, learningRate: 0.5))
        var nominal = short
        nominal.recipe.network!.batchSize = 2
        let rows = short.rows(2, seed: 6), state = try short.trainer().initialState()
        let smaller = try short.trainer().train(block: 1, from: state, rows: rows).subtracting(state)
        let larger = try nominal.trainer().train(block: 1, from: state, rows: rows).subtracting(state)
        #expect(larger.l1Norm > UInt64(1000 * state.count))
        #expect(zip(larger.steps, smaller.steps).allSatisfy { abs($0 - 2 * $1) <= 3 })
    }

    /// Rows in other batches see the same neighbours in the same batches; only the deleted row's gradient is missing.
    @Test("A deleted row is missed by its own batch only")
    func neighboursStay() throws {
        var problem = SmallProblem.logistic(SmallProblem.recipe(batchSize: 4))
        problem.recipe.plan.learningRate = 0.01
        let trainer = try problem.trainer(), state = try trainer.initialState()
        let order = problem.order(slots: 12, block: 1)
        let with = try trainer.train(block: 1, from: state, rows: problem.rows(12, seed: 8))
        let last = try #require(order.last)
        let lastBatch = Set(order.suffix(4))
        // Without the whole last batch, the state is that after the first two: deleting rows there changes nothing before.
        let firstTwo = try trainer.train(block: 1, from: state, rows: problem.rows(12, empty: lastBatch, seed: 8))
        let without = try trainer.train(block: 1, from: state, rows: problem.rows(12, empty: [last], seed: 8))
        let alone = try trainer.train(block: 1, from: state, rows: problem.rows(12, empty: lastBatch.subtracting([last]), seed: 8))
        // Gradients of one batch are sums: what the row adds beside its neighbours is what it adds alone.
        let beside = try with.subtracting(without), own = try alone.subtracting(firstTwo)
        #expect(own.l1Norm > UInt64(50 * state.count))
        #expect(zip(beside.steps, own.steps).allSatisfy { abs($0 - $1) <= 2 })
    }
}
