internal import CVectorKernels
import Tensors

/// y = x Wᵀ + b; W is (outputs, inputs).
struct Dense: Layer {
    let name: String
    let inputCount: Int
    let outputCount: Int

    var tensors: [TensorSpec] {
        [TensorSpec(name + ".weight", [outputCount, inputCount]), TensorSpec(name + ".bias", [outputCount])]
    }

    var fanIn: Int { inputCount }

    func forward(_ parameters: Input, _ x: Input, _ y: Output, rows: Int, scratch: Output) {
        Products.multiplyRows(rows, outputCount, inputCount, x, parameters, from: .bias(parameters + outputCount * inputCount), y)
    }

    func backward(
        _ parameters: Input, _ x: Input, _ y: Input, _ dy: Input, _ dx: Output?, _ parameterGradient: Output, rows: Int,
        scratch: Output
    ) {
        Products.multiply(outputCount, inputCount, rows, dy, transposeA: true, x, from: .sum, parameterGradient)
        vk_add_row_sums(dy, parameterGradient + outputCount * inputCount, rows, outputCount)
        if let dx { Products.multiply(rows, inputCount, outputCount, dy, parameters, from: .zero, dx) }
    }
}
