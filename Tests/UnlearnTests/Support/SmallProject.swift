import Checkpoints
import Files
import TestSupport
import Testing
import Training

@testable import Unlearn

/// A small project on generated images, trained or not.
struct SmallProject {
    let folder: TemporaryFolder
    var path: String { folder.file("project") }

    static let recipe: Recipe = {
        var recipe = Recipe.builtIn(.mlp)
        recipe.network!.hidden = [12]
        recipe.plan.blocks = 30
        recipe.plan.epochs = 2
        recipe.network!.batchSize = 10
        recipe.network!.seed = 5
        return recipe
    }()

    /// Memory fades, a stem of 30 blocks is long enough to see it, and three branches of two stand on it.
    static let forgetting: Recipe = {
        var recipe = Recipe.builtIn(.logistic)
        recipe.plan.blocks = 36
        recipe.plan.branches = Branches(count: 3, length: 2, epochs: 2, learningRate: 0.02)
        recipe.network!.batchSize = 10
        recipe.plan.learningRate = 0.05
        recipe.plan.schedule = .constant
        recipe.network!.seed = 5
        return recipe
    }()

    /// - Parameter excluding: ids whose slots are empty from the start.
    init(
        recipe: Recipe = recipe, excluding: [String] = [], groups: [String: String]? = nil, policy: BlockPolicy = .stratified, rows: Int = 600, threads: Int = 1,
        encryption: Encryption = .xchacha20poly1305
    ) throws {
        folder = try TemporaryFolder()
        let (images, labels) = SampleFiles.images(rows, side: 12, classes: 4, seed: 11)
        let (testImages, testLabels) = SampleFiles.images(200, side: 12, classes: 4, seed: 12)
        let source = IDXSource(images: try folder.write(images, to: "images"), labels: try folder.write(labels, to: "labels"))
        let test = IDXSource(images: try folder.write(testImages, to: "test-images"), labels: try folder.write(testLabels, to: "test-labels"))
        var plan = ProjectPlan(recipe: recipe, blockPolicy: policy, source: source, sourceName: "generated", threads: threads)
        plan.testSource = { _ in test }
        plan.encryption = encryption
        // Two projects that are compared have their rows in the same places.
        plan.assignmentSeed = 7
        if let groups { plan.groups = GroupsFile(groups) }
        if let branches = recipe.plan.branches {
            var lineage = BranchPlan(count: branches.count)
            lineage.stem = Double(recipe.plan.lineage.stem) / Double(recipe.plan.blocks)
            (lineage.epochs, lineage.learningRate, lineage.mergeStep) = (branches.epochs, branches.learningRate, branches.mergeStep)
            plan.branches = lineage
        }
        if !excluding.isEmpty { plan.exclude = try Self.ids(excluding) }
        _ = try ProjectBuilder(plan, in: folder.file("project")).build { _, _ in }
    }

    static func ids(_ ids: [String]) throws -> IDList { try IDList(Array(ids.joined(separator: "\n").utf8), path: "list") }

    /// With keyframes so close that every deletion meets some.
    func open(_ access: Store.Access = .write, threads: Int = 1) throws -> Project {
        let project = try takingLock { try Project(opening: path, access, threads: threads) }
        project.keyframeInterval = 4
        return project
    }

    @discardableResult
    func train(threads: Int = 1) throws -> TrainingReport {
        try open(threads: threads).train(allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
    }

    @discardableResult
    func delete(_ ids: [String], threads: Int = 1, _ change: (inout DeletionOptions) -> Void = { _ in }) throws -> DeletionResult {
        var options = DeletionOptions()
        change(&options)
        return try open(threads: threads).delete(Self.ids(ids), options: options, control: TrainingControl()) { _, _ in }
    }

    /// The file of the object of a kind that belongs to a block.
    func file(_ kind: ObjectKind, _ block: Int) throws -> String {
        try #require(try Store(opening: path, .inspect).objects().first { $0.kind == kind && $0.block == block }).file
    }

    /// The same for what names no list.
    @discardableResult
    func delete(_ target: DeletionTarget, _ change: (inout DeletionOptions) -> Void = { _ in }) throws -> DeletionResult {
        var options = DeletionOptions()
        change(&options)
        return try open().delete(target, options: options, control: TrainingControl()) { _, _ in }
    }

    /// Ids of the live rows in a block, by slot.
    func ids(inBlock block: Int, rows: Int = 600) throws -> [String] {
        let store = try Store(opening: path, .read)
        return try RowPlaces(of: try Self.ids((0..<rows).map(String.init)), in: store).rows.filter { $0.block == block && !$0.deleted }
            .sorted { $0.slot < $1.slot }.map(\.id)
    }
}
