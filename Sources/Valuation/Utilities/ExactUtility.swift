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
    let trainer: CoalitionTrainer
    /// The block (from 1) whose rows stand at each place of the chain.
    public let order: [Int]
    /// The stored states, where they are those that training here would reach.
    let stored: StoredLineage?
    /// Told the blocks trained so far in this batch, and how many it takes.
    let progress: (_ trained: Int, _ total: Int) -> Void

    /// Since this utility was made.
    public internal(set) var blocksTrained = 0
    /// What training each evaluated model from scratch would have taken.
    public internal(set) var blocksTrainedFromScratch = 0

    /// - Parameter order: a permutation of the blocks; place j of the chain trains with block j's schedule and randomness on
    ///   the rows of block `order[j − 1]`. Nil: the project's own.
    public init(_ trainer: CoalitionTrainer, order: [Int]? = nil, progress: @escaping (_ trained: Int, _ total: Int) -> Void = { _, _ in }) throws {
        let own = Array(1...trainer.blocks), order = order ?? own
        precondition(order.sorted() == own, "a permutation of the blocks")
        self.trainer = trainer
        self.order = order
        self.progress = progress
        precondition(trainer.lineage.isChain || order == own, "branches have one order")
        stored = order == own && trainer.storedIsExact ? try trainer.project.lineage() : nil
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
        guard trainer.lineage.isChain else { return try evaluateMerges(coalitions, receive: receive) }
        let trie = CoalitionTrie(coalitions, players: trainer.players, order: order)
        let (total, fromScratch) = trie.blocksToTrain(storedPrefix: stored != nil)
        // A receiver that threw is told nothing more, by the other threads neither.
        var hasThrown = false
        progress(0, total)
        try walk(trie, total: total) { indices, state, _, thread in
            let scores = try trainer.scorer.scores(state, by: trainer.trainers[thread])
            try trainer.locked {
                guard !hasThrown else { return }
                hasThrown = true
                for index in indices { try receive(index, scores) }
                hasThrown = false
            }
        }
        blocksTrainedFromScratch += fromScratch
    }

    /// Walks the trie depth-first, on all threads.
    /// - Parameter reached: told the coalitions that share an end, its state, whether nothing was left out on the way to it, and the
    ///   thread it is told on.
    func walk(
        _ trie: CoalitionTrie, total: Int, reached: (_ coalitions: [Int], _ state: LatticeVector, _ isPrefix: Bool, _ thread: Int) throws -> Void
    ) throws {
        let tasks = DepthFirstTasks<Step>(depth: trie.places), coalitions = trie.coalitions
        var trained = 0
        let first = try stored?.state(0) ?? trainer.trainers[0].initialState()
        extend(first, of: Array(coalitions.indices), to: 1, isPrefix: stored != nil)

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
            try reached(step.branch.coalitions, state, step.isPrefix, thread)
        }

        func reach(_ step: Step, on thread: Int) throws -> LatticeVector {
            if step.isPrefix, let stored { return try trainer.locked { try stored.state(step.place) } }
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
    }
}
