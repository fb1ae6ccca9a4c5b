import Foundation
import Tensors
import Training

/// Block training as Documentation describes it, one row and one parameter at a time, with gradients by finite
/// differences: slow, and with nothing in common with the real trainer but the order of slots.
package struct ReferenceTrainer {
    package let recipe: Recipe
    package let network: ReferenceNetwork

    package init(_ recipe: Recipe, input: RowShape, classes: Int) {
        self.recipe = recipe
        network = ReferenceNetwork(recipe.network!, input: input, classes: classes)
    }

    /// The steps of the state after the block.
    package func train(block: Int, from state: LatticeVector, rows: BlockRows) -> [Int32] {
        let stepsPerUnit = pow(2, Double(recipe.network!.latticeBits))
        var parameters = state.steps.map { Double($0) / stepsPerUnit }
        var velocity = [Double](repeating: 0, count: parameters.count)
        let rate = Double(recipe.plan.rate(block: block))
        let steps = recipe.plan.epochs * ((rows.slots + recipe.network!.batchSize - 1) / recipe.network!.batchSize)
        let averaged = Int(NSDecimalNumber(decimal: Decimal(steps) * Decimal(string: "\(recipe.network!.averaging)")!).doubleValue.rounded(.up))
        var states: [[Double]] = []
        for epoch in 0..<recipe.plan.epochs {
            var order = Array(0..<rows.slots)
            var random = RandomStream(seed: recipe.network!.seed, purpose: .slotOrder, block: block, epoch: epoch)
            random.shuffle(&order)
            while !order.isEmpty {
                let batch = order.prefix(recipe.network!.batchSize)
                order.removeFirst(batch.count)
                let live = batch.filter { rows.labels[$0] >= 0 }
                defer { states.append(parameters) }
                if live.isEmpty { continue }
                let x = live.map { slot in
                    rows.features[slot * rows.featureCount..<(slot + 1) * rows.featureCount].map(Double.init)
                }
                let labels = live.map { Int(rows.labels[$0]) }
                let before = parameters, weights = recipe.network!.classWeights?.map(Double.init)
                var slopes = parameters.indices.map {
                    network.slope(x, labels, before, $0, smoothing: Double(recipe.network!.labelSmoothing), weights: weights) / Double(recipe.network!.batchSize)
                }
                let norm = slopes.reduce(0) { $0 + $1 * $1 }.squareRoot(), most = Double(recipe.network!.gradientClip)
                if most > 0, norm > most { slopes = slopes.map { $0 * most / norm } }
                for index in parameters.indices {
                    let gradient = slopes[index] + Double(recipe.network!.weightDecay) * before[index]
                    velocity[index] = Double(recipe.network!.momentum) * velocity[index] + gradient
                    parameters[index] -= rate * velocity[index]
                }
            }
        }
        if averaged > 0 {
            let last = states.suffix(averaged)
            parameters = parameters.indices.map { index in last.reduce(0) { $0 + $1[index] } / Double(averaged) }
        }
        return parameters.map { Int32(($0 * stepsPerUnit).rounded(.toNearestOrEven)) }
    }
}
