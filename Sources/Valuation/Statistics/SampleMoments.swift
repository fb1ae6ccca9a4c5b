/// Mean and variances of independent samples of all players' values.
struct SampleMoments {
    private(set) var count = 0
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

    mutating func append(_ row: [Double]) {
        count += 1
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

    /// Of the mean.
    var standardErrors: [Double] { variances.map { $0.squareRoot() } }
}
