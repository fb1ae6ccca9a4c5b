import Checkpoints
import Files
import Testing
import Training
import Unlearn

@testable import Valuation

@Suite("Valuation rows and final test rows")
struct ValuationSplitTests {
    private func places(_ slots: [Int: [Int]]) -> Set<[Int]> { Set(slots.flatMap { block, slots in slots.map { [block, $0] } }) }

    /// Live test rows of each class, by side.
    private func classes(_ split: ValuationSplit, _ project: Project) throws -> [(valuation: Int, final: Int)] {
        var counts = [(valuation: Int, final: Int)](repeating: (0, 0), count: project.settings.classNames.count)
        for block in try project.store.rowBlocks(.test) {
            let rows = try project.rows(block)
            for slot in split.valuation[block.block] ?? [] { counts[Int(rows.labels[slot])].valuation += 1 }
            for slot in split.final[block.block] ?? [] { counts[Int(rows.labels[slot])].final += 1 }
        }
        return counts
    }

    @Test("Every live test row is on one side, each class in its share", arguments: [0.5, 0.25, 0.8])
    func stratified(share: Double) throws {
        let project = try ValuationProject(testRows: 1100, trained: false)
        try project.delete(["test:5", "test:1050"])
        let opened = try project.open(.read)
        let split = try ValuationSplit(of: opened, share: share, keeping: false)
        #expect(places(split.valuation).isDisjoint(with: places(split.final)))
        #expect(split.valuationRows + split.finalRows == 1098 && split.valuation.keys.sorted() == [1, 2])
        for (valuation, final) in try classes(split, opened) { #expect(abs(Double(valuation) - share * Double(valuation + final)) <= 0.5) }
        #expect(try ValuationSplit(of: opened, share: share, keeping: false) == split)
    }

    @Test("A deleted test row moves one other at most, and no cut of the rows with it is kept")
    func deletions() throws {
        let project = try ValuationProject(testRows: 300, trained: false)
        let first = try ValuationSplit(of: project.open(), keeping: true)
        #expect(try ValuationSplit(of: project.open(.read), keeping: false) == first)
        var before = first, drawn = try ValuationSplit(of: project.open(), share: 0.4, keeping: false)
        for row in [17, 18, 19, 20, 250] {
            try project.delete(["test:\(row)"])
            let stands = try #require(try project.open(.read).store.places(ofRows: ["test:\(row)"])[0])
            let place: Set<[Int]> = [[stands.block, stands.slot]]
            #expect(try project.open(.read).store.setting("test-rows/valuation-split") == nil)
            let after = try ValuationSplit(of: project.open(), keeping: true)
            #expect(places(after.valuation).symmetricDifference(places(before.valuation)).subtracting(place).count <= 1)
            #expect(try ValuationSplit(of: project.open(.read), keeping: false) == after)
            before = after
            let fresh = try ValuationSplit(of: project.open(), share: 0.4, keeping: false)
            #expect(places(fresh.valuation).symmetricDifference(places(drawn.valuation)).subtracting(place).count <= 1)
            drawn = fresh
        }
        #expect(before.valuationRows + before.finalRows == 295)
    }

    @Test("Fewer than two test rows on a side are refused", arguments: [1, 3])
    func tooFew(rows: Int) throws {
        let project = try ValuationProject(testRows: rows, trained: false)
        let error = #expect(throws: Failure.self) { try ValuationSplit(of: project.open(), keeping: true) }
        #expect(error?.kind == .input && error?.description.hasPrefix("\(rows) test rows are too few") == true)
    }
}
