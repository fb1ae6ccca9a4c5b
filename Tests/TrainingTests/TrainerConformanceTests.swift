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
        recipe.trainer.hidden = model == .mlp ? [5] : []
        (recipe.plan.blocks, recipe.plan.epochs, recipe.trainer.batchSize) = (4, 2, 5)
        let shape = model.isConvolutional ? RowShape(channels: 1, height: 28, width: 28) : RowShape(channels: 1, height: 1, width: 6)
        #expect(try TrainerConformance(rows: rows(shape.count), classes: 3) { try recipe.makeTrainer(input: shape, classes: 3, threads: threads) }.violations() == [])
    }

    @Test("And so with clipping, averaging, augmentation, weighted classes and branches")
    func variants() throws {
        var recipe = Recipe.builtIn(.lenet5)
        (recipe.plan.blocks, recipe.plan.epochs, recipe.trainer.batchSize, recipe.trainer.gradientClip) = (4, 2, 5, 0.1)
        recipe.trainer.augmentation.flip = true
        recipe.trainer.classWeights = [0.5, 1, 3]
        recipe.plan.branches = Branches(count: 2, length: 1, epochs: 3, learningRate: 0.2)
        let shape = RowShape(channels: 1, height: 28, width: 28)
        #expect(try TrainerConformance(rows: rows(784), classes: 3) { try recipe.makeTrainer(input: shape, classes: 3, threads: 2) }.violations() == [])
    }
}
