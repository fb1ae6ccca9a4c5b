/// The prefixes that the chains of several coalitions share: behind place j, a model depends only on which rows of the blocks at
/// places 1…j were kept.
struct CoalitionTrie {
    /// One way to go on from a node: the coalitions that keep the same rows of the next block.
    struct Branch: Sendable {
        /// Indices of coalitions.
        let coalitions: [Int]
        /// Of the block; 0: nothing is trained.
        let keptRows: Int
        let isWhole: Bool
    }

    let coalitions: [Coalition]
    /// By place.
    private let blocks: [PlayerSet.Block]
    /// The players of each block, as words of a coalition.
    private let masks: [[UInt64]]

    /// - Parameter order: the block (from 1) whose rows stand at each place.
    init(_ coalitions: [Coalition], players: PlayerSet, order: [Int]) {
        precondition(coalitions.allSatisfy { $0.playerCount == players.count }, "coalitions of other players")
        self.coalitions = coalitions
        blocks = order.map { players.blocks[$0 - 1] }
        masks = blocks.map { Coalition($0.players, of: players.count).words }
    }

    var places: Int { blocks.count }

    /// How the chains of these coalitions, equal up to place `place` − 1, go on at place `place` (from 1).
    func branches(of indices: [Int], at place: Int) -> [Branch] {
        let mask = masks[place - 1], block = blocks[place - 1]
        var groups: [[UInt64]: Int] = [:], members: [[Int]] = []
        for index in indices {
            let pattern = zip(coalitions[index].words, mask).map { $0 & $1 }
            if let group = groups[pattern] {
                members[group].append(index)
            } else {
                groups[pattern] = members.count
                members.append([index])
            }
        }
        return members.map { members in
            let first = coalitions[members[0]]
            return Branch(coalitions: members, keptRows: block.keptRows(first), isWhole: block.isWhole(first))
        }
    }

    /// Blocks that the walk trains, and those that training each distinct coalition's model from scratch would.
    /// - Parameter storedPrefix: whether states behind whole blocks are there already.
    func blocksToTrain(storedPrefix: Bool) -> (walk: Int, fromScratch: Int) {
        var walk = 0, fromScratch = 0
        // Explicit: a chain of blocks may be longer than a thread's stack is deep.
        var waiting: [(place: Int, indices: [Int], isPrefix: Bool, nonEmpty: Int)] = [(0, Array(coalitions.indices), storedPrefix, 0)]
        while let node = waiting.popLast() {
            guard !node.indices.isEmpty else { continue }
            guard node.place < places else {
                fromScratch += node.nonEmpty
                continue
            }
            for branch in branches(of: node.indices, at: node.place + 1) {
                let isPrefix = node.isPrefix && branch.isWhole
                if branch.keptRows > 0, !isPrefix { walk += 1 }
                waiting.append((node.place + 1, branch.coalitions, isPrefix, node.nonEmpty + (branch.keptRows > 0 ? 1 : 0)))
            }
        }
        return (walk, fromScratch)
    }
}
