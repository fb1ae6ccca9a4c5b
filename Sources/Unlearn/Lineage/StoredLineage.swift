import Checkpoints
import Files
import Tensors
import Training

/// The trained blocks in a project's store, and the model that they make.
///
/// Whoever wants the model asks for `model()`: only a chain's is the state behind its last block.
public final class StoredLineage {
    private let store: Store
    public let shape: Lineage
    private let links: [Int: ChainLink]
    private let latticeBits: Int
    private let parameterCount: Int
    /// The state read last: walking forwards costs one record a block.
    private var latest: (block: Int, state: LatticeVector)?
    /// The stem's end, from which every branch is read.
    private var stemEnd: LatticeVector?
    /// The last states of branches: a deletion asks for them before and behind the training, and for an interim model before that.
    private var tips: [Int: LatticeVector] = [:]
    private static let mostTipBytes = 1 << 28
    /// Whether states are so small that several may lie in memory at once.
    let keepsStates: Bool
    /// The influence read last: a replay asks for the state behind a block and then for its influence.
    private var latestInfluence: (block: Int, vector: LatticeVector)?
    /// Live rows of each branch, by the catalogue.
    private let liveRows: [Int]

    /// - Parameter mostKeptBytes: of a state that is kept beside others (`Project.mostKeptBytes`).
    init(store: Store, shape: Lineage, latticeBits: Int, parameterCount: Int, mostKeptBytes: Int) throws {
        keepsStates = 4 * parameterCount <= mostKeptBytes
        self.store = store
        self.shape = shape
        self.latticeBits = latticeBits
        self.parameterCount = parameterCount
        links = Dictionary(uniqueKeysWithValues: try store.links().map { ($0.block, $0) })
        for block in links.keys.sorted() {
            guard block <= shape.blocks else {
                throw Failure(.damaged, "the catalogue has a block \(block), and the lineage \(shape.blocks); run 'unlearn check' and restore the project from a backup")
            }
            let parent = shape.parent(of: block)
            guard parent == 0 || links[parent] != nil else {
                throw Failure(.damaged, "block \(parent) is missing from the \(shape.isChain ? "chain" : "lineage"); run 'unlearn check' and restore the project from a backup")
            }
        }
        var live = [Int](repeating: 0, count: shape.branches)
        if !shape.isChain {
            for block in try store.rowBlocks(.train) {
                if let branch = block.block <= shape.blocks ? shape.branch(of: block.block) : nil { live[branch - 1] += block.live }
            }
        }
        liveRows = live
    }

    // MARK: - What is trained

    public func isTrained(_ block: Int) -> Bool { block == 0 || links[block] != nil }
    public var trainedBlocks: Int { links.count }
    /// By number.
    var lastTrained: Int { links.keys.max() ?? 0 }
    public var isEmpty: Bool { links.isEmpty }
    public var isWhole: Bool { links.count == shape.blocks }

    /// Blocks that stand for all, to measure deletions at: at 10, 25, 50 and 80 % of a chain or of a stem, and in a branch its first,
    /// its middle and its last.
    public var defaultPositions: [Int] {
        let ofStem = stemLength == 0 ? [] : [10, 25, 50, 80].map { max(1, stemLength * $0 / 100) }
        guard !shape.isChain, tip(ofBranch: 1) > shape.stem else { return ofStem }
        let blocks = Array(shape.blocks(ofBranch: 1).lowerBound...tip(ofBranch: 1))
        return ofStem + [blocks[0], blocks[blocks.count / 2], blocks[blocks.count - 1]]
    }

    /// Throws where a user names a block that is not there.
    func expectTrained(_ block: Int) throws {
        guard (1...shape.blocks).contains(block), isTrained(block) else {
            throw Failure(.input, "no block \(block): " + (shape.isChain ? "the chain has blocks 1 to \(trainedBlocks)" : "\(trainedBlocks) of blocks 1 to \(shape.blocks) are trained"))
        }
    }

    /// The last trained block of the stem, 0 where none is; of a chain the last one.
    public var stemLength: Int { (0...shape.stem).last(where: isTrained)! }

    /// The last trained block of a branch; the stem's end where none is.
    public func tip(ofBranch branch: Int) -> Int { shape.blocks(ofBranch: branch).last(where: isTrained) ?? shape.stem }

    /// The first block, by number, whose influence was trained from a state that training did not reach; nil: there is none.
    public var firstInexact: Int? { links.values.lazy.filter { !$0.baseIsExact }.map(\.block).min() }

    /// Whether the model is one that training reaches.
    public var isExact: Bool { links.values.allSatisfy { $0.baseIsExact && !$0.hasCorrection } }

    /// The same, of a model in which some blocks are retrained exactly.
    func isExact(without retrained: [ClosedRange<Int>]) -> Bool {
        links.values.allSatisfy { link in link.baseIsExact && !link.hasCorrection || retrained.contains { $0.contains(link.block) } }
    }

    /// Whether what a stitch left lies right behind the stem's end, under every branch.
    var stemEndIsCorrected: Bool { !shape.isChain && shape.stem > 0 && links[shape.stem]?.hasCorrection ?? false }

    /// Trained blocks whose influences were trained from states that training did not reach.
    var inexactBlocks: [Int] { links.values.filter { !$0.baseIsExact }.map(\.block).sorted() }

    /// Whether the state behind a block is one that training reaches.
    func isReached(_ block: Int) -> Bool { shape.path(to: block).allSatisfy { links[$0].map { $0.baseIsExact && !$0.hasCorrection } ?? true } }

    /// Whether a stitch lies in the stem, or in the chain.
    var stemIsStitched: Bool { links.values.contains { $0.block <= shape.stem && (!$0.baseIsExact || $0.hasCorrection) } }

    /// The trained blocks that an exact replay without rows of some blocks trains.
    /// - Parameter takingStitches: also what earlier stitches left, as far as it is walked through, or asked for.
    func blocksOfExactReplay(of touched: [Int], takingStitches: Bool) -> Set<Int> {
        let starts = touched + (takingStitches ? (stemIsStitched ? [min(firstInexact ?? stemLength, stemLength)] : []) + inexactBlocks : [])
        return starts.reduce(into: []) { blocks, block in blocks.formUnion(([block] + shape.descendants(of: block)).filter(isTrained)) }
    }

    // MARK: - States

    /// The state behind a block, with all corrections on the way to it.
    /// - Complexity: O(distance to the nearest keyframe on the way, to the stem's end, or to the state read before), one record each.
    public func state(_ block: Int) throws -> LatticeVector {
        precondition((0...shape.blocks).contains(block) && isTrained(block), "a block that is not trained")
        if block == shape.stem, let stemEnd { return stemEnd }
        if let tip = tips[block] { return tip }
        let path = shape.path(to: block)
        var (start, state) = try nearest(on: path)
        // Where nobody else keeps the state, it is changed where it stands.
        latest = nil
        for block in path[start...] { try advance(&state, through: block) }
        if block == shape.stem, keepsStates { stemEnd = state }
        latest = (block, state)
        if keepsStates, let branch = shape.branch(of: block), block == tip(ofBranch: branch), (tips.count + 1) * 4 * parameterCount <= Self.mostTipBytes { tips[block] = state }
        return state
    }

    /// Makes the state before a block the one behind it, with the correction that lies there.
    func advance(_ state: inout LatticeVector, through block: Int) throws {
        for kind in [LatticeRecord.Kind.influence, .correction] {
            try store.forEachPiece(of: kind, links[block]!, latticeBits: latticeBits, count: parameterCount) { try state.add($1, at: $0) }
        }
    }

    /// The last known state on a path, and how many of its blocks lie before it.
    private func nearest(on path: [Int]) throws -> (Int, LatticeVector) {
        let keyframe = path.lastIndex { links[$0]!.hasKeyframe }.map { $0 + 1 } ?? 0
        if let latest, latest.block == 0 || path.contains(latest.block), shape.depth(of: latest.block) >= keyframe {
            return (shape.depth(of: latest.block), latest.state)
        }
        if path.count > shape.stem, keyframe <= shape.stem, shape.stem > 0 { return (shape.stem, try state(shape.stem)) }
        let stored =
            keyframe == 0
            ? try store.keyframe(0, latticeBits: latticeBits, count: parameterCount)
            : try store.keyframe(links[path[keyframe - 1]]!, latticeBits: latticeBits, count: parameterCount)
        guard let stored else {
            guard !isEmpty else { throw Failure(.input, "nothing is trained yet; run 'unlearn train' first") }
            throw Self.initialisationMissing
        }
        return (keyframe, stored)
    }

    static let initialisationMissing = Failure(
        .damaged, "the chain's first keyframe is missing; run 'unlearn check' and restore the project from a backup")

    public func influence(_ block: Int) throws -> LatticeVector {
        if let latestInfluence, latestInfluence.block == block { return latestInfluence.vector }
        let vector = try store.influence(links[block]!, latticeBits: latticeBits, count: parameterCount)
        if keepsStates { latestInfluence = (block, vector) }
        return vector
    }

    /// See `InfluenceChain.residual`.
    func residual(of block: Int, from before: LatticeVector, to after: LatticeVector) throws -> (distance: UInt64, norm: UInt64) {
        var sum: (distance: UInt64, norm: UInt64) = (0, 0)
        try store.forEachPiece(of: .influence, links[block]!, latticeBits: latticeBits, count: parameterCount) { offset, steps in
            let piece = after.residual(since: before, of: steps, at: offset)
            sum = (sum.distance + piece.distance, sum.norm + piece.norm)
        }
        return sum
    }

    /// Forgets what was read: before a walk, which needs the room.
    func forgetStates() {
        guard !keepsStates else { return }
        (latest, stemEnd, tips) = (nil, nil, [:])
    }

    /// ‖D_i‖₁ in lattice steps.
    func influenceNorm(_ block: Int) throws -> UInt64 {
        var norm: UInt64 = 0
        try store.forEachPiece(of: .influence, links[block]!, latticeBits: latticeBits, count: parameterCount) { norm += LatticeVector.l1Norm(of: $1) }
        return norm
    }

    public func correction(_ block: Int) throws -> LatticeVector? {
        try links[block].flatMap { try store.correction($0, latticeBits: latticeBits, count: parameterCount) }
    }

    // MARK: - The model

    /// Branches that the model is merged of: that have a live row and are begun, without those that lose their last row. One that is not begun adds
    /// nothing, and its rows, where they came later, must not change the model before they are learnt.
    /// - Parameter deleted: slots by block, which are to be deleted.
    public func liveBranches(without deleted: [Int: Set<Int>] = [:]) -> [Int] {
        guard !shape.isChain else { return [] }
        var left = liveRows
        for (block, slots) in deleted { if let branch = shape.branch(of: block) { left[branch - 1] -= slots.count } }
        return (1...shape.branches).filter { left[$0 - 1] > 0 && tip(ofBranch: $0) > shape.stem }
    }

    /// Branches that lose their last live row with these, and with it their part in the merge; none while the stem is not whole, and nothing
    /// is merged.
    func branchesEmptied(by deleted: [Int: Set<Int>]) -> [Int] {
        guard stemLength == shape.stem else { return [] }
        let left = Set(liveBranches(without: deleted))
        return liveBranches().filter { !left.contains($0) }
    }

    /// The served model: of a chain the state behind the last trained block; else the stem's end with the mean of what its branches
    /// added, of those that have a live row, or somewhat farther (`Lineage.mergeStep`).
    public func model() throws -> LatticeVector { try model(of: liveBranches()) }

    /// The merge of some branches: of a model that never saw the others' rows. The stem's end where there are none.
    public func model(of branches: [Int]) throws -> LatticeVector {
        guard !shape.isChain, stemLength == shape.stem else { return try state(stemLength) }
        var none: [Int: KeptState] = [:]
        return try merge(branches, onto: state(shape.stem), new: &none)
    }

    /// The merge of some branches onto an end of the stem.
    /// - Parameters:
    ///   - stemEnd: large ones are packed meanwhile, and make room where nobody else holds them.
    ///   - new: ends of branches that stand in the place of the stored ones; of large states each is taken out when it has its part.
    ///   - moved: brings a stored state where it lies now.
    ///   - told: the digest of each branch's end, where somebody asks.
    func merge(
        _ branches: [Int], onto stemEnd: consuming LatticeVector, new: inout [Int: KeptState], moved: ((inout LatticeVector) throws -> Void)? = nil,
        told: ((_ branch: Int, _ end: Digest) -> Void)? = nil
    ) throws -> LatticeVector {
        func storedEnd(_ branch: Int) throws -> LatticeVector {
            var end = try state(tip(ofBranch: branch))
            if let moved {
                forgetStates()
                try moved(&end)
            }
            return end
        }
        guard !keepsStates else {
            let ends = try branches.map { try new[$0]?.vector ?? storedEnd($0) }
            if let told { for (branch, end) in zip(branches, ends) { told(branch, Digest(of: end)) } }
            return try stemEnd.merging(ends, step: shape.mergeStep)
        }
        forgetStates()
        var merge = LatticeMerge(onto: try KeptState(stemEnd, packing: true))
        stemEnd = LatticeVector(zeros: 0)
        // Those that are in memory first: they make room for the others.
        for branch in branches.filter({ new[$0] != nil }) + branches.filter({ new[$0] == nil }) {
            let digest = try Digest(ofPieces: { more in
                func add(_ steps: UnsafeBufferPointer<Int32>, at offset: Int) throws {
                    try merge.add(steps, at: offset)
                    if told != nil { more(UnsafeRawBufferPointer(steps)) }
                }
                if let end = new.removeValue(forKey: branch) { return try end.forEachPiece(in: 0..<parameterCount) { try add($1, at: $0) } }
                // As a rule it is stored as it is, and need not be made.
                if moved == nil, let link = links[tip(ofBranch: branch)], try store.forEachPiece(of: .keyframe, link, latticeBits: latticeBits, count: parameterCount, { try add($1, at: $0) }) { return }
                try storedEnd(branch).steps.withUnsafeBufferPointer { try add($0, at: 0) }
                forgetStates()
            })
            merge.endTip()
            told?(branch, digest)
        }
        return try merge.merged(step: shape.mergeStep)
    }

    /// The lineage as residual memory is followed through it.
    public func chain() -> any InfluenceChain { StemChain(self) }
}

/// A lineage's stem, with all its branches as one last step: what it adds to the stem's end is their merge. Of a chain the chain itself.
private final class StemChain: InfluenceChain {
    private let lineage: StoredLineage
    private let shape: Lineage
    private var merge: KeptState?

    init(_ lineage: StoredLineage) {
        self.lineage = lineage
        shape = lineage.shape
    }

    private func isMerge(_ block: Int) -> Bool { !shape.isChain && block == shape.stem + 1 }

    var length: Int { shape.isChain || lineage.stemLength < shape.stem ? lineage.stemLength : shape.stem + 1 }
    /// A correction right behind the stem's end makes all branches inexact, trained or not.
    var firstInexact: Int? {
        lineage.firstInexact.map { min($0, length) } ?? (shape.isChain || !lineage.stemIsStitched ? nil : length)
    }
    func state(_ block: Int) throws -> LatticeVector { try isMerge(block) ? model() : lineage.state(block) }
    func influence(_ block: Int) throws -> LatticeVector {
        guard isMerge(block) else { return try lineage.influence(block) }
        var steps = try model()
        try steps.subtract(lineage.state(shape.stem))
        forgetStates()
        return steps
    }
    func influenceNorm(_ block: Int) throws -> UInt64 { isMerge(block) ? try influence(block).l1Norm : try lineage.influenceNorm(block) }
    func correction(_ block: Int) throws -> LatticeVector? { isMerge(block) ? nil : try lineage.correction(block) }
    func residual(of block: Int, from before: LatticeVector, to after: LatticeVector) throws -> (distance: UInt64, norm: UInt64) {
        isMerge(block) ? try after.residual(since: before, of: influence(block)) : try lineage.residual(of: block, from: before, to: after)
    }
    func forgetStates() { lineage.forgetStates() }
    func advance(_ state: inout LatticeVector, through block: Int) throws {
        guard isMerge(block) else { return try lineage.advance(&state, through: block) }
        // What it was makes room for the merge.
        state = LatticeVector(zeros: 0)
        state = try model()
    }
    var keepsStates: Bool { lineage.keepsStates }
    func depth(of block: Int) -> Int { isMerge(block) ? shape.depth : block }
    func blocks(in block: Int) -> Int { isMerge(block) ? lineage.trainedBlocks - shape.stem : 1 }

    private func model() throws -> LatticeVector {
        if let merge { return merge.vector }
        let model = try lineage.model()
        merge = try KeptState(model, packing: !lineage.keepsStates)
        return model
    }
}
