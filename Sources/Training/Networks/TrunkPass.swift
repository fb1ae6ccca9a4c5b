import Tensors

/// The memory in which one thread passes a few rows through a network's trunk, forward and backward. Allocated once; nothing
/// is allocated in the batch loop.
final class TrunkPass {
    /// Floats of values that a pass may keep: a share of the second-level cache.
    private static let cacheFloats = 96 * 1024

    let network: Network
    /// Rows in one pass.
    let capacity: Int
    /// `values[i]` is the input of layer i, (capacity, inputCount); the last is the head's. Layers that work in place
    /// have the same buffer on both sides.
    private let values: [FloatBuffer]
    /// Two buffers that gradients alternate between on their way back.
    private let gradients: (FloatBuffer, FloatBuffer)
    /// What goes back by a shortcut, until the layers that it leads around are done.
    private let shortcutGradient: FloatBuffer
    private let scratch: FloatBuffer
    /// The first layer that has parameters: gradients need not go further back.
    private let firstTrained: Int
    private let forwardRuns: [(layers: Range<Int>, offset: Int)]
    private let backwardRuns: [(layers: Range<Int>, offset: Int, isTrained: Bool)]

    /// Convolutions gather their weights' gradients once a pass: below this, that costs more than the cache saves.
    private static let fewestConvolvedRows = 8

    /// Floats that passing so many rows through a network's trunk takes.
    static func memory(of network: Network, rows: Int) -> Int {
        rows * (values(of: network.trunk, input: network.input) + 2 * widest(network)) + scratch(network, rows: rows)
    }

    /// Floats of values that a row leaves in layers.
    private static func values(of layers: [any Layer], input: RowShape) -> Int { layers.reduce(input.count) { $0 + ($1.worksInPlace ? 0 : $1.outputCount) } }

    private static func widest(_ network: Network) -> Int { network.trunk.map { max($0.inputCount, $0.outputCount) }.max() ?? 0 }

    private static func scratch(_ network: Network, rows: Int) -> Int { network.trunk.map { $0.scratchCount(rows: rows) }.max() ?? 0 }

    /// The most rows of a pass: as many as stay in the cache, at most `lane`. Part of the numerics: it decides the
    /// shapes of products.
    static func rows(of network: Network, lane: Int) -> Int {
        let perRow = values(of: network.layers, input: network.input)
        let fewest = network.layers.contains { $0 is Convolution } ? fewestConvolvedRows : 1
        let fitting = min(lane, max(fewest, cacheFloats / perRow))
        let passes = (lane + fitting - 1) / fitting
        return (lane + passes - 1) / passes
    }

    init(network: Network, capacity: Int) {
        self.network = network
        self.capacity = capacity
        var values = [FloatBuffer(count: capacity * network.input.count)]
        for layer in network.trunk {
            values.append(layer.worksInPlace ? values.last! : FloatBuffer(count: capacity * layer.outputCount))
        }
        self.values = values
        let widest = Self.widest(network)
        gradients = (FloatBuffer(count: capacity * widest), FloatBuffer(count: capacity * widest))
        shortcutGradient = FloatBuffer(count: capacity * (network.shortcuts.map(\.outputCount).max() ?? 0))
        scratch = FloatBuffer(count: Self.scratch(network, rows: capacity))
        forwardRuns = Self.forwardRuns(network)
        firstTrained = network.trunk.firstIndex { $0.parameterCount > 0 } ?? network.trunk.count
        backwardRuns = Self.backwardRuns(network, to: firstTrained)
    }

    /// Where the caller puts the rows (capacity, input count).
    var input: Output { values[0].pointer }

    /// Where the caller puts the gradient by what `forward` gave.
    var outputGradient: Output { gradients.0.pointer }

    /// What goes into the head, for the rows in `input`.
    func forward(_ parameters: Input, rows: Int) -> Input {
        for (run, offset) in forwardRuns {
            // Row by row through all layers of the run, so that a row's values stay in the first-level cache.
            for row in 0..<rows {
                for index in run {
                    let layer = network.trunk[index]
                    layer.forward(
                        parameters + offset, values[index].pointer + row * layer.inputCount, values[index + 1].pointer + row * layer.outputCount, rows: 1,
                        scratch: scratch.pointer)
                }
            }
            for shortcut in network.shortcuts where shortcut.to == run.upperBound - 1 {
                shortcut.forward(values[shortcut.from].pointer, values[run.upperBound].pointer, rows: rows)
            }
        }
        return Input(values.last!.pointer)
    }

    /// Runs of layers on the way back.
    var backwardRunCount: Int { backwardRuns.count }

    /// Adds the gradient of the rows that went `forward` last to `gradient`, from `outputGradient`, which is overwritten.
    /// - Parameter inTurn: gets the number of each run whose layer adds to `gradient`, and the layer's whole way back, which does it: to be called
    ///   once, when nobody else adds that layer's.
    func addGradient(_ parameters: Input, rows: Int, into gradient: Output, inTurn: (_ run: Int, _ add: () -> Void) -> Void) {
        var (dy, dx) = (gradients.0.pointer, gradients.1.pointer)
        for (number, (run, offset, isTrained)) in backwardRuns.enumerated() {
            let last = network.trunk[run.upperBound - 1]
            for shortcut in network.shortcuts where shortcut.to == run.upperBound - 1 {
                shortcutGradient.pointer.update(from: dy, count: rows * shortcut.outputCount)
            }
            let target = last.goesBackInPlace ? dy : dx
            if run.count == 1 {
                let add = { [self] in
                    last.backward(
                        parameters + offset, values[run.lowerBound].pointer, values[run.upperBound].pointer, dy, run.lowerBound == firstTrained ? nil : target,
                        gradient + offset, rows: rows, scratch: scratch.pointer)
                }
                if isTrained { inTurn(number, add) } else { add() }
            } else {
                for row in 0..<rows {
                    // The last layer moves the gradient, those before it change it where it lies.
                    for index in run.reversed() {
                        let layer = network.trunk[index], to = target + row * layer.inputCount
                        layer.backward(
                            parameters, values[index].pointer + row * layer.inputCount, values[index + 1].pointer + row * layer.outputCount,
                            index == run.upperBound - 1 ? dy + row * layer.outputCount : to, to, gradient, rows: 1, scratch: scratch.pointer)
                    }
                }
            }
            if !last.goesBackInPlace { swap(&dy, &dx) }
            for shortcut in network.shortcuts where shortcut.from == run.lowerBound {
                shortcut.backward(shortcutGradient.pointer, dy, rows: rows)
            }
        }
    }

    /// Runs of layers that rows pass one by one, and where the parameters of each run's first layer begin; the others have none.
    private static func forwardRuns(_ network: Network) -> [(layers: Range<Int>, offset: Int)] {
        var runs: [(layers: Range<Int>, offset: Int)] = [], offset = 0
        for (index, layer) in network.trunk.enumerated() {
            let endsBefore = layer.parameterCount > 0 || network.shortcuts.contains { $0.to == index - 1 }
            if endsBefore || runs.isEmpty {
                runs.append((index..<index + 1, offset))
            } else {
                runs[runs.count - 1].layers = runs.last!.layers.lowerBound..<index + 1
            }
            offset += layer.parameterCount
        }
        return runs
    }

    /// The same on the way back, from the last layer to the first that is trained: a layer without parameters and those before it
    /// that go back in place. A shortcut's values are added, and begin, between runs.
    private static func backwardRuns(_ network: Network, to firstTrained: Int) -> [(layers: Range<Int>, offset: Int, isTrained: Bool)] {
        var runs: [(layers: Range<Int>, offset: Int, isTrained: Bool)] = [], offset = network.trunkParameterCount
        for index in stride(from: network.trunk.count - 1, through: firstTrained, by: -1) {
            let count = network.trunk[index].parameterCount
            offset -= count
            let joins = network.trunk[index].goesBackInPlace && !network.shortcuts.contains { $0.to == index || $0.from == index + 1 }
            if let run = runs.last?.layers, joins, network.trunk[run.upperBound - 1].parameterCount == 0 {
                runs[runs.count - 1].layers = index..<run.upperBound
            } else {
                runs.append((index..<index + 1, offset, count > 0))
            }
        }
        return runs
    }
}
