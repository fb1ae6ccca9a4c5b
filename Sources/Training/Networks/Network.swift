import Files
import Tensors

/// A chain of layers, with ways around some of them, that ends in one logit a class.
struct Network: Sendable {
    let layers: [any Layer]
    /// None begins before another has ended.
    let shortcuts: [Shortcut]
    let layout: ParameterLayout
    let input: RowShape
    let classes: Int

    /// Beyond this a state no longer fits the checkpoint format, nor most machines.
    static let mostParameters = 1 << 28

    init(layers: [any Layer], shortcuts: [Shortcut] = [], input: RowShape, classes: Int) throws {
        precondition(layers.first?.inputCount == input.count && layers.last?.outputCount == classes)
        for (a, b) in zip(layers, layers.dropFirst()) { precondition(a.outputCount == b.inputCount, "layers do not fit") }
        for (a, b) in zip(shortcuts, shortcuts.dropFirst()) { precondition(a.to < b.from) }
        for shortcut in shortcuts {
            precondition(layers[shortcut.from].inputCount == shortcut.input.count && layers[shortcut.to].outputCount == shortcut.outputCount)
            // It must still be there when it is added, and what is added must not spoil what the layer's way back reads.
            precondition(!layers[shortcut.from].worksInPlace && !layers[shortcut.to].worksInPlace)
        }
        self.layers = layers
        self.shortcuts = shortcuts
        self.input = input
        self.classes = classes
        layout = ParameterLayout(layers.flatMap(\.tensors))
        guard layout.count <= Self.mostParameters else {
            throw Failure(.input, "this network has \(layout.count) parameters, more than \(Self.mostParameters); choose smaller layers")
        }
    }

    /// As each layer has it, in layout order, from the initialisation stream.
    func initialParameters(seed: UInt64) -> FloatBuffer {
        let parameters = FloatBuffer(count: layout.count)
        var random = RandomStream(seed: seed, purpose: .initialisation)
        var next = parameters.pointer
        for layer in layers {
            layer.initialise(next, &random)
            next += layer.parameterCount
        }
        return parameters
    }
}
