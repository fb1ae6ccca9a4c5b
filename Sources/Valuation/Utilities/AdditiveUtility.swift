import Checkpoints
import Tensors
import Unlearn

/// v̂(S): the score of `M_B ⊖ Σ D_i` over the blocks whose rows are outside S, without any training. A block of which S keeps a
/// part loses the share of its influence that its missing rows have of its rows, to the nearest step of the lattice.
///
/// Corrections of earlier stitches stay in it.
///
/// - Complexity: one sum a block and one scoring for each coalition; coalitions in parallel.
public final class AdditiveUtility: StreamingUtility {
    private let trainer: CoalitionTrainer
    private let chains: [any InfluenceChain]
    /// Told the coalitions done so far in this batch, of how many.
    private let progress: (_ done: Int, _ total: Int) -> Void

    /// What training each evaluated model from scratch would have taken.
    public private(set) var blocksTrainedFromScratch = 0

    public init(_ trainer: CoalitionTrainer, progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws {
        self.trainer = trainer
        self.progress = progress
        chains = try trainer.chains()
    }

    public var playerCount: Int { trainer.players.count }
    public var source: UtilityRecord.Source { .additive }
    public var metric: Metric { trainer.metric }

    public func evaluate(_ coalitions: [Coalition], receive: (_ index: Int, _ scores: UtilityRecord.Scores) throws -> Void) throws {
        try trainer.eachCoalition(coalitions, progress: progress, receive: receive) { coalition, thread in
            let scores = try trainer.scorer.scores(state(of: coalition, on: thread), by: trainer.trainers[thread])
            trainer.locked { blocksTrainedFromScratch += trainer.nonEmptyBlocks(coalition) }
            return scores
        }
    }

    /// `M_B` without the influence of the rows outside a coalition.
    func state(of coalition: Coalition, on thread: Int = 0) throws -> LatticeVector {
        var state = trainer.model
        for (index, block) in trainer.players.blocks.enumerated() {
            let all = block.allRows, missing = all - block.keptRows(coalition)
            guard missing > 0 else { continue }
            let influence = try chains[thread].influence(index + 1)
            state = try state.subtracting(missing == all ? influence : influence.scaled(by: Double(missing) / Double(all)))
        }
        return state
    }
}
