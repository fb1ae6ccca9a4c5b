/// Watches a replay, and ends it where what is left would take too long at its pace so far. The pace of a stem stands for that of the
/// branches behind it, which are trained side by side.
///
/// It is called where blocks' rows are read and progress is told: one at a time, by the lock of the walk (`LineageWalk`).
final class Patience {
    /// What the blocks that were left would have taken.
    struct Exhausted: Error {
        let seconds: Double
    }

    private let limit: Duration
    /// Passes of rows through the trained blocks, by number from 1; 0 for what is not trained.
    private let work: [Int]
    /// The first block of the branches, behind the last of all where there are none.
    private let firstOfBranches: Int
    private let elapsed: () -> Duration
    private var workDone = 0
    private var blocksLeft = 0

    /// - Parameter elapsed: the time since the first block was begun. What is read before it is paid once, not with every block.
    init(_ limit: Duration, work: [Int], firstOfBranches: Int, elapsed: (() -> Duration)? = nil) {
        self.limit = limit
        self.work = work
        self.firstOfBranches = firstOfBranches
        var start: ContinuousClock.Instant?
        self.elapsed =
            elapsed ?? {
                let now = ContinuousClock.now
                if start == nil { start = now }
                return now - start!
            }
    }

    /// Told how many blocks are still to be trained, the one that is begun next included.
    func told(left: Int) { blocksLeft = left }

    /// Asked before a block is begun.
    func expectTime(for block: Int) throws {
        let seconds = elapsed() / .seconds(1)
        defer { workDone += work[block - 1] }
        guard workDone > 0 else { return }
        // Whatever stands on a block of a stem comes behind it; of branches some may be there as they are.
        let left = block < firstOfBranches ? work[(block - 1)...].reduce(0, +) : blocksLeft * work[block - 1]
        let secondsLeft = seconds / Double(workDone) * Double(left)
        if secondsLeft > limit / .seconds(1) { throw Exhausted(seconds: secondsLeft) }
    }
}
