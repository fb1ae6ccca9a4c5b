import Files
import Training

/// The rows that share the least information with each other, by DRMI's three algorithms (He, Meng, Chen, He, Hu, USENIX
/// Security 2021): greedy growth from a start row (2), replacement of one row at a time (3), and restarts (1).
struct SubsetSearch {
    let tiles: RowTiles
    let keep: Int
    let threads: Threads
    let control: TrainingControl
    /// What is being done, and how far it is.
    let progress: (_ what: String, _ done: Int, _ total: Int) -> Void

    struct Outcome {
        let start: Int
        /// In row order.
        let rows: [Int]
        let objective: Int64
        /// Before any row was replaced.
        let greedyObjective: Int64
        let replacements: Int
        let sweeps: Int
        let pairs: Int
    }

    /// The best of all starts, the first of equals, with the pairs of all.
    func best(of starts: [Int]) throws -> Outcome {
        precondition(!starts.isEmpty && (1...tiles.count).contains(keep), "a start, and no more rows than there are")
        var best: Outcome?
        var pairs = 0
        for (turn, start) in starts.enumerated() {
            let outcome = try grow(from: start, starts.count > 1 ? " (start \(turn + 1) of \(starts.count))" : "")
            pairs += outcome.pairs
            if best == nil || outcome.objective < best!.objective { best = outcome }
        }
        let found = best!
        return Outcome(
            start: found.start, rows: found.rows, objective: found.objective, greedyObjective: found.greedyObjective,
            replacements: found.replacements, sweeps: found.sweeps, pairs: pairs)
    }

    private func grow(from start: Int, _ turn: String) throws -> Outcome {
        let selection = try greedy(from: start, turn)
        let objective = selection.objective
        var replacements = 0, sweeps = 0
        // Whatever leaves nothing to choose from leaves nothing to replace.
        while keep < tiles.count {
            sweeps += 1
            let made = try sweep(selection, "sweep \(sweeps)" + turn)
            replacements += made
            if made == 0 { break }
        }
        return Outcome(
            start: start, rows: selection.rows, objective: selection.objective, greedyObjective: objective, replacements: replacements,
            sweeps: sweeps, pairs: selection.pairs)
    }

    /// Algorithm 2: the start row, then again and again the row that shares the least with those selected.
    /// - Complexity: O(keep × rows) pairs.
    func greedy(from start: Int, _ turn: String = "") throws -> Selection {
        let selection = Selection(tiles, threads: threads)
        var next: Int? = start
        while selection.count < keep, let row = next {
            try check()
            next = selection.add(row)?.row
            progress("selecting" + turn, selection.count, keep)
        }
        return selection
    }

    /// Algorithm 3: each selected row, those that share the most with the others first, gives its place to the row that
    /// lowers the objective most, if one does. A sweep without a replacement shows that no single one can help.
    /// - Returns: replacements made.
    /// - Complexity: two pairs a row for each replacement; at most one a row for each selected row to find it.
    func sweep(_ selection: Selection, _ what: String = "", replaced: (Int64) -> Void = { _ in }) throws -> Int {
        let sums = selection.sums
        let order = selection.rows.sorted { sums[$0] == sums[$1] ? $0 < $1 : sums[$0] > sums[$1] }
        var made = 0
        for (index, row) in order.enumerated() {
            try check()
            if let better = selection.replacement(for: row) {
                selection.remove(row)
                selection.add(better.row)
                made += 1
                replaced(selection.objective)
            }
            progress(what, index + 1, order.count)
        }
        return made
    }

    /// Σ MI over all pairs of rows.
    /// - Complexity: rows²/2 pairs.
    static func objective(of tiles: RowTiles, threads: Threads, control: TrainingControl) throws -> Int64 {
        let width = RowTiles.tileRows
        var total: Int64 = 0
        // One tile of rows against all before it at a time: enough for every thread, and soon done.
        for tile in 0..<tiles.tileCount {
            guard !control.isInterrupted() else { throw Failure.interrupted }
            let rows = tile * width..<min((tile + 1) * width, tiles.count)
            var sums = [Int64](repeating: 0, count: rows.count)
            sums.withUnsafeMutableBufferPointer { sums in
                nonisolated(unsafe) let sums = sums
                threads.forEach(rows.count) { index in
                    let row = rows.lowerBound + index
                    withUnsafeTemporaryAllocation(of: Int32.self, capacity: (tile + 1) * width) { information in
                        tiles.information(of: tiles.sorted(row), inTiles: 0..<tile + 1, into: information)
                        sums[index] = (0..<row).reduce(0) { $0 + Int64(information[$1]) }
                    }
                }
            }
            total += sums.reduce(0, +)
        }
        return total
    }

    private func check() throws {
        if control.isInterrupted() { throw Failure.interrupted }
    }
}
