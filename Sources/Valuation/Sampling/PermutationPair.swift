import Training

/// What random numbers of the purpose `valuation` are drawn for; each has streams of its own.
enum ValuationStream: Int {
    case permutations = 0
    case banzhaf = 1
    case kernel = 2
    /// Of the first control utility; the next ones follow.
    case controls = 16

    /// The seed of a block order's own streams; the first order has the run's.
    static func seed(_ seed: UInt64, order: Int) -> UInt64 {
        guard order > 0 else { return seed }
        var numbers = RandomStream(seed: seed, purpose: .valuation, block: order, epoch: seedsOfOrders)
        return numbers.next()
    }

    /// Far from the streams above, from those of block orders and of removal curves.
    private static let seedsOfOrders = (1 << 24) - 3

    static func numbers(seed: UInt64, stream: Int, sample: Int) -> RandomStream {
        RandomStream(seed: seed, purpose: .valuation, block: sample, epoch: stream)
    }
}

/// A permutation of the players and its reverse, a pure function of (seed, stream, index).
///
/// The reverse's prefixes are the complements of the permutation's own, so that a pair sees S and N∖S at every size
/// (antithetic sampling: Mitchell, Cooper, Frank, Holmes, *Sampling permutations for Shapley value estimation*, JMLR 2022, §4).
struct PermutationPair {
    let index: Int
    /// Players in the order in which the permutation adds them.
    let order: [Int]

    init(seed: UInt64, stream: Int = ValuationStream.permutations.rawValue, index: Int, playerCount: Int) {
        var numbers = ValuationStream.numbers(seed: seed, stream: stream, sample: index)
        var order = Array(0..<playerCount)
        numbers.shuffle(&order)
        (self.index, self.order) = (index, order)
    }

    /// The first `size` players for size = 0…n.
    var prefixes: [Coalition] {
        var prefix = Coalition.none(of: order.count)
        return [prefix] + order.map { player in
            prefix.insert(player)
            return prefix
        }
    }

    /// All proper prefixes of both, without the empty and the full coalition: 2(n − 1) of them.
    var coalitions: [Coalition] {
        let inner = prefixes.dropFirst().dropLast()
        return inner + inner.map(\.complement)
    }
}

/// v along a pair of permutations.
struct PathValues {
    let pair: PermutationPair
    /// v of the first s players, s = 0…n.
    var forward: [Double]
    /// v of the last s players, s = 0…n.
    var backward: [Double]

    /// u(S) = v(S) − v(N∖S) over the permutation's prefixes, s = 0…n. Shapley values depend on v through u alone:
    /// twice φ(v) is φ(u), and what a pair says of v is what the permutation says of u.
    var odd: [Double] {
        let n = pair.order.count
        return (0...n).map { forward[$0] - backward[n - $0] }
    }
}
