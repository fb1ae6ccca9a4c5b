import Files

/// How rows are spread over blocks.
public enum BlockPolicy: String, Codable, Sendable, CaseIterable {
    /// Each class evenly over all blocks.
    case stratified
    case random
    /// All rows of a group in one block.
    case group
    /// In the order of the source.
    case order
}

/// Row → (block, slot), drawn once. A row keeps its slot for ever; a deleted row leaves it empty.
public struct BlockAssignment: Sendable, Equatable {
    /// For each row its block, 1-based.
    public let blocks: [Int32]
    /// For each row its slot within the block, 0-based.
    public let slots: [Int32]
    /// Slots of each block.
    public let sizes: [Int]

    /// - Complexity: O(rows).
    public init(_ policy: BlockPolicy, labels: [Int32], groups: [Int32], classes: Int, blocks count: Int, seed: UInt64) throws {
        guard count >= 1, count <= labels.count else {
            throw Failure(.input, "\(count) blocks do not fit \(labels.count) rows; choose --blocks between 1 and \(labels.count)")
        }
        var random = RandomStream(seed: seed, purpose: .assignment)
        var order = Array(labels.indices)
        var blocks = [Int32](repeating: 0, count: labels.count)
        switch policy {
        case .stratified:
            random.shuffle(&order)
            var byClass = [[Int]](repeating: [], count: classes)
            for row in order { byClass[Int(labels[row])].append(row) }
            order = byClass.flatMap { $0 }
            // Dealt like cards: class counts and sizes of blocks differ by one at most.
            for (place, row) in order.enumerated() { blocks[row] = Int32(place % count) + 1 }
        case .random, .order:
            if policy == .random { random.shuffle(&order) }
            let (least, longer) = labels.count.quotientAndRemainder(dividingBy: count)
            for (place, row) in order.enumerated() {
                let inLonger = place < longer * (least + 1)
                blocks[row] = Int32(inLonger ? place / (least + 1) : longer + (place - longer * (least + 1)) / least) + 1
            }
        case .group:
            blocks = try Self.packGroups(groups, into: count)
        }
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

    /// Largest group first into the emptiest block; with as many blocks as groups, one group a block in order.
    private static func packGroups(_ groups: [Int32], into count: Int) throws -> [Int32] {
        guard !groups.isEmpty, !groups.contains(-1) else {
            throw Failure(.input, "--blocks-by group needs a group for every row; give --group-column or --groups FILE")
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
