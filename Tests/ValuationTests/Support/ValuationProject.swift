import Checkpoints
import Files
import TestSupport
import Testing
import Training
import Unlearn

@testable import Valuation

/// A small project on generated images whose rows have providers "p0", "p1", …
struct ValuationProject {
    let folder: TemporaryFolder
    let rows: Int
    let providers: Int
    var path: String { folder.file("project") }

    static let recipe: Recipe = {
        var recipe = Recipe.builtIn(.mlp)
        recipe.network!.hidden = [6]
        recipe.plan.epochs = 2
        recipe.network!.batchSize = 8
        recipe.network!.seed = 5
        return recipe
    }()

    /// - Parameters:
    ///   - blocks: nil: one for each provider.
    ///   - ungrouped: so many of the last rows have no provider; not with blocks by group.
    ///   - excluding: ids whose slots are empty from the start.
    init(
        providers: Int = 4, rows: Int = 96, policy: BlockPolicy = .group, blocks: Int? = nil, ungrouped: Int = 0, testRows: Int = 60,
        branches: BranchPlan? = nil, excluding: [String] = [], trained: Bool = true
    ) throws {
        folder = try TemporaryFolder()
        self.rows = rows
        self.providers = providers
        let (images, labels) = SampleFiles.images(rows, side: 8, classes: 3, seed: 21)
        let (testImages, testLabels) = SampleFiles.images(testRows, side: 8, classes: 3, seed: 22)
        let source = IDXSource(images: try folder.write(images, to: "images"), labels: try folder.write(labels, to: "labels"))
        let testPaths = (try folder.write(testImages, to: "test-images"), try folder.write(testLabels, to: "test-labels"))
        var recipe = Self.recipe
        recipe.plan.blocks = blocks ?? providers
        var plan = ProjectPlan(recipe: recipe, blockPolicy: policy, source: source, sourceName: "generated", threads: 1)
        plan.testSource = { survey in IDXSource(images: testPaths.0, labels: testPaths.1, classNames: survey.classNames) }
        plan.blocks = recipe.plan.blocks
        plan.branches = branches
        // Two projects that are compared have their rows in the same places.
        plan.assignmentSeed = 7
        plan.groups = GroupsFile(Dictionary(uniqueKeysWithValues: (0..<rows - ungrouped).map { (String($0), Self.provider($0, of: providers)) }))
        if !excluding.isEmpty { plan.exclude = try IDList(Array(excluding.joined(separator: "\n").utf8), path: "list") }
        _ = try ProjectBuilder(plan, in: path).build { _, _ in }
        if trained { _ = try open().train(allowingOtherNumerics: false, control: TrainingControl()) { _, _ in } }
    }

    static func provider(_ row: Int, of count: Int) -> String { "p\(row % count)" }

    /// The block that holds a provider's rows, with blocks by group.
    func block(of provider: Int) throws -> Int {
        try #require(try open(.read).store.places(ofRows: [String(provider)])[0]).block
    }

    /// Ids of the rows of all providers but these.
    func others(than kept: [Int], ungrouped: Int = 0) -> [String] {
        (0..<rows - ungrouped).filter { !kept.contains($0 % providers) }.map(String.init)
    }

    func open(_ access: Store.Access = .write) throws -> Project { try takingLock { try Project(opening: path, access, threads: 1) } }

    func trainer(
        _ players: PlayerSource = .groups, metric: Metric = .loss, threads: Int = 1, control: TrainingControl = TrainingControl(),
        mostRowBytes: Int = CoalitionTrainer.mostRowBytes, _ access: Store.Access = .read
    ) throws -> CoalitionTrainer {
        let project = try open(access)
        // The folder stays as long as the trainer does.
        nonisolated(unsafe) let folder = folder
        let control = TrainingControl { withExtendedLifetime(folder) { control.isInterrupted() } }
        return try CoalitionTrainer(
            project, players: PlayerSet(players, of: project), split: ValuationSplit(of: project, keeping: false), metric: metric, threads: threads,
            control: control, mostRowBytes: mostRowBytes)
    }

    @discardableResult
    func delete(_ ids: [String], _ change: (inout DeletionOptions) -> Void = { _ in }) throws -> DeletionResult {
        var options = DeletionOptions()
        change(&options)
        let list = try IDList(Array(ids.joined(separator: "\n").utf8), path: "list")
        return try open().delete(list, options: options, control: TrainingControl()) { _, _ in }
    }
}

extension Coalition {
    /// All coalitions of so many players.
    static func every(of count: Int) -> [Coalition] { (0..<1 << count).map { Coalition(words: [UInt64($0)], of: count) } }
}
