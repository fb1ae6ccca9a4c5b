/// Order of players by value, and how far the intervals let it move.
public struct Ranking: Sendable, Equatable {
    /// 1 is the most valuable; equal values share the better rank.
    public let ranks: [Int]
    /// 1 + how many others are surely worth more: their whole interval lies above.
    public let best: [Int]
    /// n − how many others are surely worth less.
    public let worst: [Int]

    public init(values: [Double], low: [Double], high: [Double]) {
        precondition(values.count == low.count && values.count == high.count)
        ranks = values.map { own in 1 + values.count { $0 > own } }
        best = high.map { own in 1 + low.count { $0 > own } }
        worst = low.map { own in low.count - high.count { $0 < own } }
    }

}

/// Each player's part of a payment: its value over the sum, negative values counting as nothing.
public struct PaymentShares: Sendable, Equatable {
    /// Sum to 1; all 0 where nobody's value is positive.
    public let shares: [Double]

    public init(values: [Double]) {
        let paid = values.map { max(0, $0) }
        let total = compensatedSum(paid)
        shares = total > 0 ? paid.map { $0 / total } : paid.map { _ in 0 }
    }
}
