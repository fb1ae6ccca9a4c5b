import Files
import TestSupport
import Testing

@testable import Training

@Suite("Rows of one person stay together")
struct RowBundlesTests {
    /// Persons of 1 to 9 rows, one of 60, and rows of nobody.
    private static let persons: [Int32] = {
        var random = SeededGenerator(7), persons: [Int32] = []
        for person in 0..<80 { persons += [Int32](repeating: Int32(person), count: person == 40 ? 60 : Int.random(in: 1...9, using: &random)) }
        return (persons + [Int32](repeating: -1, count: 50)).shuffled(using: &random)
    }()

    @Test("Each person's rows are in one block, no block is empty, and blocks differ by no more than people do", arguments: [BlockPolicy.stratified, .random, .order], [1, 2, 7, 20, 130])
    func together(_ policy: BlockPolicy, _ blocks: Int) throws {
        let persons = Self.persons, labels = persons.indices.map { Int32($0 % 3) }
        var generator = PlacementGenerator(seed: 5)
        let assignment = try BlockAssignment(policy, labels: labels, groups: [], persons: persons, classes: 3, blocks: blocks, using: &generator)
        var block: [Int32: Int32] = [:]
        for (row, person) in persons.enumerated() where person >= 0 {
            #expect(block.updateValue(assignment.blocks[row], forKey: person) ?? assignment.blocks[row] == assignment.blocks[row], "person \(person)")
        }
        #expect(assignment.sizes.count == blocks && assignment.sizes.allSatisfy { $0 > 0 } && assignment.sizes.reduce(0, +) == persons.count)
        if blocks <= 20 { #expect(assignment.sizes.sorted().dropLast().allSatisfy { $0 <= persons.count / blocks + 9 }, "\(assignment.sizes)") }
        // Nobody's rows do not stay together.
        if blocks > 1 { #expect(Set(persons.indices.filter { persons[$0] < 0 }.map { assignment.blocks[$0] }).count > 1) }
    }

    @Test("Where nobody has several rows, rows lie as they would without persons")
    func alone() throws {
        func assignment(_ persons: [Int32]) throws -> BlockAssignment {
            var generator = PlacementGenerator(seed: 5)
            return try BlockAssignment(
                .stratified, labels: (0..<400).map { Int32($0 % 2) }, groups: [], persons: persons, classes: 2, blocks: 4, using: &generator)
        }
        #expect(try assignment((0..<400).map { $0 % 7 == 0 ? -1 : Int32($0) }) == assignment([]))
        #expect(RowBundles(persons: []) == nil && RowBundles(persons: [-1, -1, 3]) == nil)
    }

    @Test("More blocks than people are refused")
    func tooManyBlocks() {
        var generator = PlacementGenerator(seed: 5)
        let error = #expect(throws: Failure.self) {
            _ = try BlockAssignment(.random, labels: [0, 1, 0, 1, 0], groups: [], persons: [0, 0, 1, 1, -1], classes: 2, blocks: 4, using: &generator)
        }
        #expect(error == Failure(.input, "4 blocks do not fit 3 people (a row of nobody counts as one), whose rows stay together; choose --blocks 3 or fewer"))
    }

    @Test("A list is completed, gathered and weighed person by person")
    func lists() throws {
        let bundles = try #require(RowBundles(persons: [0, 1, 0, -1, 1]))
        var chosen: Set = [4], numbers = [0.25, 0, 0.5, 0.125, 1], rows = [3, 2, 4, 0, 1]
        bundles.complete(&chosen)
        bundles.raise(&numbers)
        bundles.gather(&rows)
        #expect(chosen == [1, 4] && numbers == [0.5, 1, 0.5, 0.125, 1] && rows == [3, 2, 0, 4, 1])
    }
}
