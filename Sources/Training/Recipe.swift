import Tensors

/// How the rate falls over the blocks; p = (block − 1) / blocks. A stem goes half the way, and each branch all of it.
public enum Schedule: String, Codable, Sendable, CaseIterable {
    case constant
    /// 1 − p
    case linear
    /// (1 + cos πp) / 2
    case cosine
    /// 1 / (1 + 10 p)
    case inverse
}

/// The branches behind a recipe's stem. They need not forget, for no block is put back on behind them: they may pass over their
/// rows more often than the stem, and at other rates.
public struct Branches: Codable, Sendable, Equatable {
    public var count: Int
    /// Blocks of each.
    public var length: Int
    public var epochs: Int
    /// Of a branch's first block; it falls over the branch as the schedule has it.
    public var learningRate: Float

    public init(count: Int, length: Int, epochs: Int, learningRate: Float) {
        self.count = count
        self.length = length
        self.epochs = epochs
        self.learningRate = learningRate
    }
}

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

/// Everything that decides what training computes, besides the rows and their slots.
public struct Recipe: Codable, Sendable, Equatable {
    public var model: ModelName
    /// Widths of the hidden layers of `mlp`.
    public var hidden: [Int]
    /// Of `mlp`, `lenet5` and `resnet20`.
    public var activation: ActivationName
    /// Of `lenet5`.
    public var pooling: PoolingName
    /// Multiplies the channels and hidden units of `lenet5` and the channels of `resnet20`.
    public var width: Int
    /// All of them, branches' included.
    public var blocks: Int
    /// Nil: a chain.
    public var branches: Branches?
    /// Times that each block of the stem is passed over.
    public var epochs: Int
    /// Slots of a step, empty ones included.
    public var batchSize: Int
    /// Of the first block; `rate(block:)` is a block's own.
    public var learningRate: Float
    public var schedule: Schedule
    /// The share of the last step's velocity that is kept: v ← momentum · v + g; the velocity begins at zero in each block.
    public var momentum: Float
    /// Times the parameters, added to the gradient: of weights and biases alike.
    public var weightDecay: Float
    /// The share of a label's weight that is spread evenly over all classes.
    public var labelSmoothing: Float
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
        blocks: Int, epochs: Int, batchSize: Int, learningRate: Float, schedule: Schedule, momentum: Float = 0,
        weightDecay: Float = 0, labelSmoothing: Float = 0, gradientClip: Float = 0, averaging: Float = 0,
        augmentation: Augmentation = Augmentation(), latticeBits: Int = Lattice.defaultBits, seed: UInt64 = 0
    ) {
        self.model = model
        self.hidden = hidden
        self.activation = activation
        self.pooling = pooling
        self.width = width
        self.blocks = blocks
        self.epochs = epochs
        self.batchSize = batchSize
        self.learningRate = learningRate
        self.schedule = schedule
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.labelSmoothing = labelSmoothing
        self.gradientClip = gradientClip
        self.averaging = averaging
        self.augmentation = augmentation
        self.latticeBits = latticeBits
        self.seed = seed
    }

    /// The recipe that a model comes with, on the side of the edge of stability where residual memory fades.
    /// Documentation/Recipes.md has the measurements.
    /// - Parameter branched: for a stem with branches, where no memory need fade for deletions to be exact: more passes over the rows and
    ///   less weight decay (Documentation/Lineage.md).
    public static func builtIn(_ model: ModelName, branched: Bool = false) -> Recipe {
        var recipe = ofChain(model)
        guard branched else { return recipe }
        switch model {
        case .lenet5:
            recipe.epochs = 30
            recipe.weightDecay = 2e-4
        case .logistic:
            recipe.epochs = 20
            recipe.learningRate = 0.1
        case .mlp:
            recipe.epochs = 10
            recipe.weightDecay = 3e-4
        case .resnet20: recipe.weightDecay = 1e-4
        }
        return recipe
    }

    private static func ofChain(_ model: ModelName) -> Recipe {
        switch model {
        case .logistic:
            Recipe(model: .logistic, blocks: 100, epochs: 1, batchSize: 50, learningRate: 0.02, schedule: .linear)
        case .mlp:
            Recipe(
                model: .mlp, hidden: [256, 128], activation: .gelu, blocks: 100, epochs: 5, batchSize: 100, learningRate: 0.08,
                schedule: .linear, momentum: 0.9, weightDecay: 1e-3, labelSmoothing: 0.1, averaging: 0.8)
        case .lenet5:
            Recipe(
                model: .lenet5, activation: .gelu, blocks: 100, epochs: 10, batchSize: 100, learningRate: 0.1, schedule: .linear,
                momentum: 0.9, weightDecay: 5e-4, labelSmoothing: 0.1, averaging: 0.8, augmentation: Augmentation(shift: 1))
        case .resnet20:
            Recipe(
                model: .resnet20, activation: .gelu, blocks: 50, epochs: 4, batchSize: 64, learningRate: 0.05, schedule: .linear,
                momentum: 0.9, weightDecay: 5e-4, labelSmoothing: 0.1, averaging: 0.25, augmentation: Augmentation(shift: 4, flip: true))
        }
    }

    /// The share of blocks that a stem has where nothing else is asked for. Models of one layer average well from the very
    /// initialisation; those of deeper networks must have come some way together first.
    public var stemShare: Double { model == .logistic ? 0 : 0.5 }

    /// Branches as the model comes with them.
    public func branches(count: Int, length: Int, epochs: Int?, learningRate: Float?) -> Branches {
        // After a stem that has come far, the branches of a convolutional network average best where they go less far apart.
        let (ownEpochs, ownRate) = model == .lenet5 ? (20, self.learningRate / 2) : (self.epochs, self.learningRate)
        return Branches(count: count, length: length, epochs: epochs ?? ownEpochs, learningRate: learningRate ?? ownRate)
    }

    public var lineage: Lineage {
        guard let branches else { return Lineage(chain: blocks) }
        return Lineage(stem: blocks - branches.count * branches.length, branches: branches.count, length: branches.length)
    }

    /// Times that a block is passed over.
    public func epochs(of block: Int) -> Int { lineage.branch(of: block) == nil ? epochs : branches!.epochs }

    /// The rate of a block (1-based). It never depends on how many steps were taken before.
    public func rate(block: Int) -> Float {
        let lineage = lineage, first: Float, progress: Double
        if let branch = lineage.branch(of: block) {
            first = branches!.learningRate
            progress = Double(block - lineage.blocks(ofBranch: branch).lowerBound) / Double(lineage.length)
        } else {
            first = learningRate
            progress = Double(block - 1) / Double(lineage.isChain ? blocks : 2 * lineage.stem)
        }
        let factor =
            switch schedule {
            case .constant: 1.0
            case .linear: 1 - progress
            case .cosine: 0.5 * (1 + Self.sine(.pi * (0.5 - progress)))
            case .inverse: 1 / (1 + 10 * progress)
            }
        return Float(Double(first) * factor)
    }

    /// How many of a block's last steps are averaged: the share `averaging` of them, rounded up, at least one; 0 where nothing is
    /// averaged.
    public func averagedSteps(of steps: Int) -> Int {
        guard averaging > 0 else { return 0 }
        // A float may lie above the decimal share that was meant by up to 2⁻²⁴ of it, and would round a whole number up to the next.
        return max(1, Int((Double(steps) * Double(averaging) * (1 - 0x1p-24)).rounded(.up)))
    }

    /// The sine on ±π/2 by its series, to rounding: the C library's last bit differs between versions and processors.
    private static func sine(_ x: Double) -> Double {
        var term = x, sum = x
        for n in stride(from: 2.0, through: 22, by: 2) {
            term *= -x * x / (n * (n + 1))
            sum += term
        }
        return sum
    }
}
