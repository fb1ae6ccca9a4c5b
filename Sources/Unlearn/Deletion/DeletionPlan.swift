import Checkpoints
import Files
import Tensors
import Training

/// What a deletion will do, as far as it is known before anything is trained. Making one changes nothing.
struct DeletionPlan {
    let selection: RowSelection
    let lineage: StoredLineage
    let options: ReplayOptions
    /// Slots by block of rows to be deleted.
    let training: [Int: Set<Int>]
    let test: [Int: Set<Int>]
    /// Trained blocks that lose rows, in order.
    let touched: [Int]
    /// Rows of the list that earlier requests deleted, for which what stitches left is replayed.
    let deletedBefore: [String]
    /// Whether blocks are trained for it.
    let retrains: Bool
    let isNothingLeft: Bool

    /// Branches that lose rows, and whether the stem does, or the chain.
    var touchedBranches: [Int] { Set(touched.compactMap(lineage.shape.branch)).sorted() }
    var touchesStem: Bool { touched.contains { lineage.shape.branch(of: $0) == nil } }

    /// The state of a model that never saw the rows and is there at once: the merge without the touched branches, or the state before
    /// the first touched block of the stem. Nil where nothing that is trained held any, or nothing but the initialisation is left.
    func interimState() throws -> LatticeVector? {
        guard let first = touched.first else { return nil }
        guard touchesStem else {
            let branches = lineage.liveBranches(without: training).filter { !touchedBranches.contains($0) }
            return branches.isEmpty && lineage.shape.stem == 0 ? nil : try lineage.model(of: branches)
        }
        return first == 1 ? nil : try lineage.chain().base(of: first)
    }
}

extension Project {
    /// - Throws: kind `input` where a list names rows that cannot be deleted and that nothing forgives.
    func plan(_ target: DeletionTarget, _ options: DeletionOptions) throws -> DeletionPlan {
        let lineage = try lineage()
        let replaysStitches = options.replay.method == .exact && !lineage.isExact
        let selection = try selection(target, ignoringUnknown: options.ignoreUnknown)
        if case .list(let ids) = target {
            try selection.expectAllowed(
                ids, ignoringUnknown: options.ignoreUnknown, ignoringDeleted: options.ignoreMissing || replaysStitches, finished: Set(store.finishedOnOpening))
        }
        let deletedBefore = replaysStitches ? selection.deleted.map(\.row.id) : []
        let slots = { (part: Part) in Dictionary(grouping: selection.live.filter { $0.part == part }, by: \.block).mapValues { Set($0.map(\.slot)) } }
        let training = slots(.train), touched = training.keys.sorted().filter(lineage.isTrained)
        let isNothingLeft = selection.live.isEmpty && deletedBefore.isEmpty && !(target.namesNoRows && replaysStitches)
        var replay = options.replay
        replay.sameNumerics = fingerprintDifference == nil
        return DeletionPlan(
            selection: selection, lineage: lineage, options: replay, training: training, test: slots(.test), touched: touched, deletedBefore: deletedBefore,
            retrains: !isNothingLeft && (!touched.isEmpty || replaysStitches), isNothingLeft: isNothingLeft)
    }

    /// Writes the interim model where one was asked for, as the first thing that is done.
    func serveInterim(_ plan: DeletionPlan, _ output: InterimOutput?) throws -> DeletionReport.Interim? {
        guard let output else { return nil }
        let state = try expectInterim(plan)
        _ = try export(state, to: output.path, replacing: output.replacing)
        let milliseconds = (ContinuousClock.now - output.since) / .milliseconds(1)
        let accuracy = try decide(state, on: .test, leavingOut: plan.test)?.score.accuracy
        return DeletionReport.Interim(stateDigest: Digest(of: state).description, testAccuracy: accuracy, milliseconds: milliseconds)
    }

    /// The interim model, or why there is none.
    func expectInterim(_ plan: DeletionPlan) throws -> LatticeVector {
        guard let state = try plan.interimState() else {
            throw Failure(
                .input, (plan.touched.isEmpty ? "no interim model is needed: no trained block holds these rows" : "there is no interim model: all that is trained stands on these rows")
                    + "; leave out --interim")
        }
        return state
    }
}
