import Tensors

/// The built-in networks.
public enum ModelName: String, Codable, Sendable, CaseIterable {
    case logistic, mlp, lenet5, resnet20

    /// Whether rows must be images.
    public var isConvolutional: Bool { self == .lenet5 || self == .resnet20 }
}

/// What follows each layer but the last.
public enum ActivationName: String, Codable, Sendable, CaseIterable {
    case tanh, relu, gelu
}

/// What 2 × 2 pixels become.
public enum PoolingName: String, Codable, Sendable, CaseIterable {
    case average, max
}

/// What the built-in trainer is, whatever blocks it is given: a network, and how a step is taken.
public struct NetworkSpec: Codable, Sendable, Equatable {
    public var model: ModelName
    /// Widths of the hidden layers of `mlp`.
    public var hidden: [Int]
    /// Of `mlp`, `lenet5` and `resnet20`.
    public var activation: ActivationName
    /// Of `lenet5`.
    public var pooling: PoolingName
    /// Multiplies the channels and hidden units of `lenet5` and the channels of `resnet20`.
    public var width: Int
    /// Slots of a step, empty ones included.
    public var batchSize: Int
    /// The share of the last step's velocity that is kept: v ← momentum · v + g; the velocity begins at zero in each block.
    public var momentum: Float
    /// Times the parameters, added to the gradient: of weights and biases alike.
    public var weightDecay: Float
    /// The share of a label's weight that is spread evenly over all classes.
    public var labelSmoothing: Float
    /// Times the loss of a row, one for each class; nil: all rows count alike. A batch is divided by its slots all the same.
    public var classWeights: [Float]?
    /// The most that the norm of a batch's gradient may be; longer ones are scaled down to it. 0: no limit.
    public var gradientClip: Float
    /// The share of a block's steps, at its end, whose states are averaged to give the block's. 0: the last step's is it.
    public var averaging: Float
    public var augmentation: Augmentation
    /// Parameters are multiples of 2 to minus this at a block's end.
    public var latticeBits: Int
    /// Of all that is drawn: initial parameters, slot orders, augmentation.
    public var seed: UInt64

    public init(
        model: ModelName, hidden: [Int] = [], activation: ActivationName = .tanh, pooling: PoolingName = .average, width: Int = 1,
        batchSize: Int, momentum: Float = 0, weightDecay: Float = 0, labelSmoothing: Float = 0, gradientClip: Float = 0, averaging: Float = 0,
        augmentation: Augmentation = Augmentation(), latticeBits: Int = Lattice.defaultBits, seed: UInt64 = 0
    ) {
        self.model = model
        self.hidden = hidden
        self.activation = activation
        self.pooling = pooling
        self.width = width
        self.batchSize = batchSize
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.labelSmoothing = labelSmoothing
        self.gradientClip = gradientClip
        self.averaging = averaging
        self.augmentation = augmentation
        self.latticeBits = latticeBits
        self.seed = seed
    }

    /// How many of a block's last steps are averaged: the share `averaging` of them, rounded up, at least one; 0 where nothing is
    /// averaged.
    public func averagedSteps(of steps: Int) -> Int {
        guard averaging > 0 else { return 0 }
        // A float may lie above the decimal share that was meant by up to 2⁻²⁴ of it, and would round a whole number up to the next.
        return max(1, Int((Double(steps) * Double(averaging) * (1 - 0x1p-24)).rounded(.up)))
    }
}
