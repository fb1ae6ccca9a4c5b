internal import CVectorKernels
import Glibc
import Synchronization

/// Threads that stay awake from one piece of parallel work to the next. Waking a sleeping thread costs as much as a small
/// batch does; a training takes a few such pieces a batch, with next to nothing in between. Only who waits much longer than that,
/// because the system gives the core of whom it waits for to others, sleeps, and leaves its own core to them.
///
/// Each thread begins with its own share of the pieces, the same one every time, so that what it wrote is still in its core's
/// cache, and goes on with what is left of the others': work ends with however many threads the system really gives. Which
/// thread takes which piece is a matter of timing: pieces must not depend on it.
final class ThreadCrew: Sendable {
    /// Each thread's share: the number of the work it belongs to, its end and the next piece to claim, in one word, so that a claim that
    /// succeeds is of the work that was looked at. A plain address, for looking at it must write nothing, not even a count of
    /// references; each on a cache line of its own, and the next one, which processors fetch with it.
    private let tickets: Tickets

    private struct Tickets: @unchecked Sendable {  // What it points to is atomic, and there for as long as the crew.
        let words: UnsafeMutablePointer<Atomic<UInt64>>
        let count: Int
        private static let apart = 16

        init(count: Int) {
            self.count = count
            words = .allocate(capacity: count * Self.apart)
            for index in 0..<count * Self.apart { (words + index).initialize(to: Atomic(0)) }
        }

        func deallocate() {
            words.deinitialize(count: count * Self.apart)
            words.deallocate()
        }

        func offer(_ pieces: Range<Int>, of work: UInt64, to thread: Int) {
            words[thread * Self.apart].store(work << 40 | UInt64(pieces.upperBound) << 20 | UInt64(pieces.lowerBound), ordering: .releasing)
        }

        /// Whether any piece of any share is left.
        var hasAny: Bool {
            for thread in 0..<count {
                let seen = words[thread * Self.apart].load(ordering: .acquiring)
                if seen & 0xFFFFF < seen >> 20 & 0xFFFFF { return true }
            }
            return false
        }

        /// A piece of a thread's share that nobody else gets; nil when there is none left.
        func claim(_ thread: Int) -> Int? {
            while true {
                let seen = words[thread * Self.apart].load(ordering: .acquiring), next = Int(seen & 0xFFFFF)
                guard next < Int(seen >> 20 & 0xFFFFF) else { return nil }
                // Whoever else came first has changed the word: looked at again.
                if words[thread * Self.apart].weakCompareExchange(expected: seen, desired: seen + 1, ordering: .acquiring).exchanged { return next }
            }
        }
    }

    static let mostPieces = 1 << 20 - 1
    /// Looks before a waiting thread offers its core to others, about 20 µs, and nanoseconds for which it goes on looking before it sleeps.
    private static let patience = 500, mostWaiting = 200_000

    private let finished = Atomic<Int>(0)
    private let arrivals = Atomic<Int>(0)
    private let isDismissed = Atomic<Bool>(false)
    /// The leader's alone: works so far, and pieces of the running one.
    private nonisolated(unsafe) var works: UInt64 = 0
    private nonisolated(unsafe) var pieces = 0
    /// Written by the leader while no piece is claimable, read by those who have claimed one.
    private nonisolated(unsafe) var body: (_ piece: Int, _ thread: Int) -> Void = { _, _ in }

    /// Where threads sleep until something is over, and are woken.
    final class Bed: Sendable {
        /// Threads that sleep, or are about to: they will look once more before they do.
        let sleepers = Atomic<Int>(0)
        // Made and destroyed with the bed, and used as the system's calls use them.
        private nonisolated(unsafe) let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private nonisolated(unsafe) let bell = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

        init() {
            pthread_mutex_init(lock, nil)
            pthread_cond_init(bell, nil)
        }

        deinit {
            pthread_cond_destroy(bell)
            pthread_mutex_destroy(lock)
            bell.deallocate()
            lock.deallocate()
        }

        fileprivate func sleep(until isOver: () -> Bool) {
            sleepers.add(1, ordering: .relaxed)
            // Either this thread sees what has ended, or who ended it sees that this one sleeps.
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            pthread_mutex_lock(lock)
            while !isOver() { pthread_cond_wait(bell, lock) }
            pthread_mutex_unlock(lock)
            sleepers.subtract(1, ordering: .relaxed)
        }

        fileprivate func wake() {
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            guard sleepers.load(ordering: .relaxed) > 0 else { return }
            pthread_mutex_lock(lock)
            pthread_cond_broadcast(bell)
            pthread_mutex_unlock(lock)
        }
    }

    /// Of those that wait for the next work or its end, and of those that wait for their turn within a piece: the latter are woken often, and
    /// the former need not be for it.
    let idle = Bed()
    private let inTurn = Bed()

    /// At most, the leader among them.
    var threads: Int { tickets.count }

    private init(threads: Int) { tickets = Tickets(count: threads) }

    deinit { tickets.deallocate() }

    /// Runs `lead` on this thread with up to `threads` − 1 others to help it, which leave when it returns.
    static func run<Value>(threads: Int, on workers: WorkerThreads = .shared, _ lead: (ThreadCrew) throws -> Value) throws -> Value {
        let crew = ThreadCrew(threads: max(1, threads))
        guard threads > 1 else { return try lead(crew) }
        return try withoutActuallyEscaping(lead) { lead in
            nonisolated(unsafe) let lead = lead
            nonisolated(unsafe) var outcome: Result<Value, any Error>?
            // Whoever comes first leads: with a single thread at hand, the others' turns come when all is over.
            workers.perform(threads) { _ in
                let thread = crew.arrivals.add(1, ordering: .relaxed).oldValue
                guard thread == 0 else { return crew.help(as: thread) }
                outcome = Result { try lead(crew) }
                crew.isDismissed.store(true, ordering: .releasing)
                crew.idle.wake()
            }
            return try outcome!.get()
        }
    }

    /// `body(piece, thread)` once for each piece, on any threads of the crew, and waits. Called by the leader only, and not from a piece.
    func forEach(_ pieces: Int, _ body: (_ piece: Int, _ thread: Int) -> Void) {
        precondition(pieces <= Self.mostPieces && finished.load(ordering: .relaxed) == self.pieces, "one work at a time")
        withoutActuallyEscaping(body) { body in
            self.body = body
            self.pieces = pieces
            works = (works + 1) & 0x7FFFFF
            finished.store(0, ordering: .relaxed)
            for thread in 0..<tickets.count {
                tickets.offer(pieces * thread / tickets.count..<pieces * (thread + 1) / tickets.count, of: works, to: thread)
            }
            idle.wake()
            while work(as: 0) {}
            wait(in: idle) { finished.load(ordering: .acquiring) == pieces }
            self.body = { _, _ in }
        }
    }

    private func help(as thread: Int) {
        while !isDismissed.load(ordering: .relaxed) {
            if !work(as: thread) { wait(in: idle) { isDismissed.load(ordering: .relaxed) || tickets.hasAny } }
        }
    }

    /// Does one piece, if there is one: of the thread's own share, or else of the next thread's that has any.
    private func work(as thread: Int) -> Bool {
        for place in 0..<tickets.count {
            guard let piece = tickets.claim((thread + place) % tickets.count) else { continue }
            // Read first: once the last piece is finished, the leader may write it.
            let all = pieces
            body(piece, thread)
            if finished.add(1, ordering: .releasing).newValue == all, thread != 0 { idle.wake() }
            return true
        }
        return false
    }

    /// Called from a piece: waits for what another piece does that has begun, and that is followed by `passTurn`.
    func waitForTurn(_ isTurn: () -> Bool) { wait(in: inTurn, until: isTurn) }

    /// Tells those that wait for their turn to look.
    func passTurn() { inTurn.wake() }

    /// Waits until something is over, whose end is followed by waking those in the bed.
    private func wait(in bed: Bed, until isOver: () -> Bool) {
        for _ in 0..<Self.patience {
            if isOver() { return }
            vk_pause()
        }
        let start = Self.nanoseconds()
        while Self.nanoseconds() - start < Self.mostWaiting {
            if isOver() { return }
            sched_yield()
        }
        bed.sleep(until: isOver)
    }

    private static func nanoseconds() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1_000_000_000 + now.tv_nsec
    }
}
