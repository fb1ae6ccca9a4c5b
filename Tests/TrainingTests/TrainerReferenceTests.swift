import Tensors
import Testing
import TrainingReference

@testable import Training

private struct TrainingCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let recipe: Recipe
    var slots = 12
    var empty: Set<Int> = []

    static let all: [TrainingCase] = [
        TrainingCase(testDescription: "logistic", recipe: SmallProblem.recipe()),
        TrainingCase(testDescription: "logistic, last batch short", recipe: SmallProblem.recipe(batchSize: 5), slots: 13),
        TrainingCase(testDescription: "logistic, batch larger than block", recipe: SmallProblem.recipe(epochs: 3, batchSize: 50)),
        TrainingCase(testDescription: "logistic, batches of one", recipe: SmallProblem.recipe(batchSize: 1), slots: 7),
        TrainingCase(testDescription: "logistic, empty slots", recipe: SmallProblem.recipe(epochs: 2), empty: [0, 3, 4, 5, 11]),
        TrainingCase(
            testDescription: "logistic with everything", recipe: SmallProblem.recipe(
                epochs: 3, schedule: .linear, momentum: 0.9, weightDecay: 0.05, smoothing: 0.2, latticeBits: 16), empty: [2, 7]),
        TrainingCase(testDescription: "mlp", recipe: SmallProblem.recipe(.mlp, hidden: [4], epochs: 2)),
        TrainingCase(
            testDescription: "deep mlp with everything", recipe: SmallProblem.recipe(
                .mlp, hidden: [4, 3], epochs: 2, schedule: .cosine, momentum: 0.8, weightDecay: 0.01, smoothing: 0.1), empty: [1, 2, 3]),
        TrainingCase(testDescription: "mlp with GELU", recipe: SmallProblem.recipe(.mlp, hidden: [4], .gelu, epochs: 2, momentum: 0.5)),
        TrainingCase(testDescription: "several lanes", recipe: SmallProblem.recipe(epochs: 2, batchSize: 70), slots: 75, empty: [8, 9]),
        TrainingCase(testDescription: "clipped gradients", recipe: SmallProblem.recipe(epochs: 2, momentum: 0.5, weightDecay: 0.05, clip: 0.2)),
        TrainingCase(
            testDescription: "clipped gradients of several lanes", recipe: SmallProblem.recipe(epochs: 2, batchSize: 70, clip: 0.05), slots: 75),
        TrainingCase(testDescription: "a limit that no gradient reaches", recipe: SmallProblem.recipe(clip: 1e3)),
        TrainingCase(testDescription: "averaged states", recipe: SmallProblem.recipe(epochs: 3, averaging: 0.4), empty: [0, 3, 4, 5, 11]),
        TrainingCase(testDescription: "averages of a share that no float holds", recipe: SmallProblem.recipe(epochs: 5, averaging: 0.8)),
        TrainingCase(testDescription: "averages of all states", recipe: SmallProblem.recipe(.mlp, hidden: [4], epochs: 2, averaging: 1)),
        TrainingCase(testDescription: "weighted classes", recipe: SmallProblem.recipe(epochs: 2, weights: [0.5, 1, 6]), empty: [4]),
        TrainingCase(
            testDescription: "weighted classes with everything", recipe: SmallProblem.recipe(
                .mlp, hidden: [4, 3], epochs: 2, schedule: .linear, momentum: 0.8, weightDecay: 0.01, smoothing: 0.1, clip: 0.5, averaging: 0.4, weights: [7, 0.25, 1.25]),
            empty: [1, 2]),
        TrainingCase(testDescription: "weighted classes in several lanes", recipe: SmallProblem.recipe(batchSize: 70, weights: [0.625, 14, 1]), slots: 75),
        TrainingCase(testDescription: "a fine lattice", recipe: SmallProblem.recipe(latticeBits: 20)),
        TrainingCase(testDescription: "a coarse lattice", recipe: SmallProblem.recipe(latticeBits: 12)),
    ]
}

@Suite("The trainer against a plain one")
struct TrainerReferenceTests {
    @Test("Three blocks of training agree with the reference to a few lattice steps", arguments: TrainingCase.all)
    private func agreesWithReference(_ test: TrainingCase) throws {
        let problem = SmallProblem.logistic(test.recipe)
        let trainer = try problem.trainer(), reference = ReferenceTrainer(test.recipe, input: problem.input, classes: problem.classes)
        var state = try trainer.initialState()
        for block in 1...3 {
            let rows = problem.rows(test.slots, empty: test.empty, seed: UInt64(60 + block))
            let expected = reference.train(block: block, from: state, rows: rows)
            let next = try trainer.train(block: block, from: state, rows: rows)
            let worst = zip(next.steps, expected).map { abs($0 - $1) }.max()
            #expect(worst ?? .max <= (test.recipe.network!.latticeBits > 18 ? 4 : 1), "block \(block)")
            // The agreement would mean little had nothing moved.
            #expect(next.l1Distance(to: state) > UInt64(20 * state.count) >> UInt64(18 - min(18, test.recipe.network!.latticeBits)))
            state = next
        }
    }

    @Test("One step of lenet5 moves parameters of every tensor as the reference says")
    func leNetStep() throws {
        let problem = SmallProblem(
            recipe: SmallProblem.recipe(.lenet5, batchSize: 16, weightDecay: 0.1), input: SmallProblem.leNet.input, classes: 10)
        // One lane of several passes, the last one short.
        let trainer = try problem.trainer(threads: 2), rows = problem.rows(13, seed: 64)
        let before = try trainer.initialState(), after = try trainer.train(block: 1, from: before, rows: rows)
        let reference = ReferenceNetwork(problem.recipe.network!, input: problem.input, classes: 10)
        let exact = trainer.lattice.floats(before).map(Double.init)
        let x = (0..<13).map { slot in rows.features[slot * 784..<(slot + 1) * 784].map(Double.init) }
        for (tensor, offset) in zip(trainer.layout.tensors, trainer.layout.offsets) {
            for index in [offset, offset + tensor.count / 2, offset + tensor.count - 1] {
                let gradient = reference.slope(x, rows.labels.map(Int.init), exact, index, smoothing: 0) / 16 + 0.1 * exact[index]
                let expected = (exact[index] - 0.1 * gradient) / trainer.lattice.unit
                #expect(abs(Double(after.steps[index]) - expected) <= 1, "\(tensor.name)")
            }
        }
    }
}
