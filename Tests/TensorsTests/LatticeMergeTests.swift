import TestSupport
import Testing

@testable import Tensors

@Suite("Merges of states on the lattice")
struct LatticeMergeTests {
    /// The plain version: whole numbers, with one division.
    private func reference(_ base: [Int32], _ tips: [[Int32]]) -> [Int32]? {
        var merged: [Int32] = []
        for index in base.indices {
            let sum = tips.reduce(Int64(0)) { $0 + Int64($1[index]) - Int64(base[index]) }, n = Int64(tips.count)
            var (quotient, remainder) = sum.quotientAndRemainder(dividingBy: n)
            if remainder < 0 { (quotient, remainder) = (quotient - 1, remainder + n) }
            if 2 * remainder > n || (2 * remainder == n && quotient % 2 != 0) { quotient += 1 }
            guard let step = Int32(exactly: Int64(base[index]) + quotient) else { return nil }
            merged.append(step)
        }
        return merged
    }

    @Test("The merge is the rounded mean of what tips add, for any length and number of tips", arguments: sampleLengths + [2047, 2048, 2049, 5000])
    func exact(length: Int) throws {
        var random = SeededGenerator(UInt64(length) + 1)
        for count in [1, 2, 3, 4, 7, 10, 64] {
            for range: ClosedRange<Int32> in [-3...3, -(1 << 20)...(1 << 20), -(1 << 30)...(1 << 30) - 1] {
                let base = random.integers(length, in: range), tips = (0..<count).map { _ in random.integers(length, in: range) }
                #expect(LatticeVector(base).merging(tips.map { LatticeVector($0) }).steps == reference(base, tips), "\(count) tips of \(range)")
            }
        }
    }

    @Test("Ties go to the even neighbour, below zero too")
    func ties() throws {
        let base = LatticeVector([0, 0, 0, 0, 0, 10])
        let merged = base.merging([LatticeVector([1, 3, -1, -3, 5, 11]), LatticeVector([0, 0, 0, 0, 0, 10])])
        #expect(merged.steps == [0, 2, 0, -2, 2, 10])
    }

    @Test("At the limits of Int32 the merge is exact: it lies between the tips", arguments: [2, 3, 5, 1000])
    func limits(count: Int) throws {
        let edges: [Int32] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]
        for base in edges {
            for a in edges {
                for b in edges {
                    let tips = (0..<count).map { [$0 % 2 == 0 ? a : b] }
                    #expect(LatticeVector([base]).merging(tips.map { LatticeVector($0) }).steps == reference([base], tips), "\(base) \(a) \(b)")
                }
            }
        }
    }

    @Test("One large value among small ones, in the base or in a tip, does not wrap around", arguments: [1, 3, 4, 5, 9])
    func large(count: Int) {
        var random = SeededGenerator(UInt64(count))
        for place in [0, 31, 2047, 2048, 4100, 4999] {
            for value: Int32 in [.min, -(1 << 30), 1 << 29, .max] {
                var vectors = (0...count).map { _ in random.integers(5000, in: -9...9) }
                vectors[Int(random.next() % UInt64(count + 1))][place] = value
                let tips = Array(vectors[1...])
                #expect(LatticeVector(vectors[0]).merging(tips.map { LatticeVector($0) }).steps == reference(vectors[0], tips), "\(value) at \(place)")
            }
        }
    }

    @Test("A longer or shorter step goes on from the mean, by how many tips it is the mean of, rounded half to even", arguments: [0, 0.5, 1.2, 1.5, 2])
    func step(length: Double) throws {
        var random = SeededGenerator(7)
        for count in [1, 2, 3, 8, 60] {
            let base = random.integers(3001, in: -(1 << 20)...(1 << 20)), tips = (0..<count).map { _ in random.integers(3001, in: -(1 << 20)...(1 << 20)) }
            let mean = try #require(reference(base, tips)), more = (length - 1) * (1 - 1 / Double(count))
            let expected = zip(base, mean).map { $1 + Int32((Double($1 - $0) * more).rounded(.toNearestOrEven)) }
            let merged = try LatticeVector(base).merging(tips.map { LatticeVector($0) }, step: length)
            #expect(merged.steps == expected, "\(count) tips")
            #expect(try LatticeVector(base).merging(tips.shuffled(using: &random).map { LatticeVector($0) }, step: length) == merged)
            #expect(try LatticeVector(base).merging([LatticeVector(tips[0])], step: length).steps == tips[0])
            #expect(try LatticeVector(base).merging([], step: length).steps == base)
            #expect(try LatticeVector(base).merging(tips.map { LatticeVector($0) }, step: 1).steps == mean)
        }
        let far = [LatticeVector([.max]), LatticeVector([.max - 1])]
        if length > 1 { #expect(throws: MergeOverflow()) { try LatticeVector([0]).merging(far, step: length) } }
    }

    @Test("The order of tips plays no part, and one tip alone is the model")
    func order() throws {
        var random = SeededGenerator(3)
        let base = LatticeVector(random.integers(3000, in: -(1 << 22)...(1 << 22))), tips = (0..<9).map { _ in LatticeVector(random.integers(3000, in: -(1 << 22)...(1 << 22))) }
        let merged = base.merging(tips)
        for _ in 0..<5 { #expect(base.merging(tips.shuffled(using: &random)) == merged) }
        #expect(base.merging([tips[4]]) == tips[4])
        #expect(base.merging([]) == base)
    }
}

extension LatticeMergeTests {
    @Test("One tip after the other, in pieces, the merge is the same, also where sums leave Int32", arguments: [1, 2, 3, 8, 64], [1, 0.5, 1.7])
    func pieces(count: Int, step: Double) throws {
        var random = SeededGenerator(UInt64(count))
        for (length, range) in [(1, -3...3), (17, -(1 << 22)...(1 << 22)), (66_000, -(1 << 22)...(1 << 22)), (66_000, -(1 << 29)...(1 << 29))] as [(Int, ClosedRange<Int32>)] {
            let base = LatticeVector(random.integers(length, in: range))
            let tips = (0..<count).map { _ in LatticeVector(random.integers(length, in: range)) }
            var merge = LatticeMerge(onto: base)
            for tip in tips {
                for start in stride(from: 0, to: length, by: 4099) {
                    try tip.steps.withUnsafeBufferPointer { try merge.add(UnsafeBufferPointer(rebasing: $0[start..<min(start + 4099, length)]), at: start) }
                }
                merge.endTip()
            }
            #expect(try merge.merged(step: step) == base.merging(tips, step: step))
        }
        var none = LatticeMerge(onto: LatticeVector([7])), wide = LatticeMerge(onto: LatticeVector([.min, 0]))
        #expect(try none.merged(step: step) == LatticeVector([7]))
        for _ in 0..<2 {
            try [Int32.max, .max].withUnsafeBufferPointer { try wide.add($0, at: 0) }
            wide.endTip()
        }
        #expect(try wide.merged(step: 1) == LatticeVector([.max, .max]))
    }
}
