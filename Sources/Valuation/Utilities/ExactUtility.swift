import Checkpoints
import Files
import Tensors
import Training
import Unlearn

/// v(S) by replay: the score of the model that learned only the rows of S, and those of no player, the same bits as a project
/// made without the other rows would train.
///
/// The coalitions of a batch are the leaves of a trie over kept blocks, walked depth-first by as many threads as there are
/// trainers: each node trains one block, from the state of the node above it (DESIGN §7). States behind whole blocks come from
/// the stored chain where that is exact.
///
/// - Complexity: one block's training for each node that keeps a row, one scoring for each distinct coalition; at most
///   (2·threads + 1)·(blocks + 1) states in memory.
public final class ExactUtility: StreamingUtility {
    private let trainer: CoalitionTrainer
    /// The block (from 1) whose rows stand at each place of the chain.
    public let order: [Int]
    private let chain: StoredChain?
    /// Told the blocks trained so far in this batch, and how many it takes.
    private let progress: (_ trained: Int, _ total: Int) -> Void

    /// Since this utility was made.
    public private(set) var blocksTrained = 0
    /// What training each evaluated model from scratch would have taken.
    public private(set) var blocksTrainedFromScratch = 0

    /// - Parameter order: a permutation of the blocks; place j of the chain trains with block j's schedule and randomness on
    ///   the rows of block `order[j − 1]`. Nil: the project's own.
    public init(_ trainer: CoalitionTrainer, order: [Int]? = nil, progress: @escaping (_ trained: Int, _ total: Int) -> Void = { _, _ in }) throws {
        let own = Array(1...trainer.blocks), order = order ?? own
        precondition(order.sorted() == own, "a permutation of the blocks")
        self.trainer = trainer
        self.order = order
        self.progress = progress
        chain = order == own && trainer.chainIsExact ? try trainer.project.chain() : nil
    }

    /// Orders to average values over: the project's own, and then permutations drawn from a seed.
    public static func orders(_ count: Int, blocks: Int, seed: UInt64) -> [[Int]] {
        (0..<count).map { number in
            var order = Array(1...blocks)
            guard number > 0 else { return order }
            var random = RandomStream(seed: seed, purpose: .valuation, block: blocks, epoch: orderEpochs + number)
            random.shuffle(&order)
            return order
        }
    }

    /// Estimators draw from the epochs below.
    private static let orderEpochs = 1 << 23

    public var playerCount: Int { trainer.players.count }
    public var source: UtilityRecord.Source { .exact }
    public var metric: Metric { trainer.metric }

    /// The state behind one place on the way to some coalitions.
    private struct Step: Sendable {
        let branch: CoalitionTrie.Branch
        /// Of the block whose rows to train on.
        let place: Int
        let base: LatticeVector
        /// Whether every block up to this one is whole.
        let isPrefix: Bool
    }

    public func evaluate(_ coalitions: [Coalition], receive: (_ index: Int, _ scores: UtilityRecord.Scores) throws -> Void) throws {
        guard !coalitions.isEmpty else { return }
        let trie = CoalitionTrie(coalitions, players: trainer.players, order: order)
        let (total, fromScratch) = trie.blocksToTrain(storedPrefix: chain != nil)
        let tasks = DepthFirstTasks<Step>(depth: trie.places)
        var trained = 0
        // A receiver that threw is told nothing more, by the other threads neither.
        var hasThrown = false
        progress(0, total)
        let first = try chain?.state(0) ?? trainer.trainers[0].initialState()
        extend(first, of: Array(coalitions.indices), to: 1, isPrefix: chain != nil)

        /// Adds the branches of a node.
        func extend(_ state: LatticeVector, of indices: [Int], to place: Int, isPrefix: Bool) {
            // Of one depth the last is taken first: the whole branch goes last, when its state is the only one that waits.
            for branch in trie.branches(of: indices, at: place).sorted(by: { $0.isWhole && !$1.isWhole }) {
                tasks.add(Step(branch: branch, place: place, base: state, isPrefix: isPrefix && branch.isWhole), depth: place)
            }
        }

        func take(_ step: Step, on thread: Int) throws {
            guard !trainer.control.isInterrupted() else { throw Failure.interrupted }
            let state = try reach(step, on: thread)
            guard step.place == trie.places else { return extend(state, of: step.branch.coalitions, to: step.place + 1, isPrefix: step.isPrefix) }
            let scores = try trainer.scorer.scores(state, by: trainer.trainers[thread])
            try trainer.locked {
                guard !hasThrown else { return }
                hasThrown = true
                for index in step.branch.coalitions { try receive(index, scores) }
                hasThrown = false
            }
        }

        func reach(_ step: Step, on thread: Int) throws -> LatticeVector {
            if step.isPrefix, let chain { return try trainer.locked { try chain.state(step.place) } }
            guard step.branch.keptRows > 0 else { return step.base }
            let rows = try trainer.rows(block: order[step.place - 1], keeping: coalitions[step.branch.coalitions[0]])
            let state = try trainer.trainers[thread].train(block: step.place, from: step.base, rows: rows, control: trainer.control)
            trainer.locked {
                trained += 1
                blocksTrained += 1
                progress(trained, total)
            }
            return state
        }

        try trainer.onThreads { thread in
            do {
                while let step = tasks.take() {
                    try take(step, on: thread)
                    tasks.finish()
                }
            } catch {
                tasks.stop()
                throw error
            }
        }
        blocksTrainedFromScratch += fromScratch
    }
}
