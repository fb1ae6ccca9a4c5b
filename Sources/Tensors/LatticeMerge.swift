internal import CVectorKernels

/// Values of a merge that are finished at a time: within a core's own cache.
private let pieceValues = 1 << 16

/// A merge of states that come one after the other, in pieces: the same as `LatticeVector.merging`, in room for one state beside the base, however
/// many there are. The base is read again with each of them, and need not exist as a whole.
public struct LatticeMerge<Base: LatticePieces> {
    private let base: Base
    /// Σ (tip ⊖ base), as far as tips have come.
    private var sums: [Int32]
    /// The same where Int32 does not hold them, as of statistics far from zero in many branches: then it takes twice the room.
    private var wideSums: [Int64] = []
    private var tips = 0

    /// - Parameter base: what the states stand on.
    public init(onto base: Base) {
        self.base = base
        sums = [Int32](repeating: 0, count: base.count)
    }

    /// Some of a state's steps, from the parameter at `offset` on.
    public mutating func add(_ steps: UnsafeBufferPointer<Int32>, at offset: Int) throws {
        precondition(offset >= 0 && offset + steps.count <= base.count && tips < LatticeVector.mostTips, "steps of this state")
        guard let tip = steps.baseAddress else { return }
        let base = base
        try base.forEachPiece(in: offset..<offset + steps.count) { start, base in
            add(UnsafeBufferPointer(start: tip + (start - offset), count: base.count), over: base, at: start)
        }
    }

    private mutating func add(_ tip: UnsafeBufferPointer<Int32>, over base: UnsafeBufferPointer<Int32>, at offset: Int) {
        if wideSums.isEmpty {
            let overflow = sums.withUnsafeMutableBufferPointer { vk_sum_checked($0.baseAddress! + offset, tip.baseAddress!, base.baseAddress!, tip.count) }
            guard overflow != 0 else { return }
            // They wrapped around, from which they come back the same way.
            for index in tip.indices { sums[offset + index] = sums[offset + index] &- tip[index] &+ base[index] }
            wideSums = sums.map(Int64.init)
        }
        for index in tip.indices { wideSums[offset + index] += Int64(tip[index]) - Int64(base[index]) }
    }

    /// Ends a state whose steps have all come.
    public mutating func endTip() { tips += 1 }

    /// The merge of the states that have come; the base where there are none.
    /// - Parameter step: as that of `LatticeVector.merging`.
    /// To be asked for once: sums become the merge where they stand.
    /// - Throws: `MergeOverflow`, and whatever reading the base does.
    public mutating func merged(step: Double) throws -> LatticeVector {
        precondition((0...2).contains(step), "a step of 0 to 2")
        let farther = tips > 1 ? (step - 1) * (1 - 1 / Double(tips)) : 0
        let base = base
        var overflow: Int32 = 0
        try base.forEachPiece(in: 0..<base.count) { start, base in
            for offset in stride(from: 0, to: base.count, by: pieceValues) {
                let piece = UnsafeBufferPointer(rebasing: base[offset..<min(offset + pieceValues, base.count)])
                overflow |= finish(piece, at: start + offset, farther: farther)
            }
        }
        wideSums = []
        guard overflow == 0 else { throw MergeOverflow() }
        defer { sums = [] }
        return LatticeVector(sums)
    }

    /// Puts the mean in the place of the sums from the parameter at `start` on.
    /// - Returns: not 0 where the merge leaves Int32.
    private mutating func finish(_ base: UnsafeBufferPointer<Int32>, at start: Int, farther factor: Double) -> Int32 {
        let tips = tips, count = base.count, from = base.baseAddress!
        // What tips add lies on the average where they lie: within Int32 of the base.
        if !wideSums.isEmpty {
            for index in 0..<count {
                let mean = (Double(wideSums[start + index]) / Double(tips)).rounded(.toNearestOrEven)
                sums[start + index] = base[index] &+ Int32(truncatingIfNeeded: Int64(mean))
            }
        }
        let isWide = !wideSums.isEmpty
        return sums.withUnsafeMutableBufferPointer { sums in
            let mean = sums.baseAddress! + start
            if !isWide { vk_merge_sums(from, mean, max(tips, 1), count) }
            guard factor != 0 else { return 0 }
            return withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { room in
                let farther = room.baseAddress!
                var overflow = vk_subtract_checked(mean, from, farther, count)
                vk_scale(farther, farther, count, factor)
                overflow |= vk_add_checked(mean, farther, mean, count)
                return overflow
            }
        }
    }
}
