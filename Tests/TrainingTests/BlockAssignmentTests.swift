import Files
import TestSupport
import Testing

@testable import Training

@Suite("Rows spread over blocks")
struct BlockAssignmentTests {
    /// Uneven classes and groups.
    private func sample(_ rows: Int, seed: UInt64 = 81) -> (labels: [Int32], groups: [Int32]) {
        var random = SeededGenerator(seed)
        let labels = (0..<rows).map { _ in min(Int32.random(in: 0...4, using: &random), Int32.random(in: 0...4, using: &random)) }
        return (labels, (0..<rows).map { _ in Int32.random(in: 0...30, using: &random) })
    }

    private func assign(_ policy: BlockPolicy, rows: Int, blocks: Int, seed: UInt64 = 1) throws -> BlockAssignment {
        let (labels, groups) = sample(rows)
        var generator = PlacementGenerator(seed: seed)
        return try BlockAssignment(policy, labels: labels, groups: groups, classes: 5, blocks: blocks, using: &generator)
    }

    private static let counts = [(1, 1), (7, 7), (10, 3), (100, 1), (1000, 13), (1001, 20)]

    @Test("Every row has a place of its own, and places are numbered without gaps", arguments: BlockPolicy.allCases, counts)
    func placesAreUnique(_ policy: BlockPolicy, _ count: (rows: Int, blocks: Int)) throws {
        let blocks = policy == .group ? min(count.blocks, Set(sample(count.rows).groups).count) : count.blocks
        let assignment = try assign(policy, rows: count.rows, blocks: blocks)
        #expect(assignment.blocks.count == count.rows && assignment.slots.count == count.rows)
        #expect(assignment.sizes.count == blocks && assignment.sizes.reduce(0, +) == count.rows)
        #expect(assignment.sizes.allSatisfy { $0 > 0 })
        var slots = [Set<Int32>](repeating: [], count: blocks)
        for (block, slot) in zip(assignment.blocks, assignment.slots) { slots[Int(block) - 1].insert(slot) }
        for (size, slots) in zip(assignment.sizes, slots) { #expect(slots == Set(0..<Int32(size))) }
        if policy != .group { #expect((assignment.sizes.max() ?? 0) - (assignment.sizes.min() ?? 0) <= 1) }
    }

    private func rows(of label: Int32, _ labels: [Int32], _ assignment: BlockAssignment) -> [Int] {
        var counts = [Int](repeating: 0, count: assignment.sizes.count)
        for (row, block) in assignment.blocks.enumerated() where labels[row] == label { counts[Int(block) - 1] += 1 }
        return counts
    }

    @Test("Stratified: every block has half of its share of each class, unless that leaves less than 30 to chance", arguments: counts + [(5000, 10)])
    func stratified(_ count: (rows: Int, blocks: Int)) throws {
        let labels = sample(count.rows).labels, assignment = try assign(.stratified, rows: count.rows, blocks: count.blocks)
        for label in 0..<5 as Range<Int32> {
            let counts = rows(of: label, labels, assignment)
            #expect(counts.allSatisfy { $0 >= min(counts.reduce(0, +) / 2 / count.blocks, counts.reduce(0, +) / count.blocks - 30) }, "class \(label)")
        }
    }

    @Test("Stratified: numbers of a class differ from block to block by more than a row, and by less than at random")
    func stratifiedSpread() throws {
        let labels = (0..<20_000).map { Int32($0 % 4) }
        func spread(_ policy: BlockPolicy) throws -> Double {
            var generator = PlacementGenerator(seed: 3)
            let assignment = try BlockAssignment(policy, labels: labels, groups: [], classes: 4, blocks: 100, using: &generator)
            let counts: [Int] = (0..<4 as Range<Int32>).flatMap { rows(of: $0, labels, assignment) }
            let misses: [Double] = counts.map { Double(($0 - 50) * ($0 - 50)) }
            return misses.reduce(0, +) / Double(misses.count)
        }
        // A block takes 100 of 200 rows at random: 100·¼·¾ = 19 for all of them at random 37.
        #expect(try (12...27).contains(spread(.stratified)))
        #expect(try (28...48).contains(spread(.random)))
    }

    /// Whoever has the key sees how many rows of each class a block has left, and knows the population.
    @Test("Stratified: in small blocks, what is left of a block does not tell the class of the row that it lacks")
    func smallBlocks() throws {
        let labels = (0..<600).map { Int32($0 % 10) }
        var hits = 0, tries = 0
        for seed in 0..<40 as Range<UInt64> {
            var generator = PlacementGenerator(seed: seed)
            let assignment = try BlockAssignment(.stratified, labels: labels, groups: [], classes: 10, blocks: 20, using: &generator)
            for row in stride(from: 0, to: 600, by: 7) {
                var left = [Int](repeating: 0, count: 10)
                for other in labels.indices where other != row && assignment.blocks[other] == assignment.blocks[row] { left[Int(labels[other])] += 1 }
                hits += labels[row] == Int32(left.indices.min { left[$0] < left[$1] }!) ? 1 : 0
                tries += 1
            }
        }
        // A tenth by chance; with half of each class dealt evenly, a sixth.
        #expect((0.06...0.13).contains(Double(hits) / Double(tries)))
    }

    @Test("Whatever the policy, slots within a block follow neither the source nor the classes", arguments: BlockPolicy.allCases)
    func slots(_ policy: BlockPolicy) throws {
        let labels = (0..<1000).map { Int32($0 / 250) }
        var generator = PlacementGenerator(seed: 4)
        let assignment = try BlockAssignment(
            policy, labels: labels, groups: [Int32](repeating: 0, count: 1000), classes: 4, blocks: 1, using: &generator)
        var rowOf = [Int](repeating: 0, count: 1000)
        for (row, slot) in assignment.slots.enumerated() { rowOf[Int(slot)] = row }
        // Of 999 pairs of neighbours about a quarter shares a class, and one or two follow each other in the source.
        let pairs = zip(rowOf, rowOf.dropFirst())
        #expect((180...320).contains(pairs.count { labels[$0] == labels[$1] }))
        #expect(pairs.count { abs($0 - $1) == 1 } < 12)
    }

    @Test("Without a seed, places are others each time")
    func unseeded() throws {
        let labels = [Int32](repeating: 0, count: 500)
        func draw() throws -> BlockAssignment {
            var generator = PlacementGenerator(seed: nil)
            return try BlockAssignment(.stratified, labels: labels, groups: [], classes: 2, blocks: 10, using: &generator)
        }
        // Twice the same has a probability of 1/500!.
        #expect(try draw() != draw())
    }

    @Test("In order: blocks follow the source", arguments: counts)
    func inOrder(_ count: (rows: Int, blocks: Int)) throws {
        let assignment = try assign(.order, rows: count.rows, blocks: count.blocks)
        #expect(assignment.blocks == assignment.sizes.enumerated().flatMap { [Int32](repeating: Int32($0) + 1, count: $1) })
    }

    @Test("By group: a group's rows share one block")
    func byGroup() throws {
        let groups = sample(1000).groups, assignment = try assign(.group, rows: 1000, blocks: 7)
        var places: [Int32: Set<Int32>] = [:]
        for (group, block) in zip(groups, assignment.blocks) { places[group, default: []].insert(block) }
        #expect(places.values.allSatisfy { $0.count == 1 })
        // Packed largest first, blocks differ by less than the largest group.
        let sizes = Dictionary(groups.map { ($0, 1) }, uniquingKeysWith: +).values
        #expect((assignment.sizes.max() ?? 0) - (assignment.sizes.min() ?? 0) <= (sizes.max() ?? 0))
    }

    @Test("With as many blocks as groups, block i holds the i-th group that has rows")
    func oneGroupABlock() throws {
        let groups: [Int32] = [4, 1, 1, 9, 4, 1]
        var generator = PlacementGenerator(seed: 1)
        let assignment = try BlockAssignment(.group, labels: [0, 1, 0, 1, 0, 1], groups: groups, classes: 2, blocks: 3, using: &generator)
        #expect(assignment.blocks == [2, 1, 1, 3, 2, 1])
        #expect(assignment.sizes == [3, 2, 1])
    }

    @Test("The same seed gives the same places", arguments: BlockPolicy.allCases)
    func sameSeed(_ policy: BlockPolicy) throws {
        #expect(try assign(policy, rows: 500, blocks: 9) == assign(policy, rows: 500, blocks: 9))
    }

    @Test("Another seed gives other places where chance has a say", arguments: BlockPolicy.allCases)
    func otherSeed(_ policy: BlockPolicy) throws {
        let drawsBlocks = policy == .stratified || policy == .random
        let one = try assign(policy, rows: 500, blocks: 9, seed: 1), other = try assign(policy, rows: 500, blocks: 9, seed: 2)
        #expect((one.blocks != other.blocks) == drawsBlocks)
        #expect(one.slots != other.slots)
    }

    @Test("At random: the early rows are not all in the early blocks")
    func random() throws {
        let assignment = try assign(.random, rows: 1000, blocks: 10)
        for block in 1...10 as ClosedRange<Int32> {
            #expect((20...80).contains(assignment.blocks[..<500].count { $0 == block }), "block \(block)")
        }
    }

    @Test("More blocks than rows, or none, are bad input that says what fits", arguments: BlockPolicy.allCases, [-1, 0, 6])
    func badCounts(_ policy: BlockPolicy, _ blocks: Int) throws {
        let error = try failure { _ = try assign(policy, rows: 5, blocks: blocks) }
        #expect(error.kind == .input)
        #expect(error.description.contains("\(blocks) blocks") && error.description.contains("between 1 and 5"))
    }

    @Test("Blocks by group need a group for every row", arguments: [[], [0, 1, -1, 1]] as [[Int32]])
    func missingGroups(_ groups: [Int32]) throws {
        let error = try failure {
            var generator = PlacementGenerator(seed: 1)
            _ = try BlockAssignment(.group, labels: [0, 1, 0, 1], groups: groups, classes: 2, blocks: 2, using: &generator)
        }
        #expect(error.kind == .input)
        #expect(error.description.contains("--group-column"))
    }

    @Test("More blocks than groups with rows are bad input")
    func tooFewGroups() throws {
        let error = try failure {
            var generator = PlacementGenerator(seed: 1)
            _ = try BlockAssignment(.group, labels: [0, 1, 0, 1], groups: [0, 5, 5, 0], classes: 2, blocks: 3, using: &generator)
        }
        #expect(error.kind == .input)
        #expect(error.description.contains("3 blocks for 2 groups") && error.description.contains("--blocks 2"))
    }
}
