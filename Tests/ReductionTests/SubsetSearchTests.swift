import Testing
import TestSupport
import Training

@testable import Reduction

@Suite struct SubsetSearchTests {
    private static let problem = Problem(rows: 150, positions: 60, levelCount: 5, background: 0.4)
    private static let tiles = problem.tiles()
    /// Every pair, computed once.
    private static let information = (0..<tiles.count).map { tiles.information(of: $0).map(Int64.init) }

    private static func search(keep: Int, threads: Int = 1, tiles: RowTiles = tiles, control: TrainingControl = TrainingControl()) -> SubsetSearch {
        SubsetSearch(tiles: tiles, keep: keep, threads: Threads(threads), control: control, progress: { _, _, _ in })
    }

    private static func objective(_ rows: [Int]) -> Int64 {
        rows.indices.reduce(0) { sum, i in rows[..<i].reduce(sum) { $0 + information[rows[i]][$1] } }
    }

    @Test(arguments: [1, 2, 3, 4])
    func `In, Out and the objective agree with brute force after any additions and removals`(_ threads: Int) {
        let selection = Selection(Self.tiles, threads: Threads(threads))
        var random = SeededGenerator(31)
        for _ in 0..<60 {
            let row = Int.random(in: 0..<Self.tiles.count, using: &random)
            if selection.isSelected[row] { selection.remove(row) } else { selection.add(row) }
            let rows = selection.rows
            #expect(selection.objective == Self.objective(rows) && selection.count == rows.count)
            for other in 0..<Self.tiles.count {
                #expect(selection.sums[other] == rows.reduce(0) { $1 == other ? $0 : $0 + Self.information[other][$1] })
            }
        }
    }

    @Test func `Greedy growth takes the row with the least sum, the first of equals`() throws {
        // Rows 100 to 149 repeat rows 0 to 49: every choice has an equal.
        let levels = Self.problem.levels()
        let tiles = RowTiles(levels: levels, positions: 60, levelCount: 5, rows: Array(0..<100) + Array(0..<50))
        let information = (0..<tiles.count).map { tiles.information(of: $0).map(Int64.init) }
        var selected = [7]
        while selected.count < 40 {
            let cost = { (row: Int) in selected.reduce(0) { $0 + information[row][$1] } }
            let open = (0..<tiles.count).filter { !selected.contains($0) }
            let least = open.map(cost).min()!
            selected.append(open.first { cost($0) == least }!)
        }
        #expect(try Self.search(keep: 40, tiles: tiles).greedy(from: 7).rows == selected.sorted())
    }

    @Test func `The best replacement is brute force's, and none is offered that does not lower the objective`() throws {
        let selection = Selection(Self.tiles, threads: Threads(2))
        var random = SeededGenerator(4)
        while selection.count < 20 {
            let row = Int.random(in: 0..<Self.tiles.count, using: &random)
            if !selection.isSelected[row] { selection.add(row) }
        }
        var offered = 0
        for row in selection.rows {
            let others = selection.rows.filter { $0 != row }
            let costs = (0..<Self.tiles.count).filter { !selection.isSelected[$0] }.map { candidate in
                Selection.Candidate(row: candidate, cost: others.reduce(0) { $0 + Self.information[candidate][$1] })
            }
            let best = Selection.Candidate.best(costs)!
            let found = selection.replacement(for: row)
            #expect(found == (best.cost < selection.sums[row] ? best : nil))
            if found != nil { offered += 1 }
        }
        #expect(offered > 0)
    }

    @Test func `Each replacement lowers the objective, until no single one can`() throws {
        let search = Self.search(keep: 12, threads: 2)
        let selection = Selection(Self.tiles, threads: Threads(1))
        for row in 60..<72 { selection.add(row) }
        var objectives = [selection.objective]
        while try search.sweep(selection, replaced: { objectives.append($0) }) > 0 {}
        #expect(objectives.count > 5 && zip(objectives, objectives.dropFirst()).allSatisfy { $0 > $1 }, "\(objectives)")
        let rows = selection.rows
        #expect(rows.count == 12 && selection.objective == Self.objective(rows))
        for out in rows {
            for row in 0..<Self.tiles.count where !selection.isSelected[row] {
                #expect(Self.objective(rows.filter { $0 != out } + [row]) >= selection.objective)
            }
        }
    }

    @Test func `Restarts give the best of their starts, the first of equals, for any number of threads`() throws {
        let starts = Array(0..<25)
        let single = try starts.map { try Self.search(keep: 10).best(of: [$0]) }
        let least = single.map(\.objective).min()!
        let expected = single.first { $0.objective == least }!
        for threads in [1, 2, 5] {
            let best = try Self.search(keep: 10, threads: threads).best(of: starts)
            #expect(best.rows == expected.rows && best.start == expected.start && best.objective == least)
            #expect(best.pairs == single.reduce(0) { $0 + $1.pairs })
        }
        #expect(Set(single.map(\.objective)).count > 1, "the starts differ")
    }

    @Test func `From every start, the best three of a few rows are those of brute force`() throws {
        let problem = Problem(rows: 14, positions: 40, levelCount: 4, background: 0.3), tiles = problem.tiles()
        let information = (0..<14).map { tiles.information(of: $0).map(Int64.init) }
        var least = Int64.max
        for a in 0..<14 { for b in 0..<a { for c in 0..<b { least = min(least, information[a][b] + information[a][c] + information[b][c]) } } }
        #expect(try Self.search(keep: 3, tiles: tiles).best(of: Array(0..<14)).objective == least)
    }

    @Test(arguments: [1, 63, 64, 65, 150])
    func `The objective of a set is the sum over its pairs`(_ count: Int) throws {
        let rows = Array(0..<count)
        let tiles = RowTiles(levels: Self.problem.levels(), positions: 60, levelCount: 5, rows: rows)
        #expect(try SubsetSearch.objective(of: tiles, threads: Threads(2), control: TrainingControl()) == Self.objective(rows))
    }

    @Test func `All rows can be kept, and one`() throws {
        let all = try Self.search(keep: 150).best(of: [3])
        #expect(all.rows == Array(0..<150) && all.objective == Self.objective(all.rows) && all.replacements == 0)
        let one = try Self.search(keep: 1).best(of: [3])
        #expect(one.rows == [3] && one.objective == 0)
    }

    @Test func `A search stops where it is asked to`() {
        #expect(throws: (any Error).self) { try Self.search(keep: 9, control: TrainingControl { true }).best(of: [0]) }
    }
}
