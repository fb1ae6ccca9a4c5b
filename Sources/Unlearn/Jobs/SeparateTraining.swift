import Files
import Tensors
import Training

extension Project {
    /// Trains one branch from the stem's end, and keeps nothing of it here.
    /// - Returns: what each of its blocks added, and whether a program of the user's gave the same bits when a second process, which had trained
    ///   before, trained the project's first block; nil where that is not among them, and of built-in networks.
    public func trainBranch(
        _ branch: Int, control: TrainingControl, progress: (_ trained: Int, _ blocks: Int) -> Void
    ) throws -> (influences: [LatticeVector], repeats: Bool?) {
        let lineage = try lineage(), shape = lineage.shape, blocks = shape.blocks(ofBranch: branch), base = try lineage.state(shape.stem)
        var influences: [LatticeVector] = [], first: LatticeVector?
        progress(0, blocks.count)
        let walk = LineageWalk(crew: crew, rows: { [self] in try trainingRows(block: $0) }, control: control)
        try walk.train([.init(blocks: blocks) { base }]) { block, before, after in
            influences.append(try after.influence(since: before, block: block, trainer))
            first = first ?? after
            progress(influences.count, blocks.count)
        }
        // Where there is a stem, its first block has told.
        let again = try settings.recipe.program == nil || blocks.lowerBound > 1 ? nil : trainedAgain(1, from: base, control)
        return (influences, again.map { $0 == first })
    }

    /// The model of a project that is trained to its end.
    public func wholeModel() throws -> LatticeVector {
        let lineage = try lineage()
        guard lineage.isWhole else { throw Failure(.input, "\(lineage.trainedBlocks) of \(lineage.shape.blocks) blocks are trained; run 'unlearn train' first") }
        return try lineage.model()
    }

    /// Where the training rows of a list stand in trained blocks: slots by block.
    /// - Throws: kind `input` where a name is no live row's, or there are none.
    public func trainingSlots(of ids: IDList) throws -> [Int: Set<Int>] {
        let lineage = try lineage(), slots = try store.livePlaces(ids).slots(.train).filter { lineage.isTrained($0.key) }
        guard !slots.isEmpty else { throw Failure(.input, "\(ids.path): no trained block holds any of these rows") }
        return slots
    }
}
