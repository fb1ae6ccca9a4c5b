import Files
import Tensors
import Training

@testable import Unlearn

/// A trainer whose chain can be followed by hand: block i moves every parameter a share of the way towards the mean of
/// its rows' features. A difference between two chains then shrinks by (1 − share(i)) a block, whatever the rows.
final class ContractingTrainer: BlockTrainer {
    let layout: ParameterLayout
    let lattice = Lattice(bits: 18)
    /// The share of block i.
    let share: (Int) -> Double
    /// Blocks trained so far, in order.
    private(set) var trained: [Int] = []

    init(parameters: Int, share: @escaping (Int) -> Double) {
        layout = ParameterLayout([TensorSpec("w", [parameters])])
        self.share = share
    }

    var fingerprint: NumericsFingerprint { NumericsFingerprint(["trainer": "contracting"]) }

    func initialState() -> LatticeVector { LatticeVector(zeros: layout.count) }

    func train(block: Int, from state: LatticeVector, rows: BlockRows, control: TrainingControl) throws -> LatticeVector {
        if control.isInterrupted() { throw Failure.interrupted }
        trained.append(block)
        var means = [Double](repeating: 0, count: layout.count)
        let live = rows.labels.indices.filter { rows.labels[$0] != BlockRows.emptySlot }
        for slot in live { for index in means.indices { means[index] += Double(rows.features[slot * layout.count + index]) } }
        let share = share(block)
        let next = state.steps.indices.map { index in
            let value = Double(state.steps[index]) * lattice.unit
            let target = live.isEmpty ? value : means[index] / Double(live.count)
            return Float(value + share * (target - value))
        }
        return try next.withUnsafeBufferPointer { try lattice.snap($0) }
    }

    /// It knows no classes: two that are equally likely.
    func probabilities(state: LatticeVector, rows: BlockRows) -> [Float] {
        rows.labels.flatMap { label in [Float](repeating: label == BlockRows.emptySlot ? 0 : 0.5, count: 2) }
    }
}

/// A chain in memory, and a sink that changes it as a store would.
final class MemoryChain: InfluenceChain, ReplaySink {
    var keepsStates = true
    private let initial: LatticeVector
    private(set) var influences: [LatticeVector] = []
    private(set) var exactBases: [Bool] = []
    private(set) var corrections: [Int: LatticeVector] = [:]
    private var pending: [Int: (influence: LatticeVector, exact: Bool)] = [:]
    private var pendingCorrections: [Int: LatticeVector] = [:]

    /// Trains a whole chain.
    init(_ trainer: any BlockTrainer, blocks: Int, rows: (Int) -> BlockRows) throws {
        initial = try trainer.initialState()
        var state = initial
        for block in 1...blocks {
            let next = try trainer.train(block: block, from: state, rows: rows(block), control: TrainingControl())
            influences.append(try next.subtracting(state))
            exactBases.append(true)
            state = next
        }
    }

    var length: Int { influences.count }
    var firstInexact: Int? { exactBases.firstIndex(of: false).map { $0 + 1 } }

    func state(_ block: Int) throws -> LatticeVector {
        var state = initial
        for index in 0..<block {
            state = try state.adding(influences[index])
            if let correction = corrections[index + 1] { state = try state.adding(correction) }
        }
        return state
    }

    func influence(_ block: Int) -> LatticeVector { influences[block - 1] }
    func correction(_ block: Int) -> LatticeVector? { corrections[block] }

    func retrained(block: Int, from before: LatticeVector, to after: LatticeVector, baseIsExact: Bool) throws { pending[block] = (try after.subtracting(before), baseIsExact) }
    func startedWithout(correctionBehind block: Int) { corrections[block] = nil }
    func stitched(after block: Int, correction: LatticeVector) { pendingCorrections[block] = correction }
    func stitchesDiscarded() { pendingCorrections = [:] }

    /// What `StagingSink.publish` does to a store.
    func publish() {
        guard !pending.isEmpty else { return }
        let firstEnd = pending.keys.sorted().first { pending[$0 + 1] == nil }!
        for index in firstEnd..<length { exactBases[index] = false }
        for (block, new) in pending {
            corrections[block] = nil
            influences[block - 1] = new.influence
            exactBases[block - 1] = new.exact
        }
        for (block, correction) in pendingCorrections { corrections[block] = correction }
        pending = [:]
        pendingCorrections = [:]
    }
}
