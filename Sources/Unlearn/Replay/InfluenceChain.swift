import Checkpoints
import Files
import Tensors

/// The trained blocks of a model: `M_i = M_0 ⊕ D_1 ⊕ … ⊕ D_i`, with the corrections of damped stitches in between.
public protocol InfluenceChain: AnyObject {
    /// Trained blocks.
    var length: Int { get }

    /// The first block whose influence was trained from a state that training did not reach, or nil: the chain is exact.
    var firstInexact: Int? { get }

    /// `M_i`, 0 ≤ i ≤ length, with all corrections up to i.
    func state(_ block: Int) throws -> LatticeVector

    /// `D_i`, without corrections.
    func influence(_ block: Int) throws -> LatticeVector

    /// The correction right behind block i, or nil.
    func correction(_ block: Int) throws -> LatticeVector?
}

extension InfluenceChain {
    /// The state to retrain block i from. Up to the first inexact block that is the state which training reached
    /// there: a correction right before it belongs to the stitched rest, not to the trajectory.
    public func base(of block: Int) throws -> LatticeVector {
        let state = try state(block - 1)
        guard block > 1, isExactBase(block), let correction = try correction(block - 1) else { return state }
        return try state.subtracting(correction)
    }

    /// Whether `base(of:)` is a state that uninterrupted training would have reached.
    public func isExactBase(_ block: Int) -> Bool { firstInexact.map { block <= $0 } ?? true }
}

/// The chain in a project's store.
public final class StoredChain: InfluenceChain {
    private let store: Store
    private let links: [ChainLink]
    private let latticeBits: Int
    private let parameterCount: Int
    /// The state read last: walking forwards costs one record a block.
    private var latest: (block: Int, state: LatticeVector)?
    /// The influence read last: a replay asks for the state behind a block and then for its influence.
    private var latestInfluence: (block: Int, vector: LatticeVector)?

    init(store: Store, latticeBits: Int, parameterCount: Int) throws {
        self.store = store
        self.latticeBits = latticeBits
        self.parameterCount = parameterCount
        links = try store.chainLinks()
        firstInexact = links.first { !$0.baseIsExact }?.block
    }

    public var length: Int { links.count }

    public let firstInexact: Int?

    /// Whether the end of the chain is a state that training reached.
    public var isExact: Bool { links.allSatisfy { $0.baseIsExact && !$0.hasCorrection } }

    /// - Complexity: O(distance to the nearest keyframe or to the state read before), one record each.
    public func state(_ block: Int) throws -> LatticeVector {
        precondition(block >= 0 && block <= length, "block out of range")
        var start = links[..<block].last { $0.hasKeyframe }?.block ?? 0
        var state: LatticeVector
        if let latest, latest.block <= block, latest.block >= start {
            (start, state) = latest
        } else {
            let stored =
                start == 0
                ? try store.keyframe(0, latticeBits: latticeBits, count: parameterCount)
                : try store.keyframe(links[start - 1], latticeBits: latticeBits, count: parameterCount)
            guard let keyframe = stored else {
                guard length > 0 else { throw Failure(.input, "nothing is trained yet; run 'unlearn train' first") }
                throw Self.initialisationMissing
            }
            state = keyframe
        }
        for link in links[start..<block] {
            state = try state.adding(influence(link.block))
            if let correction = try store.correction(link, latticeBits: latticeBits, count: parameterCount) {
                state = try state.adding(correction)
            }
        }
        latest = (block, state)
        return state
    }

    static let initialisationMissing = Failure(
        .damaged, "the chain's first keyframe is missing; run 'unlearn check' and restore the project from a backup")

    public func influence(_ block: Int) throws -> LatticeVector {
        if let latestInfluence, latestInfluence.block == block { return latestInfluence.vector }
        let vector = try store.influence(links[block - 1], latticeBits: latticeBits, count: parameterCount)
        latestInfluence = (block, vector)
        return vector
    }

    public func correction(_ block: Int) throws -> LatticeVector? {
        try store.correction(links[block - 1], latticeBits: latticeBits, count: parameterCount)
    }
}
