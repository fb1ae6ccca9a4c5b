internal import CVectorKernels
import Tensors

/// The memory in which one thread passes a few rows through a network, forward and backward. Allocated once; nothing
/// is allocated in the batch loop.
final class Workspace {
    /// Floats of values that a pass may keep: a share of the second-level cache.
    private static let cacheFloats = 96 * 1024

    let network: Network
    /// Rows in one pass.
    let capacity: Int
    /// `values[i]` is the input of layer i, (capacity, inputCount); the last is the logits. Layers that work in place
    /// have the same buffer on both sides.
    private let values: [FloatBuffer]
    /// Two buffers that gradients alternate between on their way back.
    private let gradients: (FloatBuffer, FloatBuffer)
    /// What goes back by a shortcut, until the layers that it leads around are done.
    private let shortcutGradient: FloatBuffer
    private let scratch: FloatBuffer
    /// The first layer that has parameters: gradients need not go further back.
    private let firstTrained: Int

    /// Convolutions gather their weights' gradients once a pass: below this, that costs more than the cache saves.
    private static let fewestConvolvedRows = 8

    /// The most rows of a pass: as many as stay in the cache, at most `lane`. Part of the numerics: it decides the
    /// shapes of products.
    static func rows(of network: Network, lane: Int) -> Int {
        let perRow = network.layers.reduce(network.input.count) { $0 + ($1.worksInPlace ? 0 : $1.outputCount) }
        let fewest = network.layers.contains { $0 is Convolution } ? fewestConvolvedRows : 1
        let fitting = min(lane, max(fewest, cacheFloats / perRow))
        let passes = (lane + fitting - 1) / fitting
        return (lane + passes - 1) / passes
    }

    init(network: Network, capacity: Int) {
        self.network = network
        self.capacity = capacity
        var values = [FloatBuffer(count: capacity * network.input.count)]
        for layer in network.layers {
            values.append(layer.worksInPlace ? values.last! : FloatBuffer(count: capacity * layer.outputCount))
        }
        self.values = values
        let widest = network.layers.map { max($0.inputCount, $0.outputCount) }.max()!
        gradients = (FloatBuffer(count: capacity * widest), FloatBuffer(count: capacity * widest))
        shortcutGradient = FloatBuffer(count: capacity * (network.shortcuts.map(\.outputCount).max() ?? 0))
        scratch = FloatBuffer(count: network.layers.map { $0.scratchCount(rows: capacity) }.max()!)
        firstTrained = network.layers.firstIndex { $0.parameterCount > 0 }!
    }

    /// Where the caller puts the rows (capacity, input count).
    var input: Output { values[0].pointer }

    /// Logits (rows, classes) of the rows in `input`.
    func forward(_ parameters: Input, rows: Int) -> Input {
        var offset = 0
        for (index, layer) in network.layers.enumerated() {
            layer.forward(parameters + offset, values[index].pointer, values[index + 1].pointer, rows: rows, scratch: scratch.pointer)
            for shortcut in network.shortcuts where shortcut.to == index {
                shortcut.forward(values[shortcut.from].pointer, values[index + 1].pointer, rows: rows)
            }
            offset += layer.parameterCount
        }
        return Input(values.last!.pointer)
    }

    /// Adds `scale` times the gradient of the summed loss of the rows in `input` to `gradient`.
    func addGradient(
        _ parameters: Input, labels: UnsafePointer<Int32>, rows: Int, smoothing: Float, scale: Float, into gradient: Output
    ) {
        let logits = forward(parameters, rows: rows)
        let classes = network.classes
        var (dy, dx) = (gradients.0.pointer, gradients.1.pointer)
        for row in 0..<rows {
            vk_softmax_gradient(logits + row * classes, dy + row * classes, Int32(classes), labels[row], smoothing, scale)
        }
        var offset = network.layout.count
        for index in stride(from: network.layers.count - 1, through: firstTrained, by: -1) {
            let layer = network.layers[index]
            offset -= layer.parameterCount
            for shortcut in network.shortcuts where shortcut.to == index {
                shortcutGradient.pointer.update(from: dy, count: rows * shortcut.outputCount)
            }
            let target = layer.worksInPlace ? dy : dx
            layer.backward(
                parameters + offset, values[index].pointer, values[index + 1].pointer, dy, index == firstTrained ? nil : target,
                gradient + offset, rows: rows, scratch: scratch.pointer)
            if !layer.worksInPlace { swap(&dy, &dx) }
            for shortcut in network.shortcuts where shortcut.from == index {
                shortcut.backward(shortcutGradient.pointer, dy, rows: rows)
            }
        }
    }
}
