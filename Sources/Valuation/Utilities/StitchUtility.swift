import Checkpoints
import Tensors
import Training
import Unlearn

/// v̂(S): the score of the state that DeepObliviate leaves when all rows of the other players are deleted at once, damped, its
/// guard overruled where residual memory does not decay: an estimate, whose error is measured against exact values.
///
/// - Complexity: for each coalition the blocks from its first deleted one to the last stitch; coalitions in parallel.
public final class StitchUtility: StreamingUtility {
    private let trainer: CoalitionTrainer
    private let chains: [any InfluenceChain]
    /// Told the coalitions done so far in this batch, of how many.
    private let progress: (_ done: Int, _ total: Int) -> Void

    /// Since this utility was made; blocks without a row that is kept take no training.
    public private(set) var blocksTrained = 0
    public private(set) var blocksTrainedFromScratch = 0

    public init(_ trainer: CoalitionTrainer, progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws {
        self.trainer = trainer
        self.progress = progress
        chains = try trainer.chains()
    }

    public var playerCount: Int { trainer.players.count }
    public var source: UtilityRecord.Source { .stitch }
    public var metric: Metric { trainer.metric }

    public func evaluate(_ coalitions: [Coalition], receive: (_ index: Int, _ scores: UtilityRecord.Scores) throws -> Void) throws {
        try trainer.eachCoalition(coalitions, progress: progress, receive: receive) { coalition, thread in
            var trained = 0
            let state = try state(without: coalition, on: thread, &trained)
            let scores = try trainer.scorer.scores(state, by: trainer.trainers[thread])
            trainer.locked {
                blocksTrained += trained
                blocksTrainedFromScratch += trainer.nonEmptyBlocks(coalition)
            }
            return scores
        }
    }

    private final class Count { var blocks = 0 }

    /// The state that is left of `M_B` when everything outside a coalition is deleted.
    private func state(without coalition: Coalition, on thread: Int, _ trained: inout Int) throws -> LatticeVector {
        let touched = trainer.players.blocks.indices.filter { !trainer.players.blocks[$0].isWhole(coalition) }.map { $0 + 1 }
        guard !touched.isEmpty else { return trainer.model }
        var options = ReplayOptions()
        options.onNoDecay = .stitch
        // The rows of many players at once are no rows to look at one by one.
        options.damping = .gapNorms
        options.sameNumerics = try trainer.project.fingerprintDifference == nil
        let count = Count()
        let replay = BlockReplay(
            chain: chains[thread], trainer: trainer.trainers[thread],
            rows: { [trainer] block in
                let rows = try trainer.rows(block: block, keeping: coalition)
                if rows.liveRows > 0 { count.blocks += 1 }
                return rows
            }, control: trainer.control)
        defer { trained = count.blocks }
        return try replay.run(deleted: touched, options: options, into: DiscardingSink()).state
    }
}
