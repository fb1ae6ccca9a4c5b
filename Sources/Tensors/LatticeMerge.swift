internal import CVectorKernels

/// A merge of states that come one after the other, in pieces: the same as `LatticeVector.merging`, in room for one state beside the base, however
/// many there are.
public struct LatticeMerge {
    private let base: LatticeVector
    /// Σ (tip ⊖ base), as far as tips have come.
    private var sums: [Int32]
    private var tips = 0
    private static let piece = 1 << 16

    /// - Parameter base: what the states stand on.
    public init(onto base: LatticeVector) {
        self.base = base
        sums = [Int32](repeating: 0, count: base.count)
    }

    /// Some of a state's steps, from the parameter at `offset` on.
    /// - Throws: where a sum leaves Int32: `merging` has room for wider ones.
    public mutating func add(_ steps: UnsafeBufferPointer<Int32>, at offset: Int) throws(LatticeOverflow) {
        precondition(offset >= 0 && offset + steps.count <= base.count, "steps of this state")
        guard let tip = steps.baseAddress else { return }
        let overflow = base.steps.withUnsafeBufferPointer { base in
            sums.withUnsafeMutableBufferPointer { vk_sum_checked($0.baseAddress! + offset, tip, base.baseAddress! + offset, steps.count) }
        }
        guard overflow == 0 else { throw LatticeOverflow() }
    }

    /// Ends a state whose steps have all come.
    public mutating func endTip() { tips += 1 }

    /// The merge of the states that have come; the base where there are none.
    /// - Parameter step: as that of `LatticeVector.merging`.
    public consuming func merged(step: Double) throws(MergeOverflow) -> LatticeVector {
        precondition((0...2).contains(step), "a step of 0 to 2")
        guard tips > 0 else { return base }
        let factor = tips > 1 ? (step - 1) * (1 - 1 / Double(tips)) : 0, count = base.count, tips = tips
        var overflow: Int32 = 0
        base.steps.withUnsafeBufferPointer { base in
            sums.withUnsafeMutableBufferPointer { sums in
                guard let base = base.baseAddress, let sums = sums.baseAddress else { return }
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: Self.piece) { room in
                    let farther = room.baseAddress!
                    for start in stride(from: 0, to: count, by: Self.piece) {
                        let length = min(Self.piece, count - start), mean = sums + start
                        vk_merge_sums(base + start, mean, tips, length)
                        guard factor != 0 else { continue }
                        overflow |= vk_subtract_checked(mean, base + start, farther, length)
                        vk_scale(farther, farther, length, factor)
                        overflow |= vk_add_checked(mean, farther, mean, length)
                    }
                }
            }
        }
        guard overflow == 0 else { throw MergeOverflow() }
        return LatticeVector(sums)
    }
}
