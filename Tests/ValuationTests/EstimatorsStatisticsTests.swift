import Testing

@testable import Valuation

@Suite struct EstimatorsStatisticsTests {
    @Test func `Pearson and Spearman of a textbook's lists`() {
        #expect(abs(Correlation.pearson([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])! - 0.8) < 1e-15)
        // scipy.stats.spearmanr([1, 2, 2, 4], [1, 3, 2, 10]) = 0.9486832980505138
        #expect(abs(Correlation.spearman([1, 2, 2, 4], [1, 3, 2, 10])! - 0.948_683_298_050_513_8) < 1e-15)
        #expect(abs(Correlation.spearman([1, 10, 100], [-1, -5, -7])! + 1) < 1e-15)
        #expect(Correlation.pearson([1, 1, 1], [1, 2, 3]) == nil && Correlation.spearman([1], [1]) == nil)
        #expect(Correlation.ranks([3, 1, 3, 0]) == [3.5, 2, 3.5, 1])
    }

    @Test func `ranks move as far as intervals overlap`() {
        let ranking = Ranking(values: [5, 3, 2.9, 0], low: [4, 2.5, 2.4, -1], high: [6, 3.5, 3.4, 1])
        #expect(ranking.ranks == [1, 2, 3, 4] && ranking.best == [1, 2, 2, 4] && ranking.worst == [1, 3, 3, 4])
        #expect(Ranking(values: [1, 1, 0], low: [1, 1, 0], high: [1, 1, 0]).ranks == [1, 1, 3])
    }

    @Test func `shares of payment count negative values as nothing`() {
        let clipped = PaymentShares(values: [3, -2, 1])
        #expect(clipped.shares == [0.75, 0, 0.25])
        #expect(PaymentShares(values: [-1, 0]).shares == [0, 0])
    }

    /// A tenth of the identity and eight outer products, or fewer.
    private static func system(_ size: Int) -> (matrix: [Double], root: [Double]) {
        var numbers = SystemlessNumbers(state: 3)
        let width = min(8, size), root = (0..<size * width).map { _ in numbers.next() - 0.5 }
        var matrix = [Double](repeating: 0, count: size * size)
        for i in 0..<size {
            for j in 0..<size {
                var sum = i == j ? 0.1 : 0
                for k in 0..<width { sum += root[i * width + k] * root[j * width + k] }
                matrix[i * size + j] = sum
            }
        }
        return (matrix, root)
    }

    @Test(arguments: [1, 2, 5, 20, 47, 48, 255, 256, 257, 300]) func `a factored matrix solves its systems and a singular one is refused`(size: Int) throws {
        let (matrix, root) = Self.system(size)
        let x = Array(root.prefix(size)), b = (0..<size).map { i in (0..<size).reduce(0) { $0 + matrix[i * size + $1] * x[$1] } }
        // Both right sides at once, as one alone.
        let factor = try #require(Cholesky(matrix, size: size, blas: .loaded) {}), found = factor.solve(b)
        #expect(zip(found, x).allSatisfy { abs($0 - $1) < 1e-9 })
        #expect(zip(factor.solve(b + b) {}, found + found).allSatisfy { abs($0 - $1) < 1e-12 })
        // By the textbook's loops, to rounding.
        let plain = try #require(Cholesky(matrix, size: size, blas: nil) {}).solve(b)
        #expect(zip(found, plain).allSatisfy { abs($0 - $1) < 1e-9 })
        // A row twice: the last pivot is nothing but rounding.
        guard size > 1 else { return }
        var singular = matrix
        for i in 0..<size { singular[(size - 1) * size + i] = i == size - 1 ? matrix[0] : matrix[i] }
        for blas in [OpenBLAS.loaded, nil] { #expect(Cholesky(singular, size: size, blas: blas, checkpoint: {}) == nil) }
    }

    @Test(arguments: [false, true]) func `what is asked between panels can end a factorisation and a solution`(isPlain: Bool) throws {
        struct Stop: Error {}
        let size = 600, matrix = (0..<size * size).map { $0 / size == $0 % size ? 2.0 : 0.001 }
        let blas = isPlain ? nil : OpenBLAS.loaded
        for most in 0..<3 {
            var asked = 0
            #expect(throws: Stop.self) {
                _ = try Cholesky(matrix, size: size, blas: blas) {
                    asked += 1
                    if asked > most { throw Stop() }
                }
            }
            #expect(asked == most + 1)
        }
        let factor = try #require(Cholesky(matrix, size: size, blas: blas) {})
        #expect(throws: Stop.self) { _ = try factor.solve([Double](repeating: 1, count: size)) { throw Stop() } }
    }

    @Test(arguments: [1, 3, 48]) func `a square is added to the lower triangle by rows, and to nothing else`(size: Int) throws {
        let blas = try #require(OpenBLAS.loaded), rows = 7
        var numbers = SystemlessNumbers(state: 9)
        // Column by column.
        let a = (0..<rows * size).map { _ in (numbers.next() * 8).rounded() }, before = (0..<size * size).map { _ in (numbers.next() * 8).rounded() }
        var sums = before
        sums.withUnsafeMutableBufferPointer { blas.addSquare(a, rows: rows, stride: rows, times: 2, to: $0.baseAddress!, size: size, strideOfC: size) }
        for i in 0..<size {
            for j in 0..<size {
                let added = j > i ? 0 : 2 * (0..<rows).reduce(0) { $0 + a[i * rows + $1] * a[j * rows + $1] }
                #expect(sums[i * size + j] == before[i * size + j] + added)
            }
        }
    }

    @Test func `an estimator that is asked to stop while it solves stops`() throws {
        struct Stop: Error {}
        let game = Game(12) { Double($0.count * $0.count) }, rule = StoppingRule(maxEvaluations: 60)
        #expect(throws: Stop.self) { try KernelEstimator(seed: 1, stopping: rule).estimate(UtilityTable(game) { throw Stop() }) }
        #expect(throws: Stop.self) { try AdjustedEstimator(seed: 1, stopping: StoppingRule(maxEvaluations: 300)).estimate(UtilityTable(game) { throw Stop() }) }
    }

    /// The library is on the list of packages: where it is missing, tests of it compare plain loops with themselves.
    @Test func `OpenBLAS is there`() { #expect(OpenBLAS.loaded != nil) }
}

/// Uniform numbers in 0..<1 (a linear congruential generator: any will do here).
private struct SystemlessNumbers {
    var state: UInt64
    mutating func next() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) * 0x1p-53
    }
}
