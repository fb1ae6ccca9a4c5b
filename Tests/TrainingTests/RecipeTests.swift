import Foundation
import Testing

@testable import Training

@Suite("Recipes")
struct RecipeTests {
    private func recipe(_ schedule: Schedule, blocks: Int = 4) -> Recipe {
        Recipe(plan: TrainingPlan(blocks: blocks, epochs: 1, learningRate: 0.8, schedule: schedule), trainer: TrainerSpec(model: .logistic, batchSize: 1))
    }

    @Test(
        "The rate of each of four blocks",
        arguments: [
            (.constant, [0.8, 0.8, 0.8, 0.8]), (.linear, [0.8, 0.6, 0.4, 0.2]),
            (.cosine, [0.8, 0.4 * (1 + 0.5.squareRoot()), 0.4, 0.4 * (1 - 0.5.squareRoot())]),
            (.inverse, [0.8, 0.8 / 3.5, 0.8 / 6, 0.8 / 8.5]),
        ] as [(Schedule, [Double])])
    func rates(_ schedule: Schedule, _ expected: [Double]) {
        expectClose((1...4).map { recipe(schedule).plan.rate(block: $0) }, expected, relative: 1e-6, floor: 0)
    }

    @Test("Blocks of later imports are taught at their share of the rows, or of the blocks where that is all that was kept")
    func appended() {
        var plan = recipe(.constant, blocks: 4).plan
        let rate = plan.learningRate
        plan.appended = [1, 2]
        #expect((1...4).map { plan.rate(block: $0) } == [rate, rate * 0.5, rate * 0.5, rate * 0.5])
        plan.appendedShares = [0, 0.0625]
        #expect((1...4).map { plan.rate(block: $0) } == [rate, rate * 0.5, rate * 0.0625, rate * 0.0625])
    }

    @Test("Every schedule begins at the learning rate, never rises and stays above zero", arguments: Schedule.allCases)
    func schedulesFall(_ schedule: Schedule) {
        for blocks in [1, 2, 100, 600] {
            let rates = (1...blocks).map { recipe(schedule, blocks: blocks).plan.rate(block: $0) }
            #expect(rates.first == 0.8)
            #expect(zip(rates, rates.dropFirst()).allSatisfy { $0 >= $1 })
            #expect(rates.allSatisfy { $0 > 0 })
        }
    }

    @Test(
        "As many steps are averaged as the decimal share says, rounded up",
        arguments: [
            (0.8, 10, 8), (0.8, 60, 48), (0.1, 10, 1), (0.6, 5, 3), (0.7, 10, 7), (0.25, 10, 3), (1, 7, 7), (0.001, 10, 1), (0.8, 0, 1), (0, 10, 0),
        ] as [(Float, Int, Int)])
    func averagedSteps(_ share: Float, _ steps: Int, _ expected: Int) {
        var recipe = recipe(.constant)
        recipe.trainer.averaging = share
        #expect(recipe.trainer.averagedSteps(of: steps) == expected)
    }

    @Test("The built-in recipe of a model is for that model, and survives being written down", arguments: ModelName.allCases)
    func builtIn(_ model: ModelName) throws {
        let recipe = Recipe.builtIn(model)
        #expect(recipe.trainer.model == model)
        #expect(try JSONDecoder().decode(Recipe.self, from: JSONEncoder().encode(recipe)) == recipe)
        // Projects made before classes had weights say nothing of them.
        #expect(!String(decoding: try JSONEncoder().encode(recipe), as: UTF8.self).contains("classWeights"))
        var weighted = recipe
        weighted.trainer.classWeights = [0.5, 28]
        #expect(try JSONDecoder().decode(Recipe.self, from: JSONEncoder().encode(weighted)) == weighted)
        let network = try Network(recipe.trainer, input: RowShape(channels: 1, height: 28, width: 28), classes: 10)
        #expect(network.layout.count == [.logistic: 7850, .mlp: 784 * 256 + 256 + 256 * 128 + 128 + 1290, .lenet5: 61_706, .resnet20: 268_336 + 10 + 1376 - 288][model])
    }
}
