import TestSupport
import Testing

@testable import Tensors

@Suite("Lattice sums")
struct LatticeArithmeticTests {
    /// The plain version: one Int64 for each sum, or nil where one leaves Int32.
    private func reference(_ a: [Int32], _ b: [Int32], _ operation: (Int64, Int64) -> Int64) -> [Int32]? {
        var result: [Int32] = []
        for (x, y) in zip(a, b) {
            guard let step = Int32(exactly: operation(Int64(x), Int64(y))) else { return nil }
            result.append(step)
        }
        return result
    }

    @Test("Sums and differences are those of whole numbers", arguments: sampleLengths)
    func exact(length: Int) throws {
        var random = SeededGenerator(UInt64(length))
        let a = random.integers(length, in: -(1 << 30)...(1 << 30) - 1), b = random.integers(length, in: -(1 << 30)...(1 << 30) - 1)
        #expect(try LatticeVector(a).adding(LatticeVector(b)).steps == reference(a, b, +))
        #expect(try LatticeVector(a).subtracting(LatticeVector(b)).steps == reference(a, b, -))
    }

    /// A vector that is read in short pieces.
    private struct Pieces: LatticePieces {
        let vector: LatticeVector
        var count: Int { vector.count }

        func forEachPiece(in range: Range<Int>, _ body: (_ offset: Int, _ steps: UnsafeBufferPointer<Int32>) throws -> Void) throws {
            for start in stride(from: range.lowerBound, to: range.upperBound, by: 13) { try vector.forEachPiece(in: start..<min(start + 13, range.upperBound), body) }
        }
    }

    @Test("In place, and of vectors that come in pieces, sums, differences and distances are the same", arguments: sampleLengths)
    func inPlace(length: Int) throws {
        var random = SeededGenerator(UInt64(length) + 9)
        let a = LatticeVector(random.integers(length, in: -(1 << 30)...(1 << 30) - 1)), b = LatticeVector(random.integers(length, in: -(1 << 30)...(1 << 30) - 1))
        for pieces in [Pieces(vector: b), Pieces(vector: a)] {
            var sum = a, difference = a, turned = a
            try sum.add(pieces)
            try difference.subtract(pieces)
            try turned.subtract(from: pieces)
            #expect(try sum == a.adding(pieces.vector) && difference == a.subtracting(pieces.vector) && turned == pieces.vector.subtracting(a))
            #expect(try a.l1Distance(to: pieces) == a.l1Distance(to: pieces.vector))
        }
        #expect(a.steps.withUnsafeBufferPointer { LatticeVector.l1Norm(of: $0) } == a.l1Norm)
    }

    @Test("In place an overflow is found in whichever piece it is", arguments: [0, 12, 13, 40])
    func inPlaceOverflow(place: Int) {
        var steps = [Int32](repeating: 0, count: 41), ones = LatticeVector([Int32](repeating: 1, count: 41))
        steps[place] = .max
        let far = Pieces(vector: LatticeVector(steps))
        #expect(throws: LatticeOverflow()) { try ones.add(far) }
        ones = LatticeVector([Int32](repeating: -2, count: 41))
        #expect(throws: LatticeOverflow()) { try ones.subtract(far) }
        ones = LatticeVector([Int32](repeating: -2, count: 41))
        #expect(throws: LatticeOverflow()) { try ones.subtract(from: far) }
    }

    @Test("A block's residual is that of whole numbers, also where a difference leaves Int32", arguments: sampleLengths)
    func residual(length: Int) {
        var random = SeededGenerator(UInt64(length) + 5)
        let wide = Int32.min...Int32.max
        let before = random.integers(length, in: wide), after = random.integers(length, in: wide), old = random.integers(length, in: wide)
        let found = LatticeVector(after).residual(since: LatticeVector(before), of: LatticeVector(old))
        var distance = 0, norm = 0
        for index in 0..<length {
            let change = Int(after[index]) - Int(before[index])
            distance += abs(change - Int(old[index]))
            norm += abs(Int(old[index]))
        }
        #expect(found.distance == UInt64(distance) && found.norm == UInt64(norm))
    }

    @Test("At the limits of Int32 a sum is exact where it fits and refused where it does not", arguments: [0, 7, 16, 31, 40])
    func limits(place: Int) throws {
        let edges: [Int32] = [.min, .min + 1, -(1 << 30), -1, 0, 1, 1 << 30, .max - 1, .max]
        for x in edges {
            for y in edges {
                var a = [Int32](repeating: 3, count: 41), b = [Int32](repeating: -5, count: 41)
                a[place] = x
                b[place] = y
                #expect((try? LatticeVector(a).adding(LatticeVector(b)).steps) == reference(a, b, +), "\(x) + \(y)")
                #expect((try? LatticeVector(a).subtracting(LatticeVector(b)).steps) == reference(a, b, -), "\(x) - \(y)")
            }
        }
    }

    @Test("One overflow among many sums is found, wherever it is")
    func overflowAnywhere() {
        for place in 0..<600 {
            var a = [Int32](repeating: 0, count: 600)
            a[place] = .max
            let ones = LatticeVector([Int32](repeating: 1, count: 600))
            #expect(throws: LatticeOverflow.self) { _ = try LatticeVector(a).adding(ones) }
            a[place] = .min
            #expect(throws: LatticeOverflow.self) { _ = try LatticeVector(a).subtracting(ones) }
        }
    }

    @Test("A long sum is the same in whatever order it is taken", arguments: [1, 2, 3] as [UInt64])
    func associative(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let influences = (0..<200).map { _ in LatticeVector(random.integers(1000, in: -(1 << 22)...(1 << 22))) }
        let inOrder = try influences.reduce(LatticeVector(zeros: 1000)) { try $0.adding($1) }

        let shuffled = try influences.shuffled(using: &random).reduce(LatticeVector(zeros: 1000)) { try $0.adding($1) }
        #expect(shuffled == inOrder)

        var pairs = influences.shuffled(using: &random)
        while pairs.count > 1 {
            pairs = try stride(from: 0, to: pairs.count, by: 2).map { $0 + 1 < pairs.count ? try pairs[$0].adding(pairs[$0 + 1]) : pairs[$0] }
        }
        #expect(pairs[0] == inOrder)

        let plain = (0..<1000).map { index in influences.reduce(Int64(0)) { $0 + Int64($1.steps[index]) } }
        #expect(inOrder.steps.map(Int64.init) == plain)
    }

    @Test("What was added is taken away without a trace")
    func inverse() throws {
        var random = SeededGenerator(11)
        let state = LatticeVector(random.integers(777, in: -(1 << 30)...(1 << 30) - 1))
        let influence = LatticeVector(random.integers(777, in: -(1 << 30)...(1 << 30) - 1))
        #expect(try state.adding(influence).subtracting(influence) == state)
        #expect(try state.subtracting(state) == LatticeVector(zeros: 777))
    }

    @Test("Empty vectors add up to the empty vector")
    func empty() throws {
        let none = LatticeVector([])
        #expect(try none.adding(none) == none)
        #expect(try none.subtracting(none) == none)
    }

    @Test("An overflow is damage: the records cannot belong together")
    func overflowMessage() {
        #expect(LatticeOverflow().kind == .damaged)
        #expect(
            LatticeOverflow().description
                == "a sum of influences leaves the lattice's range; the store is damaged: run 'unlearn check'")
    }
}
