import Files

extension Network {
    /// The network for CIFAR of He, Zhang, Ren, Sun (Deep residual learning for image recognition, 2015, section 4.2) with
    /// 6n + 2 layers: three stages of 16, 32 and 64 channels times `width`, with group normalisation in place of batch
    /// normalisation. n = 3 has 269,722 parameters for ten classes.
    static func residual(_ n: Int, _ spec: NetworkSpec, _ input: RowShape, _ classes: Int) throws -> Network {
        guard min(input.height, input.width) >= 8 else {
            throw Failure(
                .input,
                "\(spec.model.rawValue) needs images of at least 8×8, these rows are \(input.channels)×\(input.height)×\(input.width); use --model mlp")
        }
        var layers: [any Layer] = [], shortcuts: [Shortcut] = []
        var shape = input
        func convolution(_ name: String, to channels: Int, stride: Int) {
            let layer = Convolution(name: name, input: shape, outputs: channels, kernel: 3, padding: 1, stride: stride, hasBias: false)
            shape = layer.output
            layers += [layer, GroupNormalisation(name: name + ".norm", input: shape, groups: Self.groups)]
        }
        func activate() { layers.append(Activation(function: spec.activation, inputCount: shape.count)) }
        convolution("conv0", to: 16 * spec.width, stride: 1)
        activate()
        for stage in 0..<3 {
            for block in 0..<n {
                let from = layers.count, before = shape, stride = stage > 0 && block == 0 ? 2 : 1
                let name = "stage\(stage + 1).block\(block + 1)", channels = (16 << stage) * spec.width
                convolution(name + ".conv1", to: channels, stride: stride)
                activate()
                convolution(name + ".conv2", to: channels, stride: 1)
                shortcuts.append(Shortcut(from: from, to: layers.count - 1, input: before, stride: stride, outputCount: shape.count))
                activate()
            }
        }
        layers.append(GlobalAveragePooling(input: shape))
        layers.append(Dense(name: "output", inputCount: shape.channels, outputCount: classes))
        return try Network(layers: layers, shortcuts: shortcuts, input: input, classes: classes)
    }

    private static let groups = 8
}
