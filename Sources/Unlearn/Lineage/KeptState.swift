import Checkpoints
import Tensors

/// A state that is asked for again: as it is, or packed where states are so large that room for another is scarce.
enum KeptState: LatticePieces {
    case whole(LatticeVector)
    case packed(PackedVector)

    init(_ state: LatticeVector, packing: Bool) throws { self = packing ? .packed(try PackedVector(state)) : .whole(state) }

    var count: Int {
        switch self {
        case .whole(let state): state.count
        case .packed(let state): state.count
        }
    }

    var vector: LatticeVector {
        switch self {
        case .whole(let state): state
        case .packed(let state): state.vector()
        }
    }

    func forEachPiece(in range: Range<Int>, _ body: (_ offset: Int, _ steps: UnsafeBufferPointer<Int32>) throws -> Void) throws {
        switch self {
        case .whole(let state): try state.forEachPiece(in: range, body)
        case .packed(let state): try state.forEachPiece(in: range, body)
        }
    }
}
