internal import CVectorKernels
import Tensors

/// Square kernel, zero padding; W is (outputs, inputs, kernel, kernel).
struct Convolution: TrunkLayer {
    let name: String
    let input: RowShape
    let outputs: Int
    let kernel: Int
    let padding: Int
    var stride = 1
    /// A normalisation that follows takes a bias away again.
    var hasBias = true

    var output: RowShape {
        RowShape(
            channels: outputs, height: (input.height + 2 * padding - kernel) / stride + 1,
            width: (input.width + 2 * padding - kernel) / stride + 1)
    }

    var inputCount: Int { input.count }
    var outputCount: Int { output.count }
    var fanIn: Int { input.channels * kernel * kernel }
    private var positions: Int { output.height * output.width }
    /// The columns, with the room that unrolling may overwrite; of one channel where only the way back needs them, none where
    /// neither direction does.
    private var columnsCount: Int {
        if method == .columns { return fanIn * positions + 16 }
        return fillsBackwards ? 0 : kernel * kernel * positions + 16
    }

    private var paddedOutputCount: Int {
        fillsBackwards ? vk_padded_floats(Int32(outputs), Int32(output.height), Int32(output.width), Int32(kernel), Int32(backPadding), 1) : 0
    }

    private var paddedCount: Int {
        vk_padded_floats(Int32(input.channels), Int32(input.height), Int32(input.width), Int32(kernel), Int32(padding), Int32(stride))
    }

    /// Columns; a padded image, of the input or of its gradient's source; the transposes of one row's gradient and of the weights'
    /// gradient; turned weights.
    func scratchCount(rows: Int) -> Int { columnsCount + max(paddedCount, paddedOutputCount) + outputs * positions + 2 * outputs * fanIn }

    var tensors: [TensorSpec] {
        [TensorSpec(name + ".weight", [outputs, input.channels, kernel, kernel])] + (hasBias ? [TensorSpec(name + ".bias", [outputs])] : [])
    }

    /// Whether at least four fifths of the lanes are at work when vectors run along rows of this width.
    private static func fills(_ width: Int) -> Bool { 5 * width >= 4 * ((width + 15) / 16 * 16) }

    /// How outputs and the weights' gradient are computed.
    private enum Method {
        /// On the padded image, vectors along its rows, which fill them.
        case rows
        /// On the padded image as one long row, for narrow images.
        case oneRow
        /// Unrolled into columns (inputs · kernel², positions) that stay in the second-level cache and are multiplied there.
        case columns
    }

    /// Outputs of a convolution of the image as one long row: fewer leave vectors empty on the way back, with more, computing what
    /// hangs over the rows costs more than unrolling.
    private static let narrowOutputs = 16...32

    private var method: Method {
        guard stride == 1 else { return .columns }
        if Self.fills(output.width) { return .rows }
        return (kernel == 3 || kernel == 5) && Self.narrowOutputs.contains(outputs) ? .oneRow : .columns
    }

    /// Padding of the output's gradient when the input's is a convolution of it.
    private var backPadding: Int { kernel - 1 - padding }

    private var fillsBackwards: Bool { stride == 1 && backPadding >= 0 && Self.fills(input.width) }

    private func pad(_ image: Input, _ padded: Output) {
        vk_pad(image, padded, Int32(input.channels), Int32(input.height), Int32(input.width), Int32(kernel), Int32(padding), Int32(stride))
    }

    private func padNarrow(_ image: Input, _ padded: Output) {
        vk_pad_narrow(image, padded, Int32(input.channels), Int32(input.height), Int32(input.width), Int32(kernel), Int32(padding))
    }

    private func unroll(_ image: Input, _ columns: Output) {
        vk_im2col(
            image, columns, columns + columnsCount, Int32(input.channels), Int32(input.height), Int32(input.width), Int32(kernel), Int32(padding), Int32(stride))
    }

    func forward(_ parameters: Input, _ x: Input, _ y: Output, rows: Int, scratch: Output) {
        let start: Products.Start = hasBias ? .bias(parameters + outputs * fanIn) : .zero
        let method = method
        for row in 0..<rows {
            switch method {
            case .rows:
                pad(x + row * inputCount, scratch)
                vk_convolve(
                    scratch, parameters, hasBias ? parameters + outputs * fanIn : nil, y + row * outputCount, Int32(input.channels), Int32(input.height),
                    Int32(input.width), Int32(kernel), Int32(padding), Int32(outputs))
            case .oneRow:
                padNarrow(x + row * inputCount, scratch)
                vk_convolve_narrow(
                    scratch, parameters, hasBias ? parameters + outputs * fanIn : nil, y + row * outputCount, Int32(input.channels), Int32(input.height),
                    Int32(input.width), Int32(kernel), Int32(padding), Int32(outputs))
            case .columns:
                unroll(x + row * inputCount, scratch)
                Products.multiply(outputs, positions, fanIn, parameters, scratch, from: start, y + row * outputCount)
            }
        }
    }

    /// Off the rows, the weights' gradient is summed as its transpose, columns · dyᵀ, if the outputs fill vectors; fewer are multiplied
    /// as rows of positions.
    private var sumsTranspose: Bool { method != .rows && outputs >= 16 }

    func backward(
        _ parameters: Input, _ x: Input, _ y: Input, _ dy: Input, _ dx: Output?, _ parameterGradient: Output, rows: Int,
        scratch: Output
    ) {
        let transposed = scratch + columnsCount + max(paddedCount, paddedOutputCount), weights = transposed + outputs * positions
        let turned = weights + outputs * fanIn
        let method = method, sumsTranspose = sumsTranspose, fillsBackwards = fillsBackwards
        if dx != nil, fillsBackwards { vk_turn_kernels(parameters, turned, Int32(outputs), Int32(input.channels), Int32(kernel)) }
        for row in 0..<rows {
            let gradient = dy + row * outputCount
            switch method {
            case .rows:
                pad(x + row * inputCount, scratch)
                vk_add_convolution_gradient(
                    scratch, gradient, parameterGradient, Int32(input.channels), Int32(input.height), Int32(input.width), Int32(kernel),
                    Int32(padding), Int32(outputs))
            case .oneRow:
                padNarrow(x + row * inputCount, scratch)
                vk_transpose(gradient, outputs, positions, transposed, outputs)
                vk_narrow_convolution_gradient(
                    scratch, transposed, weights, row == 0 ? 1 : 0, Int32(input.channels), Int32(input.height), Int32(input.width), Int32(kernel),
                    Int32(padding), Int32(outputs))
            case .columns where sumsTranspose:
                unroll(x + row * inputCount, scratch)
                vk_transpose(gradient, outputs, positions, transposed, outputs)
                Products.multiply(fanIn, outputs, positions, scratch, transposed, from: row == 0 ? .zero : .sum, weights)
            case .columns:
                unroll(x + row * inputCount, scratch)
                Products.multiplyRows(outputs, fanIn, positions, gradient, scratch, from: .sum, parameterGradient)
            }
            if hasBias { vk_add_plane_sums(gradient, parameterGradient + outputs * fanIn, outputs, positions) }
            guard let dx else { continue }
            if fillsBackwards {
                let height = Int32(output.height), width = Int32(output.width)
                vk_pad(gradient, scratch, Int32(outputs), height, width, Int32(kernel), Int32(backPadding), 1)
                vk_convolve(
                    scratch, turned, nil, dx + row * inputCount, Int32(outputs), height, width, Int32(kernel), Int32(backPadding), Int32(input.channels))
            } else {
                backward(parameters, gradient, dx + row * inputCount, scratch)
            }
        }
        if sumsTranspose { vk_add_transposed(weights, fanIn, outputs, parameterGradient) }
    }

    /// The input's gradient of one row, a channel at a time, whose columns stay in the first-level cache.
    private func backward(_ parameters: Input, _ gradient: Input, _ dx: Output, _ scratch: Output) {
        let window = kernel * kernel
        for channel in 0..<input.channels {
            Products.multiplyColumns(window, positions, outputs, parameters + channel * window, aRow: fanIn, gradient, from: .zero, scratch)
            vk_col2im(
                scratch, dx + channel * input.height * input.width, scratch + columnsCount, 1, Int32(input.height), Int32(input.width),
                Int32(kernel), Int32(padding), Int32(stride))
        }
    }
}
