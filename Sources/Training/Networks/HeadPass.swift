internal import CVectorKernels
import Tensors

/// The memory in which the rows of a whole batch pass through a network's dense layers, forward and backward. What each layer
/// received and the gradient of what it gave stay until the gradient of its weights is taken from them, tile by tile; no such
/// gradient is ever laid down in full.
///
/// Every method works on a rectangle, rows by outputs or inputs. Each number in it is one sum in a fixed order, so that neither
/// the cut into rectangles nor the thread that takes one changes a bit.
final class HeadPass {
    let layers: [HeadLayer]
    /// Rows.
    let capacity: Int
    /// `inputs[i]` (rows, inputs of layer i), and the logits behind the last.
    private let inputs: [FloatBuffer]
    /// What layer i gave before its activation: where that works in place, the next layer's input.
    private let sums: [FloatBuffer]
    /// Gradients by `sums`.
    private let slopes: [FloatBuffer]

    init(_ layers: [HeadLayer], capacity: Int) {
        (self.layers, self.capacity) = (layers, capacity)
        var inputs = [FloatBuffer(count: capacity * layers[0].dense.inputCount)], sums: [FloatBuffer] = []
        for layer in layers {
            sums.append(FloatBuffer(count: capacity * layer.dense.outputCount))
            inputs.append(layer.activation?.worksInPlace ?? true ? sums.last! : FloatBuffer(count: capacity * layer.dense.outputCount))
        }
        (self.inputs, self.sums) = (inputs, sums)
        slopes = layers.map { FloatBuffer(count: capacity * $0.dense.outputCount) }
    }

    /// Where the caller puts the rows (capacity, inputs of the first layer).
    var input: Output { inputs[0].pointer }

    /// (capacity, classes).
    var logits: Output { inputs.last!.pointer }

    /// Some of the outputs of a layer and its activation, for some rows.
    func forward(_ layer: Int, _ parameters: Input, rows: Range<Int>, outputs: Range<Int>) {
        let (dense, width) = (layers[layer].dense, layers[layer].dense.outputCount)
        let y = sums[layer].pointer
        dense.forward(parameters + layers[layer].offset, inputs[layer].pointer, y, rows: rows, outputs: outputs)
        guard let activation = layers[layer].activation else { return }
        let next = inputs[layer + 1].pointer
        Self.runs(rows, outputs, width: width) { activation.function.forward(y + $0, next + $0, $1) }
    }

    /// All layers from `first` on.
    func forward(from first: Int = 0, _ parameters: Input, rows: Range<Int>) {
        for layer in first..<layers.count { forward(layer, parameters, rows: rows, outputs: 0..<layers[layer].dense.outputCount) }
    }

    /// Starts the way back: the gradient of `scale` times the summed loss of some rows by their logits.
    /// - Parameter weights: of the classes, times a row's loss.
    func differentiateLoss(_ labels: UnsafePointer<Int32>, rows: Range<Int>, smoothing: Float, scale: Float, weights: [Float]?) {
        let classes = layers.last!.dense.outputCount
        func differentiate(_ row: Int, _ scale: Float) {
            vk_softmax_gradient(logits + row * classes, slopes.last!.pointer + row * classes, Int32(classes), labels[row], smoothing, scale)
        }
        if let weights {
            for row in rows { differentiate(row, scale * weights[Int(labels[row])]) }
        } else {
            for row in rows { differentiate(row, scale) }
        }
    }

    /// The gradient by what the layer before `layer` gave, for some rows and some of its outputs.
    func backward(_ layer: Int, _ parameters: Input, rows: Range<Int>, inputs columns: Range<Int>) {
        let before = layer - 1, target = slopes[before].pointer, dense = layers[layer].dense
        dense.backward(parameters + layers[layer].offset, slopes[layer].pointer, target, rows: rows, inputs: columns)
        guard let activation = layers[before].activation else { return }
        Self.runs(rows, columns, width: dense.inputCount) { [x = sums[before].pointer, y = inputs[layer].pointer] in
            activation.function.backward(x + $0, y + $0, target + $0, target + $0, $1)
        }
    }

    /// All layers from the last to the one behind `first`.
    func backward(to first: Int = 0, _ parameters: Input, rows: Range<Int>) {
        for layer in stride(from: layers.count - 1, to: first, by: -1) {
            backward(layer, parameters, rows: rows, inputs: 0..<layers[layer].dense.inputCount)
        }
    }

    /// The gradient by the rows that came in: `target` is (rows.count, inputs).
    func differentiateInput(_ parameters: Input, rows: Range<Int>, into target: Output) {
        let (dense, width) = (layers[0].dense, layers[0].dense.inputCount)
        dense.backward(parameters + layers[0].offset, slopes[0].pointer, target - rows.lowerBound * width, rows: rows, inputs: 0..<width)
    }

    /// A tile (outputs, inputs) of the gradient of a layer's weights, summed over some rows.
    func weightGradient(_ layer: Int, outputs: Range<Int>, inputs columns: Range<Int>, rows: Range<Int>, into tile: Output) {
        layers[layer].dense.weightGradient(inputs[layer].pointer, slopes[layer].pointer, rows: rows, outputs: outputs, inputs: columns, into: tile)
    }

    /// Adds the gradient of a layer's biases, summed over some rows, to `sums`.
    func addBiasGradient(_ layer: Int, rows: Range<Int>, into sums: Output) {
        let width = layers[layer].dense.outputCount
        vk_add_row_sums(slopes[layer].pointer + rows.lowerBound * width, sums, rows.count, width)
    }

    /// `body(start, count)` for each run of a rectangle of a matrix that lies without a gap.
    private static func runs(_ rows: Range<Int>, _ columns: Range<Int>, width: Int, _ body: (Int, Int) -> Void) {
        if columns.count == width { return body(rows.lowerBound * width, rows.count * width) }
        for row in rows { body(row * width + columns.lowerBound, columns.count) }
    }
}
