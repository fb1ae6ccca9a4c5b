import Files
import Statistics
import Testing

@testable import Valuation

@Suite struct EstimatorsSamplingTests {
    /// An estimator under test: which values it should find, and how it is made for a seed.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let semivalue: Semivalue
        let make: @Sendable (UInt64) -> any ValueEstimator
    }

    static let players = 7
    /// Noisier than the product, so that no reading is nearly exact and intervals are put to the test.
    static func game() -> Game { Games.learning(players, seed: 2, noise: 0.05) }
    static func cheap() -> UtilityTable { UtilityTable(Games.cheap(players, seed: 2, noise: 0.05)) }
    static func unrelated() -> UtilityTable { UtilityTable(Game(players) { Games.noise($0, seed: 77) }) }

    static let cases: [Case] = [
        Case(testDescription: "permutation", semivalue: .shapley) { PermutationEstimator(seed: $0, stopping: StoppingRule(maxSamples: 30)) },
        Case(testDescription: "Beta(4, 1)", semivalue: .beta(alpha: 4, beta: 1)) {
            PermutationEstimator(.beta(alpha: 4, beta: 1), seed: $0, stopping: StoppingRule(maxSamples: 40))
        },
        Case(testDescription: "Beta(1, 4)", semivalue: .beta(alpha: 1, beta: 4)) {
            PermutationEstimator(.beta(alpha: 1, beta: 4), seed: $0, stopping: StoppingRule(maxSamples: 40))
        },
        Case(testDescription: "Banzhaf by reuse", semivalue: .banzhaf) { BanzhafEstimator(seed: $0, stopping: StoppingRule(maxSamples: 120)) },
        Case(testDescription: "regression", semivalue: .shapley) { AdjustedEstimator(seed: $0, stopping: StoppingRule(maxSamples: 30)) },
        Case(testDescription: "regression and a cheap utility", semivalue: .shapley) {
            AdjustedEstimator(seed: $0, stopping: StoppingRule(maxSamples: 30), controls: [cheap()])
        },
        Case(testDescription: "regression and an unrelated utility", semivalue: .shapley) {
            AdjustedEstimator(seed: $0, stopping: StoppingRule(maxSamples: 30), controls: [unrelated()])
        },
        Case(testDescription: "regression, cheap and additive utilities", semivalue: .shapley) {
            AdjustedEstimator(
                seed: $0, stopping: StoppingRule(maxSamples: 30), controls: [cheap(), UtilityTable(Games.additive([0, 1, 2, 3, 4, 5, 6]))])
        },
    ]

    /// Both from the same estimates: these are most of the work.
    @Test(arguments: cases) func `over 200 seeds the mean is exact within three standard errors, and over 600 intervals at 95 percent hold it in 92 to 98 of 100 cases`(
        sampling: Case
    ) throws {
        let table = UtilityTable(Self.game())
        let exact = try ExactEstimator(sampling.semivalue).estimate(table).values
        let found = try (1000..<1600).map { try sampling.make($0).estimate(table) }
        let moments = SampleMoments(found.prefix(200).map(\.values), playerCount: Self.players)
        for player in 0..<Self.players {
            #expect(abs(moments.mean[player] - exact[player]) <= 3 * moments.standardErrors[player], "player \(player)")
        }
        let held = found.reduce(0) { sum, one in sum + (0..<Self.players).count { one.low[$0] <= exact[$0] && exact[$0] <= one.high[$0] } }
        let coverage = Double(held) / Double(600 * Self.players)
        print("coverage of \(sampling.testDescription): \(coverage)")
        #expect((0.92...0.98).contains(coverage))
    }

    @Test func `one antithetic pair is exact where players interact two at a time`() throws {
        let game = Game(6) { s in
            s.members.reduce(0.0) { sum, i in sum + Double(i) + s.members.filter { $0 < i }.reduce(0.0) { $0 + Double(($1 + 2) * i % 5) } }
        }
        let exact = try ExactEstimator().estimate(UtilityTable(game)).values
        let found = try PermutationEstimator(seed: 1, stopping: StoppingRule(maxSamples: 2)).estimate(UtilityTable(game))
        #expect(zip(found.values, exact).allSatisfy { abs($0 - $1) < 1e-12 } && found.width < 1e-12)
    }

    @Test func `sampling is efficient and counts what it evaluates`() throws {
        let game = Self.game()
        let table = UtilityTable(game)
        let found = try PermutationEstimator(seed: 3, stopping: StoppingRule(maxEvaluations: 60), pairsPerBatch: 1).estimate(table)
        #expect(abs(found.efficiencyGap!) < 1e-12)
        #expect(found.evaluations <= 60 && found.evaluations > 60 - 12 && game.asked == found.evaluations && found.stopped == .budget)
        #expect(abs(found.low[2] - (found.values[2] - (found.high[2] - found.values[2]))) < 1e-12)
    }

    @Test func `a width ends the sampling and every interval is narrower`() throws {
        let table = UtilityTable(Games.learning(10, seed: 2))
        for estimator in [
            PermutationEstimator(seed: 1, stopping: StoppingRule(width: 0.08)), AdjustedEstimator(seed: 1, stopping: StoppingRule(width: 0.01)),
            KernelEstimator(seed: 1, stopping: StoppingRule(width: 0.08)), BanzhafEstimator(seed: 1, stopping: StoppingRule(width: 0.08)),
        ] as [any ValueEstimator] {
            let found = try estimator.estimate(table)
            #expect(found.stopped == .narrow && found.width < widthAsked(estimator) && found.samples >= 10)
            #expect(found.convergence.last?.evaluations == found.evaluations && found.convergence.last?.values == found.values)
        }
    }

    private func widthAsked(_ estimator: any ValueEstimator) -> Double { estimator is AdjustedEstimator ? 0.01 : 0.08 }

    @Test func `sampling that has met every coalition gives the exact values`() throws {
        let rule = StoppingRule(maxEvaluations: 1000)
        for estimator in [
            PermutationEstimator(seed: 1, stopping: rule), AdjustedEstimator(seed: 1, stopping: rule), KernelEstimator(seed: 1, stopping: rule),
            PermutationEstimator(.banzhaf, seed: 1, stopping: rule), BanzhafEstimator(seed: 1, stopping: rule),
        ] as [any ValueEstimator] {
            let found = try estimator.estimate(UtilityTable(Games.glove(left: 1, right: 2)))
            #expect(found.stopped == .everyCoalition && found.evaluations == 8 && found.width == 0)
            let exact = found.estimator == "banzhaf" ? [0.75, 0.25, 0.25] : [4.0 / 6, 1.0 / 6, 1.0 / 6]
            #expect(zip(found.values, exact).allSatisfy { abs($0 - $1) < 1e-12 })
        }
    }

    @Test func `a budget too small for an interval says what would do`() throws {
        let failure = #expect(throws: Failure.self) {
            try PermutationEstimator(seed: 1, stopping: StoppingRule(maxEvaluations: 20)).estimate(UtilityTable(Self.game()))
        }
        #expect(failure?.kind == .input && failure!.description.contains("raise --max-evaluations to 26"))
    }

    @Test(arguments: [2, 3, 7]) func `whether a budget suffices is known before anything is evaluated`(players: Int) throws {
        let table = UtilityTable(Games.learning(players, seed: 3, noise: 0))
        for budget in 2...60 {
            let rule = StoppingRule(maxEvaluations: budget)
            let estimators: [any ValueEstimator] = [
                PermutationEstimator(seed: 5, stopping: rule), PermutationEstimator(.beta(alpha: 4, beta: 1), seed: 5, stopping: rule),
                AdjustedEstimator(seed: 5, stopping: rule), BanzhafEstimator(seed: 5, stopping: rule), KernelEstimator(seed: 5, stopping: rule),
            ]
            for estimator in estimators {
                let lacking = estimator.lackingBudget(playerCount: players)
                let succeeds = (try? estimator.estimate(table)) != nil
                #expect((lacking == nil) == succeeds, "\(type(of: estimator)), budget \(budget)")
                #expect(lacking.map { $0 > budget } ?? true)
            }
        }
    }

    @Test func `whatever is drawn, a budget that passes the check ends in an estimate`() throws {
        let table = UtilityTable(Games.majority(4))
        for seed in 0..<200 {
            for budget in 8...15 {
                let rule = StoppingRule(maxEvaluations: budget)
                for estimator in [BanzhafEstimator(seed: UInt64(seed), stopping: rule), KernelEstimator(seed: UInt64(seed), stopping: rule)] as [any ValueEstimator]
                where estimator.lackingBudget(playerCount: 4) == nil {
                    #expect(throws: Never.self) { try estimator.estimate(table) }
                }
            }
        }
    }

    @Test func `block orders draw samples of their own, the first one those of a single order`() {
        let seeds = (0..<20).map { ValuationStream.seed(7, order: $0) }
        #expect(seeds[0] == 7 && Set(seeds).count == 20)
    }

    @Test func `truncation saves evaluations and errs by no more than its tolerance`() throws {
        let plain = UtilityTable(Games.learning(10, seed: 4, noise: 0))
        let exact = try ExactEstimator().estimate(plain).values
        let rule = StoppingRule(maxSamples: 40)
        let full = try PermutationEstimator(seed: 6, stopping: rule).estimate(plain)
        let cut = try PermutationEstimator(seed: 6, stopping: rule, truncation: 0.06).estimate(plain)
        #expect(Double(cut.evaluations) < 0.8 * Double(full.evaluations))
        #expect(abs(cut.efficiencyGap!) < 1e-12)
        for player in exact.indices { #expect(abs(cut.values[player] - full.values[player]) <= 0.06) }
        #expect(cut.values != full.values)
        // Batches change nothing, truncated or not.
        let single = try PermutationEstimator(seed: 6, stopping: rule, truncation: 0.06, pairsPerBatch: 1).estimate(plain)
        #expect(single.values == cut.values && single.evaluations == cut.evaluations)
        #expect(throws: Failure.self) {
            try PermutationEstimator(seed: 6, stopping: StoppingRule(maxEvaluations: 99), truncation: 0.06).plan(playerCount: 10)
        }
    }

    @Test func `Kernel SHAP comes to the exact values, and its intervals hold them`() throws {
        let table = UtilityTable(Games.learning(10, seed: 2, noise: 0.05))
        let exact = try ExactEstimator().estimate(table).values
        var errors: [Double] = [], held = 0
        for samples in [100, 400, 1600] {
            var squares = 0.0
            for seed in 0..<40 {
                let found = try KernelEstimator(seed: UInt64(seed), stopping: StoppingRule(maxSamples: samples)).estimate(table)
                let error = rootMeanSquare(found.values, exact)
                squares += error * error
                #expect(abs(found.efficiencyGap!) < 1e-10)
                if samples == 1600 { held += exact.indices.count { found.low[$0] <= exact[$0] && exact[$0] <= found.high[$0] } }
            }
            errors.append((squares / 40).squareRoot())
        }
        // Half the error for four times the samples.
        #expect(errors[1] < 0.6 * errors[0] && errors[2] < 0.6 * errors[1])
        #expect((0.90...0.99).contains(Double(held) / 400))
    }

    @Test func `groups have the summed values and everybody together no error`() throws {
        let table = UtilityTable(Self.game())
        let found = try PermutationEstimator(seed: 8, stopping: StoppingRule(maxSamples: 25)).estimate(table)
        let grouped = try #require(found.grouped(by: [[0, 3], [1, 2, 4, 5, 6]]))
        #expect(abs(grouped.values[0] - found.values[0] - found.values[3]) < 1e-14)
        #expect(abs(grouped.values[0] + grouped.values[1] - (found.vAll - found.vEmpty)) < 1e-12)
        // Two parts of a fixed sum err alike.
        let widths = zip(grouped.high, grouped.low).map { $0 - $1 }
        #expect(abs(widths[0] - widths[1]) < 1e-12 && widths[0] > 0)
        let all = try #require(found.grouped(by: [Array(0..<7)]))
        #expect(all.high[0] - all.low[0] < 1e-6)
        // The plain reference: the interval of the pairs' summed samples.
        var rows: [[Double]] = []
        for k in 0..<25 {
            let pair = PermutationPair(seed: 8, index: k, playerCount: 7)
            let v = try table.values(of: pair.prefixes), w = try table.values(of: pair.prefixes.map(\.complement))
            rows.append([[0, 3].reduce(0.0) { sum, player in
                let place = pair.order.firstIndex(of: player)!
                return sum + (v[place + 1] - v[place] + w[place] - w[place + 1]) / 2
            }])
        }
        let plain = SampleMoments(rows, playerCount: 1)
        #expect(abs(plain.mean[0] - grouped.values[0]) < 1e-12 && abs(2 * StudentT.quantile(0.975, degrees: 24) * plain.standardErrors[0] - widths[0]) < 1e-12)
    }
}
