import Files
import Tensors

/// A chain of layers that ends in one logit a class.
struct Network: Sendable {
    let layers: [any Layer]
    let layout: ParameterLayout
    let input: RowShape
    let classes: Int

    /// Beyond this a state no longer fits the checkpoint format, nor most machines.
    static let mostParameters = 1 << 28

    init(layers: [any Layer], input: RowShape, classes: Int) throws {
        precondition(layers.first?.inputCount == input.count && layers.last?.outputCount == classes)
        for (a, b) in zip(layers, layers.dropFirst()) { precondition(a.outputCount == b.inputCount, "layers do not fit") }
        self.layers = layers
        self.input = input
        self.classes = classes
        layout = ParameterLayout(layers.flatMap(\.tensors))
        guard layout.count <= Self.mostParameters else {
            throw Failure(.input, "this network has \(layout.count) parameters, more than \(Self.mostParameters); choose smaller layers")
        }
    }

    /// Uniform in ±1/√fan-in, weights and biases alike, drawn in layout order from the initialisation stream.
    func initialParameters(seed: UInt64) -> FloatBuffer {
        let parameters = FloatBuffer(count: layout.count)
        var random = RandomStream(seed: seed, purpose: .initialisation)
        var next = parameters.pointer
        for layer in layers where layer.parameterCount > 0 {
            let limit = 1 / Float(layer.fanIn).squareRoot()
            for index in 0..<layer.parameterCount { next[index] = random.symmetric(limit) }
            next += layer.parameterCount
        }
        return parameters
    }
}
