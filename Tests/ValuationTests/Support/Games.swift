import Files
import Glibc
import Training
import Valuation

/// A utility given by a formula; counts what it is asked.
final class Game: Utility {
    let playerCount: Int
    private(set) var asked = 0
    private let worth: (Coalition) -> Double

    init(_ playerCount: Int, _ worth: @escaping (Coalition) -> Double) { (self.playerCount, self.worth) = (playerCount, worth) }

    func values(of coalitions: [Coalition]) -> [Double] {
        asked += coalitions.count
        return coalitions.map(worth)
    }
}

/// Games whose values are known, or whose shape is that of the product.
enum Games {
    /// Each player is worth its own weight.
    static func additive(_ weights: [Double]) -> Game {
        Game(weights.count) { s in s.members.reduce(0) { $0 + weights[$1] } }
    }

    /// A runway as long as the longest plane needs (Littlechild, Owen 1973), as a cost.
    static func airport(_ costs: [Double]) -> Game { Game(costs.count) { s in s.members.map { costs[$0] }.max() ?? 0 } }

    /// Each segment of the runway is shared equally by the planes that need it.
    static func airportShapley(_ costs: [Double]) -> [Double] {
        let order = costs.indices.sorted { costs[$0] < costs[$1] }
        var values = [Double](repeating: 0, count: costs.count), share = 0.0, before = 0.0
        for (place, player) in order.enumerated() {
            share += (costs[player] - before) / Double(costs.count - place)
            before = costs[player]
            values[player] = share
        }
        return values
    }

    /// Pairs of a left and a right glove; the first `left` players hold left ones.
    static func glove(left: Int, right: Int) -> Game {
        Game(left + right) { s in Double(min(s.members.count { $0 < left }, s.members.count { $0 >= left })) }
    }

    static func voting(_ weights: [Int], quota: Int) -> Game {
        Game(weights.count) { s in s.members.reduce(0) { $0 + weights[$1] } >= quota ? 1 : 0 }
    }

    static func majority(_ players: Int) -> Game { Game(players) { $0.count > players / 2 ? 1 : 0 } }

    /// Standard normal, a pure function of the seed and the coalition.
    static func noise(_ s: Coalition, seed: UInt64) -> Double {
        let mask = s.members.reduce(UInt64(0)) { $0 | 1 << UInt64($1) }
        var numbers = RandomStream(seed: seed, purpose: .bench, block: Int(mask & 0xFFFF_FFFF), epoch: Int(mask >> 32))
        let uniform = { (Double(numbers.next() >> 11) + 0.5) * 0x1p-53 }
        return (-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform())
    }

    /// Accuracy that saturates in the amount of data: one provider with noisy labels, one with a tenth of the rows, the last a
    /// duplicate of the one before; every training run with an error of its own.
    static func learning(_ players: Int, seed: UInt64, noise level: Double = 0.004) -> Game {
        let (weights, _) = learningWeights(players, seed: seed)
        return Game(players) { s in accuracy(s, weights) + (s.isEmpty ? 0 : level * noise(s, seed: seed)) }
    }

    /// What a cheap utility makes of the same: biased, less saturated, with larger errors of its own and half of the dear one's.
    static func cheap(_ players: Int, seed: UInt64, noise level: Double = 0.004) -> Game {
        let (weights, distorted) = learningWeights(players, seed: seed)
        return Game(players) { s in
            let own = s.isEmpty ? 0 : level * (0.5 * noise(s, seed: seed) + noise(s, seed: seed ^ 0xC0FFEE))
            return 0.7 * accuracy(s, weights) + 0.3 * accuracy(s, distorted) - 0.02 * Double(s.count) / Double(players) + own
        }
    }

    private static func accuracy(_ s: Coalition, _ weights: [Double]) -> Double {
        let n = weights.count
        var data = s.members.reduce(0) { $0 + weights[$1] }
        if s.contains(n - 1) && s.contains(n - 2) { data -= 0.8 * weights[n - 1] }
        return 0.1 + 0.78 * (1 - exp(-1.2 * pow(max(0, data), 0.6)))
    }

    private static func learningWeights(_ players: Int, seed: UInt64) -> ([Double], [Double]) {
        var numbers = RandomStream(seed: seed, purpose: .bench, slot: 1)
        var weights = (0..<players).map { _ in 1 + Double(numbers.symmetric(0.5)) }
        weights[0] = -0.3
        weights[1] *= 0.1
        let distorted = weights.map { $0 * (1 + Double(numbers.symmetric(0.6))) }
        return (weights, distorted)
    }

    /// Shapley values by their definition: the mean marginal contribution over all n! orders.
    static func byDefinition(_ game: Game) -> [Double] {
        let n = game.playerCount
        var values = [Double](repeating: 0, count: n), orders = 0.0
        func extend(_ prefix: Coalition, _ order: [Int]) {
            guard order.count < n else {
                orders += 1
                var coalition = Coalition.none(of: n), before = game.values(of: [.none(of: n)])[0]
                for player in order {
                    coalition.insert(player)
                    let after = game.values(of: [coalition])[0]
                    values[player] += after - before
                    before = after
                }
                return
            }
            for player in 0..<n where !prefix.contains(player) { extend(prefix.inserting(player), order + [player]) }
        }
        extend(.none(of: n), [])
        return values.map { $0 / orders }
    }
}

/// Root of the mean squared error over players.
func rootMeanSquare(_ a: [Double], _ b: [Double]) -> Double {
    (zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(a.count)).squareRoot()
}
