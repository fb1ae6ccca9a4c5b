import Foundation
import Training

/// The networks of the engine, written down a second time from their papers, in double precision.
struct ReferenceNetwork {
    let layers: [ReferenceLayer]

    var parameterCount: Int { layers.reduce(0) { $0 + $1.parameterCount } }

    init(_ recipe: Recipe, input: RowShape, classes: Int) {
        switch recipe.model {
        case .logistic: layers = [.dense(inputs: input.count, outputs: classes)]
        case .mlp:
            let widths = [input.count] + recipe.hidden
            var layers: [ReferenceLayer] = []
            for (inputs, outputs) in zip(widths, widths.dropFirst()) {
                layers += [.dense(inputs: inputs, outputs: outputs), .activation(recipe.activation)]
            }
            self.layers = layers + [.dense(inputs: widths.last!, outputs: classes)]
        case .lenet5:
            let padding = min(input.height, input.width) < 32 ? 2 : 0
            let c1 = RowShape(channels: 6, height: input.height + 2 * padding - 4, width: input.width + 2 * padding - 4)
            let s2 = RowShape(channels: 6, height: c1.height / 2, width: c1.width / 2)
            let c3 = RowShape(channels: 16, height: s2.height - 4, width: s2.width - 4)
            let features = 16 * (c3.height / 2) * (c3.width / 2)
            layers = [
                .convolution(input, outputs: 6, kernel: 5, padding: padding), .activation(recipe.activation), .pooling(recipe.pooling, c1),
                .convolution(s2, outputs: 16, kernel: 5, padding: 0), .activation(recipe.activation), .pooling(recipe.pooling, c3),
                .dense(inputs: features, outputs: 120), .activation(recipe.activation),
                .dense(inputs: 120, outputs: 84), .activation(recipe.activation),
                .dense(inputs: 84, outputs: classes),
            ]
        }
    }

    func logits(_ x: [Double], _ parameters: [Double]) -> [Double] {
        var values = x
        var offset = 0
        for layer in layers {
            values = layer.forward(values, parameters, at: offset)
            offset += layer.parameterCount
        }
        return values
    }

    static func softmax(_ logits: [Double]) -> [Double] {
        let top = logits.max()!
        let powers = logits.map { exp($0 - top) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    /// −Σ_c q_c log p_c with q = (1 − s)·[c = label] + s / classes.
    static func crossEntropy(_ logits: [Double], label: Int, smoothing: Double) -> Double {
        let top = logits.max()!
        let logSum = top + log(logits.reduce(0) { $0 + exp($1 - top) })
        var loss = 0.0
        for (c, logit) in logits.enumerated() {
            loss -= ((c == label ? 1 - smoothing : 0) + smoothing / Double(logits.count)) * (logit - logSum)
        }
        return loss
    }

    /// The loss summed over rows.
    func loss(_ rows: [[Double]], _ labels: [Int], _ parameters: [Double], smoothing: Double) -> Double {
        zip(rows, labels).reduce(0) { $0 + Self.crossEntropy(logits($1.0, parameters), label: $1.1, smoothing: smoothing) }
    }

    /// The central difference of `loss` in one parameter; good to about 1e-9.
    func slope(_ rows: [[Double]], _ labels: [Int], _ parameters: [Double], _ index: Int, smoothing: Double) -> Double {
        let step = 1e-6
        var moved = parameters
        moved[index] = parameters[index] + step
        let above = loss(rows, labels, moved, smoothing: smoothing)
        moved[index] = parameters[index] - step
        return (above - loss(rows, labels, moved, smoothing: smoothing)) / (2 * step)
    }
}
