import TestSupport
import Tensors

@testable import Training

/// A recipe small enough for the reference trainer, its trainer, and rows.
struct SmallProblem {
    var recipe: Recipe
    var input: RowShape
    var classes: Int

    static func recipe(
        _ model: ModelName = .logistic, hidden: [Int] = [], _ activation: ActivationName = .tanh, epochs: Int = 1, batchSize: Int = 4,
        learningRate: Float = 0.1, schedule: Schedule = .constant, momentum: Float = 0, weightDecay: Float = 0, smoothing: Float = 0, clip: Float = 0,
        averaging: Float = 0, weights: [Float]? = nil,
        latticeBits: Int = 18, seed: UInt64 = 7
    ) -> Recipe {
        var recipe = Recipe(
            plan: TrainingPlan(blocks: 5, epochs: epochs, learningRate: learningRate, schedule: schedule),
            network: NetworkSpec(
                model: model, hidden: hidden, activation: activation, batchSize: batchSize, momentum: momentum, weightDecay: weightDecay,
                labelSmoothing: smoothing, gradientClip: clip, averaging: averaging, latticeBits: latticeBits, seed: seed))
        recipe.network!.classWeights = weights
        return recipe
    }

    static func logistic(_ recipe: Recipe = recipe()) -> SmallProblem {
        SmallProblem(recipe: recipe, input: RowShape(features: 5), classes: 3)
    }

    /// Large enough for several lanes in a batch and several tiles of parameters.
    static let wide = SmallProblem(
        recipe: recipe(.mlp, hidden: [90, 40], epochs: 2, batchSize: 100, momentum: 0.9, weightDecay: 1e-3, smoothing: 0.1),
        input: RowShape(features: 70), classes: 10)

    static let leNet = SmallProblem(
        recipe: recipe(.lenet5, batchSize: 70, momentum: 0.9, weightDecay: 1e-3), input: RowShape(channels: 1, height: 28, width: 28),
        classes: 10)

    func trainer(threads: Int = 1) throws -> SGDTrainer {
        try SGDTrainer(recipe.network!, recipe.plan, input: input, classes: classes, threads: threads)
    }

    /// Random rows; the features of slots in `empty` are NaN, which would show if they were ever read.
    func rows(_ slots: Int, empty: Set<Int> = [], seed: UInt64) -> BlockRows {
        var random = SeededGenerator(seed)
        var features = random.floats(slots * input.count)
        var labels = random.integers(slots, in: 0...Int32(classes - 1))
        for slot in empty {
            labels[slot] = BlockRows.emptySlot
            for index in 0..<input.count { features[slot * input.count + index] = .nan }
        }
        return BlockRows(features: features, labels: labels, featureCount: input.count)
    }

    /// The order in which an epoch visits slots.
    func order(slots: Int, block: Int, epoch: Int = 0) -> [Int] {
        var random = RandomStream(seed: recipe.network!.seed, purpose: .slotOrder, block: block, epoch: epoch)
        var order = Array(0..<slots)
        random.shuffle(&order)
        return order
    }
}

extension SGDTrainer {
    func train(block: Int, from state: LatticeVector, rows: BlockRows) throws -> LatticeVector {
        try train(block: block, from: state, rows: rows, control: TrainingControl())
    }
}
