import Checkpoints
import Dispatch
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
    /// `M_B` of the project: what is valued.
    public let trainedState: LatticeVector
    /// Whether the chain's states are those that training here would reach.
    let chainIsExact: Bool

    /// One thread at a time may use the project: its catalogue is one connection.
    private let lock = NSLock()
    private let keepsRows: Bool
    private var loaded: [BlockRows?]

    /// Decoded training rows are kept in memory up to so many bytes; more are read again for every block that is trained.
    public static let mostRowBytes = 1 << 30

    /// - Parameters:
    ///   - final: score on the final test rows, which valuation never sees, to judge values by.
    ///   - mostRowBytes: of decoded rows to keep.
    /// - Throws: `Failure` of kind `input` where the project is not trained to its end.
    public init(
        _ project: Project, players: PlayerSet, split: ValuationSplit, metric: Metric, onFinalRows final: Bool = false, threads: Int,
        control: TrainingControl = TrainingControl(), mostRowBytes: Int = mostRowBytes
    ) throws {
        precondition(threads > 0, "at least one thread")
        let settings = project.settings, chain = try project.chain()
        blocks = settings.recipe.blocks
        guard chain.length == blocks else {
            let done = chain.length == 0 ? "nothing is trained yet" : "\(chain.length) of \(blocks) blocks are trained"
            throw Failure(.input, "\(done), and values are those of a trained model; run 'unlearn train' first")
        }
        self.project = project
        self.players = players
        self.split = split
        self.control = control
        trainedState = try chain.state(chain.length)
        chainIsExact = chain.isExact && project.fingerprintDifference == nil
        self.metric = metric
        scorer = try Scorer(project, slots: final ? split.final : split.valuation)
        trainers = try (0..<threads).map { _ in
            try SGDTrainer(recipe: settings.recipe, input: settings.shape, classes: settings.classNames.count, threads: 1)
        }
        let slots = players.blocks.reduce(0) { $0 + $1.owners.count }
        keepsRows = slots * settings.shape.count * MemoryLayout<Float>.size <= mostRowBytes
        loaded = [BlockRows?](repeating: nil, count: blocks)
    }

    public var threads: Int { trainers.count }

    /// Runs `body` while no other thread uses the project.
    func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body()
    }

    /// The rows of a block that a coalition keeps, and those of no player.
    func rows(block: Int, keeping coalition: Coalition) throws -> BlockRows {
        let whole = try locked {
            if let rows = loaded[block - 1] { return rows }
            let rows = try project.trainingRows(block: block)
            guard rows.slots == players.blocks[block - 1].owners.count else {
                throw Failure(.damaged, "block \(block) has not the slots that the catalogue names; run 'unlearn check' and restore the project from a backup")
            }
            if keepsRows { loaded[block - 1] = rows }
            return rows
        }
        let known = players.blocks[block - 1]
        guard !known.isWhole(coalition) else { return whole }
        var labels = whole.labels
        for slot in labels.indices {
            let owner = known.owners[slot]
            if owner >= 0, !coalition.contains(Int(owner)) { labels[slot] = BlockRows.emptySlot }
        }
        return BlockRows(features: whole.features, labels: labels, featureCount: whole.featureCount)
    }

    /// Blocks in which a coalition keeps any row: what training its model from scratch would take.
    func nonEmptyBlocks(_ coalition: Coalition) -> Int { players.blocks.count { $0.keptRows(coalition) > 0 } }

    /// Runs `body(thread)` on every thread, and waits; the first error that any of them ends with is thrown.
    func onThreads(_ body: (Int) throws -> Void) throws {
        let failure = Mutex<(any Error)?>(nil)
        withoutActuallyEscaping(body) { body in
            // concurrentPerform returns after every call has: the body neither escapes nor outlives what it captures. What
            // the calls share they take under locks; each has a trainer of its own.
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
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

/// A utility that tells each model's scores as soon as they are known, so that none is lost where a long run ends early.
public protocol StreamingUtility: Utility {
    /// What its scores are.
    var source: UtilityRecord.Source { get }

    /// Which of them is the value.
    var metric: Metric { get }

    /// The scores of each coalition's model, told by its index in any order, one at a time, on whichever thread found them. An
    /// error of `receive` ends the evaluation.
    func evaluate(_ coalitions: [Coalition], receive: (_ index: Int, _ scores: UtilityRecord.Scores) throws -> Void) throws
}

extension StreamingUtility {
    public func values(of coalitions: [Coalition]) throws -> [Double] {
        var values = [Double](repeating: .nan, count: coalitions.count)
        try evaluate(coalitions) { values[$0] = metric.value(of: $1) }
        return values
    }
}
