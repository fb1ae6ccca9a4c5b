import Synchronization
import Training

/// Work in numbered pieces on so many threads. Which thread takes which piece is left open, so a piece may write to what
/// is its own alone.
struct Threads: Sendable {
    let count: Int

    init(_ count: Int) {
        precondition(count > 0, "at least one thread")
        self.count = count
    }

    /// Runs `body(piece)` for every piece, and waits.
    func forEach(_ pieces: Int, _ body: (Int) -> Void) {
        guard count > 1, pieces > 1 else { return (0..<pieces).forEach(body) }
        let next = Atomic<Int>(0)
        // It returns after every call has: the body neither escapes nor outlives what it captures.
        withoutActuallyEscaping(body) { body in
            nonisolated(unsafe) let body = body
            WorkerThreads.shared.perform(min(count, pieces)) { _ in
                while true {
                    let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard piece < pieces else { return }
                    body(piece)
                }
            }
        }
    }
}
