import Foundation
import Training

/// A layer's forward pass for one row in double precision, straight from its definition and with no care for speed:
/// what the real layers must agree with.
package enum ReferenceLayer: Sendable {
    case dense(inputs: Int, outputs: Int)
    case convolution(RowShape, outputs: Int, kernel: Int, padding: Int, stride: Int = 1, hasBias: Bool = true)
    case groupNormalisation(RowShape, groups: Int)
    case globalAverage(RowShape)
    case activation(ActivationName)
    case pooling(PoolingName, RowShape)

    package var parameterCount: Int {
        switch self {
        case .dense(let inputs, let outputs): outputs * (inputs + 1)
        case .convolution(let input, let outputs, let kernel, _, _, let hasBias): outputs * (input.channels * kernel * kernel + (hasBias ? 1 : 0))
        case .groupNormalisation(let input, _): 2 * input.channels
        case .activation, .pooling, .globalAverage: 0
        }
    }

    /// The output for input `x`; the layer's own parameters begin at `offset`.
    package func forward(_ x: [Double], _ parameters: [Double], at offset: Int) -> [Double] {
        switch self {
        case .dense(let inputs, let outputs):
            (0..<outputs).map { output in
                var sum = parameters[offset + outputs * inputs + output]
                for input in 0..<inputs { sum += parameters[offset + output * inputs + input] * x[input] }
                return sum
            }
        case .convolution(let input, let outputs, let kernel, let padding, let stride, let hasBias):
            Self.convolve(x, input, outputs: outputs, kernel: kernel, padding: padding, stride: stride, hasBias: hasBias, parameters, at: offset)
        case .groupNormalisation(let input, let groups): Self.normalise(x, input, groups: groups, parameters, at: offset)
        case .globalAverage(let input):
            (0..<input.channels).map { channel in
                let plane = input.height * input.width
                return x[channel * plane..<(channel + 1) * plane].reduce(0, +) / Double(plane)
            }
        case .activation(let name): x.map { Self.activate($0, name) }
        case .pooling(let name, let input): Self.pool(x, input, name)
        }
    }

    /// y[o, i, j] = b[o] + Σ_c Σ_u Σ_v w[o, c, u, v] · x[c, si + u − p, sj + v − p], with zeros beyond the edges.
    private static func convolve(
        _ x: [Double], _ input: RowShape, outputs: Int, kernel: Int, padding: Int, stride: Int, hasBias: Bool, _ parameters: [Double],
        at offset: Int
    ) -> [Double] {
        let height = (input.height + 2 * padding - kernel) / stride + 1, width = (input.width + 2 * padding - kernel) / stride + 1
        let weights = input.channels * kernel * kernel
        var y: [Double] = []
        for o in 0..<outputs {
            for i in 0..<height {
                for j in 0..<width {
                    var sum = hasBias ? parameters[offset + outputs * weights + o] : 0
                    for c in 0..<input.channels {
                        for u in 0..<kernel {
                            for v in 0..<kernel {
                                let row = stride * i + u - padding, column = stride * j + v - padding
                                guard row >= 0, row < input.height, column >= 0, column < input.width else { continue }
                                let weight = parameters[offset + ((o * input.channels + c) * kernel + u) * kernel + v]
                                sum += weight * x[(c * input.height + row) * input.width + column]
                            }
                        }
                    }
                    y.append(sum)
                }
            }
        }
        return y
    }

    /// y = gain · (x − mean) / √(variance + 1e-5) + bias, mean and variance over each group of channels.
    private static func normalise(_ x: [Double], _ input: RowShape, groups: Int, _ parameters: [Double], at offset: Int) -> [Double] {
        let plane = input.height * input.width, share = input.channels / groups * plane
        return x.indices.map { index in
            let group = x[index / share * share..<(index / share + 1) * share], channel = index / plane
            let mean = group.reduce(0, +) / Double(share)
            let variance = group.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(share)
            return parameters[offset + channel] * (x[index] - mean) / (variance + 1e-5).squareRoot() + parameters[offset + input.channels + channel]
        }
    }

    package static func activate(_ x: Double, _ name: ActivationName) -> Double {
        switch name {
        case .tanh: tanh(x)
        case .relu: max(0, x)
        case .gelu: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        }
    }

    private static func pool(_ x: [Double], _ input: RowShape, _ name: PoolingName) -> [Double] {
        var y: [Double] = []
        for c in 0..<input.channels {
            for i in 0..<input.height / 2 {
                for j in 0..<input.width / 2 {
                    func at(_ u: Int, _ v: Int) -> Double { x[(c * input.height + 2 * i + u) * input.width + 2 * j + v] }
                    switch name {
                    case .average: y.append((at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4)
                    case .max: y.append(max(at(0, 0), at(0, 1), at(1, 0), at(1, 1)))
                    }
                }
            }
        }
        return y
    }
}
