import CVectorKernels
import Tensors
import Testing
import TrainingReference

@testable import Training

/// A layer, its plain twin, and a number of rows to try them on.
struct LayerCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let layer: any TrunkLayer
    let reference: ReferenceLayer
    let rows: Int

    static func dense(_ inputs: Int, _ outputs: Int, rows: Int) -> LayerCase {
        LayerCase(
            testDescription: "dense \(inputs)→\(outputs), \(rows) rows", layer: DenseInParts(Dense(name: "d", inputCount: inputs, outputCount: outputs)),
            reference: .dense(inputs: inputs, outputs: outputs), rows: rows)
    }

    static func convolution(_ channels: Int, _ height: Int, _ width: Int, to outputs: Int, kernel: Int, padding: Int, stride: Int = 1, hasBias: Bool = true, rows: Int) -> LayerCase {
        let input = RowShape(channels: channels, height: height, width: width)
        return LayerCase(
            testDescription: "convolution \(channels)×\(height)×\(width)→\(outputs), kernel \(kernel), padding \(padding), stride \(stride), \(rows) rows",
            layer: Convolution(name: "c", input: input, outputs: outputs, kernel: kernel, padding: padding, stride: stride, hasBias: hasBias),
            reference: .convolution(input, outputs: outputs, kernel: kernel, padding: padding, stride: stride, hasBias: hasBias), rows: rows)
    }

    static func activation(_ name: ActivationName, _ count: Int, rows: Int) -> LayerCase {
        LayerCase(
            testDescription: "\(name) of \(count), \(rows) rows", layer: Activation(function: name, inputCount: count),
            reference: .activation(name), rows: rows)
    }

    static func normalisation(_ channels: Int, _ height: Int, _ width: Int, groups: Int, rows: Int) -> LayerCase {
        let input = RowShape(channels: channels, height: height, width: width)
        return LayerCase(
            testDescription: "normalisation of \(channels)×\(height)×\(width) in \(groups) groups, \(rows) rows",
            layer: GroupNormalisation(name: "n", input: input, groups: groups), reference: .groupNormalisation(input, groups: groups), rows: rows)
    }

    static func globalAverage(_ channels: Int, _ height: Int, _ width: Int, rows: Int) -> LayerCase {
        let input = RowShape(channels: channels, height: height, width: width)
        return LayerCase(
            testDescription: "global average of \(channels)×\(height)×\(width), \(rows) rows", layer: GlobalAveragePooling(input: input),
            reference: .globalAverage(input), rows: rows)
    }

    static func pooling(_ name: PoolingName, _ channels: Int, _ height: Int, _ width: Int, rows: Int) -> LayerCase {
        let input = RowShape(channels: channels, height: height, width: width)
        return LayerCase(
            testDescription: "\(name) pooling of \(channels)×\(height)×\(width), \(rows) rows", layer: Pooling(function: name, input: input),
            reference: .pooling(name, input), rows: rows)
    }

    static let all: [LayerCase] =
        [.dense(1, 1, rows: 1), .dense(7, 3, rows: 1), .dense(5, 4, rows: 6), .dense(33, 17, rows: 3)]
        + [
            .convolution(1, 5, 5, to: 1, kernel: 5, padding: 0, rows: 1), .convolution(1, 6, 7, to: 3, kernel: 3, padding: 0, rows: 2),
            .convolution(3, 7, 5, to: 4, kernel: 5, padding: 2, rows: 3), .convolution(2, 4, 9, to: 3, kernel: 1, padding: 0, rows: 2),
            .convolution(2, 3, 3, to: 2, kernel: 5, padding: 2, rows: 2), .convolution(1, 1, 2, to: 2, kernel: 5, padding: 2, rows: 1),
            .convolution(2, 5, 6, to: 2, kernel: 2, padding: 1, rows: 2), .convolution(2, 6, 6, to: 3, kernel: 3, padding: 1, stride: 2, rows: 2),
            .convolution(1, 7, 5, to: 17, kernel: 3, padding: 1, stride: 2, hasBias: false, rows: 2),
            .convolution(2, 4, 18, to: 16, kernel: 3, padding: 1, hasBias: false, rows: 3),
            .convolution(1, 3, 33, to: 2, kernel: 3, padding: 0, stride: 3, rows: 1),
            .normalisation(1, 1, 3, groups: 1, rows: 1), .normalisation(4, 3, 3, groups: 2, rows: 2), .normalisation(6, 4, 5, groups: 3, rows: 3),
            .normalisation(2, 5, 7, groups: 2, rows: 2), .globalAverage(1, 1, 1, rows: 1), .globalAverage(3, 5, 7, rows: 2),
        ]
        + ActivationName.allCases.flatMap { [.activation($0, 1, rows: 1), .activation($0, 19, rows: 3)] }
        + PoolingName.allCases.flatMap {
            [.pooling($0, 1, 2, 2, rows: 1), .pooling($0, 3, 4, 6, rows: 2), .pooling($0, 2, 5, 7, rows: 3), .pooling($0, 2, 3, 2, rows: 2), .pooling($0, 2, 4, 5, rows: 2)]
        }

    /// The reference's outputs of all rows, one after the other.
    func referenceForward(_ x: [Double], _ parameters: [Double]) -> [Double] {
        (0..<rows).flatMap { row in
            reference.forward(Array(x[row * layer.inputCount..<(row + 1) * layer.inputCount]), parameters, at: 0)
        }
    }
}

/// A dense layer, each of whose directions is taken in rectangles.
struct DenseInParts: TrunkLayer {
    let dense: Dense

    init(_ dense: Dense) { self.dense = dense }

    var inputCount: Int { dense.inputCount }
    var outputCount: Int { dense.outputCount }
    var tensors: [TensorSpec] { dense.tensors }

    private func halves(_ count: Int) -> [Range<Int>] { [0..<count / 2, count / 2..<count] }

    func forward(_ parameters: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int, scratch: UnsafeMutablePointer<Float>) {
        for rows in halves(rows) { for outputs in halves(outputCount) { dense.forward(parameters, x, y, rows: rows, outputs: outputs) } }
    }

    func backward(
        _ parameters: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>?,
        _ parameterGradient: UnsafeMutablePointer<Float>, rows: Int, scratch: UnsafeMutablePointer<Float>
    ) {
        for outputs in halves(outputCount) {
            for inputs in halves(inputCount) {
                let tile = GuardedFloats(count: outputs.count * inputs.count)
                dense.weightGradient(x, dy, rows: 0..<rows, outputs: outputs, inputs: inputs, into: tile.pointer)
                #expect(tile.isIntact)
                for o in outputs {
                    for i in inputs { parameterGradient[o * inputCount + i] += tile.pointer[(o - outputs.lowerBound) * inputs.count + i - inputs.lowerBound] }
                }
            }
        }
        vk_add_row_sums(dy, parameterGradient + outputCount * inputCount, rows, outputCount)
        guard let dx else { return }
        for rows in halves(rows) { for inputs in halves(inputCount) { dense.backward(parameters, dy, dx, rows: rows, inputs: inputs) } }
    }
}

extension TrunkLayer {
    func forward(_ parameters: [Float], _ x: [Float], rows: Int) -> [Float] {
        let input = GuardedFloats(x)
        let output = GuardedFloats(count: rows * outputCount), scratch = GuardedFloats(count: scratchCount(rows: rows))
        forward(parameters, input.pointer, output.pointer, rows: rows, scratch: scratch.pointer)
        #expect(output.isIntact && scratch.isIntact, "written beyond the end")
        #expect(bits(input.values) == bits(x), "the input was changed")
        return output.values
    }

    /// dx, and what was added to `gradient`, for separate memory on each side of the layer.
    func backward(
        _ parameters: [Float], _ x: [Float], _ y: [Float], _ dy: [Float], onto gradient: [Float], rows: Int, wantsInput: Bool = true
    ) -> (dx: [Float], gradient: [Float]) {
        let dx = GuardedFloats(count: rows * inputCount), sum = GuardedFloats(gradient), scratch = GuardedFloats(count: scratchCount(rows: rows))
        backward(
            parameters, x, y, dy, wantsInput ? dx.pointer : nil, sum.pointer, rows: rows,
            scratch: scratch.pointer)
        #expect(dx.isIntact && sum.isIntact && scratch.isIntact, "written beyond the end")
        return (dx.values, sum.values)
    }
}
