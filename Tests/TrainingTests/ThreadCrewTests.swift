import Synchronization
import TestSupport
import Testing

@testable import Training

@Suite("A crew of threads")
struct ThreadCrewTests {
    @Test("… does every piece of every work once, whatever their numbers", arguments: [1, 2, 3, 16], [0, 1, 2, 7, 1000])
    func pieces(_ threads: Int, _ pieces: Int) throws {
        let sums = try ThreadCrew.run(threads: threads) { crew in
            (0..<50).map { work in
                let sum = Atomic<Int>(0)
                crew.forEach(pieces) { piece, thread in
                    #expect((0..<threads).contains(thread))
                    sum.add((piece + 1) * (work + 1), ordering: .relaxed)
                }
                return sum.load(ordering: .relaxed)
            }
        }
        #expect(sums == (0..<50).map { ($0 + 1) * pieces * (pieces + 1) / 2 })
    }

    @Test("… hands its leader's error on and is dismissed by it", arguments: [1, 4])
    func errors(_ threads: Int) {
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try ThreadCrew.run(threads: threads) { crew in
                crew.forEach(10) { _, _ in }
                throw Stop()
            }
        }
    }

    @Test("… works inside the pieces of another")
    func nested() throws {
        let total = Atomic<Int>(0)
        try ThreadCrew.run(threads: 4) { outer in
            outer.forEach(20) { _, _ in
                _ = try? ThreadCrew.run(threads: 4) { inner in inner.forEach(20) { _, _ in total.add(1, ordering: .relaxed) } }
            }
        }
        #expect(total.load(ordering: .relaxed) == 400)
    }

    @Test("… lets whoever waits long for another sleep, and wakes it when the work is done")
    func leaderSleeps() throws {
        let done = Atomic<Int>(0)
        try ThreadCrew.run(threads: 2) { crew in
            for _ in 0..<3 {
                crew.forEach(2) { piece, _ in
                    // The other thread has nothing to do but to wait for this piece, or for the next work.
                    if piece == 1 { #expect(wait { crew.idle.sleepers.load(ordering: .relaxed) > 0 }, "nobody sleeps") }
                    done.add(1, ordering: .relaxed)
                }
            }
        }
        #expect(done.load(ordering: .relaxed) == 6)
    }

    @Test("… wakes sleeping helpers for the next work")
    func helpersWake() throws {
        try ThreadCrew.run(threads: 2) { crew in
            for _ in 0..<3 {
                #expect(wait { crew.idle.sleepers.load(ordering: .relaxed) == 1 }, "the helper does not sleep")
                let begun = Atomic<Int>(0)
                crew.forEach(2) { _, _ in
                    begun.add(1, ordering: .relaxed)
                    // Nobody is done before the other has begun.
                    #expect(wait { begun.load(ordering: .relaxed) == 2 }, "the helper sleeps on")
                }
            }
        }
    }
}
