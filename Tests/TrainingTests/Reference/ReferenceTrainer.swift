import Foundation
import Tensors
import Training

/// Block training as Documentation describes it, one row and one parameter at a time, with gradients by finite
/// differences: slow, and with nothing in common with the real trainer but the order of slots.
struct ReferenceTrainer {
    let recipe: Recipe
    let network: ReferenceNetwork

    init(_ recipe: Recipe, input: RowShape, classes: Int) {
        self.recipe = recipe
        network = ReferenceNetwork(recipe, input: input, classes: classes)
    }

    /// The steps of the state after the block.
    func train(block: Int, from state: LatticeVector, rows: BlockRows) -> [Int32] {
        let stepsPerUnit = pow(2, Double(recipe.latticeBits))
        var parameters = state.steps.map { Double($0) / stepsPerUnit }
        var velocity = [Double](repeating: 0, count: parameters.count)
        let rate = Double(recipe.rate(block: block))
        for epoch in 0..<recipe.epochs {
            var order = Array(0..<rows.slots)
            var random = RandomStream(seed: recipe.seed, purpose: .slotOrder, block: block, epoch: epoch)
            random.shuffle(&order)
            while !order.isEmpty {
                let batch = order.prefix(recipe.batchSize)
                order.removeFirst(batch.count)
                let live = batch.filter { rows.labels[$0] >= 0 }
                if live.isEmpty { continue }
                let x = live.map { slot in
                    rows.features[slot * rows.featureCount..<(slot + 1) * rows.featureCount].map(Double.init)
                }
                let labels = live.map { Int(rows.labels[$0]) }
                let before = parameters
                for index in parameters.indices {
                    let sum = network.slope(x, labels, before, index, smoothing: Double(recipe.labelSmoothing))
                    let gradient = sum / Double(recipe.batchSize) + Double(recipe.weightDecay) * before[index]
                    velocity[index] = Double(recipe.momentum) * velocity[index] + gradient
                    parameters[index] -= rate * velocity[index]
                }
            }
        }
        return parameters.map { Int32(($0 * stepsPerUnit).rounded(.toNearestOrEven)) }
    }
}
