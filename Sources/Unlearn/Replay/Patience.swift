import Training

/// Watches a replay, and ends it where what is left would take too long at its pace so far.
final class Patience {
    /// What the blocks that were left would have taken.
    struct Exhausted: Error {
        let seconds: Double
    }

    private let limit: Duration
    private let plan: TrainingPlan
    private let start = ContinuousClock.now
    /// Epochs of the blocks that were begun before: blocks hold about as many rows each.
    private var workDone = 0.0
    private var blocksLeft = 0

    init(_ limit: Duration, plan: TrainingPlan) { (self.limit, self.plan) = (limit, plan) }

    /// Told how many blocks are still to be trained, the one that is begun next included.
    func told(left: Int) { blocksLeft = left }

    /// Asked before a block is begun, one at a time.
    func expectTime(for block: Int) throws {
        let epochs = Double(plan.epochs(of: block))
        defer { workDone += epochs }
        guard workDone > 0 else { return }
        let seconds = (ContinuousClock.now - start) / .seconds(1) / workDone * workLeft(from: block)
        if seconds > limit / .seconds(1) { throw Exhausted(seconds: seconds) }
    }

    /// Epochs of the blocks that are left: those of the stem come first, and then those of all branches.
    func workLeft(from block: Int) -> Double {
        let isOfStem = plan.lineage.branch(of: block) == nil, ofStem = isOfStem ? min(blocksLeft, plan.lineage.stem - block + 1) : 0
        let ofBranches = blocksLeft - ofStem
        return Double(ofStem * plan.epochs) + (ofBranches > 0 ? Double(ofBranches * plan.epochs(of: plan.lineage.blocks)) : 0)
    }
}
