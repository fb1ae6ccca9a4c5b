internal import CVectorKernels

/// 2×2 pooling with stride 2. An odd last row or column is left out.
struct Pooling: TrunkLayer {
    let function: PoolingName
    let input: RowShape

    var output: RowShape { RowShape(channels: input.channels, height: input.height / 2, width: input.width / 2) }
    var inputCount: Int { input.count }
    var outputCount: Int { output.count }

    func forward(_ parameters: Input, _ x: Input, _ y: Output, rows: Int, scratch: Output) {
        let planes = Int32(rows * input.channels), height = Int32(input.height), width = Int32(input.width)
        switch function {
        case .average: vk_average_pool_forward(x, y, planes, height, width)
        case .max: vk_max_pool_forward(x, y, planes, height, width)
        }
    }

    func backward(
        _ parameters: Input, _ x: Input, _ y: Input, _ dy: Input, _ dx: Output?, _ parameterGradient: Output, rows: Int,
        scratch: Output
    ) {
        guard let dx else { return }
        let planes = Int32(rows * input.channels), height = Int32(input.height), width = Int32(input.width)
        switch function {
        case .average: vk_average_pool_backward(dy, dx, planes, height, width)
        case .max: vk_max_pool_backward(x, dy, dx, planes, height, width)
        }
    }
}
