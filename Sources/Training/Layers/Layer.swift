import Tensors

typealias Input = UnsafePointer<Float>
typealias Output = UnsafeMutablePointer<Float>

/// One differentiable step of a network. Layers hold no state: parameters, values and scratch memory are the caller's, so that
/// lanes can run at once.
protocol Layer: Sendable {
    /// Floats a row, in and out.
    var inputCount: Int { get }
    var outputCount: Int { get }
    /// The layer's own parameters, in the order in which they lie behind the pointers given below.
    var tensors: [TensorSpec] { get }
    /// Inputs that reach one output: what the initialisation's range comes from. 0 without parameters.
    var fanIn: Int { get }
    /// Sets the layer's parameters before training.
    func initialise(_ parameters: Output, _ random: inout RandomStream)
    /// Output may lie where the input lay, and the backward step reads the output only.
    var worksInPlace: Bool { get }
    /// The gradient by the input may lie where that by the output lay.
    var goesBackInPlace: Bool { get }
}

/// A layer before the dense ones, over a few rows at a time that stay in the cache.
protocol TrunkLayer: Layer {
    /// Floats of scratch memory that either direction needs for so many rows.
    func scratchCount(rows: Int) -> Int

    /// y (rows, outputCount) from x (rows, inputCount).
    func forward(_ parameters: Input, _ x: Input, _ y: Output, rows: Int, scratch: Output)

    /// Adds to `parameterGradient`; sets `dx` (rows, inputCount) unless nil. Where the layer works in place, `x` and
    /// `y` may be the same memory; where it goes back in place, `dy` and `dx`.
    func backward(
        _ parameters: Input, _ x: Input, _ y: Input, _ dy: Input, _ dx: Output?, _ parameterGradient: Output, rows: Int,
        scratch: Output)
}

extension TrunkLayer {
    func scratchCount(rows: Int) -> Int { 0 }
}

extension Layer {
    var tensors: [TensorSpec] { [] }
    var fanIn: Int { 0 }
    var worksInPlace: Bool { false }
    var goesBackInPlace: Bool { false }
    /// Uniform in ±1/√fan-in, weights and biases alike.
    func initialise(_ parameters: Output, _ random: inout RandomStream) {
        guard parameterCount > 0 else { return }
        let limit = 1 / Float(fanIn).squareRoot()
        for index in 0..<parameterCount { parameters[index] = random.symmetric(limit) }
    }
    var parameterCount: Int { tensors.reduce(0) { $0 + $1.count } }
}
