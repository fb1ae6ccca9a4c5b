import Checkpoints
import Files

/// Who is paid: disjoint sets of live training rows. Rows of no player belong to every coalition, the empty one too.
public struct PlayerSet: Sendable {
    public struct Player: Sendable, Equatable {
        public let name: String
        public let rows: Int
        /// Slots of its rows, ascending, by block.
        public let slots: [Int: [Int]]
        /// Over its places in order: block and slot, 4 bytes each, little-endian. It tells sets of rows apart without naming one.
        public let digest: SHA256
    }

    /// One block as coalitions see it.
    struct Block: Sendable {
        /// Ascending.
        let players: [Int]
        /// Rows of each of `players`.
        let rows: [Int]
        /// Live rows of no player.
        let unowned: Int
        /// By slot: the player whose row is there, or −1.
        let owners: [Int32]

        /// Live rows of the block without those of players outside a coalition.
        func keptRows(_ coalition: Coalition) -> Int {
            zip(players, rows).reduce(unowned) { $0 + (coalition.contains($1.0) ? $1.1 : 0) }
        }

        var allRows: Int { rows.reduce(unowned, +) }

        /// Whether a coalition keeps all of the block's rows.
        func isWhole(_ coalition: Coalition) -> Bool { players.allSatisfy(coalition.contains) }
    }

    /// Their numbers in coalitions are their places here.
    public let players: [Player]
    /// What a player is: group, block or set.
    public let kind: String
    /// Groups of rows (providers), in the order of their names, each with the players all of whose rows are the group's. None where the
    /// players are the groups themselves.
    let groups: [(name: String, players: [Int])]
    /// By block, from 1 at index 0.
    let blocks: [Block]

    public var count: Int { players.count }
    /// Live training rows, of players and of none.
    public var rows: Int { blocks.reduce(0) { $0 + $1.allRows } }

    /// Live training rows of no player.
    public var unownedRows: Int { blocks.reduce(0) { $0 + $1.unowned } }

    /// Whether nobody's coalition has rows to learn from: those of no player.
    public var hasUnownedRows: Bool { unownedRows > 0 }

    /// A row's player, by number.
    struct Owned {
        let block: Int
        let slot: Int
        let player: Int
    }

    /// - Parameters:
    ///   - slots: of each block, also empty ones.
    ///   - live: all live training rows by block and slot; those that `owned` does not name are nobody's.
    ///   - groups: see there.
    init(
        names: [String], kind: String = "set", owned: [Owned], slots: [Int], live: [(block: Int, slot: Int)], groups: [(name: String, players: [Int])] = []
    ) {
        self.kind = kind
        self.groups = groups
        var owners = slots.map { [Int32](repeating: -1, count: $0) }
        var places = [[Int: [Int]]](repeating: [:], count: names.count)
        for row in owned {
            owners[row.block - 1][row.slot] = Int32(row.player)
            places[row.player][row.block, default: []].append(row.slot)
        }
        var unowned = [Int](repeating: 0, count: slots.count)
        for row in live where owners[row.block - 1][row.slot] < 0 { unowned[row.block - 1] += 1 }
        players = names.enumerated().map { number, name in
            let slots = places[number].mapValues { $0.sorted() }
            var writer = ByteWriter(capacity: 1 << 12)
            for block in slots.keys.sorted() {
                for slot in slots[block]! {
                    writer.append(UInt32(block))
                    writer.append(UInt32(slot))
                }
            }
            return Player(name: name, rows: slots.values.reduce(0) { $0 + $1.count }, slots: slots, digest: SHA256(of: writer.bytes))
        }
        let counts = places
        blocks = slots.indices.map { index in
            let present = names.indices.filter { counts[$0][index + 1] != nil }
            return Block(players: present, rows: present.map { counts[$0][index + 1]!.count }, unowned: unowned[index], owners: owners[index])
        }
    }
}
