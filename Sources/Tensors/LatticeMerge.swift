internal import CVectorKernels

/// A merge of states that come one after the other, in pieces: the same as `LatticeVector.merging`, in room for one state beside the base, however
/// many there are.
public struct LatticeMerge {
    private let base: LatticeVector
    /// Σ (tip ⊖ base), as far as tips have come.
    private var sums: [Int32]
    /// The same where Int32 does not hold them, as of statistics far from zero in many branches: then it takes twice the room.
    private var wideSums: [Int64] = []
    private var tips = 0
    private static let piece = 1 << 16

    /// - Parameter base: what the states stand on.
    public init(onto base: LatticeVector) {
        self.base = base
        sums = [Int32](repeating: 0, count: base.count)
    }

    /// Some of a state's steps, from the parameter at `offset` on.
    public mutating func add(_ steps: UnsafeBufferPointer<Int32>, at offset: Int) {
        precondition(offset >= 0 && offset + steps.count <= base.count && tips < LatticeVector.mostTips, "steps of this state")
        guard let tip = steps.baseAddress else { return }
        if wideSums.isEmpty {
            let overflow = base.steps.withUnsafeBufferPointer { base in
                sums.withUnsafeMutableBufferPointer { vk_sum_checked($0.baseAddress! + offset, tip, base.baseAddress! + offset, steps.count) }
            }
            guard overflow != 0 else { return }
            // They wrapped around, from which they come back the same way.
            for index in steps.indices { sums[offset + index] = sums[offset + index] &- steps[index] &+ base.steps[offset + index] }
            wideSums = sums.map(Int64.init)
        }
        for index in steps.indices { wideSums[offset + index] += Int64(steps[index]) - Int64(base.steps[offset + index]) }
    }

    /// Ends a state whose steps have all come.
    public mutating func endTip() { tips += 1 }

    /// The merge of the states that have come; the base where there are none.
    /// - Parameter step: as that of `LatticeVector.merging`.
    /// To be asked for once: sums become the merge where they stand.
    public mutating func merged(step: Double) throws(MergeOverflow) -> LatticeVector {
        precondition((0...2).contains(step), "a step of 0 to 2")
        guard tips > 0 else { return base }
        let factor = tips > 1 ? (step - 1) * (1 - 1 / Double(tips)) : 0, count = base.count, tips = tips, isWide = !wideSums.isEmpty
        // What tips add lies on the average where they lie: within Int32 of the base.
        if isWide { for index in 0..<count { sums[index] = base.steps[index] &+ Int32(truncatingIfNeeded: Int64((Double(wideSums[index]) / Double(tips)).rounded(.toNearestOrEven))) } }
        wideSums = []
        var overflow: Int32 = 0
        base.steps.withUnsafeBufferPointer { base in
            sums.withUnsafeMutableBufferPointer { sums in
                guard let base = base.baseAddress, let sums = sums.baseAddress else { return }
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: Self.piece) { room in
                    let farther = room.baseAddress!
                    for start in stride(from: 0, to: count, by: Self.piece) {
                        let length = min(Self.piece, count - start), mean = sums + start
                        if !isWide { vk_merge_sums(base + start, mean, tips, length) }
                        guard factor != 0 else { continue }
                        overflow |= vk_subtract_checked(mean, base + start, farther, length)
                        vk_scale(farther, farther, length, factor)
                        overflow |= vk_add_checked(mean, farther, mean, length)
                    }
                }
            }
        }
        guard overflow == 0 else { throw MergeOverflow() }
        defer { sums = [] }
        return LatticeVector(sums)
    }
}
