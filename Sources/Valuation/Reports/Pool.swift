import Files

/// Money to share out by value, to the hundredth.
public struct Pool: Sendable, Equatable {
    /// Hundredths of the unit that it was given in.
    public let cents: Int

    /// Below 2⁵³, so that a double holds any amount.
    static let most = 1_000_000_000_000

    init(cents: Int) {
        precondition((1...Self.most * 100).contains(cents))
        self.cents = cents
    }

    /// - Parameter text: `10000`, `10000.5` or `10000.50`.
    /// - Throws: `Failure` of kind `input` for anything else.
    public init(_ text: String) throws {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            parts.count == 1 || parts[1].utf8.count <= 2, let whole = Int(parts[0]), whole <= Self.most,
            case let cents = whole * 100 + (parts.count == 2 ? Int(parts[1])! * (parts[1].utf8.count == 1 ? 10 : 1) : 0), (1...Self.most * 100).contains(cents)
        else {
            throw Failure(.input, "--pool takes an amount above 0 and up to \(Self.most) with at most two decimals, such as 10000 or 2499.50, not '\(text.prefix(80))'")
        }
        self.cents = cents
    }

    /// Each player's part in hundredths, in proportion to its value; nothing where that is negative. They add up to the pool exactly, unless
    /// no value is above 0: then nobody is paid.
    ///
    /// Largest remainder (Hamilton's method): each gets its quota rounded down, and what is left goes, a hundredth each, to those whose
    /// quotas lost most, of equals to the first. In whole numbers, so that any program finds the same: a player's weight is its value over
    /// the largest, times 2⁵³, rounded to even.
    func amounts(_ values: [Double]) -> [Int] {
        let largest = values.max() ?? 0
        guard largest > 0, largest.isFinite else { return values.map { _ in 0 } }
        let weights = values.map { UInt128((max(0, $0) / largest * 0x1p53).rounded(.toNearestOrEven)) }
        let total = weights.reduce(0, +)
        let quotas = weights.map { ($0 * UInt128(cents)).quotientAndRemainder(dividingBy: total) }
        var amounts = quotas.map { Int($0.quotient) }
        let left = cents - amounts.reduce(0, +)
        for player in values.indices.sorted(by: { (quotas[$1].remainder, $0) < (quotas[$0].remainder, $1) }).prefix(left) { amounts[player] += 1 }
        return amounts
    }

    /// `2499.50`
    static func text(_ cents: Int) -> String { "\(cents / 100)." + (cents % 100 < 10 ? "0" : "") + "\(cents % 100)" }

    /// As JSON has it; the nearest double reads back as the same amount.
    static func number(_ cents: Int) -> Double { Double(cents) / 100 }

    /// Nil where a number is no amount that there is.
    static func cents(_ number: Double) -> Int? {
        guard (0...Double(most)).contains(number), case let cents = Int((number * 100).rounded()), Self.number(cents) == number else { return nil }
        return cents
    }
}

extension ValueReport {
    /// Whether there is anything to pay for: all players together score better than none. Single values can be above 0 all the same, by
    /// chance or where others do harm.
    var isWorthPaying: Bool { vAll > vEmpty }

    /// Whether anybody gets anything of the pool.
    public var isPaid: Bool { players.contains { $0.amount ?? 0 > 0 } }

    /// Shares out a pool by the players' values; nobody is paid where all together are worth nothing.
    public mutating func share(_ pool: Pool) {
        self.pool = Pool.number(pool.cents)
        let amounts = isWorthPaying ? pool.amounts(players.map(\.value)) : players.map { _ in 0 }
        for (index, cents) in amounts.enumerated() { players[index].amount = Pool.number(cents) }
    }
}
