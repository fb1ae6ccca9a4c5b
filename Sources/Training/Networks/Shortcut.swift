internal import CVectorKernels

/// A parameter-free way around some layers (He, Zhang, Ren, Sun 2015, option A): the values that went into layer `from`
/// are added to what layer `to` gave, every stride-th pixel of them, on the first channels.
struct Shortcut: Sendable {
    let from: Int
    let to: Int
    /// What goes into layer `from`.
    let input: RowShape
    let stride: Int
    /// Floats a row, of what layer `to` gives.
    let outputCount: Int

    func forward(_ x: Input, _ y: Output, rows: Int) {
        for row in 0..<rows {
            vk_add_shortcut(
                x + row * input.count, y + row * outputCount, Int32(input.channels), Int32(input.height), Int32(input.width), Int32(stride))
        }
    }

    func backward(_ dy: Input, _ dx: Output, rows: Int) {
        for row in 0..<rows {
            vk_add_shortcut_gradient(
                dy + row * outputCount, dx + row * input.count, Int32(input.channels), Int32(input.height), Int32(input.width), Int32(stride))
        }
    }
}
