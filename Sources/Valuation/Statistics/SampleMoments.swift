/// Mean and covariance of independent samples of all players' values.
struct SampleMoments {
    private var rows: [[Double]] = []
    private(set) var mean: [Double]
    /// Σ (x − mean)², by player (Welford).
    private var squares: [Double]

    init(playerCount: Int) {
        mean = [Double](repeating: 0, count: playerCount)
        squares = mean
    }

    init(_ rows: [[Double]], playerCount: Int) {
        self.init(playerCount: playerCount)
        for row in rows { append(row) }
    }

    var count: Int { rows.count }

    mutating func append(_ row: [Double]) {
        rows.append(row)
        for player in row.indices {
            let difference = row[player] - mean[player]
            mean[player] += difference / Double(count)
            squares[player] += difference * (row[player] - mean[player])
        }
    }

    /// Of the mean.
    var variances: [Double] {
        precondition(count >= 2)
        return squares.map { $0 / Double(count - 1) / Double(count) }
    }

    /// Of the mean, n × n.
    /// - Throws: what `checkpoint` throws, which is called for each sample.
    /// - Complexity: O(n²·count).
    func covariance(checkpoint: () throws -> Void) rethrows -> [[Double]] {
        precondition(count >= 2)
        let n = mean.count, scale = 1 / (Double(count - 1) * Double(count))
        // Row by row, of which the part from the diagonal on is summed.
        var sums = [Double](repeating: 0, count: n * n)
        for row in rows {
            try checkpoint()
            let centred = zip(row, mean).map { $0 - $1 }
            sums.withUnsafeMutableBufferPointer { sums in
                for i in 0..<n {
                    for j in i..<n { sums[i * n + j] += centred[i] * centred[j] }
                }
            }
        }
        return (0..<n).map { i in (0..<n).map { j in sums[min(i, j) * n + max(i, j)] * scale } }
    }

    /// Of the mean.
    var standardErrors: [Double] { variances.map { $0.squareRoot() } }
}
