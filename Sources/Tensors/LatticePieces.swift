internal import CVectorKernels

/// Step counts in a row that are read piece by piece, whatever form they have in memory.
public protocol LatticePieces: Sendable {
    var count: Int { get }

    /// Visits the steps of some parameters in order.
    /// - Parameter body: told the parameter with which a piece begins.
    func forEachPiece(in range: Range<Int>, _ body: (_ offset: Int, _ steps: UnsafeBufferPointer<Int32>) throws -> Void) throws
}

extension LatticeVector: LatticePieces {
    public func forEachPiece(in range: Range<Int>, _ body: (_ offset: Int, _ steps: UnsafeBufferPointer<Int32>) throws -> Void) rethrows {
        guard !range.isEmpty else { return }
        try steps.withUnsafeBufferPointer { try body(range.lowerBound, UnsafeBufferPointer(rebasing: $0[range])) }
    }

    /// `self ⊕ other` in place: exact, checked.
    /// - Complexity: O(n); without a copy where nobody else holds the vector.
    public mutating func add(_ other: some LatticePieces) throws {
        precondition(count == other.count, "vectors of different lengths")
        try change(by: other) { vk_add_checked($0, $1, $0, $2) }
    }

    /// `self ⊖ other` in place: exact, checked.
    /// - Complexity: O(n); without a copy where nobody else holds the vector.
    public mutating func subtract(_ other: some LatticePieces) throws {
        precondition(count == other.count, "vectors of different lengths")
        try change(by: other) { vk_subtract_checked($0, $1, $0, $2) }
    }

    /// `other ⊖ self` in place: exact, checked.
    /// - Complexity: O(n); without a copy where nobody else holds the vector.
    public mutating func subtract(from other: some LatticePieces) throws {
        precondition(count == other.count, "vectors of different lengths")
        try change(by: other) { vk_subtract_checked($1, $0, $0, $2) }
    }

    private mutating func change(
        by other: some LatticePieces, _ kernel: (_ own: UnsafeMutablePointer<Int32>, _ other: UnsafePointer<Int32>, _ count: Int) -> Int32
    ) throws {
        var overflow: Int32 = 0
        try other.forEachPiece(in: 0..<count) { offset, piece in
            withMutableSteps { overflow |= kernel($0.baseAddress! + offset, piece.baseAddress!, piece.count) }
        }
        guard overflow == 0 else { throw LatticeOverflow() }
    }

    /// `‖a − b‖₁` in lattice steps, of a vector that need not exist as a whole.
    public func l1Distance(to other: some LatticePieces) throws -> UInt64 {
        precondition(count == other.count, "vectors of different lengths")
        var distance: UInt64 = 0
        try other.forEachPiece(in: 0..<count) { offset, piece in
            distance += steps.withUnsafeBufferPointer { vk_l1_distance($0.baseAddress! + offset, piece.baseAddress!, piece.count) }
        }
        return distance
    }

    /// `‖·‖₁` of some steps.
    public static func l1Norm(of steps: UnsafeBufferPointer<Int32>) -> UInt64 { steps.isEmpty ? 0 : vk_l1_norm(steps.baseAddress!, steps.count) }
}
