import Foundation
import Training

/// The networks of the engine, written down a second time from their papers, in double precision.
package struct ReferenceNetwork {
    /// Values that are added to what a layer gives.
    package struct Shortcut {
        /// The layer whose input is added.
        package let from: Int
        package let input: RowShape
        package let stride: Int
    }

    package let layers: [ReferenceLayer]
    /// By the layer that they lead behind.
    package let shortcuts: [Int: Shortcut]

    package var parameterCount: Int { layers.reduce(0) { $0 + $1.parameterCount } }

    package init(_ spec: NetworkSpec, input: RowShape, classes: Int) {
        switch spec.model {
        case .logistic: (layers, shortcuts) = ([.dense(inputs: input.count, outputs: classes)], [:])
        case .mlp:
            let widths = [input.count] + spec.hidden
            var layers: [ReferenceLayer] = []
            for (inputs, outputs) in zip(widths, widths.dropFirst()) {
                layers += [.dense(inputs: inputs, outputs: outputs), .activation(spec.activation)]
            }
            (self.layers, shortcuts) = (layers + [.dense(inputs: widths.last!, outputs: classes)], [:])
        case .lenet5:
            let padding = min(input.height, input.width) < 32 ? 2 : 0
            let w = spec.width
            let c1 = RowShape(channels: 6 * w, height: input.height + 2 * padding - 4, width: input.width + 2 * padding - 4)
            let s2 = RowShape(channels: 6 * w, height: c1.height / 2, width: c1.width / 2)
            let c3 = RowShape(channels: 16 * w, height: s2.height - 4, width: s2.width - 4)
            let features = 16 * w * (c3.height / 2) * (c3.width / 2)
            shortcuts = [:]
            layers = [
                .convolution(input, outputs: 6 * w, kernel: 5, padding: padding), .activation(spec.activation), .pooling(spec.pooling, c1),
                .convolution(s2, outputs: 16 * w, kernel: 5, padding: 0), .activation(spec.activation), .pooling(spec.pooling, c3),
                .dense(inputs: features, outputs: 120 * w), .activation(spec.activation),
                .dense(inputs: 120 * w, outputs: 84 * w), .activation(spec.activation),
                .dense(inputs: 84 * w, outputs: classes),
            ]
        case .resnet20: (layers, shortcuts) = Self.residual(3, spec, input: input, classes: classes)
        }
    }

    /// He, Zhang, Ren, Sun (2015), section 4.2, with n blocks a stage, group normalisation and shortcuts without parameters.
    package init(residual n: Int, _ spec: NetworkSpec, input: RowShape, classes: Int) {
        (layers, shortcuts) = Self.residual(n, spec, input: input, classes: classes)
    }

    private static func residual(_ n: Int, _ spec: NetworkSpec, input: RowShape, classes: Int) -> ([ReferenceLayer], [Int: Shortcut]) {
        var layers: [ReferenceLayer] = [], shortcuts: [Int: Shortcut] = [:], shape = input
        func convolve(_ channels: Int, _ stride: Int) {
            layers.append(.convolution(shape, outputs: channels, kernel: 3, padding: 1, stride: stride, hasBias: false))
            shape = RowShape(channels: channels, height: (shape.height + stride - 1) / stride, width: (shape.width + stride - 1) / stride)
            layers.append(.groupNormalisation(shape, groups: 8))
        }
        convolve(16 * spec.width, 1)
        layers.append(.activation(spec.activation))
        for channels in [16, 32, 64] {
            for block in 0..<n {
                let start = (layers.count, shape), stride = channels > 16 && block == 0 ? 2 : 1
                convolve(channels * spec.width, stride)
                layers.append(.activation(spec.activation))
                convolve(channels * spec.width, 1)
                shortcuts[layers.count - 1] = Shortcut(from: start.0, input: start.1, stride: stride)
                layers.append(.activation(spec.activation))
            }
        }
        return (layers + [.globalAverage(shape), .dense(inputs: shape.channels, outputs: classes)], shortcuts)
    }

    package func logits(_ x: [Double], _ parameters: [Double]) -> [Double] {
        var inputs = [x]
        var offset = 0
        for (index, layer) in layers.enumerated() {
            var values = layer.forward(inputs[index], parameters, at: offset)
            if let shortcut = shortcuts[index] {
                let input = shortcut.input, from = inputs[shortcut.from], s = shortcut.stride
                var place = 0
                for c in 0..<input.channels {
                    for y in stride(from: 0, to: input.height, by: s) {
                        for x in stride(from: 0, to: input.width, by: s) {
                            values[place] += from[(c * input.height + y) * input.width + x]
                            place += 1
                        }
                    }
                }
            }
            offset += layer.parameterCount
            inputs.append(values)
        }
        return inputs.last!
    }

    package static func softmax(_ logits: [Double]) -> [Double] {
        let top = logits.max()!
        let powers = logits.map { exp($0 - top) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    /// −Σ_c q_c log p_c with q = (1 − s)·[c = label] + s / classes.
    package static func crossEntropy(_ logits: [Double], label: Int, smoothing: Double) -> Double {
        let top = logits.max()!
        let logSum = top + log(logits.reduce(0) { $0 + exp($1 - top) })
        var loss = 0.0
        for (c, logit) in logits.enumerated() {
            loss -= ((c == label ? 1 - smoothing : 0) + smoothing / Double(logits.count)) * (logit - logSum)
        }
        return loss
    }

    /// The loss summed over rows, each times its class's weight.
    package func loss(_ rows: [[Double]], _ labels: [Int], _ parameters: [Double], smoothing: Double, weights: [Double]? = nil) -> Double {
        zip(rows, labels).reduce(0) { $0 + (weights?[$1.1] ?? 1) * Self.crossEntropy(logits($1.0, parameters), label: $1.1, smoothing: smoothing) }
    }

    /// The central difference of `loss` in one parameter; good to about 1e-9.
    package func slope(_ rows: [[Double]], _ labels: [Int], _ parameters: [Double], _ index: Int, smoothing: Double, weights: [Double]? = nil) -> Double {
        let step = 1e-6
        var moved = parameters
        moved[index] = parameters[index] + step
        let above = loss(rows, labels, moved, smoothing: smoothing, weights: weights)
        moved[index] = parameters[index] - step
        return (above - loss(rows, labels, moved, smoothing: smoothing, weights: weights)) / (2 * step)
    }
}
