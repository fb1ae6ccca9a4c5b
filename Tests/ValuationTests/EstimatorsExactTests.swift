import Files
import Foundation
import Testing

@testable import Valuation

@Suite struct EstimatorsExactTests {
    private func shapley(_ game: Game) throws -> [Double] { try ExactEstimator().estimate(UtilityTable(game)).values }

    private func largestError(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map { abs($0 - $1) }.max() ?? .infinity }

    @Test func `an additive game is worth each player its weight`() throws {
        let weights = [3.5, -1.25, 0, 2, 0.1, 7]
        #expect(largestError(try shapley(Games.additive(weights)), weights) < 1e-12)
    }

    @Test func `airport landing fees share each segment among the planes that need it`() throws {
        let costs = [1.0, 4, 4, 9, 12, 2.5, 30]
        #expect(largestError(try shapley(Games.airport(costs)), Games.airportShapley(costs)) < 1e-12)
    }

    @Test func `one left glove among two right ones is worth four sixths`() throws {
        #expect(largestError(try shapley(Games.glove(left: 1, right: 2)), [4.0 / 6, 1.0 / 6, 1.0 / 6]) < 1e-12)
        #expect(largestError(try shapley(Games.glove(left: 3, right: 3)), [Double](repeating: 0.5, count: 6)) < 1e-12)
    }

    @Test func `weighted votes have the power that the textbook counts`() throws {
        // Shapley and Shubik 1954: the chair with 3 of 5 votes at quota 4 decides unless the others come first or last.
        #expect(largestError(try shapley(Games.voting([3, 1, 1], quota: 4)), [4.0 / 6, 1.0 / 6, 1.0 / 6]) < 1e-12)
        // Four shareholders with 10, 20, 30, 40 at 51.
        #expect(largestError(try shapley(Games.voting([10, 20, 30, 40], quota: 51)), [1.0 / 12, 0.25, 0.25, 5.0 / 12]) < 1e-12)
    }

    @Test(arguments: [1, 3, 7, 11, 12]) func `equal voters share the majority equally`(players: Int) throws {
        #expect(largestError(try shapley(Games.majority(players)), [Double](repeating: 1 / Double(players), count: players)) < 1e-12)
    }

    @Test(arguments: 1...7) func `a noisy game has the values of all orders by brute force`(players: Int) throws {
        let game = Game(players) { Games.noise($0, seed: 5) }
        let found = try ExactEstimator().estimate(UtilityTable(game))
        #expect(largestError(found.values, Games.byDefinition(game)) < 1e-12)
        #expect(abs(found.efficiencyGap!) < 1e-12)
        #expect(found.low == found.values && found.high == found.values && found.evaluations == 1 << players && found.stopped == nil)
    }

    @Test func `shapiq computes the same Shapley and Banzhaf values from the utilities file`() throws {
        struct Expected: Decodable { let players: [String], shapley: [Double], banzhaf: [Double] }
        let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
        let expected = try JSONDecoder().decode(Expected.self, from: Data(contentsOf: folder.appending(path: "shapiq_values.json")))
        let lines = try String(contentsOf: folder.appending(path: "utilities.csv"), encoding: .utf8).split(separator: "\n").dropFirst()
        var utilities: [Coalition: Double] = [:]
        for line in lines {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            let members = fields[0].split(separator: "|").map { expected.players.firstIndex(of: String($0))! }
            utilities[Coalition(members, of: expected.players.count)] = Double(fields[1])
        }
        #expect(utilities.count == 256)
        let table = UtilityTable(Game(expected.players.count) { utilities[$0]! })
        #expect(largestError(try ExactEstimator().estimate(table).values, expected.shapley) < 1e-9)
        #expect(largestError(try ExactEstimator(.banzhaf).estimate(table).values, expected.banzhaf) < 1e-9)
    }

    @Test func `Banzhaf power of a majority is how often the others are tied`() throws {
        let found = try ExactEstimator(.banzhaf).estimate(UtilityTable(Games.majority(7)))
        #expect(largestError(found.values, [Double](repeating: 20.0 / 64, count: 7)) < 1e-12)
        #expect(found.efficiencyGap == nil)
    }

    @Test(arguments: [1, 2, 5, 40, 300]) func `Beta of one and one weighs sizes as Shapley does`(players: Int) {
        let beta = Semivalue.beta(alpha: 1, beta: 1).sizeWeights(playerCount: players)
        #expect(largestError(beta, Semivalue.shapley.sizeWeights(playerCount: players)) < 1e-14)
        for weights in [beta, Semivalue.banzhaf.sizeWeights(playerCount: players), Semivalue.beta(alpha: 16, beta: 1).sizeWeights(playerCount: players)] {
            #expect(abs(weights.reduce(0, +) - 1) < 1e-12 && weights.allSatisfy { $0 >= 0 })
        }
    }

    @Test(arguments: [(1.0, 1.0), (4, 1), (1, 4), (16, 1), (0.5, 2.5)])
    func `Beta weighs sizes as Kwon and Zou write it`(alpha: Double, beta: Double) {
        let n = 9
        func logBeta(_ a: Double, _ b: Double) -> Double { lgamma(a) + lgamma(b) - lgamma(a + b) }
        let expected = (1...n).map { j in
            let choices = lgamma(Double(n)) - lgamma(Double(j)) - lgamma(Double(n - j + 1))
            return exp(choices + logBeta(Double(j) + beta - 1, Double(n - j) + alpha) - logBeta(alpha, beta))
        }
        #expect(largestError(Semivalue.beta(alpha: alpha, beta: beta).sizeWeights(playerCount: n), expected) < 1e-12)
    }

    @Test func `leave-one-out is what everybody loses without the player`() throws {
        let table = UtilityTable(Games.glove(left: 1, right: 2))
        let found = try LeaveOneOutEstimator().estimate(table)
        #expect(found.values == [1, 0, 0] && found.evaluations == 5)
    }

    @Test func `more than twelve players are refused with the number of coalitions`() throws {
        let failure = #expect(throws: Failure.self) { try ExactEstimator().estimate(UtilityTable(Games.majority(13))) }
        #expect(failure?.kind == .input && failure!.description.contains("8192") && failure!.description.contains("--yes"))
        let found = try ExactEstimator(playerLimit: 13).estimate(UtilityTable(Games.majority(13)))
        #expect(largestError(found.values, [Double](repeating: 1.0 / 13, count: 13)) < 1e-12)
    }
}
