internal import CVectorKernels

/// tanh, ReLU or GELU (tanh form), element by element.
struct Activation: TrunkLayer {
    let function: ActivationName
    let inputCount: Int

    var outputCount: Int { inputCount }
    /// The derivatives of tanh and ReLU follow from the output; that of GELU needs the input.
    var worksInPlace: Bool { function != .gelu }
    var goesBackInPlace: Bool { true }

    func forward(_ parameters: Input, _ x: Input, _ y: Output, rows: Int, scratch: Output) { function.forward(x, y, rows * inputCount) }

    func backward(
        _ parameters: Input, _ x: Input, _ y: Input, _ dy: Input, _ dx: Output?, _ parameterGradient: Output, rows: Int,
        scratch: Output
    ) {
        if let dx { function.backward(x, y, dy, dx, rows * inputCount) }
    }
}

extension ActivationName {
    /// y may be x.
    func forward(_ x: Input, _ y: Output, _ count: Int) {
        switch self {
        case .tanh: vk_tanh_forward(x, y, count)
        case .relu: vk_relu_forward(x, y, count)
        case .gelu: vk_gelu_forward(x, y, count)
        }
    }

    /// dx may be dy; of `x` and `y` only what the function's derivative follows from is read.
    func backward(_ x: Input, _ y: Input, _ dy: Input, _ dx: Output, _ count: Int) {
        switch self {
        case .tanh: vk_tanh_backward(y, dy, dx, count)
        case .relu: vk_relu_backward(y, dy, dx, count)
        case .gelu: vk_gelu_backward(x, dy, dx, count)
        }
    }
}
