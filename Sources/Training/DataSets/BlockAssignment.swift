import Files

/// How rows are spread over blocks.
public enum BlockPolicy: String, Codable, Sendable, CaseIterable {
    /// Up to half of each class evenly over all blocks, the others at random; all at random where blocks are small.
    case stratified
    case random
    /// All rows of a group in one block.
    case group
    /// In the order of the source.
    case order
}

/// What decides where rows go: the system's randomness, which nobody can have again, or a seed for those who must, in tests and
/// tours. Where rows stand says who was deleted to whoever can work it out.
public struct PlacementGenerator {
    private var seeded: RandomStream?

    public init(seed: UInt64?) { seeded = seed.map { RandomStream(seed: $0, purpose: .assignment) } }

    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        if seeded != nil { seeded!.shuffle(&elements) } else { elements.shuffle() }
    }
}

/// Row → (block, slot), drawn once. A row keeps its slot for ever; a deleted row leaves it empty. Within a block slots are drawn
/// whatever the policy: neighbours say nothing of a row's class or of its place in the source.
public struct BlockAssignment: Sendable, Equatable {
    /// For each row its block, 1-based.
    public let blocks: [Int32]
    /// For each row its slot within the block, 0-based.
    public let slots: [Int32]
    /// Slots of each block.
    public let sizes: [Int]

    /// - Parameters:
    ///   - groups: of each row, for the policy that asks for them.
    ///   - persons: of each row, -1 for nobody; rows of one person go into one block. Where anybody has several, classes are spread by chance.
    /// - Complexity: O(rows).
    public init(
        _ policy: BlockPolicy, labels: [Int32], groups: [Int32], persons: [Int32] = [], classes: Int, blocks count: Int,
        using generator: inout PlacementGenerator
    ) throws {
        guard count >= 1, count <= labels.count else {
            throw Failure(.input, "\(count) blocks do not fit \(labels.count) rows; choose --blocks between 1 and \(labels.count)")
        }
        var order = Array(labels.indices)
        var blocks = [Int32](repeating: 0, count: labels.count)
        if policy != .group, var bundles = RowBundles(persons: persons) {
            guard count <= bundles.count else {
                throw Failure(
                    .input, "\(count) blocks do not fit \(bundles.count) people (a row of nobody counts as one), whose rows stay together; "
                        + "choose --blocks \(bundles.count) or fewer")
            }
            if policy != .order { bundles.shuffle(using: &generator) }
            bundles.fill(&blocks, count)
        } else {
            try Self.deal(&order, policy, labels, groups, classes, into: &blocks, count, &generator)
        }
        order = Array(labels.indices)
        generator.shuffle(&order)
        var sizes = [Int](repeating: 0, count: count)
        var slots = [Int32](repeating: 0, count: labels.count)
        for row in order {
            let block = Int(blocks[row]) - 1
            slots[row] = Int32(sizes[block])
            sizes[block] += 1
        }
        self.blocks = blocks
        self.slots = slots
        self.sizes = sizes
    }

    /// Rows that each stand for themselves, by the policy.
    private static func deal(
        _ order: inout [Int], _ policy: BlockPolicy, _ labels: [Int32], _ groups: [Int32], _ classes: Int, into blocks: inout [Int32], _ count: Int,
        _ generator: inout PlacementGenerator
    ) throws {
        switch policy {
        case .stratified:
            generator.shuffle(&order)
            order = dealHalf(of: order, labels, classes, into: &blocks, count)
            generator.shuffle(&order)
            cut(order, into: &blocks, count)
        case .random, .order:
            if policy == .random { generator.shuffle(&order) }
            cut(order, into: &blocks, count)
        case .group:
            blocks = try packGroups(groups, into: count)
        }
    }

    /// Rows that were assigned part by part, each to blocks of its own.
    /// - Parameter parts: indices of a part's rows, the number of its first block, and their assignment to blocks from 1 on.
    public init(_ parts: [(rows: [Int], first: Int, assignment: BlockAssignment)], rows: Int, blocks count: Int) {
        var blocks = [Int32](repeating: 0, count: rows), slots = blocks, sizes = [Int](repeating: 0, count: count)
        for part in parts {
            for (place, row) in part.rows.enumerated() {
                blocks[row] = part.assignment.blocks[place] + Int32(part.first - 1)
                slots[row] = part.assignment.slots[place]
            }
            for (block, size) in part.assignment.sizes.enumerated() { sizes[part.first - 1 + block] = size }
        }
        precondition(!blocks.contains(0) && !sizes.contains(0), "every row is in a part, and every block")
        (self.blocks, self.slots, self.sizes) = (blocks, slots, sizes)
    }

    /// Of each class, so many rows a block at the least are drawn at random. With fewer, a block's numbers would tell the class of
    /// a row that it lacks: of 10 classes of 60 rows in 20 blocks, half dealt evenly, a guess is right 17 times in 100 and sure 4
    /// times; with this, it is right as often as a guess without the project. Measured with 30 to 60 rows of a class in a block,
    /// the worst there is, it is right 12 times in 100.
    private static let drawnRows = 30

    /// Deals up to half of each class evenly over all blocks and gives the rows that are left, to be drawn at random.
    ///
    /// Dealing all of them would tell the class of a deleted row: a block that lacks one is one short of the number that every
    /// block has. With the others at random, numbers differ by more than that anyway.
    private static func dealHalf(of order: [Int], _ labels: [Int32], _ classes: Int, into blocks: inout [Int32], _ count: Int) -> [Int] {
        var byClass = [[Int]](repeating: [], count: classes)
        for row in order { byClass[Int(labels[row])].append(row) }
        var rest: [Int] = []
        for rows in byClass {
            let dealt = max(0, min(rows.count / 2 / count, rows.count / count - drawnRows)) * count
            for (place, row) in rows.prefix(dealt).enumerated() { blocks[row] = Int32(place % count) + 1 }
            rest += rows.dropFirst(dealt)
        }
        return rest
    }

    /// Cuts a list of rows into parts that differ by one row at most.
    private static func cut(_ order: [Int], into blocks: inout [Int32], _ count: Int) {
        let (least, longer) = order.count.quotientAndRemainder(dividingBy: count)
        for (place, row) in order.enumerated() {
            let inLonger = place < longer * (least + 1)
            blocks[row] = Int32(inLonger ? place / (least + 1) : longer + (place - longer * (least + 1)) / least) + 1
        }
    }

    /// Largest group first into the emptiest block; with as many blocks as groups, one group a block in order.
    private static func packGroups(_ groups: [Int32], into count: Int) throws -> [Int32] {
        guard !groups.isEmpty, !groups.contains(-1) else {
            throw Failure(.input, "--blocks-by group needs a group for every row of a chain; name the groups (--group-column or --groups FILE), leave rows of nobody out, or give --branches, whose stem they go into")
        }
        var rows = [Int](repeating: 0, count: Int(groups.max()!) + 1)
        for group in groups { rows[Int(group)] += 1 }
        let present = rows.indices.filter { rows[$0] > 0 }
        guard count <= present.count else {
            throw Failure(.input, "\(count) blocks for \(present.count) groups leave blocks empty; choose --blocks \(present.count) or fewer")
        }
        var place = [Int32](repeating: 0, count: rows.count)
        if count == present.count {
            for (block, group) in present.enumerated() { place[group] = Int32(block) + 1 }
        } else {
            var load = [Int](repeating: 0, count: count)
            for group in present.sorted(by: { rows[$0] == rows[$1] ? $0 < $1 : rows[$0] > rows[$1] }) {
                let block = load.indices.min { load[$0] == load[$1] ? $0 < $1 : load[$0] < load[$1] }!
                load[block] += rows[group]
                place[group] = Int32(block) + 1
            }
        }
        return groups.map { place[Int($0)] }
    }
}
