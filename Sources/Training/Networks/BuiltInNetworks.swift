import Files

extension Network {
    /// The network that a specification names, for rows of a shape.
    init(_ spec: NetworkSpec, input: RowShape, classes: Int) throws {
        switch spec.model {
        case .logistic:
            try self.init(
                layers: [Dense(name: "linear", inputCount: input.count, outputCount: classes)], input: input, classes: classes)
        case .mlp:
            var layers: [any Layer] = []
            var width = input.count
            for (index, hidden) in spec.hidden.enumerated() {
                layers.append(Dense(name: "hidden\(index + 1)", inputCount: width, outputCount: hidden))
                layers.append(Activation(function: spec.activation, inputCount: hidden))
                width = hidden
            }
            layers.append(Dense(name: "output", inputCount: width, outputCount: classes))
            try self.init(layers: layers, input: input, classes: classes)
        case .lenet5:
            try self.init(layers: try Self.leNet5(spec, input, classes), input: input, classes: classes)
        case .resnet20:
            self = try Self.residual(3, spec, input, classes)
        }
    }

    /// LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998) with full connections between the convolutions. Inputs of 28×28
    /// are padded to the paper's 32×32 by the first convolution: 61,706 parameters for one channel and ten classes. `width` multiplies
    /// all of its channels and hidden units.
    private static func leNet5(_ spec: NetworkSpec, _ input: RowShape, _ classes: Int) throws -> [any Layer] {
        let padding = input.height >= 32 && input.width >= 32 ? 0 : 2
        guard min(input.height, input.width) + 2 * padding >= 16 else {
            throw Failure(
                .input,
                "lenet5 needs images of at least 12×12, these rows are \(input.channels)×\(input.height)×\(input.width); use --model mlp")
        }
        let c1 = Convolution(name: "conv1", input: input, outputs: 6 * spec.width, kernel: 5, padding: padding)
        let s2 = Pooling(function: spec.pooling, input: c1.output)
        let c3 = Convolution(name: "conv2", input: s2.output, outputs: 16 * spec.width, kernel: 5, padding: 0)
        let s4 = Pooling(function: spec.pooling, input: c3.output)
        let activation = spec.activation, wide = 120 * spec.width, narrow = 84 * spec.width
        return [
            c1, Activation(function: activation, inputCount: c1.outputCount), s2,
            c3, Activation(function: activation, inputCount: c3.outputCount), s4,
            Dense(name: "dense1", inputCount: s4.outputCount, outputCount: wide), Activation(function: activation, inputCount: wide),
            Dense(name: "dense2", inputCount: wide, outputCount: narrow), Activation(function: activation, inputCount: narrow),
            Dense(name: "dense3", inputCount: narrow, outputCount: classes),
        ]
    }
}
