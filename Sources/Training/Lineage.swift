/// Which block is trained from which state: a stem, whose blocks stand on each other, and branches, runs of blocks that start
/// from the stem's end and know nothing of each other. A chain is all stem.
///
/// Blocks are numbered 1…B: first the stem's, then branch by branch. Block 0 is the initialisation.
public struct Lineage: Sendable, Hashable {
    public let blocks: Int
    /// Branches, 0 for a chain, and the blocks of each.
    public let branches: Int
    public let length: Int
    /// How far the merge of the branches goes (`Branches.mergeStep`).
    public let mergeStep: Double

    public init(chain blocks: Int) { self.init(stem: blocks, branches: 0, length: 0) }

    public init(stem: Int, branches: Int, length: Int, mergeStep: Double = 1) {
        precondition(stem >= 0 && branches >= 0 && (branches == 0) == (length == 0) && length >= 0, "a stem and branches of equal length")
        blocks = stem + branches * length
        self.branches = branches
        self.length = length
        self.mergeStep = mergeStep
    }

    /// The stem's last block, and how many it has; of a chain all.
    public var stem: Int { blocks - branches * length }
    public var isChain: Bool { branches == 0 }

    /// The blocks that a model's training passes through at most: a chain's, or the stem and one branch.
    public var depth: Int { stem + length }

    /// The branch (1-based) that a block belongs to; nil for the stem's.
    public func branch(of block: Int) -> Int? {
        precondition((0...blocks).contains(block), "block out of range")
        return block > stem ? (block - stem - 1) / length + 1 : nil
    }

    /// A branch's blocks in order.
    public func blocks(ofBranch branch: Int) -> ClosedRange<Int> {
        precondition((1...branches).contains(branch), "branch out of range")
        let first = stem + (branch - 1) * length + 1
        return first...first + length - 1
    }

    /// The block from whose state this one is trained; 0: the initialisation.
    public func parent(of block: Int) -> Int {
        precondition(block >= 1, "the initialisation has no parent")
        guard let branch = branch(of: block), block == blocks(ofBranch: branch).lowerBound else { return block - 1 }
        return stem
    }

    /// How many blocks lead to a block's state, it included.
    public func depth(of block: Int) -> Int { branch(of: block).map { stem + block - blocks(ofBranch: $0).lowerBound + 1 } ?? block }

    /// The blocks that lead to a block's state, it included, in order; none for the initialisation.
    public func path(to block: Int) -> [Int] {
        guard let branch = branch(of: block) else { return Array(1..<block + 1) }
        return Array(1..<stem + 1) + Array(blocks(ofBranch: branch).lowerBound...block)
    }

    /// The blocks whose states depend on a block's, without it.
    public func descendants(of block: Int) -> Range<Int> {
        let end = branch(of: block).map { blocks(ofBranch: $0).upperBound } ?? blocks
        return block + 1..<end + 1
    }

    /// Whether a block's state depends on that of `ancestor`, or is it.
    public func stands(_ block: Int, on ancestor: Int) -> Bool { block == ancestor || descendants(of: ancestor).contains(block) }

    /// The blocks whose states the model is made of: a chain's last one, or each branch's.
    public var tips: [Int] { isChain ? [blocks] : (1...branches).map { blocks(ofBranch: $0).upperBound } }
}
