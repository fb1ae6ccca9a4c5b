internal import CVectorKernels

/// Step counts that are read piece by piece: a vector's, or what lies between two, which then need not exist as a whole.
public enum LatticeSteps: Sendable {
    case vector(LatticeVector)
    /// `to ⊖ from`.
    case difference(from: LatticeVector, to: LatticeVector)

    public var count: Int {
        switch self {
        case .vector(let vector): vector.count
        case .difference(_, let to): to.count
        }
    }

    /// Some of them in a row.
    /// - Parameter room: for as many; where they are computed, they stand there.
    /// - Throws: where a difference leaves the lattice's range.
    public func withSteps<Result>(_ range: Range<Int>, room: UnsafeMutablePointer<Int32>, _ body: (UnsafePointer<Int32>) throws -> Result) throws -> Result {
        precondition(range.lowerBound >= 0 && range.upperBound <= count && !range.isEmpty, "steps of this vector")
        switch self {
        case .vector(let vector): return try vector.steps.withUnsafeBufferPointer { try body($0.baseAddress! + range.lowerBound) }
        case .difference(let from, let to):
            precondition(from.count == to.count, "vectors of one length")
            let overflow = from.steps.withUnsafeBufferPointer { from in
                to.steps.withUnsafeBufferPointer { vk_subtract_checked($0.baseAddress! + range.lowerBound, from.baseAddress! + range.lowerBound, room, range.count) }
            }
            guard overflow == 0 else { throw LatticeOverflow() }
            return try body(room)
        }
    }
}
