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

    /// x and y, transposed.
    func scratchCount(rows: Int) -> Int { (inputCount + outputCount) * rows }

    /// As yᵀ = W xᵀ + b: rows are few and W is large, so it is they that are transposed.
    func forward(_ parameters: Input, _ x: Input, _ y: Output, rows: Int, scratch: Output) {
        let columns = scratch, result = scratch + inputCount * rows
        vk_transpose(x, rows, inputCount, columns, rows)
        Products.multiply(outputCount, rows, inputCount, parameters, columns, from: .rowBias(parameters + outputCount * inputCount), result)
        vk_transpose(result, outputCount, rows, y, outputCount)
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
