internal import CVectorKernels
import Tensors

/// Square kernel, stride 1, zero padding; W is (outputs, inputs, kernel, kernel). Each row is unrolled into columns
/// that stay in the second-level cache and multiplied there.
struct Convolution: Layer {
    let name: String
    let input: RowShape
    let outputs: Int
    let kernel: Int
    let padding: Int

    var output: RowShape {
        RowShape(
            channels: outputs, height: input.height + 2 * padding - kernel + 1, width: input.width + 2 * padding - kernel + 1)
    }

    var inputCount: Int { input.count }
    var outputCount: Int { output.count }
    var fanIn: Int { input.channels * kernel * kernel }
    private var positions: Int { output.height * output.width }
    var scratchCount: Int { fanIn * positions }

    var tensors: [TensorSpec] {
        [TensorSpec(name + ".weight", [outputs, input.channels, kernel, kernel]), TensorSpec(name + ".bias", [outputs])]
    }

    private func unroll(_ image: Input, _ columns: Output) {
        vk_im2col(image, columns, Int32(input.channels), Int32(input.height), Int32(input.width), Int32(kernel), Int32(padding))
    }

    func forward(_ parameters: Input, _ x: Input, _ y: Output, rows: Int, scratch: Output) {
        for row in 0..<rows {
            let image = y + row * outputCount
            unroll(x + row * inputCount, scratch)
            vk_fill_planes(image, parameters + outputs * fanIn, outputs, positions)
            Products.multiply(outputs, positions, fanIn, parameters, scratch, beta: 1, image)
        }
    }

    func backward(
        _ parameters: Input, _ x: Input, _ y: Input, _ dy: Input, _ dx: Output?, _ parameterGradient: Output, rows: Int,
        scratch: Output
    ) {
        for row in 0..<rows {
            let gradient = dy + row * outputCount
            unroll(x + row * inputCount, scratch)
            Products.multiply(outputs, fanIn, positions, gradient, scratch, transposeB: true, beta: 1, parameterGradient)
            vk_add_plane_sums(gradient, parameterGradient + outputs * fanIn, outputs, positions)
            if let dx {
                Products.multiply(fanIn, positions, outputs, parameters, gradient, transposeA: true, beta: 0, scratch)
                vk_col2im(
                    scratch, dx + row * inputCount, Int32(input.channels), Int32(input.height), Int32(input.width),
                    Int32(kernel), Int32(padding))
            }
        }
    }
}
