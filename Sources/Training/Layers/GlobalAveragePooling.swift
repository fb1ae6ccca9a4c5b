internal import CVectorKernels

/// Each channel's mean over all positions.
struct GlobalAveragePooling: TrunkLayer {
    let input: RowShape

    var inputCount: Int { input.count }
    var outputCount: Int { input.channels }
    private var plane: Int { input.height * input.width }

    func forward(_ parameters: Input, _ x: Input, _ y: Output, rows: Int, scratch: Output) {
        vk_plane_means(x, y, rows * input.channels, plane)
    }

    func backward(
        _ parameters: Input, _ x: Input, _ y: Input, _ dy: Input, _ dx: Output?, _ parameterGradient: Output, rows: Int,
        scratch: Output
    ) {
        if let dx { vk_spread_planes(dy, dx, rows * input.channels, plane) }
    }
}
