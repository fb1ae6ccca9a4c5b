/// How a batch is cut into lanes: runs of slot positions, each of whose gradients is one sum. The cut depends on the
/// nominal batch size alone, so that neither threads nor deleted rows move it.
struct Lanes: Equatable {
    /// The most rows a lane takes: enough for products to be efficient, few enough for a batch to feed many threads.
    static let mostRows = 32

    let rows: Int

    init(batchSize: Int) {
        precondition(batchSize > 0, "empty batches")
        let lanes = (batchSize + Self.mostRows - 1) / Self.mostRows
        rows = (batchSize + lanes - 1) / lanes
    }
}
