import TestSupport
import Testing

@testable import Training

@Suite("Weights of classes")
struct ClassWeightsTests {
    private func balanced(_ counts: [Int]) -> [Float] {
        ClassWeighting.balanced.weights(labels: counts.enumerated().flatMap { label, count in [Int32](repeating: Int32(label), count: count) }, classes: counts.count)
    }

    @Test("Rows over classes times the rows of the class, to two binary digits behind the first", arguments: [
        ([500, 500], [1, 1]), ([980, 20], [0.5, 24]), ([750, 250], [0.625, 2]), ([100, 200, 700], [3.5, 1.75, 0.5]), ([9_900, 80, 20], [0.3125, 40, 160]),
    ] as [([Int], [Float])])
    func weights(counts: [Int], expected: [Float]) {
        #expect(balanced(counts) == expected)
    }

    @Test("They lie within a quarter of the exact ones where a class has sixteen rows", arguments: 0..<200)
    func nearBalanced(seed: Int) {
        var random = SeededGenerator(UInt64(seed))
        let counts = (0..<Int.random(in: 2...6, using: &random)).map { _ in Int.random(in: 16...3000, using: &random) }, rows = counts.reduce(0, +)
        for (count, weight) in zip(counts, balanced(counts)) {
            let exact = Double(rows) / Double(counts.count * count)
            #expect(abs(Double(weight) / exact - 1) < 0.27, "seed \(seed)")
        }
    }

    @Test("No weight is that of fewer than four counts of its class, however few rows it has")
    func coarse() {
        // The other class is so large that its own weight says nothing.
        var counts: [Float: Set<Int>] = [:]
        for count in 1...400 { counts[balanced([100_000 - count, count])[1], default: []].insert(count) }
        let largest = counts.max { $0.value.max()! < $1.value.max()! }!.key
        for (weight, fitting) in counts where weight != largest { #expect(fitting.count >= 4, "\(weight): \(fitting.sorted())") }
        #expect(counts.count > 15)
    }

    @Test("A class without rows weighs 1 and counts for nothing, nor do rows without a label")
    func absent() {
        #expect(balanced([40, 0, 120]) == [2, 1, 0.625])
        #expect(ClassWeighting.balanced.weights(labels: [0, -1, 0, 1, 1, -1, 0, 1, 0, 1], classes: 2) == [1, 1])
    }
}
