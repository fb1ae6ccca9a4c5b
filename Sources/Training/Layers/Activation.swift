internal import CVectorKernels

/// tanh, ReLU or GELU (tanh form), element by element.
struct Activation: Layer {
    let function: ActivationName
    let inputCount: Int

    var outputCount: Int { inputCount }
    /// The derivatives of tanh and ReLU follow from the output; that of GELU needs the input.
    var worksInPlace: Bool { function != .gelu }

    func forward(_ parameters: Input, _ x: Input, _ y: Output, rows: Int, scratch: Output) {
        let count = rows * inputCount
        switch function {
        case .tanh: vk_tanh_forward(x, y, count)
        case .relu: vk_relu_forward(x, y, count)
        case .gelu: vk_gelu_forward(x, y, count)
        }
    }

    func backward(
        _ parameters: Input, _ x: Input, _ y: Input, _ dy: Input, _ dx: Output?, _ parameterGradient: Output, rows: Int,
        scratch: Output
    ) {
        guard let dx else { return }
        let count = rows * inputCount
        switch function {
        case .tanh: vk_tanh_backward(y, dy, dx, count)
        case .relu: vk_relu_backward(y, dy, dx, count)
        case .gelu: vk_gelu_backward(x, dy, dx, count)
        }
    }
}
