import Foundation
import TestSupport

@testable import Valuation

/// Reports as valuation would make them, of made-up providers: for tests only.
enum SampleReport {
    typealias Player = ValueReport.Player

    /// Ranks, rank ranges and shares from values and intervals, in quadratic time.
    static func players(_ values: [(name: String, rows: Int, value: Double, halfWidth: Double)], blocksPerPlayer: Int = 1) -> [Player] {
        let payable = values.reduce(0) { $0 + max($1.value, 0) }
        return values.enumerated().map { index, one in
            let low = one.value - one.halfWidth, high = one.value + one.halfWidth
            let surelyBetter = values.count { $0.value - $0.halfWidth > high }, surelyWorse = values.count { $0.value + $0.halfWidth < low }
            return Player(
                player: one.name, rows: one.rows, value: one.value, low: low, high: high, share: payable > 0 ? max(one.value, 0) / payable : 0,
                rank: 1 + values.enumerated().count { ($0.element.value, -$0.offset) > (one.value, -index) }, rankBest: 1 + surelyBetter,
                rankWorst: values.count - surelyWorse, leaveOneOut: one.value * 0.3 - 0.002, spreadOverOrders: 0.004,
                deletionBlocks: (values.count - index) * blocksPerPlayer)
        }
    }

    /// Ten providers: one with half its labels wrong, one with a tenth of the rows, one a duplicate of another.
    static let tenProviders: [(name: String, rows: Int, value: Double, halfWidth: Double)] = [
        ("Albion Clinics", 2000, 0.1021, 0.0042), ("Brook & Sons", 2000, 0.0987, 0.0039), ("Castle <North>", 2000, 0.0942, 0.0044),
        ("Duplicate of Brook & Sons", 2000, 0.0961, 0.0041), ("Edge Imaging “West”", 200, 0.0213, 0.0031), ("Fen Archive", 2000, 0.0934, 0.0040),
        ("مستشفى النور", 2000, 0.0911, 0.0038), ("Mislabelled Ltd", 2000, -0.0132, 0.0048), ("O'Hara's Wardrobe", 2000, 0.0897, 0.0043),
        ("The Very Long Name of a Regional Cooperative of Independent Providers, Department of Photographs", 2000, 0.0926, 0.0046),
    ]

    static func ten() -> ValueReport { report(players(tenProviders)) }

    /// As many players as asked for, some negative, a few zero.
    static func many(_ count: Int) -> ValueReport {
        var generator = SeededGenerator(7)
        let players = (0..<count).map { (index: Int) -> (name: String, rows: Int, value: Double, halfWidth: Double) in
            let value: Double = index % 40 == 39 ? 0 : .random(in: -0.002...0.009, using: &generator)
            return ("provider \(index + 1)", 100 + index, value, .random(in: 0.0005...0.0015, using: &generator))
        }
        return report(SampleReport.players(players))
    }

    /// Exact values: no intervals, no convergence.
    static func exact(_ values: [Double]) -> ValueReport {
        var report = report(players(values.enumerated().map { ("p\($0 + 1)", 100, $1, 0) }))
        (report.estimator, report.stopped, report.orders, report.convergence, report.removal, report.fidelity) = ("exact", nil, 1, [], [], [])
        for index in report.players.indices { (report.players[index].spreadOverOrders, report.players[index].leaveOneOut) = (nil, nil) }
        return report
    }

    /// Means over three block orders, which give no interval.
    static func fewOrders() -> ValueReport {
        var report = ten()
        (report.orders, report.all, report.vAllOwnOrder, report.noInterval) = (3, .orders, 0.91, "3 block orders are too few for an interval: it takes 8")
        (report.convergence, report.stopped) = ([], nil)
        for index in report.players.indices {
            (report.players[index].low, report.players[index].high) = (nil, nil)
            (report.players[index].rankBest, report.players[index].rankWorst) = (nil, nil)
        }
        return report
    }

    static func report(_ players: [Player]) -> ValueReport {
        var generator = SeededGenerator(3)
        let sum = players.reduce(0) { $0 + $1.value }
        let convergence = (1...12).map { step in
            ValueEstimate.Convergence(
                evaluations: step * 40, width: 0.06 / Double(step).squareRoot(),
                values: players.map { $0.value + Double.random(in: -0.03...0.03, using: &generator) / Double(step).squareRoot() })
        }
        let orders: [(String, Double)] = [("highest value first", 1.6), ("lowest value first", 0.55), ("random", 1.0), ("highest leave-one-out first", 1.2)]
        let removal = orders.map { (order: String, power: Double) -> ValueReport.Removal in
            let scores: [Double] = (0...players.count).map { (removed: Int) -> Double in
                let share = Double(removed) / Double(max(players.count, 1))
                return 0.881 - 0.781 * pow(share, 3 / power)
            }
            return ValueReport.Removal(order: order, removed: Array(0...players.count), scores: scores)
        }
        return ValueReport(
            players: players, estimator: "permutation", utility: "exact", metric: "accuracy", evaluations: 480, blocksTrained: 1013,
            blocksTrainedFromScratch: 5120, seconds: 312.4, vAll: 0.1 + sum, vEmpty: 0.1, efficiencyGap: 0, confidence: 0.95, orders: 8,
            seed: "1", trainingRows: players.reduce(0) { $0 + $1.rows }, valuationRows: 5000, finalTestRows: 5000, blocks: max(players.count, 1),
            stateDigest: "9f2c6a1be07d4d35b8a1c4e2f09d7765a3be51c0d4f8e92716aa03bb5c7de841",
            stopped: "every interval is narrower than 1 point", convergence: convergence, removal: removal,
            fidelity: [
                .init(utility: "stitch", coalitions: 1024, meanError: 0.0041, largestError: 0.0312, rankCorrelation: 0.952, blocksTrained: 402),
                .init(utility: "additive", coalitions: 1024, meanError: 0.0874, largestError: 0.412, rankCorrelation: nil, blocksTrained: 0),
            ])
    }
}
