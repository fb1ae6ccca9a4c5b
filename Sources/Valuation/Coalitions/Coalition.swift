/// A set of players, each by its number from 0.
public struct Coalition: Hashable, Sendable {
    public let playerCount: Int
    /// Player p is bit p mod 64 of word p / 64; bits past the last player are 0.
    public private(set) var words: [UInt64]

    /// The empty coalition of a game with so many players.
    public init(playerCount: Int) {
        precondition(playerCount >= 0)
        self.playerCount = playerCount
        words = [UInt64](repeating: 0, count: (playerCount + 63) / 64)
    }

    public init(_ members: some Sequence<Int>, of playerCount: Int) {
        self.init(playerCount: playerCount)
        for player in members { insert(player) }
    }

    /// - Parameter words: as `words` gives them.
    public init(words: [UInt64], of playerCount: Int) {
        precondition(words.count == (playerCount + 63) / 64 && (playerCount % 64 == 0 || words.last! >> UInt64(playerCount % 64) == 0))
        self.playerCount = playerCount
        self.words = words
    }

    /// Player p is bit p of the mask.
    public init(mask: UInt64, of playerCount: Int) {
        precondition((0...64).contains(playerCount) && (playerCount == 64 || mask >> UInt64(playerCount) == 0), "mask names players that are not there")
        self.playerCount = playerCount
        words = playerCount == 0 ? [] : [mask]
    }

    public static func none(of playerCount: Int) -> Coalition { Coalition(playerCount: playerCount) }

    public static func all(of playerCount: Int) -> Coalition { Coalition(0..<playerCount, of: playerCount) }

    public func contains(_ player: Int) -> Bool {
        precondition((0..<playerCount).contains(player), "no such player")
        return words[player >> 6] >> UInt64(player & 63) & 1 == 1
    }

    public mutating func insert(_ player: Int) {
        precondition((0..<playerCount).contains(player), "no such player")
        words[player >> 6] |= 1 << UInt64(player & 63)
    }

    public mutating func remove(_ player: Int) {
        precondition((0..<playerCount).contains(player), "no such player")
        words[player >> 6] &= ~(1 << UInt64(player & 63))
    }

    public func inserting(_ player: Int) -> Coalition {
        var larger = self
        larger.insert(player)
        return larger
    }

    public func removing(_ player: Int) -> Coalition {
        var smaller = self
        smaller.remove(player)
        return smaller
    }

    public var complement: Coalition {
        var others = self
        for index in others.words.indices { others.words[index] = ~others.words[index] }
        if playerCount % 64 != 0 { others.words[others.words.count - 1] &= 1 << UInt64(playerCount % 64) - 1 }
        return others
    }

    public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
    public var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    /// Ascending.
    public var members: [Int] { (0..<playerCount).filter(contains) }
}

/// By size, then by members: an order that every machine agrees on.
extension Coalition: Comparable {
    public static func < (a: Coalition, b: Coalition) -> Bool {
        precondition(a.playerCount == b.playerCount, "coalitions of different games")
        let (countA, countB) = (a.count, b.count)
        guard countA == countB else { return countA < countB }
        // Of two lists of one length, the one with the smallest member that the other lacks comes first.
        for (wordA, wordB) in zip(a.words, b.words) where wordA != wordB {
            return wordA >> UInt64((wordA ^ wordB).trailingZeroBitCount) & 1 == 1
        }
        return false
    }
}
