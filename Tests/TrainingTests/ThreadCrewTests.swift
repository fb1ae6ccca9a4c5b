import Synchronization
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
}
