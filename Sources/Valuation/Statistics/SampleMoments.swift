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

    /// Of the mean, n × n. - Complexity: O(n²·count).
    var covariance: [[Double]] {
        precondition(count >= 2)
        let n = mean.count, scale = 1 / (Double(count - 1) * Double(count))
        var sums = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
        for row in rows {
            let centred = zip(row, mean).map { $0 - $1 }
            for i in 0..<n {
                for j in i..<n { sums[i][j] += centred[i] * centred[j] }
            }
        }
        for i in 0..<n {
            for j in i..<n {
                sums[i][j] *= scale
                sums[j][i] = sums[i][j]
            }
        }
        return sums
    }

    /// Of the mean.
    var standardErrors: [Double] { variances.map { $0.squareRoot() } }
}
