import Files
import Foundation
import Synchronization
import Tensors
import Training

/// Trainers of one kind: one for blocks that are trained one after the other, and others for runs that are trained side by side.
public final class TrainerCrew {
    /// How many trainers may work at once: the threads that there are, or as many processes as are asked for.
    public let workers: Int
    /// For blocks that are trained one after the other.
    public let leader: any BlockTrainer
    private let make: (_ worker: Int) throws -> any BlockTrainer
    private var others: [any BlockTrainer]

    /// Trainers of this process: the leader with all threads, others with one each.
    public convenience init(threads: Int, make: @escaping (_ threads: Int) throws -> any BlockTrainer) throws {
        try self.init(workers: threads, leader: make(threads), others: []) { _ in try make(1) }
    }

    /// Trainers that are processes of their own, each with its threads or its device: the leader is one of them.
    /// - Parameter make: Workers count from 0.
    public convenience init(workers: Int, make: @escaping (_ worker: Int) throws -> any BlockTrainer) throws {
        let leader = try make(0)
        try self.init(workers: workers, leader: leader, others: [leader], make: make)
    }

    private init(workers: Int, leader: any BlockTrainer, others: [any BlockTrainer], make: @escaping (_ worker: Int) throws -> any BlockTrainer) throws {
        precondition(workers > 0, "somebody who works")
        (self.workers, self.leader, self.others, self.make) = (workers, leader, others, make)
    }

    /// As many as may work at once, and no more than are wanted.
    package func sideBySide(_ most: Int) throws -> [any BlockTrainer] {
        let count = min(most, workers)
        while others.count < count {
            let next = try make(others.count)
            if next is ProgramTrainer, let difference = try next.fingerprint.firstDifference(from: leader.fingerprint) {
                throw TrainerFault.otherWorker(others.count, difference: difference)
            }
            others.append(next)
        }
        return Array(others.prefix(count))
    }
}

/// The one walk that every training and every exact replay is: runs of blocks, within which each block is trained from the one before.
/// Runs know nothing of each other; several are trained side by side, each by one thread, with the same bits.
struct LineageWalk {
    /// Blocks one after the other.
    struct Run {
        let blocks: ClosedRange<Int>
        /// The state that it begins with, asked for when it does, one at a time: whoever can read it then holds none for a run that waits, or has
        /// left it behind.
        let base: () throws -> LatticeVector
    }

    let crew: TrainerCrew
    /// Live rows of a block; asked one at a time.
    let rows: (Int) throws -> BlockRows
    let control: TrainingControl
    /// Whether ends of runs are packed while other runs are trained: states are so large that room is scarce.
    var packsEnds = false

    /// Trains all runs and gives their ends.
    /// - Parameter keepingEnds: false: they are nobody's, who has been told of each block, and none is given.
    /// - Parameter trained: told each block and the states before and behind it, as it is trained, one at a time, on whichever thread
    ///   trained it. An error of it ends the walk.
    @discardableResult
    func train(_ runs: [Run], keepingEnds: Bool = true, trained: (_ block: Int, _ before: LatticeVector, _ after: LatticeVector) throws -> Void) throws -> [KeptState] {
        let lock = NSLock()
        var ends = [KeptState?](repeating: nil, count: runs.count)
        func train(_ number: Int, _ trainer: any BlockTrainer, _ isStopped: () -> Bool) throws {
            var state = try lock.withLock(runs[number].base)
            for block in runs[number].blocks {
                guard !isStopped() else { return }
                let blockRows = try lock.withLock { try rows(block) }
                let before = state
                state = try trainer.train(block: block, from: before, rows: blockRows, control: control)
                try lock.withLock { try trained(block, before, state) }
            }
            guard keepingEnds else { return }
            let end = try KeptState(state, packing: packsEnds && runs.count > 1)
            lock.withLock { ends[number] = end }
        }
        guard runs.count > 1, crew.workers > 1 else {
            for number in runs.indices { try train(number, crew.leader) { false } }
            return ends.compactMap(\.self)
        }
        let trainers = try crew.sideBySide(runs.count), next = Atomic<Int>(0), failure = Mutex<(any Error)?>(nil)
        withoutActuallyEscaping(train) { train in
            // It returns after every call has; what calls share they take under the lock, and each has a trainer and a run of its own.
            nonisolated(unsafe) let train = train, trainers = trainers
            let count = runs.count
            WorkerThreads.shared.perform(trainers.count) { thread in
                do {
                    while case let number = next.add(1, ordering: .relaxed).oldValue, number < count {
                        try train(number, trainers[thread]) { failure.withLock { $0 != nil } }
                    }
                } catch {
                    failure.withLock { if $0 == nil { $0 = error } }
                    next.store(count, ordering: .relaxed)
                }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return ends.compactMap(\.self)
    }
}
