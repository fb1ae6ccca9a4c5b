/// How a batch is cut into lanes: runs of slot positions, each of whose gradients is one sum. The cut depends on the
/// nominal batch size alone, so that neither threads nor deleted rows move it.
struct Lanes: Equatable {
    /// The most rows a lane takes: enough for products to be efficient, few enough for a batch to feed many threads.
    static let mostRows = 32

    let rows: Int
    let count: Int

    init(batchSize: Int) {
        let fewest = (batchSize + Self.mostRows - 1) / Self.mostRows
        self.init(rows: (batchSize + fewest - 1) / max(1, fewest), batchSize: batchSize)
    }

    init(rows: Int, batchSize: Int) {
        precondition(batchSize > 0 && rows > 0, "empty batches")
        self.rows = rows
        count = (batchSize + rows - 1) / rows
    }
}
