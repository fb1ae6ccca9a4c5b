internal import CVectorKernels
import Tensors

/// Group normalisation (Wu, He 2018): each row's channels are normalised group by group, then scaled and shifted channel
/// by channel. It knows no statistics beyond the row at hand, so the parameters are all the state there is.
struct GroupNormalisation: TrunkLayer {
    let name: String
    let input: RowShape
    /// A divisor of the channels.
    let groups: Int

    var inputCount: Int { input.count }
    var outputCount: Int { input.count }
    private var plane: Int { input.height * input.width }

    var tensors: [TensorSpec] { [TensorSpec(name + ".gain", [input.channels]), TensorSpec(name + ".bias", [input.channels])] }

    func initialise(_ parameters: Output, _ random: inout RandomStream) {
        for channel in 0..<input.channels { (parameters[channel], parameters[input.channels + channel]) = (1, 0) }
    }

    func forward(_ parameters: Input, _ x: Input, _ y: Output, rows: Int, scratch: Output) {
        for row in 0..<rows {
            vk_group_norm_forward(
                x + row * inputCount, y + row * inputCount, parameters, parameters + input.channels, Int32(input.channels), Int32(groups), plane)
        }
    }

    func backward(
        _ parameters: Input, _ x: Input, _ y: Input, _ dy: Input, _ dx: Output?, _ parameterGradient: Output, rows: Int,
        scratch: Output
    ) {
        for row in 0..<rows {
            vk_group_norm_backward(
                x + row * inputCount, dy + row * inputCount, dx.map { $0 + row * inputCount }, parameters, parameterGradient,
                parameterGradient + input.channels, Int32(input.channels), Int32(groups), plane)
        }
    }
}
