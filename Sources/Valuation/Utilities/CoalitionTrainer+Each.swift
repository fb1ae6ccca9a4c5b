import Checkpoints
import Files
import Synchronization

extension CoalitionTrainer {
    /// The scores of each coalition by itself, on as many threads as there are trainers; the next one goes to whichever is free.
    func eachCoalition(
        _ coalitions: [Coalition], progress: (_ done: Int, _ total: Int) -> Void, receive: (_ index: Int, _ scores: UtilityRecord.Scores) throws -> Void,
        scores: (_ coalition: Coalition, _ thread: Int) throws -> UtilityRecord.Scores
    ) throws {
        let next = Atomic<Int>(0)
        var done = 0
        // A receiver that threw is told nothing more, by the other threads neither.
        var hasThrown = false
        progress(0, coalitions.count)
        try onThreads { thread in
            do {
                while case let index = next.add(1, ordering: .relaxed).oldValue, index < coalitions.count {
                    guard !control.isInterrupted() else { throw Failure.interrupted }
                    let scores = try scores(coalitions[index], thread)
                    try locked {
                        guard !hasThrown else { return }
                        hasThrown = true
                        try receive(index, scores)
                        hasThrown = false
                        done += 1
                        progress(done, coalitions.count)
                    }
                }
            } catch {
                next.store(coalitions.count, ordering: .relaxed)
                throw error
            }
        }
    }
}
