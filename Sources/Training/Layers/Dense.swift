internal import CVectorKernels
import Tensors

/// y = x Wᵀ + b; W is (outputs, inputs). Every direction can be taken rectangle by rectangle; x, y and their gradients are matrices
/// of which row r is the batch's row r.
struct Dense: Layer {
    let name: String
    let inputCount: Int
    let outputCount: Int

    var tensors: [TensorSpec] {
        [TensorSpec(name + ".weight", [outputCount, inputCount]), TensorSpec(name + ".bias", [outputCount])]
    }

    var fanIn: Int { inputCount }

    func forward(_ parameters: Input, _ x: Input, _ y: Output, rows: Range<Int>, outputs: Range<Int>) {
        vk_product_of_rows(
            rows.count, outputs.count, inputCount, x + rows.lowerBound * inputCount, inputCount, parameters + outputs.lowerBound * inputCount, inputCount,
            y + rows.lowerBound * outputCount + outputs.lowerBound, outputCount, VK_FROM_BIAS, parameters + outputCount * inputCount + outputs.lowerBound)
    }

    /// Sets dx = dy W.
    func backward(_ parameters: Input, _ dy: Input, _ dx: Output, rows: Range<Int>, inputs: Range<Int>) {
        vk_product(
            rows.count, inputs.count, outputCount, dy + rows.lowerBound * outputCount, outputCount, 1, parameters + inputs.lowerBound, inputCount,
            dx + rows.lowerBound * inputCount + inputs.lowerBound, inputCount, VK_FROM_ZERO, nil)
    }

    /// Sets a dense tile (outputs, inputs) of dyᵀ x, one chain over the rows, in order.
    func weightGradient(_ x: Input, _ dy: Input, rows: Range<Int>, outputs: Range<Int>, inputs: Range<Int>, into tile: Output) {
        vk_product(
            outputs.count, inputs.count, rows.count, dy + rows.lowerBound * outputCount + outputs.lowerBound, 1, outputCount,
            x + rows.lowerBound * inputCount + inputs.lowerBound, inputCount, tile, inputs.count, VK_FROM_ZERO, nil)
    }
}
