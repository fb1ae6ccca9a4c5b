import Checkpoints
import Files
import Testing
import Unlearn

@testable import Valuation

@Suite("Players")
struct PlayerSetTests {
    /// Ids of a player's rows, found by looking every id up.
    private func ids(_ player: PlayerSet.Player, in project: ValuationProject) throws -> Set<Int> {
        let list = try IDList(Array((0..<project.rows).map(String.init).joined(separator: "\n").utf8), path: "list")
        let rows = try RowPlaces(of: list, in: project.open(.read).store).rows
        return Set(rows.filter { player.slots[$0.block]?.contains($0.slot) == true }.compactMap { Int($0.id) })
    }

    @Test("Groups are players in the order of their names, each with its rows", arguments: [true, false])
    func groups(together: Bool) throws {
        let project = try ValuationProject(policy: together ? .group : .stratified, blocks: together ? nil : 5, ungrouped: together ? 0 : 7, trained: false)
        let players = try PlayerSet(.groups, of: project.open(.read))
        #expect(players.players.map(\.name) == ["p0", "p1", "p2", "p3"])
        for (number, player) in players.players.enumerated() {
            let expected = Set((0..<project.rows - (together ? 0 : 7)).filter { $0 % 4 == number })
            #expect(try ids(player, in: project) == expected && player.rows == expected.count)
        }
        #expect(players.rows == 96 && players.unowned == (together ? 0 : 7))
        #expect(Set(players.players.map(\.digest)).count == 4)
    }

    @Test("A group whose rows are all deleted is no player any more, and a deleted row is nobody's")
    func deletedGroup() throws {
        let project = try ValuationProject()
        let before = try PlayerSet(.groups, of: project.open(.read))
        try project.delete((0..<96).filter { $0 % 4 == 2 }.map(String.init) + ["1"])
        let players = try PlayerSet(.groups, of: project.open(.read))
        #expect(players.players.map(\.name) == ["p0", "p1", "p3"] && players.players.map(\.rows) == [24, 23, 24])
        #expect(players.players[0] == before.players[0] && players.players[1].digest != before.players[1].digest)
        #expect(players.rows == 71 && players.unowned == 0)
    }

    @Test("Blocks are players by number")
    func blocks() throws {
        let project = try ValuationProject(policy: .random, blocks: 12, trained: false)
        let players = try PlayerSet(.blocks, of: project.open(.read))
        #expect(players.players.map(\.name) == (1...12).map { "block \($0)" })
        #expect(players.players.enumerated().allSatisfy { $1.slots == [$0 + 1: Array(0..<8)] })
    }

    @Test("A file's players own the rows that it names; the others are nobody's")
    func file() throws {
        let project = try ValuationProject(trained: false)
        let path = try project.folder.write("player,id\nzoë,3\n\"a,b\",4\nzoë,5\nzoë,3\n", to: "players.csv")
        let players = try PlayerSet(.file(path), of: project.open(.read))
        #expect(players.players.map(\.name) == ["zoë", "a,b"] && players.players.map(\.rows) == [2, 1])
        #expect(try ids(players.players[0], in: project) == [3, 5])
        #expect(players.unowned == 93 && players.rows == 96)
    }

    @Test("A file of ids alone makes each row a player")
    func idList() throws {
        let project = try ValuationProject(trained: false)
        let path = try project.folder.write("# a comment\n7\n\n3\n7\n", to: "ids")
        let players = try PlayerSet(.file(path), of: project.open(.read))
        #expect(players.players.map(\.name) == ["7", "3"] && players.players.map(\.rows) == [1, 1])
    }

    @Test(
        "A file that does not name players is refused in one line that says where",
        arguments: [
            ("player,id\na,1\nb,999\n", "players.csv line 3: the id '999' is not in the project; correct the file"),
            ("player,id\na,1\nb,2\nb,1\n", "players.csv line 4 gives the id '1' to 'b' and line 2 to 'a'; give each id one player"),
            ("player,id\na,1\nb,8\n", "players.csv line 3: the id '8' is deleted already; correct the file"),
            ("player,id\na,1\nb,test:3\n", "players.csv line 3: the id 'test:3' is a test row's, and players own training rows; correct the file"),
            ("player,id\na,1\n", "players.csv names one player, and values compare players; name two at least"),
            ("player,id\n", "players.csv names no players; write one player,id a line below the header"),
            ("player,id\na,1,2\n", "players.csv line 2 has 3 fields; write player,id"),
            ("a,1\nb,2\n", "players.csv line 1 is no header; begin the file with the line player,id"),
            ("player,id\n,1\nb,2\n", "players.csv line 2 names a player ''; give it a name, without '|'"),
            ("player,id\na|b,1\nb,2\n", "players.csv line 2 names a player 'a|b'; give it a name, without '|'"),
            ("player,id\n\(String(repeating: "p", count: 5000)),1\n", "players.csv line 2 has a player's name of 5000 bytes, and up to 4096 are read; is it the right column, or is a quote missing?"),
            ("1\n2\n999\n", "players.csv line 3: the id '999' is not in the project; correct the file"),
            ("", "players.csv names no ids; write one id a line"),
        ])
    func badFiles(text: String, message: String) throws {
        let project = try ValuationProject(trained: false)
        try project.delete(["8"])
        let path = try project.folder.write(text, to: "players.csv")
        let error = #expect(throws: Failure.self) { try PlayerSet(.file(path), of: project.open(.read)) }
        #expect(error == Failure(.input, project.folder.file(message)))
    }

    @Test("Fewer than two groups or blocks are refused")
    func tooFew() throws {
        let project = try ValuationProject(providers: 1, policy: .random, blocks: 1, trained: false)
        for source in [PlayerSource.groups, .blocks] {
            let error = #expect(throws: Failure.self) { try PlayerSet(source, of: project.open(.read)) }
            #expect(error?.kind == .input && error?.description.contains("values compare players; ") == true)
        }
    }
}

extension PlayerSet {
    /// Live rows of no player.
    fileprivate var unowned: Int { blocks.reduce(0) { $0 + $1.unowned } }
}
