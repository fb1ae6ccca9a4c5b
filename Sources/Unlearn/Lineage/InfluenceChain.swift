import Tensors

/// A run of trained blocks that stand on each other, as residual memory is followed through it: `M_i = M_0 ⊕ D_1 ⊕ … ⊕ D_i`, with
/// the corrections of damped stitches in between.
///
/// Of a lineage with branches this is its trunk: the stem's blocks, and as the last step all branches together, whose influence is
/// what their merge adds to the stem's end.
public protocol InfluenceChain: AnyObject {
    /// Trained steps.
    var length: Int { get }

    /// The first step whose influence was trained from a state that training did not reach, or nil: the chain is exact.
    var firstInexact: Int? { get }

    /// `M_i`, 0 ≤ i ≤ length, with all corrections up to i.
    func state(_ block: Int) throws -> LatticeVector

    /// Makes `M_{i−1}` `M_i` where it stands.
    func advance(_ state: inout LatticeVector, through block: Int) throws

    /// `D_i`, without corrections.
    func influence(_ block: Int) throws -> LatticeVector

    /// The correction right behind step i, or nil.
    func correction(_ block: Int) throws -> LatticeVector?

    /// How far what step i adds now lies from `D_i`, and how long that is, both in lattice steps (L1).
    func residual(of block: Int, from before: LatticeVector, to after: LatticeVector) throws -> (distance: UInt64, norm: UInt64)

    /// `‖D_i‖₁` in lattice steps.
    func influenceNorm(_ block: Int) throws -> UInt64

    /// Whether states are so small that several may lie in memory at once.
    var keepsStates: Bool { get }

    /// Forgets states that it keeps to be quick, where they are so large that room is scarce.
    func forgetStates()

    /// How many blocks lead to the state behind step i, and how many are trained in it.
    func depth(of block: Int) -> Int
    func blocks(in block: Int) -> Int
}

extension InfluenceChain {
    public func depth(of block: Int) -> Int { block }
    public func blocks(in block: Int) -> Int { 1 }
    public var keepsStates: Bool { true }
    public func forgetStates() {}

    public func advance(_ state: inout LatticeVector, through block: Int) throws {
        state = try state.adding(influence(block))
        if let correction = try correction(block) { state = try state.adding(correction) }
    }

    public func influenceNorm(_ block: Int) throws -> UInt64 { try influence(block).l1Norm }

    public func residual(of block: Int, from before: LatticeVector, to after: LatticeVector) throws -> (distance: UInt64, norm: UInt64) {
        after.residual(since: before, of: try influence(block))
    }

    /// The state to retrain step i from. Up to the first inexact one that is the state which training reached
    /// there: a correction right before it belongs to the stitched rest, not to the trajectory.
    public func base(of block: Int) throws -> LatticeVector {
        let state = try state(block - 1)
        guard block > 1, isExactBase(block), let correction = try correction(block - 1) else { return state }
        return try state.subtracting(correction)
    }

    /// Whether `base(of:)` is a state that uninterrupted training would have reached.
    public func isExactBase(_ block: Int) -> Bool { firstInexact.map { block <= $0 } ?? true }
}
