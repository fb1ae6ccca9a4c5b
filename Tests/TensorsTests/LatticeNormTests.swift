import TestSupport
import Testing

@testable import Tensors

@Suite("Lattice norms and scaling")
struct LatticeNormTests {
    @Test("The L1 norm is that of a plain loop", arguments: [0] + sampleLengths)
    func norm(length: Int) {
        var random = SeededGenerator(UInt64(length))
        let steps = random.integers(length, in: .min ... .max)
        #expect(LatticeVector(steps).l1Norm == steps.reduce(0) { $0 + UInt64(Int64($1).magnitude) })
    }

    @Test("The L1 distance is that of a plain loop", arguments: [0] + sampleLengths)
    func distance(length: Int) throws {
        var random = SeededGenerator(UInt64(1000 + length))
        let a = random.integers(length, in: .min ... .max), b = random.integers(length, in: .min ... .max)
        let plain = zip(a, b).reduce(UInt64(0)) { $0 + UInt64((Int64($1.0) - Int64($1.1)).magnitude) }
        #expect(LatticeVector(a).l1Distance(to: LatticeVector(b)) == plain)
        #expect(LatticeVector(b).l1Distance(to: LatticeVector(a)) == plain)
    }

    @Test("The widest step counts do not overflow norm or distance", arguments: sampleLengths)
    func widest(length: Int) {
        let low = LatticeVector([Int32](repeating: .min, count: length)), high = LatticeVector([Int32](repeating: .max, count: length))
        #expect(low.l1Norm == UInt64(length) * 2_147_483_648)
        #expect(high.l1Norm == UInt64(length) * 2_147_483_647)
        #expect(low.l1Distance(to: high) == UInt64(length) * 4_294_967_295)
        #expect(low.l1Distance(to: low) == 0)
    }

    @Test("The distance to zero is the norm, and the norm of the difference is the distance")
    func relations() throws {
        var random = SeededGenerator(5)
        let a = LatticeVector(random.integers(513, in: -1_000_000...1_000_000))
        let b = LatticeVector(random.integers(513, in: -1_000_000...1_000_000))
        #expect(a.l1Distance(to: LatticeVector(zeros: 513)) == a.l1Norm)
        #expect(try a.subtracting(b).l1Norm == a.l1Distance(to: b))
    }

    @Test("Scaling rounds each count once, ties to even", arguments: [0, 1, 0.5, -0.5, 0.25, 1.0 / 3, 0.7, -0.999999, 1e-9, 0.22])
    func scaled(factor: Double) {
        var random = SeededGenerator(9)
        for length in [0] + sampleLengths {
            let steps = random.integers(length, in: -2_000_000_000...2_000_000_000) + random.integers(length, in: -20...20)
            let plain = steps.map { Int32((Double($0) * factor).rounded(.toNearestOrEven)) }
            #expect(LatticeVector(steps).scaled(by: factor).steps == plain)
        }
    }

    @Test("Half of an odd count goes to the even neighbour")
    func halves() {
        let odd = LatticeVector([1, 3, 5, 7, -1, -3, -5, -7])
        #expect(odd.scaled(by: 0.5).steps == [0, 2, 2, 4, 0, -2, -2, -4])
    }

    @Test("Scaling by one keeps every count, the outermost too; by zero none")
    func identities() {
        let edges = LatticeVector([.min, .min + 1, -1, 0, 1, .max - 1, .max])
        #expect(edges.scaled(by: 1) == edges)
        #expect(edges.scaled(by: 0) == LatticeVector(zeros: 7))
        #expect(LatticeVector([.max, -.max, 5]).scaled(by: -1).steps == [-.max, .max, -5])
    }
}
