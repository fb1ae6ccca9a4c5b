import Checkpoints
import Files
import Training
import Unlearn
import Valuation

extension JobPlan {
    /// Jobs that train the branches of a project that are not begun, one each. The stem is trained here, where it is not yet.
    /// - Throws: kind `input` where the project is a chain, or nothing is left to train.
    public static func branches(of project: Project, control: TrainingControl, progress: @escaping (_ trained: Int, _ blocks: Int) -> Void) throws -> JobPlan {
        guard !project.settings.recipe.plan.lineage.isChain else {
            throw Failure(.input, "the project is a chain, whose blocks are trained one after the other; only branches can be spread (init --branches)")
        }
        try project.trainStem(control: control, progress: progress)
        let lineage = try project.lineage(), shape = lineage.shape
        let branches = (1...shape.branches).filter { lineage.tip(ofBranch: $0) == shape.stem }
        guard !branches.isEmpty else { throw Failure(.input, "all branches are begun or trained already; 'unlearn train' goes on with them") }
        return try JobPlan(of: project, .branches(branches), stateDigest: Digest(of: lineage.state(shape.stem)).description)
    }

    /// Jobs that train a model from scratch for each case, without its rows.
    public static func references(of project: Project, _ cases: BenchmarkCases) throws -> JobPlan {
        let model = try project.wholeModel()
        return try JobPlan(of: project, .references(cases.lists.map(project.trainingSlots)), stateDigest: Digest(of: model).description)
    }

    /// Jobs that evaluate shares of a valuation's coalitions.
    public static func values(of project: Project, _ task: ValueTask, threads: Int) throws -> JobPlan {
        // What cannot be valued, or cut into shares, is refused before anybody's rows are copied; and the cut of test rows is kept for all.
        try task.options.validateForShards()
        _ = try Valuation(project, players: task.playerSet(of: project), options: task.options, threads: threads, control: TrainingControl()) { _, _, _ in }
        return try JobPlan(of: project, .values(task), stateDigest: Digest(of: project.wholeModel()).description)
    }

    /// Blocks whose records jobs begin with.
    func needsRecords(of block: Int, _ shape: Lineage) -> Bool {
        if case .branches = task { return block <= shape.stem }
        return true
    }
}
