import TestSupport
import Testing
import TrainingReference

@testable import Training

@Suite("What replay asks of a trainer")
struct TrainerConformanceTests {
    private func rows(_ features: Int, slots: Int = 12) -> BlockRows {
        var random = SeededGenerator(UInt64(features))
        var labels = (0..<slots).map { Int32($0 % 3) }
        labels[5] = BlockRows.emptySlot
        return BlockRows(features: (0..<slots * features).map { _ in Float.random(in: -1...1, using: &random) }, labels: labels, featureCount: features)
    }

    @Test("The built-in trainer has it, whatever the model and the number of threads", arguments: ModelName.allCases, [1, 3])
    func builtIn(model: ModelName, threads: Int) throws {
        var recipe = Recipe.builtIn(model)
        recipe.network!.hidden = model == .mlp ? [5] : []
        (recipe.plan.blocks, recipe.plan.epochs, recipe.network!.batchSize) = (4, 2, 5)
        let shape = model.isConvolutional ? RowShape(channels: 1, height: 28, width: 28) : RowShape(channels: 1, height: 1, width: 6)
        #expect(try TrainerConformance(rows: rows(shape.count), classes: 3) { try recipe.makeTrainer(input: shape, classNames: ["a", "b", "c"], threads: threads) }.violations() == [])
    }

    @Test("And so with clipping, averaging, augmentation, weighted classes and branches")
    func variants() throws {
        var recipe = Recipe.builtIn(.lenet5)
        (recipe.plan.blocks, recipe.plan.epochs, recipe.network!.batchSize, recipe.network!.gradientClip) = (4, 2, 5, 0.1)
        recipe.network!.augmentation.flip = true
        recipe.network!.classWeights = [0.5, 1, 3]
        recipe.plan.branches = Branches(count: 2, length: 1, epochs: 3, learningRate: 0.2)
        let shape = RowShape(channels: 1, height: 28, width: 28)
        #expect(try TrainerConformance(rows: rows(784), classes: 3) { try recipe.makeTrainer(input: shape, classNames: ["a", "b", "c"], threads: 2) }.violations() == [])
    }

    @Test("A program of the user's has it, too", arguments: ["F32", "F64", "BF16"])
    func program(dtype: String) throws {
        let shape = RowShape(features: 6), names = ["a", "b", "c"]
        let spec = try ProgramTrainer.describe(
            command: TestPrograms.trainer("--dtype \(dtype) --with-counter"), in: "/", shape: shape, classNames: names, latticeBits: 18, seed: 3, isInterrupted: { false })
        let recipe = Recipe(plan: TrainingPlan(blocks: 4, epochs: 2, learningRate: 0.1, schedule: .linear), trainer: .program(spec))
        #expect(recipe.isAllowed && spec.tensors.map(\.name) == ["bias", "weight", "steps"] && spec.buffers == ["steps"])
        #expect(try TrainerConformance(rows: rows(6), classes: 3) { try recipe.makeTrainer(input: shape, classNames: names, threads: 1) }.violations() == [])
    }
}
