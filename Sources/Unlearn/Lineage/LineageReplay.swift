import Checkpoints
import Tensors
import Training

/// Retrains a lineage without the deleted rows.
///
/// Rows of a branch: the branch from the first block that held any, which gives the very bits of training without them. Rows of the
/// stem, or of a chain: block by block until the memory of them has decayed, then the rest is put back on; or exactly, to the end,
/// and with the stem's end all branches.
public struct LineageReplay {
    private let stored: StoredLineage
    private let walk: LineageWalk
    /// Slots by block that are left out.
    private let deleted: [Int: Set<Int>]
    /// The deleted rows themselves, where they are there to be looked at.
    private let deletedRows: DeletedRows?
    private let progress: (_ trained: Int, _ atMost: Int) -> Void
    private let unit: Double

    /// - Parameters:
    ///   - rows: of a block without the deleted ones.
    ///   - progress: told the blocks trained so far and an upper limit of those to come.
    public init(
        _ stored: StoredLineage, crew: TrainerCrew, deleted: [Int: Set<Int>], deletedRows: DeletedRows? = nil, rows: @escaping (Int) throws -> BlockRows, control: TrainingControl,
        progress: @escaping (_ trained: Int, _ atMost: Int) -> Void = { _, _ in }
    ) {
        self.stored = stored
        self.deleted = deleted
        self.deletedRows = deletedRows
        self.progress = progress
        walk = LineageWalk(crew: crew, rows: rows, control: control, packsEnds: !stored.keepsStates)
        unit = crew.leader.lattice.unit
    }

    private var shape: Lineage { stored.shape }

    /// - Parameter touched: trained blocks that lose rows, in order.
    public func run(touched: [Int], options: ReplayOptions, into sink: any ReplaySink) throws -> ReplayOutcome {
        let ofStem = touched.filter { shape.branch(of: $0) == nil }, ofBranches = touched.filter { shape.branch(of: $0) != nil }
        let replaysStitches = options.method == .exact && stored.stemIsStitched
        if shape.isChain || !ofStem.isEmpty || replaysStitches {
            let outcome = try replayStem(ofStem, options, sink)
            // Walked to its end, the stem had all its branches trained anew, on the rows that are left; a stitch put them back on as they
            // were, those too that have no row left.
            guard outcome.method == .stitch, let stitched = outcome.segments.last, stitched.damping != nil, !(ofBranches + stored.branchesEmptied(by: deleted)).isEmpty
            else { return outcome }
            return try replayBranches(ofBranches, behind: consume outcome, options, sink)
        }
        let blocks = ofBranches + (options.method == .exact ? stored.inexactBlocks : [])
        guard !blocks.isEmpty else { return try untrained() }
        return try replayBranches(blocks, behind: nil, options, sink)
    }

    /// Where no trained block held the rows: the merge of the branches that still have a row.
    private func untrained() throws -> ReplayOutcome {
        ReplayOutcome(
            state: try stored.model(of: stored.liveBranches(without: deleted)), method: .exact, guarded: true, fallback: nil, blocksTrained: 0, segments: [],
            fromExactState: nil)
    }

    // MARK: - The stem

    private final class Count { var blocks = 0 }

    private func replayStem(_ touched: [Int], _ options: ReplayOptions, _ sink: any ReplaySink) throws -> ReplayOutcome {
        let chain = stored.chain(), trained = Count(), atMost = Count()
        let ofStem = deletedRows?.inBlocks { shape.isChain || $0 <= shape.stem }
        let memory = ofStem.map { RowMemoryInput(rows: $0, trainer: walk.crew.leader, remaining: walk.rows) }
        let replay = BlockReplay(
            chain: chain, unit: unit, memory: memory,
            progress: { done, most in
                atMost.blocks = done + most
                progress(done, most)
            }
        ) { block, base, isExact in
            defer { trained.blocks += chain.blocks(in: block) }
            guard !shape.isChain, block > shape.stem else {
                return try walk.train([.init(blocks: block...block) { base }]) { _, _, _ in }[0].vector
            }
            return try trainBranches(from: base, isExact: isExact, sink) { progress(trained.blocks + $0, atMost.blocks - trained.blocks - $0) }
        }
        guard !shape.isChain else { return try replay.run(deleted: touched, options: options, into: sink) }
        var outcome = try replay.run(deleted: touched, options: options, into: StemSink(sink, stem: shape.stem))
        // A walk through the last step has passed through every branch.
        outcome.segments = outcome.segments.map { $0.lastBlock > shape.stem ? $0.reaching(max(shape.stem, stored.lastTrained)) : $0 }
        return outcome
    }

    /// All branches from a new end of the stem, and their merge.
    private func trainBranches(from stemEnd: LatticeVector, isExact: Bool, _ sink: any ReplaySink, _ progress: (_ trained: Int) -> Void) throws -> LatticeVector {
        var trained = 0
        let branches = (1...shape.branches).filter { stored.tip(ofBranch: $0) > shape.stem }
        var ends = Dictionary(uniqueKeysWithValues: zip(branches, try walk.train(
            branches.map { LineageWalk.Run(blocks: shape.blocks(ofBranch: $0).lowerBound...stored.tip(ofBranch: $0)) { stemEnd } }
        ) { block, before, after in
            try sink.retrained(block: block, from: before, to: after, baseIsExact: isExact)
            trained += 1
            progress(trained)
        }))
        return try stored.merge(stored.liveBranches(without: deleted), onto: stemEnd, new: &ends)
    }

    // MARK: - Branches

    /// Branches that were trained anew, and the model with those that stay.
    private struct Retrained {
        let blocks: [ClosedRange<Int>]
        let merged: MergedStates
        let model: LatticeVector
    }

    /// Trains each branch that holds one of these blocks from the first of them on, and merges all.
    /// - Parameters:
    ///   - moved: brings a stored state where it lies now, by what a stitch has done to the stem.
    ///   - initial: the state before branches without a stem; nil: the stored one.
    private func retrain(
        _ blocks: [Int], initial: LatticeVector? = nil, moved: ((inout LatticeVector) throws -> Void)? = nil,
        trained: (_ block: Int, _ before: LatticeVector, _ after: LatticeVector) throws -> Void, _ progress: (_ done: Int, _ total: Int) -> Void
    ) throws -> Retrained {
        let firsts = Dictionary(grouping: blocks) { shape.branch(of: $0)! }.mapValues { $0.min()! }, branches = firsts.keys.sorted()
        let runs = branches.map { branch in
            LineageWalk.Run(blocks: firsts[branch]!...stored.tip(ofBranch: branch)) { [stored, shape] in
                if let initial { return initial }
                var base = try stored.state(shape.parent(of: firsts[branch]!))
                stored.forgetStates()
                try moved?(&base)
                return base
            }
        }
        let total = runs.reduce(0) { $0 + $1.blocks.count }
        var done = 0
        progress(done, total)
        var ends = Dictionary(uniqueKeysWithValues: zip(branches, try walk.train(runs) { block, before, after in
            try trained(block, before, after)
            done += 1
            progress(done, total)
        }))
        var stemEnd = try stored.state(shape.stem)
        stored.forgetStates()
        try moved?(&stemEnd)
        var merged = MergedStates(stemEnd: Digest(of: stemEnd), tips: [:])
        let model = try stored.merge(
            stored.liveBranches(without: deleted), onto: consume stemEnd, new: &ends, moved: moved, told: { merged.tips[$0] = $1 })
        return Retrained(blocks: runs.map(\.blocks), merged: merged, model: model)
    }

    /// Retrains branches from the first of the given blocks on.
    /// - Parameter stitch: what was done to the stem, on whose new end they then stand.
    private func replayBranches(_ blocks: [Int], behind stitch: consuming ReplayOutcome?, _ options: ReplayOptions, _ sink: any ReplaySink) throws -> ReplayOutcome {
        // What a stitch did to the model it did to the stem's end: branches are put back on as they were.
        let shift = try stitch.map { stitch in
            var shift = try stored.model()
            try shift.subtract(from: stitch.state)
            return try KeptState(shift, packing: !stored.keepsStates)
        }
        stitch?.state = LatticeVector(zeros: 0)
        let stitch = stitch, before = stitch?.blocksTrained ?? 0
        // What one left behind the stem's end stays under every branch: it goes when all of them are replayed.
        func isExact(_ first: Int) -> Bool { stitch == nil && options.sameNumerics && stored.isReached(shape.parent(of: first)) }
        let exactBranches = Dictionary(grouping: blocks) { shape.branch(of: $0)! }.mapValues { isExact($0.min()!) }
        let retrained = try retrain(
            blocks, moved: shift.map { shift in { try $0.add(shift) } },
            trained: { try sink.retrained(block: $0, from: $1, to: $2, baseIsExact: exactBranches[shape.branch(of: $0)!]!) }
        ) { progress(before + $0, $1 - $0) }
        let segments = retrained.blocks.map { blocks in
            ReplaySegment(
                firstBlock: blocks.lowerBound, lastBlock: blocks.upperBound, residuals: ResidualSeries(deletedBlock: blocks.lowerBound), verdict: nil,
                damping: nil, correction: nil, tailBound: 0)
        }
        let allExact = exactBranches.values.allSatisfy { $0 }, modelIsExact = stitch == nil && allExact && stored.isExact(without: retrained.blocks)
        return ReplayOutcome(
            state: retrained.model, method: modelIsExact ? .exact : .stitch, guarded: stitch?.guarded ?? true, fallback: nil,
            blocksTrained: before + retrained.blocks.reduce(0) { $0 + $1.count }, segments: (stitch?.segments ?? []) + segments,
            fromExactState: stitch?.fromExactState ?? (segments.isEmpty ? nil : allExact), merged: modelIsExact ? retrained.merged : nil)
    }

    // MARK: - Models for comparison

    /// The model that exact replay gives: blocks from the given ones on are trained anew, and all that stands on them.
    /// - Parameters:
    ///   - starts: trained blocks, beside those that stand on stitches; where one is the stem's, all branches are trained.
    ///   - initial: the state before the first block, where that is to be trained anew; nil: the stored one.
    func exactModel(
        from starts: [Int], initial: LatticeVector? = nil, trained: (_ done: Int, _ atMost: Int) -> Void
    ) throws -> (model: LatticeVector, blocks: Int) {
        let starts = starts + stored.inexactBlocks, branchesOnly = starts.allSatisfy { shape.branch(of: $0) != nil } && !stored.stemEndIsCorrected
        guard !branchesOnly else {
            guard !starts.isEmpty else { return (try stored.model(), 0) }
            let retrained = try retrain(starts, initial: initial, trained: { _, _, _ in }) { trained($0, $1 - $0) }
            return (retrained.model, retrained.blocks.reduce(0) { $0 + $1.count })
        }
        let first = starts.filter { $0 <= shape.stem }.min() ?? shape.stem + 1
        var end = try initial ?? stored.chain().base(of: first), done = 0
        let ofStem = max(0, stored.stemLength - first + 1), total = ofStem + stored.trainedBlocks - stored.stemLength
        if ofStem > 0 {
            end = try walk.train([.init(blocks: first...stored.stemLength) { [end] in end }]) { _, _, _ in
                done += 1
                trained(done, total - done)
            }[0].vector
        }
        guard !shape.isChain, stored.stemLength == shape.stem else { return (end, total) }
        let model = try trainBranches(from: end, isExact: true, DiscardingSink()) { trained(ofStem + $0, total - ofStem - $0) }
        return (model, total)
    }
}

/// Digests of what a model of branches was merged from.
public struct MergedStates: Sendable {
    public let stemEnd: Digest
    /// By branch, of those that have a live row.
    public internal(set) var tips: [Int: Digest]
}
