import Checkpoints
import Files
import Tensors
import Training
import Unlearn

extension CommandSpec {
    static let initialise = CommandSpec(
        name: "init", summary: "make a project: import rows into its own store",
        example: "unlearn -C demo init --data fashion-mnist --model lenet5 --blocks 100",
        options: [
            OptionSpec("data", "SPEC", "fashion-mnist, idx:IMAGES,LABELS, cifar10:DIR, csv:FILE[,FILE…], parquet:FILE[,FILE…], npz:FILE (arrays x, y, id, group, person), libsvm:FILE or manifest:FILE (CSV of id, label, group, person, locator: rows that --trainer holds)"),
            OptionSpec("test", "SPEC", "test rows (default: fashion-mnist's or cifar10's own, else --holdout of the rows)"),
            .choice("model", ModelName.self, "the network (default for tables: mlp); options left out come from its recipe"),
            OptionSpec("trainer", "COMMAND", "a program of yours that trains in the place of a built-in network (Documentation/TrainerProtocol.md)"),
            OptionSpec("hidden", "N,N,…", "hidden layers of mlp"),
            .choice("activation", ActivationName.self, "of hidden layers"),
            .choice("pooling", PoolingName.self, "of lenet5"),
            OptionSpec("width", "N", "times the channels of lenet5 or resnet20 (default 1)"),
            OptionSpec("blocks", "B", "blocks that rows are spread over (default: the model's; one a group under --blocks-by group, up to 1000)"),
            .choice("blocks-by", BlockPolicy.self, "which rows share a block (default: stratified)"),
            OptionSpec("branches", "S", "branches behind a stem, whose deletions are exact and touch one branch alone; 0 (default): a chain"),
            OptionSpec("stem", "X", "the stem's share of the blocks (default: 0.5, logistic 0; the share of --stem-rows; by group, that of rows of no group)"),
            OptionSpec("stem-rows", "FILE", "ids or groups whose rows go into the stem: those that will hardly be asked for"),
            OptionSpec("risk", "FILE", "CSV of id-or-group,probability: the least likely to be deleted go into the stem, the likeliest into few branches"),
            OptionSpec("branch-epochs", "E", "passes over each block of a branch (default: --epochs, or the recipe's)"),
            OptionSpec("branch-learning-rate", "X", "rate of a branch's first block"),
            OptionSpec("merge-step", "X", "how far the model goes from the stem's end, in means of what many branches add, 0.5 to 2 (default: 1, or the recipe's)"),
            OptionSpec("epochs", "E", "passes over each block"),
            OptionSpec("batch-size", "N", "rows of a batch"),
            OptionSpec("learning-rate", "X", "rate of the first block"),
            .choice("schedule", Schedule.self, "how the rate falls over the blocks"),
            OptionSpec("momentum", "X", "of each block's descent"),
            OptionSpec("weight-decay", "X", "L2 penalty"),
            OptionSpec("label-smoothing", "X", "share of the target spread over all classes"),
            .choice("class-weights", ClassWeighting.self, "rows count in the loss by how rare their class is: rows / (classes × rows of the class), coarse"),
            OptionSpec("gradient-clip", "X", "most that the norm of a batch's gradient may be; 0: no limit"),
            OptionSpec("averaging", "X", "share of a block's steps, at its end, whose states are averaged"),
            OptionSpec("shift", "N", "move images by up to N pixels, drawn anew in every epoch"),
            .choice("flip", Switch.self, "mirror images left to right half of the time"),
            OptionSpec("lattice-bits", "K", "states are multiples of 2^-K, 12 to 24 (default 18)"),
            OptionSpec("seed", "S", "decides order and initialisation (default 0)"),
            OptionSpec("assignment-seed", "N", "draw rows' places from N, reproducibly: for tests and tours (default: drawn anew, by nobody to be had again)"),
            OptionSpec("like", "DIR", "take rows' places and the encoding from the project in DIR, to compare with it (needs its key)"),
            OptionSpec("holdout", "X", "share of rows set aside as test rows (default 0.1)"),
            OptionSpec("limit", "N", "import the first N rows"),
            OptionSpec("exclude", "FILE", "ids whose slots are empty from the start"),
            OptionSpec("only", "FILE", "import these ids alone"),
            OptionSpec("list-id-column", "NAME", "the files of --exclude and --only are CSV with a header, and this column holds the ids"),
            OptionSpec("groups", "FILE", "CSV of id,group, of training and of test rows"),
            OptionSpec("dry-run", nil, "say what would be made of the rows and columns, and make nothing"),
            OptionSpec("no-encryption", nil, "store rows and checkpoints as they are: for measuring, or where the disk is encrypted"),
            .threads,
        ] + OptionSpec.tableReading + OptionSpec.tableColumns,
        run: runInit)

    private struct Result: Encodable {
        let rows: Int
        let testRows: Int
        let excluded: Int
        let classes: Int
        let blocks: Int
        let parameters: Int
        let recipe: Recipe
        let project: String
        let classCounts: [String: Int]
        /// What was made of a table's columns.
        let columns: [ColumnReport]?
        let remarks: [String]
        let dryRun: Bool
        /// What an exact deletion of a row will cost on average.
        let deletion: DeletionOutlook
    }

    private static func runInit(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let plan = try plan(invocation)
        let builder = ProjectBuilder(plan, in: invocation.folder), isDry = invocation.flag("dry-run")
        let bar = console.progress("rows")
        let summary = try isDry
            ? builder.survey()
            : builder.build { done, total in
                try StopRequest.check()
                bar.update("importing", done, of: total)
            }
        bar.finish()
        let recipe = summary.settings.recipe
        if let warning = warning(summary.settings) { console.message("warning: \(warning)") }
        let result = Result(
            rows: summary.rows, testRows: summary.testRows, excluded: summary.excluded, classes: summary.settings.classNames.count,
            blocks: recipe.plan.blocks, parameters: summary.parameters, recipe: recipe, project: PathText.printable(invocation.folder),
            classCounts: Dictionary(zip(summary.settings.classNames, summary.classCounts), uniquingKeysWith: { $1 }),
            columns: (plan.source as? TableSource)?.report, remarks: summary.remarks, dryRun: isDry, deletion: summary.deletion)
        let guessable = plan.assignmentSeed.map {
            "\nplaces of rows drawn from --assignment-seed \($0): whoever knows it and the rows can tell from the blocks that a deletion retrains whose "
                + "it may have been; leave it out for real data"
        } ?? ""
        let excluded = summary.excluded > 0 ? ", \(counted(summary.excluded, "slot")) left empty" : ""
        try console.result(
            result,
            """
            \(invocation.folder): \(counted(summary.rows, "row")) in \(counted(recipe.plan.blocks, "block"))\(excluded), \(counted(summary.testRows, "test row")), \(result.classes) classes
            \(words(recipe, parameters: summary.parameters))\(lineage(recipe)), seed \(recipe.trainer.seed)\(classes(summary))\(weights(summary.settings))\(columns(plan.source as? TableSource))\(summary.remarks.map { "\n" + Console.printable($0, keeping: []) }.joined())
            \(DeletionText.outlook(summary.deletion, recipe, rows: summary.rows, isFlat: summary.settings.shape.isFlat, mayBranch: plan.twin == nil && summary.settings.blockPolicy != .group))\(advice(recipe, rows: summary.rows, isTable: summary.settings.table != nil))\(guessable)
            \(isDry ? "nothing was made; leave out --dry-run to make it" : "next: unlearn -C \(invocation.folder) train")
            """)
        return 0
    }

    /// What is trained, and how.
    private static func words(_ recipe: Recipe, parameters: Int) -> String {
        let plan = recipe.plan, pace = "\(counted(plan.epochs, "epoch")) a block"
        switch recipe.trainer {
        case .program(let program):
            return "\(Console.printable(program.name, keeping: [])), trained by your program: \(counted(parameters, "parameter")) in \(counted(program.tensors.count, "tensor")), "
                + "\(pace), rate \(plan.learningRate) \(plan.schedule.rawValue)"
        case .network(let network):
            return "\(network.model.rawValue)\(network.model == .logistic ? "" : " with \(network.activation.rawValue)"), \(parameters) parameters: \(pace), "
                + "batches of \(network.batchSize), rate \(plan.learningRate) \(plan.schedule.rawValue), momentum \(network.momentum), "
                + "weight decay \(network.weightDecay), label smoothing \(network.labelSmoothing)\(extras(network))"
        }
    }

    /// Nothing for a chain.
    private static func lineage(_ recipe: Recipe) -> String {
        guard let branches = recipe.plan.branches else { return "" }
        let lineage = recipe.plan.lineage
        return "; \(DeletionText.shape(stem: lineage.stem, branches: lineage.branches, length: lineage.length)), "
            + "these with \(counted(branches.epochs, "epoch")) a block at rate \(branches.learningRate)\(branches.mergeStep.map { ", merge step \($0)" } ?? "")"
    }

    /// What will mislead later, and is not seen then: in a chain, blocks that are trained last weigh most.
    private static func warning(_ settings: ProjectSettings) -> String? {
        guard settings.blockPolicy == .group, settings.recipe.plan.branches == nil, settings.recipe.plan.blocks > 1 else { return nil }
        return "providers' blocks are trained one after the other and the last weigh most, so that what 'unlearn value' finds depends on the order "
            + "of providers ('unlearn value --orders 8' averages over orders); with --branches providers' order plays no part"
    }

    /// What will disappoint later, and cannot be changed then.
    private static func advice(_ recipe: Recipe, rows: Int, isTable: Bool) -> String {
        var lines = ""
        if let network = recipe.network, rows / recipe.plan.blocks < network.batchSize, recipe.plan.blocks > 1 {
            lines += "\na block holds about \(counted(rows / recipe.plan.blocks, "row")), less than one batch: fewer --blocks, or a smaller --batch-size, learn more"
        }
        if recipe.plan.branches != nil {
            if recipe.plan.lineage.stem == 0, recipe.network?.model != .logistic {
                lines += "\nbranches of \(Console.printable(recipe.trainer.name, keeping: [])) without a stem average badly: they have nothing in common; name rows for a stem with --stem-rows FILE, a fifth of them or more"
            }
        } else if recipe.plan.blocks < fewestBlocksToStitch, !isTable { lines += "\nwith fewer than \(fewestBlocksToStitch) blocks, deletions replay to the end: a stitch needs more to judge by" }
        return lines
    }

    /// For a deletion in the first block: what the guard judges by, and one block to put back on.
    private static let fewestBlocksToStitch = 1 + DecayGuard().fewestResiduals + 1

    /// What only some recipes have.
    private static func extras(_ network: NetworkSpec) -> String {
        var parts: [String] = []
        if network.gradientClip > 0 { parts.append("gradients clipped at \(network.gradientClip)") }
        if network.averaging > 0 { parts.append("averages over the last \(percent(Double(network.averaging), 0)) of a block's steps") }
        if network.augmentation.shift > 0 { parts.append("images shifted by up to \(counted(network.augmentation.shift, "pixel"))") }
        if network.augmentation.flip { parts.append("mirrored") }
        return parts.map { ", " + $0 }.joined()
    }

    /// The classes with their rows, the most frequent first.
    private static func classes(_ summary: ProjectBuilder.Summary) -> String {
        let ranked = zip(summary.settings.classNames, summary.classCounts).sorted { $0.1 == $1.1 ? $0.0 < $1.0 : $0.1 > $1.1 }
        return "\nclasses: " + ranked.prefix(mostShown).map { "\(Console.printable($0.0, keeping: [])) \($0.1)" }.joined(separator: ", ") + (ranked.count > mostShown ? " … (\(ranked.count) in all)" : "")
    }

    /// In the order of the classes.
    private static func weights(_ settings: ProjectSettings) -> String {
        guard let weights = settings.recipe.network?.classWeights else { return "" }
        let words = zip(settings.classNames, weights).prefix(mostShown).map { name, weight -> String in
            let isWhole = weight == weight.rounded() && weight < 0x1p24
            return "\(name) \(isWhole ? String(Int(weight)) : String(weight))"
        }
        return "\nclass weights: " + words.joined(separator: ", ") + (weights.count > mostShown ? " … (\(weights.count) in all)" : "")
    }

    /// More classes or columns are in the JSON.
    private static let mostShown = 20

    /// What became of a table's columns, so that nothing about them passes unnoticed.
    private static func columns(_ source: TableSource?) -> String {
        guard let source, !source.report.isEmpty else { return "" }
        let features = source.report.filter { $0.features > 0 }, leftOut = source.report.filter { $0.kind == "left out" }
        func described(_ column: ColumnReport) -> String {
            let name = Console.printable(column.name, keeping: [])
            var words = "\(name) \(column.kind)"
            if let categories = column.categories { words = "\(name) \(counted(categories, "category", "categories"))" }
            if let pooled = column.pooled, pooled > 0 { words += " (\(pooled) of them pooled)" }
            if column.missing > 0, column.kind != "categories" { words += " (\(percent(Double(column.missing) / Double(column.rows), 1)) missing)" }
            return words
        }
        var lines = "\ncolumns: " + features.prefix(mostShown).map(described).joined(separator: ", ")
            + (features.count > mostShown ? " … (\(features.count) in all; --json names them)" : "")
        for column in leftOut.prefix(mostShown) { lines += "\n" + Console.printable("column '\(column.name)' left out: \(column.reason ?? "")", keeping: []) }
        return lines
    }

    /// Reads and checks every option before any file of the project is made.
    private static func plan(_ invocation: Invocation) throws -> ProjectPlan {
        let dataName = try invocation.required("data", "SPEC")
        let spec = try DataSpec(dataName)
        let twin = try invocation.text("like").map { try TwinPlaces(of: $0) }
        for name in ["assignment-seed", "blocks-by", "holdout", "statistics"] where twin != nil && invocation.flag(name) {
            throw Failure(.input, "--like and --\(name) exclude each other: places and encoding are those of the other project; give one")
        }
        if invocation.flag("list-id-column"), !invocation.flag("exclude"), !invocation.flag("only") {
            throw Failure(.input, "--list-id-column names a column of the lists that --exclude and --only give; give one of these")
        }
        let table = try invocation.tableOptions(spec, defaults: twin?.settings.tableNames)
        let branches = try branches(invocation, twin)
        let policy = try invocation.choice("blocks-by", BlockPolicy.self) ?? .stratified
        var plan = ProjectPlan(
            recipe: try recipe(invocation, twin, branches), blockPolicy: policy, source: try spec.source(table: table, test: false, encoding: twin?.settings.table, like: twin?.settings.survey), sourceName: PathText.printable(dataName),
            threads: try invocation.threads)
        if invocation.flag("no-encryption") { plan.encryption = .none }
        plan.twin = twin
        plan.assignmentSeed = try invocation.seed("assignment-seed")
        plan.blocks = try invocation.integer("blocks", in: Recipe.allowedBlocks)
        plan.branches = branches
        plan.classWeighting = try invocation.choice("class-weights", ClassWeighting.self)
        plan.limit = try invocation.integer("limit", in: 1...Int(Int32.max))
        if let holdout = try invocation.number("holdout", in: 0.001...0.9) { plan.holdout = holdout }
        if let path = invocation.text("exclude") { plan.exclude = try IDList(reading: path, column: invocation.text("list-id-column")) }
        if let path = invocation.text("only") { plan.only = try IDList(reading: path, column: invocation.text("list-id-column")) }
        if invocation.flag("groups"), invocation.flag("group-column") { throw Failure(.input, "--groups and --group-column both say whose rows are whose; give one of them") }
        if let path = invocation.text("groups") { plan.groups = try GroupsFile(reading: path) }
        // Some data come with test rows of their own; asking for a share of the training rows overrules them.
        let testName = invocation.text("test") ?? (spec.hasTestRows && !invocation.flag("holdout") ? dataName : nil)
        if let testName {
            if invocation.flag("holdout") { throw Failure(.input, "--test and --holdout exclude each other; give one") }
            let testSpec = try DataSpec(testName)
            plan.testSourceName = PathText.printable(testName)
            plan.testSource = { survey in try testSpec.source(table: table, test: true, encoding: (plan.source as? TableSource)?.encoding, like: survey) }
        }
        return plan
    }

    private static func branches(_ invocation: Invocation, _ twin: TwinPlaces?) throws -> BranchPlan? {
        let count = try invocation.integer("branches", in: 0...Recipe.allowedBlocks.upperBound) ?? 0
        guard count > 0, twin == nil else {
            for name in ["stem", "stem-rows", "risk", "branch-epochs", "branch-learning-rate", "merge-step"] where invocation.flag(name) {
                throw Failure(.input, twin == nil ? "--\(name) is for a stem with branches; give --branches S, too" : "--like takes the lineage of the other project; leave out --\(name)")
            }
            if count > 0, twin != nil { throw Failure(.input, "--like takes the lineage of the other project; leave out --branches") }
            return nil
        }
        var plan = BranchPlan(count: count)
        plan.stem = try invocation.number("stem", in: 0...1)
        if let path = invocation.text("stem-rows") { plan.stemRows = try IDList(reading: path) }
        if let path = invocation.text("risk") { plan.risk = try DeletionRisk(reading: path) }
        plan.epochs = try invocation.integer("branch-epochs", in: Recipe.allowedEpochs) ?? invocation.integer("epochs", in: Recipe.allowedEpochs)
        plan.learningRate = try invocation.number("branch-learning-rate", in: Recipe.allowedLearningRates).map { Float($0) }
        plan.mergeStep = try invocation.number("merge-step", in: Recipe.allowedMergeSteps).map { Float($0) }
        if plan.risk != nil, try invocation.choice("blocks-by", BlockPolicy.self) == .group {
            throw Failure(.input, "--risk and --blocks-by group both say which branches rows go to; give one of them")
        }
        return plan
    }

    private enum Switch: String, CaseIterable {
        case on, off
    }

    /// The recipe of so many rows, with what the options change in it. Options that cannot be are refused at once.
    private static func recipe(_ invocation: Invocation, _ twin: TwinPlaces?, _ branches: BranchPlan?) throws -> (_ rows: Int, _ survey: Survey) throws -> Recipe {
        let like = twin?.settings.recipe, branched = branches != nil || like?.plan.branches != nil
        if let command = try command(invocation, like) { return try programRecipe(invocation, command, like) }
        if case .manifest? = try invocation.text("data").map({ try DataSpec($0) }) {
            throw Failure(.input, "a manifest names rows that only your trainer holds; give --trainer 'COMMAND', or --data with the rows themselves for a built-in network")
        }
        let model = try model(invocation, like)
        _ = try recipe(invocation, .builtIn(model, branched: branched))
        return { rows, survey in
            // What the other project was trained with, but for what is asked for here.
            if let like, like.network?.model == model { return try recipe(invocation, like) }
            let count = like?.plan.lineage.branches ?? branches?.count ?? 0
            return try recipe(invocation, survey.shape.isFlat ? .ofTable(model, rows: rows, branches: count) : .builtIn(model, branched: branched, stem: branches?.stem))
        }
    }

    /// The program that trains; nil where a built-in network does.
    private static func command(_ invocation: Invocation, _ like: Recipe?) throws -> String? {
        guard let command = invocation.text("trainer") ?? (invocation.flag("model") ? nil : like?.program?.command) else { return nil }
        guard !command.allSatisfy(\.isWhitespace) else { throw Failure(.input, "--trainer is empty; give the command that starts your program") }
        if invocation.flag("trainer"), invocation.flag("model") { throw Failure(.input, "--model and --trainer both say what is trained; give one of them") }
        let networks = ["hidden", "activation", "pooling", "width", "batch-size", "momentum", "weight-decay", "label-smoothing", "class-weights", "gradient-clip", "averaging", "shift", "flip"]
        if let name = networks.first(where: invocation.flag) { throw Failure(.input, "--\(name) is for built-in networks; a program of yours decides that itself (give it options within --trainer)") }
        return command
    }

    /// A program of the user's, which is asked what it is when the rows are known.
    private static func programRecipe(_ invocation: Invocation, _ command: String, _ like: Recipe?) throws -> (_ rows: Int, _ survey: Survey) throws -> Recipe {
        var plan = like?.plan ?? TrainingPlan(blocks: 100, epochs: 1, learningRate: 0.05, schedule: .linear)
        try change(&plan, invocation)
        let bits = try invocation.integer("lattice-bits", in: Lattice.allowedBits) ?? like?.trainer.latticeBits ?? Lattice.defaultBits
        let seed = try invocation.seed("seed") ?? like?.trainer.seed ?? 0
        return { rows, survey in
            var plan = plan
            // As of tables: a block of fewer rows says too little to be trained on by itself.
            if like == nil { plan.blocks = min(plan.blocks, max(1, rows / fewestRowsOfProgramBlock)) }
            let program = try ProgramTrainer.describe(
                command: command, in: like?.program?.folder ?? FileSystem.realPath(".") ?? ".", shape: survey.encoding == .locators ? nil : survey.shape, classNames: survey.classNames, latticeBits: bits, seed: seed, isInterrupted: { StopRequest.isMade })
            return Recipe(plan: plan, trainer: .program(program))
        }
    }

    private static let fewestRowsOfProgramBlock = 100

    private static func change(_ plan: inout TrainingPlan, _ invocation: Invocation) throws {
        if let epochs = try invocation.integer("epochs", in: Recipe.allowedEpochs) { plan.epochs = epochs }
        if let rate = try invocation.number("learning-rate", in: Recipe.allowedLearningRates) { plan.learningRate = Float(rate) }
        if let schedule = try invocation.choice("schedule", Schedule.self) { plan.schedule = schedule }
    }

    private static func model(_ invocation: Invocation, _ like: Recipe?) throws -> ModelName {
        if invocation.text("model") == nil, let model = like?.network?.model { return model }
        if invocation.text("model") == nil, let data = invocation.text("data"), try DataSpec(data).isTable { return .mlp }
        _ = try invocation.required("model", "NAME: \(ModelName.allCases.map(\.rawValue).joined(separator: ", "))")
        return try invocation.choice("model", ModelName.self)!
    }

    /// A built-in recipe with what the options change in it.
    private static func recipe(_ invocation: Invocation, _ builtIn: Recipe) throws -> Recipe {
        guard var network = builtIn.network else { return builtIn }
        let model = network.model
        func reject(_ name: String, _ models: String) throws {
            if invocation.flag(name) { throw Failure(.input, "--\(name) is for \(models), not for \(model.rawValue)") }
        }
        if model != .mlp { try reject("hidden", "mlp") }
        if model != .lenet5 { try reject("pooling", "lenet5") }
        if model == .logistic { try reject("activation", "mlp, lenet5 and resnet20") }
        if !model.isConvolutional { for name in ["width", "shift", "flip"] { try reject(name, "lenet5 and resnet20") } }
        if let hidden = try invocation.integers("hidden", in: Recipe.allowedUnits) { network.hidden = hidden }
        if let activation = try invocation.choice("activation", ActivationName.self) { network.activation = activation }
        if let pooling = try invocation.choice("pooling", PoolingName.self) { network.pooling = pooling }
        if let batchSize = try invocation.integer("batch-size", in: Recipe.allowedBatchSizes) { network.batchSize = batchSize }
        if let momentum = try invocation.number("momentum", in: Recipe.allowedMomentum) { network.momentum = Float(momentum) }
        if let decay = try invocation.number("weight-decay", in: Recipe.allowedWeightDecay) { network.weightDecay = Float(decay) }
        if let smoothing = try invocation.number("label-smoothing", in: Recipe.allowedLabelSmoothing) { network.labelSmoothing = Float(smoothing) }
        if let width = try invocation.integer("width", in: Recipe.allowedWidths) { network.width = width }
        if let clip = try invocation.number("gradient-clip", in: Recipe.allowedGradientClips) {
            // 0 means no limit: what a float rounds to it would mean the opposite.
            guard clip == 0 || clip >= Double(Float.leastNormalMagnitude) else {
                throw Failure(.input, "--gradient-clip takes 0 (no limit) or a number from \(Float.leastNormalMagnitude), not \(clip)")
            }
            network.gradientClip = Float(clip)
        }
        if let averaging = try invocation.number("averaging", in: Recipe.allowedAveraging) { network.averaging = Float(averaging) }
        if let shift = try invocation.integer("shift", in: Recipe.allowedShifts) { network.augmentation.shift = shift }
        if let flip = try invocation.choice("flip", Switch.self) { network.augmentation.flip = flip == .on }
        if let latticeBits = try invocation.integer("lattice-bits", in: Lattice.allowedBits) { network.latticeBits = latticeBits }
        if let seed = try invocation.seed("seed") { network.seed = seed }
        var recipe = Recipe(plan: builtIn.plan, network: network)
        try change(&recipe.plan, invocation)
        return recipe
    }
}
