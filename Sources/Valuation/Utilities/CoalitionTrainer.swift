import Checkpoints
import Files
import Foundation
import Synchronization
import Tensors
import Training
import Unlearn

/// What every utility makes models of coalitions with: the rows that a coalition keeps, one single-threaded trainer for each
/// thread, and the scorer. One utility at a time may use it.
public final class CoalitionTrainer {
    public let project: Project
    public let players: PlayerSet
    public let split: ValuationSplit
    public let scorer: Scorer
    /// Which score is a coalition's value.
    public let metric: Metric
    public let control: TrainingControl
    /// One a thread.
    let trainers: [any BlockTrainer]
    /// Trained blocks: all that the recipe has.
    public let blocks: Int
    /// The project's: what is valued.
    public let model: LatticeVector
    public let lineage: Lineage
    /// Whether the stored states are those that training here would reach.
    let storedIsExact: Bool

    private let rows: DecodedRows

    /// Training rows in memory. One thread at a time may use the project: its catalogue is one connection.
    private final class DecodedRows {
        let lock = NSLock()
        let areKept: Bool
        var blocks: [BlockRows?]

        init(blocks: Int, areKept: Bool) {
            self.areKept = areKept
            self.blocks = [BlockRows?](repeating: nil, count: blocks)
        }
    }

    /// Decoded training rows are kept in memory up to so many bytes; more are read again for every block that is trained.
    public static let mostRowBytes = 1 << 30

    /// - Parameter mostRowBytes: of decoded rows to keep.
    /// - Throws: `Failure` of kind `input` where the project is not trained to its end.
    public init(
        _ project: Project, players: PlayerSet, split: ValuationSplit, metric: Metric, threads: Int,
        control: TrainingControl = TrainingControl(), mostRowBytes: Int = mostRowBytes
    ) throws {
        precondition(threads > 0, "at least one thread")
        let settings = project.settings, stored = try project.lineage()
        blocks = settings.recipe.plan.blocks
        guard stored.isWhole else {
            let done = stored.isEmpty ? "nothing is trained yet" : "\(stored.trainedBlocks) of \(blocks) blocks are trained"
            throw Failure(.input, "\(done), and values are those of a trained model; run 'unlearn train' first")
        }
        self.project = project
        self.players = players
        self.split = split
        self.control = control
        model = try stored.model()
        lineage = stored.shape
        storedIsExact = try stored.isExact && project.whyNotSameBits == nil
        self.metric = metric
        scorer = try Scorer(project, slots: split.valuation)
        trainers = try project.crew.sideBySide(threads)
        let slots = players.blocks.reduce(0) { $0 + $1.owners.count }
        rows = DecodedRows(blocks: blocks, areKept: slots * settings.shape.count * MemoryLayout<Float>.size <= mostRowBytes)
    }

    /// The same, with the same threads and rows in memory, but for scoring on the final test rows, which valuation never sees: to judge
    /// values by. One of the two at a time may be used.
    func onFinalRows() throws -> CoalitionTrainer { CoalitionTrainer(self, scorer: try Scorer(project, slots: split.final)) }

    private init(_ other: CoalitionTrainer, scorer: Scorer) {
        (project, players, split, self.scorer, metric) = (other.project, other.players, other.split, scorer, other.metric)
        (control, trainers, blocks, model, lineage) = (other.control, other.trainers, other.blocks, other.model, other.lineage)
        (storedIsExact, rows) = (other.storedIsExact, other.rows)
    }

    public var threads: Int { trainers.count }

    /// Runs `body` while no other thread uses the project.
    func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        rows.lock.lock()
        defer { rows.lock.unlock() }
        return try body()
    }

    /// The rows of a block that a coalition keeps, and those of no player.
    func rows(block: Int, keeping coalition: Coalition) throws -> BlockRows {
        let whole = try locked {
            if let kept = rows.blocks[block - 1] { return kept }
            let read = try project.trainingRows(block: block)
            guard read.slots == players.blocks[block - 1].owners.count else {
                throw Failure(.damaged, "block \(block) has not the slots that the catalogue names; run 'unlearn check' and restore the project from a backup")
            }
            if rows.areKept { rows.blocks[block - 1] = read }
            return read
        }
        let known = players.blocks[block - 1]
        guard !known.isWhole(coalition) else { return whole }
        var labels = whole.labels
        for slot in labels.indices {
            let owner = known.owners[slot]
            if owner >= 0, !coalition.contains(Int(owner)) { labels[slot] = BlockRows.emptySlot }
        }
        return whole.labelled(labels)
    }

    /// Blocks in which a coalition keeps any row: what training its model from scratch would take.
    func nonEmptyBlocks(_ coalition: Coalition) -> Int { players.blocks.count { $0.keptRows(coalition) > 0 } }

    /// Runs `body(thread)` on every thread, and waits; the first error that any of them ends with is thrown.
    func onThreads(_ body: (Int) throws -> Void) throws {
        let failure = Mutex<(any Error)?>(nil)
        withoutActuallyEscaping(body) { body in
            // It returns after every call has: the body neither escapes nor outlives what it captures. What
            // the calls share they take under locks; each has a trainer of its own.
            nonisolated(unsafe) let body = body
            WorkerThreads.shared.perform(threads) { thread in
                do {
                    try body(thread)
                } catch {
                    failure.withLock { if $0 == nil { $0 = error } }
                }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }
}
