import Checkpoints
import Files
import Tensors
import Training

/// What a run will do, as far as it is known before anything is trained. Making one changes nothing.
struct DeletionPlan {
    let selection: RowSelection
    /// What is recorded of the request where the run begins with it; nil where all its requests have waited.
    let asked: (rows: AskedRows, names: [String])?
    /// The requests that waited and are carried out, in order.
    let waiting: [WaitingRequest]
    /// Requests that waited, and whose rows were all erased meanwhile.
    let superseded: [WaitingRequest]
    let lineage: StoredLineage
    var options: ReplayOptions
    /// Slots by block of rows to be deleted.
    let training: [Int: Set<Int>]
    let test: [Int: Set<Int>]
    /// Trained blocks that lose rows, in order.
    let touched: [Int]
    /// Keyed digests of rows of the list that earlier requests deleted, for which what stitches left is replayed.
    let deletedBefore: [String]
    /// Blocks of the chain, or of the stem, that held rows of the list until a stitch took them away: what stands on these blocks was
    /// trained on states that knew the rows.
    let stitchedAway: [Int]
    /// Whether blocks are trained for it.
    let retrains: Bool
    let isNothingLeft: Bool
    let namesNoRows: Bool

    /// Branches that lose rows.
    var touchedBranches: [Int] { Set(touched.compactMap(lineage.shape.branch)).sorted() }

    /// Whether anything that is trained knows, or knew, the rows.
    var hasInfluence: Bool { !touched.isEmpty || !stitchedAway.isEmpty }

    /// Whether an exact replay may be tried in place of a stitch. Not where branches alone lose rows and the model is exact: retraining them
    /// is exact already. And not where no trained block held the rows: that would replay earlier stitches only, which nobody asked for.
    var mayReplayExactly: Bool {
        options.method == .stitch && options.patience > .zero && options.sameNumerics && !touched.isEmpty
            && (!lineage.isExact || touched.contains { lineage.shape.branch(of: $0) == nil })
    }

    /// The state of a model that never saw the rows and is there at once: the merge without the touched branches, or the state before
    /// the first block of the stem that holds any, or held one that was stitched away; the model as it is where nothing that is trained knew
    /// any. Nil where nothing but the initialisation is left.
    func interimState() throws -> LatticeVector? {
        guard hasInfluence else { return lineage.isEmpty ? nil : try lineage.model() }
        let ofStem = touched.filter { lineage.shape.branch(of: $0) == nil } + stitchedAway
        guard let first = ofStem.min() else {
            let branches = lineage.liveBranches(without: training).filter { !touchedBranches.contains($0) }
            return branches.isEmpty && lineage.shape.stem == 0 ? nil : try lineage.model(of: branches)
        }
        return first == 1 ? nil : try lineage.chain().base(of: first)
    }
}

/// An interim model that was written to a file.
struct ServedInterim {
    let report: DeletionReport.Interim
    let servingDigest: String
}

extension Project {
    /// The plan of a run of one request, which begins with it.
    /// - Throws: kind `input` where a list names rows that cannot be deleted and that nothing forgives.
    func plan(_ target: DeletionTarget, _ options: DeletionOptions) throws -> DeletionPlan {
        let lineage = try lineage()
        let replaysStitches = options.replay.method == .exact && !lineage.isExact
        let selection = try selection(target, ignoringUnknown: options.ignoreUnknown)
        if let ids = target.list {
            try selection.expectAllowed(
                ids, naming: target.noun, ignoringUnknown: options.ignoreUnknown, ignoringDeleted: options.ignoreMissing || replaysStitches, finished: Set(store.finishedOnOpening))
        }
        return try plan(selection, lineage, options, asked: (AskedRows(target, selection, in: store), target.names(among: selection)), namesNoRows: target.namesNoRows)
    }

    /// The plan of a run that carries out requests that have waited.
    func plan(_ waiting: [WaitingRequest], _ options: DeletionOptions) throws -> DeletionPlan {
        var selection = RowSelection(), seen: Set<String> = [], gone: Set<String> = []
        for request in waiting {
            selection.live += request.live.filter { seen.insert($0.id).inserted }
            selection.deleted += request.erasedMeanwhile.filter { gone.insert($0.digest).inserted }
        }
        return try plan(selection, lineage(), options, asked: nil, waiting: waiting.filter { !$0.live.isEmpty }, superseded: waiting.filter(\.live.isEmpty))
    }

    private func plan(
        _ selection: RowSelection, _ lineage: StoredLineage, _ options: DeletionOptions, asked: (rows: AskedRows, names: [String])?, waiting: [WaitingRequest] = [],
        superseded: [WaitingRequest] = [], namesNoRows: Bool = false
    ) throws -> DeletionPlan {
        let replaysStitches = options.replay.method == .exact && !lineage.isExact
        let deletedBefore = replaysStitches ? selection.deleted.map(\.digest) : []
        let training = selection.live.slots(.train), touched = training.keys.sorted().filter(lineage.isTrained)
        let isNothingLeft = selection.live.isEmpty && deletedBefore.isEmpty && !(namesNoRows && replaysStitches)
        return DeletionPlan(
            selection: selection, asked: asked, waiting: waiting, superseded: superseded, lineage: lineage, options: options.replay, training: training,
            test: selection.live.slots(.test), touched: touched, deletedBefore: deletedBefore, stitchedAway: lineage.isExact ? [] : try stitchedAway(selection, lineage.shape),
            retrains: !isNothingLeft && (!touched.isEmpty || replaysStitches), isNothingLeft: isNothingLeft, namesNoRows: namesNoRows)
    }

    /// Blocks of the chain or of the stem from which rows of a list were deleted since the model was exact last. A stitch keeps the influences
    /// of later blocks, and they are those of a chain that knew the rows; what is retrained in a branch stands on nothing that did.
    private func stitchedAway(_ selection: RowSelection, _ shape: Lineage) throws -> [Int] {
        guard !selection.deleted.isEmpty else { return [] }
        var touched: [Int: Set<Int>] = [:]
        for request in try store.carriedOut() {
            if request.report.exact { touched = [:] } else { touched[request.number] = Set(request.report.blocksTouched) }
        }
        return selection.deleted.filter { $0.part == .train && shape.branch(of: $0.block) == nil && touched[$0.number]?.contains($0.block) == true }.map(\.block)
    }

    /// Writes the interim model where one was asked for, as the first thing that is done.
    func serveInterim(_ plan: DeletionPlan, _ output: InterimOutput?) throws -> ServedInterim? {
        guard let output else { return nil }
        let model = try interim(plan), state = model.state
        _ = try export(model, to: output.path, replacing: output.replacing)
        let milliseconds = (ContinuousClock.now - output.since) / .milliseconds(1)
        let accuracy = try decide(state, on: .test, leavingOut: plan.test)?.score.accuracy
        let report = DeletionReport.Interim(stateDigest: Digest(of: state).description, testAccuracy: accuracy, milliseconds: milliseconds)
        return ServedInterim(report: report, servingDigest: try servingDigest(of: model).description)
    }

    /// The interim model, or why there is none.
    func expectInterim(_ plan: DeletionPlan) throws -> LatticeVector {
        if plan.namesNoRows { throw Failure(.input, "an interim model is one that never saw some rows, and none are named; give --ids, --persons or --group, or leave out --interim") }
        if let state = try plan.interimState() { return state }
        throw Failure(.input, "there is no interim model: \(plan.hasInfluence ? "all that is trained stands on these rows" : "nothing is trained yet"); leave out --interim")
    }
}

extension [RowPlace] {
    /// The slots of those of a part, by block.
    func slots(_ part: Part) -> [Int: Set<Int>] { Dictionary(grouping: filter { $0.part == part }, by: \.block).mapValues { Set($0.map(\.slot)) } }
}
