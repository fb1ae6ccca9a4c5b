import Testing
import Valuation

@Suite struct CoalitionTests {
    @Test(arguments: [0, 1, 63, 64, 65, 130])
    func `a coalition holds what was inserted and its complement the rest`(players: Int) {
        let odd = Coalition((0..<players).filter { $0 % 2 == 1 }, of: players)
        #expect(odd.members == (0..<players).filter { $0 % 2 == 1 })
        #expect(odd.complement.members == (0..<players).filter { $0 % 2 == 0 })
        #expect(odd.count == players / 2 && odd.isEmpty == (players < 2))
        #expect(Coalition.all(of: players).count == players && Coalition.none(of: players).complement == .all(of: players))
    }

    @Test func `coalitions are ordered by size, then by members`() {
        let sorted = [[0, 1, 2], [2], [], [0, 2], [0], [1, 2], [0, 1], [1]].map { Coalition($0, of: 3) }.sorted()
        #expect(sorted.map(\.members) == [[], [0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]])
    }
}
