import Foundation
import Testing

@testable import Training

@Suite("Recipes")
struct RecipeTests {
    private func recipe(_ schedule: Schedule, blocks: Int = 4) -> Recipe {
        Recipe(plan: TrainingPlan(blocks: blocks, epochs: 1, learningRate: 0.8, schedule: schedule), network: NetworkSpec(model: .logistic, batchSize: 1))
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
        recipe.network!.averaging = share
        #expect(recipe.network!.averagedSteps(of: steps) == expected)
    }

    @Test("Behind a short stem lenet5 has longer branches and goes beyond their mean; what is asked for comes first", arguments: [(0.0, true), (0.2, true), (0.4, false), (0.5, false)])
    func branches(stem: Double, isShort: Bool) {
        var recipe = Recipe.builtIn(.lenet5, branched: true, stem: stem)
        #expect(recipe.network!.weightDecay == (isShort ? 1e-4 : 2e-4) && Recipe.builtIn(.lenet5, branched: true).network!.weightDecay == 2e-4)
        let length = 100 - Int(100 * stem)
        recipe.plan.blocks = 100
        let own = recipe.branches(count: 1, length: length, epochs: nil, learningRate: nil, mergeStep: nil)
        #expect(own == Branches(count: 1, length: length, epochs: isShort ? 40 : 20, learningRate: 0.05, mergeStep: isShort ? 1.2 : nil))
        let asked = recipe.branches(count: 1, length: length, epochs: 3, learningRate: 0.5, mergeStep: 1)
        #expect(asked == Branches(count: 1, length: length, epochs: 3, learningRate: 0.5, mergeStep: 1))
        #expect(Recipe.builtIn(.mlp, branched: true, stem: stem).branches(count: 2, length: 1, epochs: nil, learningRate: nil, mergeStep: nil).mergeStep == nil)
    }

    @Test("Steps of merges are allowed from a half to two, and a recipe without one is written as before", arguments: [(0.4, false), (0.5, true), (1.2, true), (2, true), (2.5, false), (.nan, false)] as [(Float, Bool)])
    func mergeSteps(step: Float, isAllowed: Bool) throws {
        var recipe = Recipe.builtIn(.lenet5, branched: true)
        recipe.plan.branches = Branches(count: 2, length: 3, epochs: 1, learningRate: 0.1)
        #expect(try recipe.isAllowed && !String(decoding: JSONEncoder().encode(recipe), as: UTF8.self).contains("mergeStep"))
        recipe.plan.branches!.mergeStep = step
        #expect(recipe.isAllowed == isAllowed)
        if isAllowed { #expect(try JSONDecoder().decode(Recipe.self, from: JSONEncoder().encode(recipe)) == recipe && recipe.plan.lineage.mergeStep == Double(step)) }
    }

    @Test("A table's mlp passes often over one small block, and seldom over small ones among others", arguments: [(500, 0, 40), (1500, 0, 15), (50_000, 0, 15), (4000, 8, 10), (50_000, 8, 15)])
    func tables(rows: Int, branches: Int, epochs: Int) {
        let recipe = Recipe.ofTable(.mlp, rows: rows, branches: branches)
        #expect(recipe.plan.epochs == epochs && recipe.network!.hidden == [64, 32] && recipe.isAllowed)
    }

    @Test("The built-in recipe of a model is for that model, and survives being written down", arguments: ModelName.allCases)
    func builtIn(_ model: ModelName) throws {
        let recipe = Recipe.builtIn(model)
        #expect(recipe.network!.model == model)
        #expect(try JSONDecoder().decode(Recipe.self, from: JSONEncoder().encode(recipe)) == recipe)
        // Projects made before classes had weights say nothing of them.
        #expect(!String(decoding: try JSONEncoder().encode(recipe), as: UTF8.self).contains("classWeights"))
        var weighted = recipe
        weighted.network!.classWeights = [0.5, 28]
        #expect(try JSONDecoder().decode(Recipe.self, from: JSONEncoder().encode(weighted)) == weighted)
        let network = try Network(recipe.network!, input: RowShape(channels: 1, height: 28, width: 28), classes: 10)
        #expect(network.layout.count == [.logistic: 7850, .mlp: 784 * 256 + 256 + 256 * 128 + 128 + 1290, .lenet5: 61_706, .resnet20: 268_336 + 10 + 1376 - 288][model])
    }
}
