import Glibc

/// Threads for work that is cut into a fixed number of calls, kept for the next such work: a call costs a wake-up, not a start.
///
/// A system may refuse a thread (`pids.max` of a container, RLIMIT_NPROC). Then work goes on with those there are, at worst with the
/// caller's alone: which thread makes a call never changes what the call does. Dispatch would wait, a second at a time and for ever,
/// until the system gives one.
package final class WorkerThreads: @unchecked Sendable {  // Everything that changes is behind the lock.
    package static let shared = WorkerThreads()

    /// Starts a thread that runs `serve` of the pool that it is handed; false where the system refuses.
    private let start: (WorkerThreads) -> Bool

    /// One work: its calls, and how many of them are taken and finished.
    private final class Work {
        let calls: Int
        /// Nothing once the work is over: a thread may hold the work itself a moment longer.
        var body: (Int) -> Void
        var taken = 0
        var finished = 0

        init(calls: Int, body: @escaping (Int) -> Void) {
            self.calls = calls
            self.body = body
        }

        /// Out of line, so that what it holds of the body is let go before the call counts as finished.
        @inline(never) func call(_ number: Int) { body(number) }
    }

    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let workCame = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let workEnded = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var works: [Work] = []
    private var threads = 0
    private var idle = 0

    /// - Parameter start: for tests, what stands for starting a thread. A pool lives as long as its threads: for ever.
    package init(start: @escaping (WorkerThreads) -> Bool = WorkerThreads.startThread) {
        self.start = start
        pthread_mutex_init(lock, nil)
        pthread_cond_init(workCame, nil)
        pthread_cond_init(workEnded, nil)
    }

    /// How many threads the pool has beside its callers'.
    package var count: Int { locked { threads } }

    /// Makes the calls `body(0)` to `body(calls - 1)`, each once, on the caller's and other threads, and waits. Two calls run side by
    /// side only where the system gives threads for it: none may wait for another one that has not begun.
    package func perform(_ calls: Int, _ body: (Int) -> Void) {
        guard calls > 1 else { return (0..<calls).forEach(body) }
        withoutActuallyEscaping(body) { body in
            let work = Work(calls: calls, body: body)
            locked {
                works.append(work)
                // One for each call but the caller's own. A refusal ends it: the next one would be refused as well.
                while idle + 1 < calls, start(self) {
                    threads += 1
                    idle += 1
                }
                pthread_cond_broadcast(workCame)
            }
            while run(work) {}
            locked {
                while work.finished < work.calls { pthread_cond_wait(workEnded, lock) }
                works.removeAll { $0 === work }
                work.body = { _ in }
            }
        }
    }

    /// Makes one call of a work, if one is left.
    private func run(_ work: Work) -> Bool {
        let call: Int? = locked {
            guard work.taken < work.calls else { return nil }
            work.taken += 1
            return work.taken - 1
        }
        guard let call else { return false }
        work.call(call)
        locked {
            work.finished += 1
            if work.finished == work.calls { pthread_cond_broadcast(workEnded) }
        }
        return true
    }

    /// What each thread does until the program ends.
    private func serve() -> Never {
        while true {
            let work: Work = locked {
                while true {
                    if let work = works.first(where: { $0.taken < $0.calls }) {
                        idle -= 1
                        return work
                    }
                    pthread_cond_wait(workCame, lock)
                }
            }
            while run(work) {}
            locked { idle += 1 }
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body()
    }

    package static func startThread(of pool: WorkerThreads) -> Bool {
        // Signals are for the thread that waits for input or commits: it must be the one whose call they end.
        var all = sigset_t(), before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let own = Unmanaged.passRetained(pool)
        let code = pthread_create(&thread, nil, { pool in Unmanaged<WorkerThreads>.fromOpaque(pool!).takeRetainedValue().serve() }, own.toOpaque())
        guard code == 0 else {
            own.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
