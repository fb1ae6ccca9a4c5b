internal import CVectorKernels
import Dispatch
import Glibc
import Synchronization

/// Threads that stay awake from one piece of parallel work to the next. Waking a sleeping thread costs as much as a small
/// batch does; a training takes two such pieces a batch, with next to nothing in between.
///
/// Pieces are claimed one by one, so that work goes on with however many threads the system really gives. Which thread takes
/// which piece is a matter of timing: pieces must not depend on it.
final class ThreadCrew: Sendable {
    /// Numbers of the running work, of its pieces and of the next one to claim, in one word: a claim that succeeds is of the
    /// work that was looked at.
    private struct Ticket {
        var word: UInt64

        init(work: UInt64, pieces: Int) { word = work << 40 | UInt64(pieces) << 20 }

        init(word: UInt64) { self.word = word }

        static let over = Ticket(word: .max)

        var work: UInt64 { word >> 40 }
        var pieces: Int { Int(word >> 20 & 0xFFFFF) }
        var next: Int { Int(word & 0xFFFFF) }
        var isExhausted: Bool { next >= pieces }
    }

    static let mostPieces = 1 << 20 - 1
    /// Looks at the ticket before a waiting thread offers its core to others: about 20 µs.
    private static let patience = 500

    private let ticket = Atomic<UInt64>(Ticket(work: 0, pieces: 0).word)
    private let finished = Atomic<Int>(0)
    private let arrivals = Atomic<Int>(0)
    /// Written by the leader while no piece is claimable, read by those who have claimed one.
    private nonisolated(unsafe) var body: (_ piece: Int, _ thread: Int) -> Void = { _, _ in }

    private init() {}

    /// Runs `lead` on this thread with up to `threads` − 1 others to help it, which leave when it returns.
    static func run<Value>(threads: Int, _ lead: (ThreadCrew) throws -> Value) throws -> Value {
        let crew = ThreadCrew()
        guard threads > 1 else { return try lead(crew) }
        return try withoutActuallyEscaping(lead) { lead in
            nonisolated(unsafe) let lead = lead
            nonisolated(unsafe) var outcome: Result<Value, any Error>?
            // Whoever comes first leads: with a single thread at hand, the others' turns come when all is over.
            DispatchQueue.concurrentPerform(iterations: threads) { _ in
                let thread = crew.arrivals.add(1, ordering: .relaxed).oldValue
                guard thread == 0 else { return crew.help(as: thread) }
                outcome = Result { try lead(crew) }
                crew.ticket.store(Ticket.over.word, ordering: .releasing)
            }
            return try outcome!.get()
        }
    }

    /// `body(piece, thread)` once for each piece, on any threads of the crew, and waits. Called by the leader only, and not from a piece.
    func forEach(_ pieces: Int, _ body: (_ piece: Int, _ thread: Int) -> Void) {
        let last = Ticket(word: ticket.load(ordering: .relaxed))
        precondition(pieces <= Self.mostPieces && last.isExhausted && finished.load(ordering: .relaxed) == last.pieces, "one work at a time")
        withoutActuallyEscaping(body) { body in
            self.body = body
            finished.store(0, ordering: .relaxed)
            ticket.store(Ticket(work: (last.work + 1) & 0x7FFFFF, pieces: pieces).word, ordering: .releasing)
            while work(as: 0) {}
            var looks = 0
            while finished.load(ordering: .acquiring) < pieces { Self.wait(&looks) }
            self.body = { _, _ in }
        }
    }

    private func help(as thread: Int) {
        var looks = 0
        while ticket.load(ordering: .relaxed) != Ticket.over.word {
            if work(as: thread) { looks = 0 } else { Self.wait(&looks) }
        }
    }

    /// Does one piece, if there is one.
    private func work(as thread: Int) -> Bool {
        let seen = Ticket(word: ticket.load(ordering: .acquiring))
        guard !seen.isExhausted else { return false }
        // Whoever else came first has changed the word: looked at again.
        guard ticket.weakCompareExchange(expected: seen.word, desired: seen.word + 1, ordering: .acquiring).exchanged else { return true }
        body(seen.next, thread)
        finished.add(1, ordering: .releasing)
        return true
    }

    private static func wait(_ looks: inout Int) {
        looks += 1
        if looks > patience { sched_yield() } else { vk_pause() }
    }
}
