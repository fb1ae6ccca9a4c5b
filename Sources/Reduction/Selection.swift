/// A set of selected rows, and for every row the information that it shares with them: "In" for a row that might come in,
/// "Out" for one that might go (He, Meng, Chen, He, Hu: DRMI, USENIX Security 2021, Algorithm 3). Both are kept up to date
/// by one pass over the rows for each change. All sums are whole numbers: the same for any number of threads.
final class Selection {
    /// Tiles that one piece of work takes.
    private static let pieceTiles = 8

    let tiles: RowTiles
    private let threads: Threads
    /// For each row, Σ MI with the selected rows other than itself.
    private(set) var sums: [Int64]
    private(set) var isSelected: [Bool]
    private(set) var count = 0
    /// Σ MI over all pairs of selected rows: what is to be small.
    private(set) var objective: Int64 = 0
    /// Pairs computed.
    private(set) var pairs = 0

    init(_ tiles: RowTiles, threads: Threads) {
        self.tiles = tiles
        self.threads = threads
        sums = [Int64](repeating: 0, count: tiles.count)
        isSelected = [Bool](repeating: false, count: tiles.count)
    }

    var rows: [Int] { isSelected.indices.filter { isSelected[$0] } }

    /// A row and what choosing it costs.
    struct Candidate: Equatable {
        let row: Int
        let cost: Int64

        /// Whether it is to be preferred: ties are broken by row order.
        func precedes(_ other: Candidate) -> Bool { cost < other.cost || (cost == other.cost && row < other.row) }

        static func best(_ candidates: some Sequence<Candidate?>) -> Candidate? {
            candidates.reduce(nil) { best, next in
                guard let next, let best else { return best ?? next }
                return next.precedes(best) ? next : best
            }
        }
    }

    /// Takes a row in.
    /// - Returns: the unselected row with the least sum afterwards, nil where all are selected.
    /// - Complexity: one pair a row.
    @discardableResult
    func add(_ row: Int) -> Candidate? {
        precondition(!isSelected[row], "a row that is selected already")
        objective += sums[row]
        isSelected[row] = true
        count += 1
        return change(by: 1, row)
    }

    /// Takes a row out.
    func remove(_ row: Int) {
        precondition(isSelected[row], "a row that is not selected")
        objective -= sums[row]
        isSelected[row] = false
        count -= 1
        change(by: -1, row)
    }

    /// Adds or subtracts a row's information to every other row's sum.
    @discardableResult
    private func change(by sign: Int64, _ row: Int) -> Candidate? {
        let one = tiles.sorted(row), width = RowTiles.tileRows
        let pieces = (tiles.tileCount + Self.pieceTiles - 1) / Self.pieceTiles
        var best = [Candidate?](repeating: nil, count: pieces)
        pairs += tiles.count
        sums.withUnsafeMutableBufferPointer { sums in
            best.withUnsafeMutableBufferPointer { best in
                isSelected.withUnsafeBufferPointer { isSelected in
                    nonisolated(unsafe) let (sums, best, isSelected) = (sums, best, isSelected)
                    threads.forEach(pieces) { piece in
                        let range = piece * Self.pieceTiles..<min((piece + 1) * Self.pieceTiles, tiles.tileCount)
                        let first = range.lowerBound * width, end = min(range.upperBound * width, tiles.count)
                        withUnsafeTemporaryAllocation(of: Int32.self, capacity: range.count * width) { information in
                            tiles.information(of: one, inTiles: range, into: information)
                            var least: Candidate?
                            for other in first..<end where other != row {
                                sums[other] += sign * Int64(information[other - first])
                                if !isSelected[other], least == nil || sums[other] < least!.cost { least = Candidate(row: other, cost: sums[other]) }
                            }
                            best[piece] = least
                        }
                    }
                }
            }
        }
        return Candidate.best(best)
    }

    /// The unselected row that best takes the place of a selected one, if the objective falls by it: least In(j) − MI(i, j),
    /// and less than Out(i).
    ///
    /// What two rows share is bounded by their entropies: a row whose In less that bound is not below Out(i) cannot do, and tiles
    /// without a possible row are passed over.
    /// - Complexity: one comparison a row, and one pair for each row of the tiles that are left.
    func replacement(for selected: Int) -> Candidate? {
        precondition(isSelected[selected], "a row that is not selected")
        let out = sums[selected], width = RowTiles.tileRows
        let possible = (0..<tiles.tileCount).filter { tile in
            (tile * width..<min((tile + 1) * width, tiles.count)).contains { !isSelected[$0] && sums[$0] - tiles.mostInformation(selected, $0) < out }
        }
        guard !possible.isEmpty else { return nil }
        let one = tiles.sorted(selected)
        pairs += possible.count * width
        var best = [Candidate?](repeating: nil, count: possible.count)
        best.withUnsafeMutableBufferPointer { best in
            nonisolated(unsafe) let best = best
            sums.withUnsafeBufferPointer { sums in
                isSelected.withUnsafeBufferPointer { isSelected in
                    nonisolated(unsafe) let (sums, isSelected) = (sums, isSelected)
                    threads.forEach(possible.count) { index in
                        let tile = possible[index], first = tile * width
                        withUnsafeTemporaryAllocation(of: Int32.self, capacity: width) { information in
                            tiles.information(of: one, inTiles: tile..<tile + 1, into: information)
                            var least: Candidate?
                            for row in first..<min(first + width, tiles.count) where !isSelected[row] {
                                let cost = sums[row] - Int64(information[row - first])
                                if cost < out, least == nil || cost < least!.cost { least = Candidate(row: row, cost: cost) }
                            }
                            best[index] = least
                        }
                    }
                }
            }
        }
        return Candidate.best(best)
    }
}
