import Testing

@testable import Valuation

@Suite struct EstimatorsControlTests {
    private static func permutations(_ n: Int) -> [[Int]] {
        n == 0 ? [[]] : permutations(n - 1).flatMap { rest in (0...rest.count).map { Array(rest[..<$0]) + [n - 1] + Array(rest[$0...]) } }
    }

    private static func path(_ order: [Int], _ game: Game, controls: [Game] = []) -> OddPath {
        let n = order.count
        func odd(_ game: Game) -> [Double] {
            (1..<n).map { size in
                let s = Coalition(order.prefix(size), of: n)
                return game.values(of: [s])[0] - game.values(of: [s.complement])[0]
            }
        }
        let ends = game.values(of: [.all(of: n), .none(of: n)])
        return OddPath(order: order, inner: odd(game), last: ends[0] - ends[1], controls: controls.map(odd))
    }

    @Test(arguments: 2...6) func `both readings of a pair average to the exact values over all orders`(players: Int) throws {
        let game = Game(players) { Games.noise($0, seed: 9) }
        let exact = try ExactEstimator().estimate(UtilityTable(game)).values
        let orders = Self.permutations(players)
        for read in [OddPath.marginal, OddPath.reuse] {
            let rows = orders.map { order in
                let path = Self.path(order, game)
                return read(order, path.inner, path.last)
            }
            let mean = SampleMoments(rows, playerCount: players).mean
            #expect(zip(mean, exact).allSatisfy { abs($0 - $1) < 1e-12 })
            #expect(rows.allSatisfy { abs($0.reduce(0, +) - exact.reduce(0, +)) < 1e-12 })
        }
    }

    @Test(arguments: [2, 5, 8], 1...3) func `a surrogate's Shapley values in closed form are those of its own game`(players: Int, profiles: Int) throws {
        let game = Games.learning(players, seed: 3, noise: 0.05), cheap = Games.cheap(players, seed: 3, noise: 0.05)
        let control = try ControlGame(UtilityTable(cheap), index: 0, seed: 0, pairs: 2)
        var sums = OddSurrogate.Sums(playerCount: players, profiles: profiles, controls: 1)
        for k in 0..<20 { sums.append(Self.path(PermutationPair(seed: 1, index: k, playerCount: players).order, game, controls: [cheap])) }
        let surrogate = OddSurrogate(sums, playerCount: players, ridge: 1) {}
        #expect(surrogate.coefficients.contains { abs($0) > 1e-3 })
        let last = 0.7
        let own = Game(players) { s in
            guard !s.isEmpty, s.count < players else { return s.isEmpty ? -last / 2 : last / 2 }
            return surrogate.predict(Self.path(s.members + s.complement.members, game, controls: [cheap]))[s.count - 1] / 2
        }
        let exact = try ExactEstimator().estimate(UtilityTable(own)).values
        #expect(zip(surrogate.shapley(last: last, controls: [control]), exact).allSatisfy { abs($0 - $1) < 1e-12 })
    }

    @Test func `a regression recovers an additive game whatever the noise of its sizes`() throws {
        let weights = [0.5, -1, 2, 0.25, 3]
        let game = Game(5) { s in s.members.reduce(0) { $0 + weights[$1] } + Double(s.count * s.count) }
        var sums = OddSurrogate.Sums(playerCount: 5, profiles: 1, controls: 0)
        for k in 0..<200 { sums.append(Self.path(PermutationPair(seed: 1, index: k, playerCount: 5).order, game)) }
        let found = OddSurrogate(sums, playerCount: 5, ridge: 1e-9, checkpoint: {}).shapley(last: weights.reduce(0, +) + 25, controls: [])
        #expect(zip(found, weights).allSatisfy { abs($0 - $1 - 5) < 1e-5 })
    }

    private func errors(_ n: Int, _ estimator: (UInt64) -> any ValueEstimator, _ table: UtilityTable, _ exact: [Double], seeds: UInt64) throws -> Double {
        let squares = try (0..<seeds).map { seed in
            let error = rootMeanSquare(try estimator(seed).estimate(table).values, exact)
            return error * error
        }
        return (squares.reduce(0, +) / Double(seeds)).squareRoot()
    }

    @Test(arguments: [10, 14]) func `control variates reach the error of plain sampling and Kernel SHAP with a third of the evaluations`(players: Int) throws {
        let table = UtilityTable(Games.learning(players, seed: 3)), cheap = UtilityTable(Games.cheap(players, seed: 3))
        let exact = try ExactEstimator(playerLimit: 14).estimate(table).values
        let budget = 24 * players, rule = StoppingRule(maxEvaluations: budget), more = StoppingRule(maxEvaluations: 3 * budget)
        let seeds: UInt64 = 30
        let ours = try errors(players, { AdjustedEstimator(seed: $0, stopping: rule, controls: [cheap], controlPairs: 300) }, table, exact, seeds: seeds)
        let plain = try errors(players, { PermutationEstimator(seed: $0, stopping: more) }, table, exact, seeds: seeds)
        let kernel = try errors(players, { KernelEstimator(seed: $0, stopping: more) }, table, exact, seeds: seeds)
        print("\(players) players, error of ours with \(budget) evaluations \(ours), with \(3 * budget) of permutations \(plain), of Kernel SHAP \(kernel)")
        #expect(ours < plain && ours < kernel)
    }

    @Test func `controls that tell nothing cost next to nothing`() throws {
        let game = Game(8) { Games.noise($0, seed: 21) }, table = UtilityTable(game)
        let exact = try ExactEstimator().estimate(table).values
        let unrelated = UtilityTable(Game(8) { 100 * Games.noise($0, seed: 22) })
        let rule = StoppingRule(maxSamples: 40)
        let plain = try errors(8, { PermutationEstimator(seed: $0, stopping: rule) }, table, exact, seeds: 100)
        let ours = try errors(8, { AdjustedEstimator(seed: $0, stopping: rule, controls: [unrelated]) }, table, exact, seeds: 100)
        print("pure noise: error of ours \(ours), of plain \(plain)")
        #expect(ours < 1.05 * plain)
    }

    /// Surrogates still learning make pairs err together; the interval has to know.
    @Test(arguments: [5, 8, 12, 20, 40]) func `intervals hold while the regressions are still learning`(pairs: Int) throws {
        let table = UtilityTable(Games.learning(12, seed: 5))
        let exact = try ExactEstimator().estimate(table).values
        var held = 0, squares = 0.0, claimed = 0.0
        for seed in 0..<100 {
            let found = try AdjustedEstimator(seed: UInt64(seed), stopping: StoppingRule(maxSamples: pairs)).estimate(table)
            held += exact.indices.count { found.low[$0] <= exact[$0] && exact[$0] <= found.high[$0] }
            for i in exact.indices {
                squares += (found.values[i] - exact[i]) * (found.values[i] - exact[i])
                claimed += found.standardErrors[i] * found.standardErrors[i]
            }
        }
        let coverage = Double(held) / (100 * 12)
        print("coverage with \(pairs) pairs: \(coverage), true over claimed variance \(squares / claimed)")
        #expect((0.92...0.98).contains(coverage))
    }

    @Test func `a sampled control puts its own error in the interval`() throws {
        // Sixteen players: the control's values are sampled, on few pairs here, and what they miss would otherwise go unseen.
        let table = UtilityTable(Games.learning(16, seed: 5)), cheap = UtilityTable(Games.learning(16, seed: 5))
        let exact = try ExactEstimator(playerLimit: 16).estimate(table).values
        var held = 0
        for seed in 0..<60 {
            let found = try AdjustedEstimator(seed: UInt64(seed), stopping: StoppingRule(maxSamples: 40), controls: [cheap], controlPairs: 30).estimate(table)
            held += exact.indices.count { found.low[$0] <= exact[$0] && exact[$0] <= found.high[$0] }
        }
        let coverage = Double(held) / (60 * 16)
        print("coverage with a sampled control: \(coverage)")
        #expect((0.92...0.98).contains(coverage))
    }

    @Test func `a control is asked for a few times as much as the budget allows`() throws {
        let game = Games.learning(40, seed: 2), table = UtilityTable(game), cheap = Games.cheap(40, seed: 2)
        _ = try AdjustedEstimator(seed: 1, stopping: StoppingRule(maxEvaluations: 4000), controls: [UtilityTable(cheap)]).estimate(table)
        // Its own values, and the coalitions of the estimate.
        #expect(game.asked <= 4000 && cheap.asked <= 4 * 4000 + 4000 && cheap.asked > 4000)
    }

    @Test func `one and two players are valued without regressions`() throws {
        for players in 1...2 {
            let game = Games.airport((1...players).map(Double.init))
            let found = try AdjustedEstimator(seed: 1, stopping: StoppingRule(maxSamples: 12)).estimate(UtilityTable(game))
            #expect(zip(found.values, Games.airportShapley((1...players).map(Double.init))).allSatisfy { abs($0 - $1) < 1e-9 })
        }
    }
}
