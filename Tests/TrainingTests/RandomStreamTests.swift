import Testing

@testable import Training

@Suite("Numbers drawn from a stream")
struct RandomStreamTests {
    /// Pearson's statistic of counts that should be equal.
    private func chiSquare(_ counts: [Int]) -> Double {
        let expected = Double(counts.reduce(0, +)) / Double(counts.count)
        return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    }

    @Test("below(bound) stays in range and takes every small value equally often", arguments: [1, 2, 3, 6, 10, 64])
    func belowIsUniform(_ bound: Int) {
        var stream = RandomStream(seed: 1, purpose: .bench, block: bound)
        var counts = [Int](repeating: 0, count: bound)
        for _ in 0..<60_000 {
            let value = stream.below(bound)
            #expect(counts.indices.contains(value))
            counts[value] += 1
        }
        // Beyond the 99.99th percentile for each of these degrees of freedom.
        #expect(chiSquare(counts) < Double(bound) + 5 * (2 * Double(bound)).squareRoot() + 10)
    }

    /// Without rejection, values divisible by three would come up half of the time under this bound, not a third.
    @Test("below(bound) has no bias where the bound is a large part of the word's range")
    func belowRejects() {
        let bound = 3 << 30
        var stream = RandomStream(seed: 2, purpose: .bench)
        var counts = [0, 0, 0]
        for _ in 0..<30_000 {
            let value = stream.below(bound)
            #expect(value >= 0 && value < bound)
            counts[value % 3] += 1
        }
        #expect(chiSquare(counts) < 20)
    }

    @Test("symmetric(limit) lies in [−limit, limit), fills both halves and has mean zero", arguments: [0.05, 1, 3] as [Float])
    func symmetric(_ limit: Float) {
        var stream = RandomStream(seed: 3, purpose: .initialisation)
        let values = (0..<20_000).map { _ in stream.symmetric(limit) }
        #expect(values.allSatisfy { $0 >= -limit && $0 < limit })
        let mean = values.reduce(0) { $0 + Double($1) } / 20_000
        let square = values.reduce(0) { $0 + Double($1) * Double($1) } / 20_000
        // Five deviations of the mean of 20,000 uniform values: 5 / √(3·20,000).
        #expect(abs(mean) < 0.0205 * Double(limit))
        #expect(abs(square - Double(limit * limit) / 3) < 0.015 * Double(limit * limit))
    }

    @Test("shuffle keeps every element", arguments: [0, 1, 2, 3, 10, 1000])
    func shuffleIsAPermutation(_ count: Int) {
        var stream = RandomStream(seed: 4, purpose: .slotOrder)
        var elements = Array(0..<count)
        stream.shuffle(&elements)
        #expect(elements.sorted() == Array(0..<count))
        if count == 1000 { #expect(elements != Array(0..<count)) }
    }

    @Test("shuffle gives every order of four elements equally often")
    func shuffleIsUniform() {
        var stream = RandomStream(seed: 5, purpose: .slotOrder)
        var counts: [[Int]: Int] = [:]
        for _ in 0..<24_000 {
            var elements = [0, 1, 2, 3]
            stream.shuffle(&elements)
            counts[elements, default: 0] += 1
        }
        #expect(counts.count == 24)
        #expect(chiSquare(Array(counts.values)) < 65)
    }

    @Test("The order of slots is the same for the same seed, block and epoch, and another for any other")
    func shuffleIsKeyed() {
        func order(_ seed: UInt64, _ block: Int, _ epoch: Int) -> [Int] {
            var stream = RandomStream(seed: seed, purpose: .slotOrder, block: block, epoch: epoch)
            var elements = Array(0..<50)
            stream.shuffle(&elements)
            return elements
        }
        #expect(order(6, 1, 0) == order(6, 1, 0))
        #expect(Set([order(6, 1, 0), order(7, 1, 0), order(6, 2, 0), order(6, 1, 1)]).count == 4)
    }
}
