/// Everything that decides what training computes, besides the rows and their slots.
public struct Recipe: Sendable, Equatable {
    public var plan: TrainingPlan
    public var trainer: TrainerSpec

    public init(plan: TrainingPlan, trainer: TrainerSpec) {
        self.plan = plan
        self.trainer = trainer
    }

    public init(plan: TrainingPlan, network: NetworkSpec) { self.init(plan: plan, trainer: .network(network)) }

    /// The built-in network; nil where a program trains.
    public var network: NetworkSpec? {
        get { if case .network(let spec) = trainer { spec } else { nil } }
        set { if let newValue { trainer = .network(newValue) } }
    }

    /// The program of the user's that trains; nil where a built-in network is trained.
    public var program: ProgramSpec? { if case .program(let spec) = trainer { spec } else { nil } }

    /// The one place where trainers are made. Any number of the same kind can be: with one thread or several, all give the same bits.
    /// - Parameters:
    ///   - classNames: Labels are places in it.
    ///   - worker: which of several that run side by side, from 0: programs are told.
    ///   - workers: how many.
    /// - Throws: `Failure` of kind `input` where the model does not fit the rows, or is too large.
    public func makeTrainer(input: RowShape, classNames: [String], threads: Int, worker: Int = 0, of workers: Int = 1) throws -> any BlockTrainer {
        switch trainer {
        case .network(let network): try SGDTrainer(network, plan, input: input, classes: classNames.count, threads: threads)
        case .program(let program): ProgramTrainer(program, plan: plan, shape: input, classNames: classNames, worker: worker, of: workers)
        }
    }

    /// The recipe that a model comes with, on the side of the edge of stability where residual memory fades.
    /// Documentation/Recipes.md has the measurements.
    /// - Parameters:
    ///   - branched: for a stem with branches, where no memory need fade for deletions to be exact: more passes over the rows and less
    ///     weight decay (Documentation/Lineage.md).
    ///   - stem: the share of blocks that is asked for; nil: `stemShare`.
    public static func builtIn(_ model: ModelName, branched: Bool = false, stem: Double? = nil) -> Recipe {
        var recipe = ofChain(model)
        guard branched else { return recipe }
        switch model {
        case .lenet5:
            recipe.plan.epochs = 30
            recipe.network?.weightDecay = stem.map(isShort) == true ? 1e-4 : 2e-4
        case .logistic:
            recipe.plan.epochs = 20
            recipe.plan.learningRate = 0.1
        case .mlp:
            recipe.plan.epochs = 10
            recipe.network?.weightDecay = 3e-4
        case .resnet20:
            recipe.plan.epochs = 12
            recipe.network?.weightDecay = 1e-4
        }
        return recipe
    }

    /// The same for tables, fitted to the rows: a table may have a hundred rows or millions, and what a block of images needs would not
    /// even begin to teach the one, and wear out the other. Documentation/Recipes.md has the measurements.
    /// - Parameter branches: 0: a chain.
    public static func ofTable(_ model: ModelName, rows: Int, branches: Int) -> Recipe {
        var recipe = builtIn(model, branched: branches > 0)
        guard !model.isConvolutional else { return recipe }
        // Blocks of a few hundred rows see too little of the table to be trained on one after the other.
        recipe.plan.blocks = min(max(1, rows / rowsOfTableBlock), mostTableBlocks)
        if branches > 0 {
            // As many of the branches' blocks as of the stem's, where there is one.
            let length = max(1, recipe.plan.blocks / (recipe.stemShare > 0 ? 2 * branches : branches))
            recipe.plan.blocks = (recipe.stemShare > 0 ? 2 : 1) * branches * length
        }
        let blockRows = rows / recipe.plan.blocks
        recipe.network?.batchSize = blockRows >= 1000 ? 64 : blockRows >= 300 ? 32 : 16
        recipe.network?.momentum = 0.9
        recipe.network?.averaging = 0.5
        // Probabilities of rare classes are what such tables are often asked for; smoothing would flatten them.
        recipe.network?.labelSmoothing = 0
        recipe.plan.schedule = .linear
        if model == .logistic {
            recipe.plan.learningRate = 0.1
            // A small table is passed over until its one block has converged.
            recipe.plan.epochs = min(max(20, 40_000 / max(1, blockRows)), 200)
            // The penalty ½‖w‖² beside the sum of the losses, as scikit-learn's default has it.
            recipe.network?.weightDecay = Float(min(0.01, 1 / Double(max(1, rows))))
        } else {
            // What the columns of a table need: on the four largest of those measured, four times as wide a network is no better.
            recipe.network?.hidden = [64, 32]
            recipe.plan.learningRate = 0.05
            // A small block among several is learnt by heart in more.
            recipe.plan.epochs = blockRows >= 1000 ? 15 : recipe.plan.blocks == 1 ? 40 : 10
            recipe.network?.weightDecay = Float(min(0.01, max(3e-4, 5 / Double(max(1, rows)))))
        }
        return recipe
    }

    private static let rowsOfTableBlock = 2000
    private static let mostTableBlocks = 100

    private static func ofChain(_ model: ModelName) -> Recipe {
        switch model {
        case .logistic:
            Recipe(
                plan: TrainingPlan(blocks: 100, epochs: 1, learningRate: 0.02, schedule: .linear),
                network: NetworkSpec(model: .logistic, batchSize: 50))
        case .mlp:
            Recipe(
                plan: TrainingPlan(blocks: 100, epochs: 5, learningRate: 0.08, schedule: .linear),
                network: NetworkSpec(
                    model: .mlp, hidden: [256, 128], activation: .gelu, batchSize: 100, momentum: 0.9, weightDecay: 1e-3, labelSmoothing: 0.1, averaging: 0.8))
        case .lenet5:
            Recipe(
                plan: TrainingPlan(blocks: 100, epochs: 10, learningRate: 0.1, schedule: .linear),
                network: NetworkSpec(
                    model: .lenet5, activation: .gelu, batchSize: 100, momentum: 0.9, weightDecay: 5e-4, labelSmoothing: 0.1, averaging: 0.8,
                    augmentation: Augmentation(shift: 1)))
        case .resnet20:
            Recipe(
                plan: TrainingPlan(blocks: 50, epochs: 4, learningRate: 0.05, schedule: .linear),
                network: NetworkSpec(
                    model: .resnet20, activation: .gelu, batchSize: 64, momentum: 0.9, weightDecay: 5e-4, labelSmoothing: 0.1, averaging: 0.25,
                    augmentation: Augmentation(shift: 4, flip: true)))
        }
    }

    /// The share of blocks that a stem has where nothing else is asked for. Models of one layer average well from the very
    /// initialisation; those of deeper networks must have come some way together first.
    public var stemShare: Double { network?.model == .logistic ? 0 : 0.5 }

    /// Whether a stem leaves most of what there is to learn to its branches.
    private static func isShort(stem: Double) -> Bool { stem < 0.4 }

    /// Branches as the model comes with them.
    public func branches(count: Int, length: Int, epochs: Int?, learningRate: Float?, mergeStep: Float?) -> Branches {
        var own = Branches(count: count, length: length, epochs: plan.epochs, learningRate: plan.learningRate)
        // The branches of a convolutional network average best where they go less far apart.
        if network?.model.isConvolutional == true { own.learningRate = plan.learningRate / 2 }
        if network?.model == .lenet5 {
            // A short stem leaves its branches more to learn.
            let isShort = Self.isShort(stem: 1 - Double(count * length) / Double(plan.blocks))
            own.epochs = isShort ? 40 : 20
            own.mergeStep = isShort ? 1.2 : nil
        }
        own.epochs = epochs ?? own.epochs
        own.learningRate = learningRate ?? own.learningRate
        own.mergeStep = mergeStep ?? own.mergeStep
        return own
    }
}

/// One flat list of fields, as projects have kept it from the first; a program's stand under a name of their own.
extension Recipe: Codable {
    private enum Key: String, CodingKey {
        case program
    }

    public init(from decoder: any Decoder) throws {
        let program = try decoder.container(keyedBy: Key.self).decodeIfPresent(ProgramSpec.self, forKey: .program)
        self.init(plan: try TrainingPlan(from: decoder), trainer: try program.map { .program($0) } ?? .network(NetworkSpec(from: decoder)))
    }

    public func encode(to encoder: any Encoder) throws {
        try plan.encode(to: encoder)
        switch trainer {
        case .network(let spec): try spec.encode(to: encoder)
        case .program(let spec):
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(spec, forKey: .program)
        }
    }
}
