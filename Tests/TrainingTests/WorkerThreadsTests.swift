import Synchronization
import Testing

@testable import Training

@Suite("Threads that the system may refuse", .timeLimit(.minutes(60)))
struct WorkerThreadsTests {
    /// Starts so many threads and no more.
    private static func pool(starting most: Int) -> WorkerThreads {
        let left = Left(most)
        return WorkerThreads { pool in
            guard left.count.subtract(1, ordering: .relaxed).oldValue > 0 else { return false }
            return WorkerThreads.startThread(of: pool)
        }
    }

    private final class Left: Sendable {
        let count: Atomic<Int>
        init(_ count: Int) { self.count = Atomic(count) }
    }

    @Test("Every call is made once, with all the threads, with some, and with none", arguments: [0, 1, 2, 7])
    func calls(threads: Int) {
        let pool = Self.pool(starting: threads)
        for calls in [0, 1, 2, 5, 8, 100] {
            let made = Mutex([Int](repeating: 0, count: calls))
            pool.perform(calls) { call in made.withLock { $0[call] += 1 } }
            #expect(made.withLock { $0 } == [Int](repeating: 1, count: calls))
        }
        #expect(pool.count <= threads)
    }

    @Test("Calls may make calls", arguments: [0, 3])
    func nested(threads: Int) {
        let pool = Self.pool(starting: threads), sum = Mutex(0)
        pool.perform(4) { outer in
            pool.perform(3) { inner in
                let term: Int = 10 * outer + inner
                sum.withLock { $0 += term }
            }
        }
        // 3 · 10 · (0 + 1 + 2 + 3) + 4 · (0 + 1 + 2)
        #expect(sum.withLock { $0 } == 192)
    }

    @Test("A crew does its work with the threads there are", arguments: [0, 1, 3])
    func crews(threads: Int) throws {
        let pool = Self.pool(starting: threads)
        let done = try ThreadCrew.run(threads: 4, on: pool) { crew in
            let done = Mutex([Int](repeating: 0, count: 1000))
            for _ in 0..<3 { crew.forEach(1000) { piece, _ in done.withLock { $0[piece] += 1 } } }
            return done.withLock { $0 }
        }
        #expect(done == [Int](repeating: 3, count: 1000))
    }
}
