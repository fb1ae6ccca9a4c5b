import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Packed vectors")
struct PackedVectorTests {
    @Test("Vectors of every length and magnitude come back, whole and in pieces of any range", arguments: SampleVector.allCases)
    func comesBack(kind: SampleVector) throws {
        var random = SeededGenerator(4)
        for length in [1, 511, 65_535, 65_536, 65_537, 10 * 65_536 + 7] {
            let vector = LatticeVector(kind.steps(length, seed: 3)), packed = try PackedVector(vector)
            #expect(packed.count == length && packed.vector() == vector)
            let edges = [0, length] + (0..<6).map { _ in Int(random.next() % UInt64(length + 1)) } + [65_536, 131_072].filter { $0 <= length }
            for first in edges {
                for last in edges where first <= last {
                    var read: [Int32] = []
                    try packed.forEachPiece(in: first..<last) { offset, steps in
                        #expect(offset == first + read.count)
                        read += steps
                    }
                    #expect(read == Array(vector.steps[first..<last]), "\(first)..<\(last) of \(length)")
                }
            }
        }
    }

    @Test("A merge onto a packed state is the one onto the state itself")
    func merge() throws {
        var random = SeededGenerator(6)
        let length = 3 * 65_536 + 11, base = LatticeVector(random.integers(length, in: -(1 << 20)...(1 << 20)))
        let tips = (0..<3).map { _ in LatticeVector(random.integers(length, in: -(1 << 20)...(1 << 20))) }
        var merge = LatticeMerge(onto: try PackedVector(base))
        for tip in tips {
            try PackedVector(tip).forEachPiece(in: 0..<length) { try merge.add($1, at: $0) }
            merge.endTip()
        }
        #expect(try merge.merged(step: 1.5) == base.merging(tips, step: 1.5))
    }
}
