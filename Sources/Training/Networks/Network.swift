import Files
import Tensors

/// A chain of layers that ends in one logit a class: a trunk, with ways around some of its layers, and a head of dense layers.
/// Trunks have few parameters and wide values, heads the opposite, and each is passed through in the order that suits it.
struct Network: Sendable {
    let layers: [any Layer]
    /// The layers before the first dense one; none in a network of dense layers.
    let trunk: [any TrunkLayer]
    let head: [HeadLayer]
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
        let trunk = Array(layers.lazy.map { $0 as? any TrunkLayer }.prefix { $0 != nil }.compactMap { $0 })
        for shortcut in shortcuts {
            precondition(layers[shortcut.from].inputCount == shortcut.input.count && layers[shortcut.to].outputCount == shortcut.outputCount)
            precondition(shortcut.to < trunk.count, "a way around a dense layer")
            // It must still be there when it is added, and what is added must not spoil what the layer's way back reads.
            precondition(!layers[shortcut.from].worksInPlace && !layers[shortcut.to].worksInPlace)
        }
        self.layers = layers
        self.trunk = trunk
        head = HeadLayer.chain(layers.dropFirst(trunk.count), offset: trunk.reduce(0) { $0 + $1.parameterCount })
        self.shortcuts = shortcuts
        self.input = input
        self.classes = classes
        layout = ParameterLayout(layers.flatMap(\.tensors))
        guard layout.count <= Self.mostParameters else {
            throw Failure(.input, "this network has \(layout.count) parameters, more than \(Self.mostParameters); choose smaller layers")
        }
    }

    /// Parameters of the trunk, which lie first.
    var trunkParameterCount: Int { head[0].offset }

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
