import Checkpoints
import Files
import Statistics
import Tensors
import TestSupport
import Testing
import Training

@testable import Unlearn

@Suite("Row memory")
struct RowMemoryTests {
    // MARK: - Log-odds

    @Test("Log-odds are those of the given label, and finite where a model is certain")
    func logOdds() {
        let values = LogOdds.ofLabels([0, 2, 1, 0], probabilities: [0.5, 0.25, 0.25, 0.1, 0.1, 0.8, 1, 0, 0, 1, 0, 0])
        #expect(abs(values[0]) < 1e-12 && abs(values[1] - PortableMath.log(4)) < 1e-6)
        let certain = PortableMath.log(LogOdds.leastProbability)
        #expect(values[2] == certain && values[3] == -certain && certain.isFinite)
        #expect(LogOdds.ofLabels([], probabilities: []).isEmpty)
    }

    @Test("A row of which the model is all but certain keeps its digits")
    func certainty() {
        let values = LogOdds.ofLabels([0], probabilities: [1, 1e-12, 1e-12])
        #expect(abs(values[0] + PortableMath.log(2e-12)) < 1e-6)
    }

    // MARK: - The law

    static func points(_ count: Int, _ exponent: Double, scale: Double = 1, step: Double = 250) -> [(time: Double, value: Double)] {
        (2...count + 1).map { (Double($0) * step, scale * PortableMath.pow(Double($0), -exponent)) }
    }

    @Test("A pure law of the prior's exponent is continued exactly, whatever the units", arguments: [1.0, 250, 1e7], [0.3, -0.3])
    func pureLaw(step: Double, scale: Double) throws {
        let law = try #require(FadingLaw(Self.points(8, FadingLaw.prior.exponent, scale: scale, step: step)))
        #expect(abs(law.exponent - FadingLaw.prior.exponent) < 1e-12)
        let expected = scale * PortableMath.pow(90, -FadingLaw.prior.exponent)
        #expect(abs(law.value(at: 90 * step) / expected - 1) < 1e-12)
    }

    @Test("The exponent is the least-squares slope, drawn to the prior by its weight", arguments: [0.3, 0.5, 0.9], [5, 20, 80])
    func drawnToPrior(exponent: Double, count: Int) throws {
        let points = Self.points(count, exponent)
        let law = try #require(FadingLaw(points))
        let x = points.map { PortableMath.log($0.time) }
        let mean = x.reduce(0, +) / Double(count), squares = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let expected = (squares * exponent + FadingLaw.prior.weight * FadingLaw.prior.exponent) / (squares + FadingLaw.prior.weight)
        #expect(abs(law.exponent - expected) < 1e-9)
    }

    @Test("A rising series and one that drops at once stay within what exponents may be")
    func limits() throws {
        #expect(try #require(FadingLaw(Self.points(80, -3))).exponent == FadingLaw.exponents.lowerBound)
        #expect(try #require(FadingLaw(Self.points(80, 5))).exponent == FadingLaw.exponents.upperBound)
    }

    @Test(
        "Degenerate series give finite laws",
        arguments: [[0.0], [0, 0, 0, 0], [1, -1, 1, -1, 1], [0, 0, 5], [1e-300, 1e-300, 1e-300], [1e300, -1e300], [-0.2, 0.1, 0.3, -0.05, 0.02]])
    func degenerate(values: [Double]) throws {
        let law = try #require(FadingLaw(values.enumerated().map { (Double($0.offset + 1), $0.element) }))
        #expect(law.exponent.isFinite && law.level.isFinite && law.value(at: 1e9).isFinite)
        #expect(FadingLaw([]) == nil)
    }

    // MARK: - Which rows

    @Test("Deleted rows are those of the slots, without empty ones, and few of many")
    func rowsThatGo() throws {
        let trainer = RowTrainer(parameters: 6, frozen: 1) { _ in 0.5 }
        let read: (Int) -> BlockRows = { trainer.rows($0, without: [3]) }
        let rows = try #require(DeletedRows([4: [3, 5, 1], 2: [0], 9: [3]], rows: read))
        #expect(rows.groups.map(\.block) == [2, 4] && rows.groups.map(\.rows.slots) == [1, 2])
        #expect(rows.groups[1].rows.features == Array(read(4).features[6..<12]) + Array(read(4).features[30..<36]))
        #expect(DeletedRows([9: [3]], rows: read) == nil && DeletedRows([:], rows: read) == nil)
        let few = try #require(DeletedRows([1: Set(4..<12), 2: Set(4..<12)], most: 6, rows: read))
        #expect(few.groups.map(\.rows.slots) == [3, 3])
    }

    // MARK: - Chains

    static let parameters = 800

    /// Deletes rows from a chain of 70 blocks in which the gap that the rows notice fades as (t + 1)^{−h}; gives the margins on them.
    struct Result {
        let outcome: ReplayOutcome
        let nothing: Double
        let stitched: Double
        let exact: Double
    }

    static func delete(
        _ deleted: [Int: Set<Int>], exponent: Double, sharpness: Double = 0.05, damping: Damping = .automatic, given: Bool = true
    ) throws -> Result {
        let last = deleted.keys.max()!
        let trainer = RowTrainer(parameters: parameters, frozen: last + 1, sharpness: sharpness, share: RowTrainer.share(after: last, exponent: exponent))
        let chain = try MemoryChain(trainer, blocks: 70) { trainer.rows($0) }
        let rows = try #require(DeletedRows(deleted) { trainer.rows($0) })
        func replay(_ method: UnlearningMethod) throws -> ReplayOutcome {
            var options = ReplayOptions()
            options.method = method
            options.damping = damping
            options.decayGuard.epsilon = 1e9
            return try BlockReplay(
                chain: chain, trainer: trainer, rows: { trainer.rows($0, without: deleted[$0] ?? []) }, deletedRows: given ? rows : nil, control: TrainingControl()
            ).run(deleted: deleted.keys.sorted(), options: options, into: DiscardingSink())
        }
        let outcome = try replay(.stitch), exact = try replay(.exact)
        return Result(
            outcome: outcome, nothing: try rows.margin(of: chain.state(70), trainer), stitched: try rows.margin(of: outcome.state, trainer),
            exact: try rows.margin(of: exact.state, trainer))
    }

    @Test("γ is right on the rows where the gap's norm does not fade", arguments: [[1], [1, 4, 7]], [0.5, 0.6, 0.7])
    func rightOnTheRows(slots: [Int], exponent: Double) throws {
        let byRows = try Self.delete([10: Set(slots)], exponent: exponent), byNorms = try Self.delete([10: Set(slots)], exponent: exponent, damping: .gapNorms)
        try #require(byRows.outcome.method == .stitch && byNorms.outcome.method == .stitch)
        let change = abs(byRows.exact - byRows.nothing)
        #expect(try #require(byRows.outcome.segments[0].forecast).kind == .remembered)
        #expect(abs(byRows.stitched - byRows.exact) < 0.2 * change, "off by \(abs(byRows.stitched - byRows.exact)) of \(change)")
        #expect(abs(byNorms.stitched - byNorms.exact) > 0.5 * change, "what the norms say overshoots")
        // m at the end is what exact replay does to the rows, and what was forecast.
        let forecast = try #require(byRows.outcome.segments[0].forecast)
        #expect(abs(forecast.memoryAtEnd - (byRows.nothing - byRows.exact)) < 0.2 * change)
    }

    @Test("Rows of neighbouring blocks are told apart by their age")
    func neighbours() throws {
        let result = try Self.delete([9: [0, 2], 10: [3]], exponent: 0.6)
        try #require(result.outcome.method == .stitch)
        #expect(abs(result.stitched - result.exact) < 0.3 * abs(result.exact - result.nothing))
        #expect(result.outcome.segments[0].rowMemory?.memory.count == result.outcome.segments[0].residuals.count + 1)
    }

    @Test("Where models know nothing of any row, they are forgotten, and γ is that of the norms")
    func forgotten() throws {
        let silent = try Self.delete([10: [1]], exponent: 0.6, sharpness: 0), byNorms = try Self.delete([10: [1]], exponent: 0.6, damping: .gapNorms)
        let forecast = try #require(silent.outcome.segments[0].forecast)
        #expect(forecast.kind == .forgotten && forecast.memoryAtEnd == 0 && forecast.share.isFinite)
        #expect(silent.outcome.segments[0].damping == byNorms.outcome.segments[0].damping)
    }

    @Test("Rows of probability 1 give a finite γ from 0 to 1")
    func certainRows() throws {
        let result = try Self.delete([10: [1]], exponent: 0.6, sharpness: 1e6)
        for segment in result.outcome.segments {
            if let damping = segment.damping { #expect((0...1).contains(damping)) }
            #expect(segment.rowMemory?.memory.allSatisfy(\.isFinite) == true && segment.rowMemory?.reach.allSatisfy(\.isFinite) == true)
        }
    }

    @Test("Without the rows, and with the rule named, γ is that of the norms")
    func withoutRows() throws {
        let without = try Self.delete([10: [1]], exponent: 0.6, given: false), byNorms = try Self.delete([10: [1]], exponent: 0.6, damping: .gapNorms)
        #expect(without.outcome.state == byNorms.outcome.state && without.outcome.segments[0].rowMemory == nil)
    }

    @Test("A fixed γ is taken as it is, and the rows are read all the same")
    func fixed() throws {
        let result = try Self.delete([10: [1]], exponent: 0.6, damping: .fixed(0.25))
        #expect(result.outcome.segments[0].damping == 0.25 && result.outcome.segments[0].forecast != nil)
    }

    // MARK: - The guard

    @Test("Where it cannot be told from chance what will be known of the rows, no stitch is allowed; where they are forgotten, it is")
    func guardOnRows() throws {
        let series = DecayGuardTests.series((1...10).map { PortableMath.pow(Double($0), -0.6) }, rho: 0.01)
        func verdict(_ kind: RowForecast.Kind) throws -> DecayGuard.Verdict {
            let forecast = RowForecast(kind: kind, memoryAtEnd: 0.02, noise: 0.03, exponent: 0.6, share: 0.4, tolerance: 0.1)
            let factor = Damping.automatic.factor(series, blocksLeft: 30, rows: forecast)
            return try #require(
                DecayGuard().verdict(
                    series, method: .leastSquares,
                    outlook: .init(influenceAhead: 1e6, damping: factor.value, fading: factor.fading, objection: factor.objection)))
        }
        #expect(try verdict(.remembered).allowsStitch && verdict(.forgotten).allowsStitch)
        let unclear = try verdict(.unclear)
        #expect(
            !unclear.allowsStitch
                && unclear.objection == "what the chain will know of the deleted rows at its end cannot be told from chance: 0.02 of their log-odds, chance is 0.03")
        #expect(Damping.gapNorms.factor(series, blocksLeft: 30, rows: RowForecast(kind: .unclear, memoryAtEnd: 0, noise: 1, exponent: 0.6, share: 0, tolerance: 1)).objection == nil)
    }

    @Test("Of shares that the rows cannot tell apart, the one nearest to the norms' is taken")
    func tolerance() {
        func nearest(_ share: Double, _ tolerance: Double, to other: Double) -> Double {
            RowForecast(kind: .remembered, memoryAtEnd: 0.1, noise: 0.01, exponent: 0.6, share: share, tolerance: tolerance).nearest(to: other)
        }
        #expect(nearest(0.4, 0, to: 0.9) == 0.4 && nearest(0.4, 0.25, to: 0.9) == 0.65 && nearest(0.4, 0.25, to: 0.5) == 0.5)
        #expect(nearest(0.9, 0.5, to: 1) == 1 && nearest(0.1, 0.5, to: 0) == 0 && nearest(0.8, 0.25, to: 0.1) == 0.55)
    }

    // MARK: - Projects

    @Test("What was measured on the rows stays while a stitch lies in the chain, and not a block longer")
    func lifetime() throws {
        let project = try SmallProject()
        try project.train()
        let ids = try project.ids(inBlock: 6)
        let result = try project.delete([ids[0]]) {
            $0.replay.onNoDecay = .stitch
            $0.replay.decayGuard.epsilon = 1e9
        }
        let report = result.report
        try #require(report.method == .stitch)
        let margin = try #require(report.margin)
        #expect(margin.exactIsForecast && margin.exact != nil && report.rowMemory?.count == report.residual.count + 1)
        func stored() throws -> DeletionReport {
            let store = try Store(opening: project.path, .read)
            return try DeletionReport(json: #require(try store.request(1)).report)
        }
        #expect(try stored().margin?.after == margin.after)
        let audit = try project.open().audit(request: nil, before: nil, allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
        #expect(audit.margin?.after == margin.after)
        let exact = try project.delete([ids[1]]) { $0.replay.method = .exact }
        // Printed, and kept nowhere.
        #expect(exact.report.margin?.exactIsForecast == false && exact.report.kept.margin == nil)
        let kept = try stored()
        #expect(kept.margin == nil && kept.rowMemory == nil && kept.rowReach == nil && kept.rowForecast == nil)
    }

    @Test("A dry run forecasts the margin that the deletion then reports")
    func dryRun() throws {
        let project = try SmallProject()
        try project.train()
        let ids = try project.ids(inBlock: 4)
        func delete(dry: Bool) throws -> DeletionReport {
            try project.delete([ids[2]]) {
                $0.dryRun = dry
                $0.replay.onNoDecay = .stitch
                $0.replay.decayGuard.epsilon = 1e9
            }.report
        }
        let dry = try #require(try delete(dry: true).margin), done = try #require(try delete(dry: false).margin)
        #expect(dry.before == done.before && dry.after == done.after && dry.exact == done.exact)
    }

    // MARK: - Words and lists

    @Test("Certificates of earlier reports keep their words, later ones say what a damped stitch leaves")
    func words() {
        func meaning(_ more: [String: JSONValue]) -> String {
            let fields: [String: JSONValue] = [
                "method": .string("stitch"), "guarded": .bool(true), "blocks_retrained": .integer(9), "damping": .number(0.4),
                "segments": .array([.object(["damping": .number(0.4)])]),
            ]
            return InfluenceWords(.object(fields.merging(more) { $1 })).meaning
        }
        #expect(meaning([:]).hasSuffix("carries a share of 0.4"))
        let leaves = "; what it does not carry stays in the chain as a record of its own: whoever has the key can add it back, and comes within rounding of the model before"
        #expect(meaning(["row_forecast": .null]).hasSuffix("carries a share of 0.4" + leaves))
        let told: JSONValue = .object(["kind": .string("remembered"), "share": .number(0.35), "tolerance": .number(0.06)])
        #expect(meaning(["row_forecast": told]).contains("a share of 0.4, as much as changes what the model makes of the rows themselves by what exact replay is forecast to;"))
    }

    @Test("Cases of a benchmark are lines of ids between tabs")
    func cases() throws {
        let cases = try BenchmarkCases(Array("# three\n5\t7 8\t9\r\n\n12\n".utf8), path: "cases")
        #expect(cases.lists.map { $0.entries.map(\.id) } == [["5", "7 8", "9"], ["12"]])
        #expect(throws: Failure(.input, "cases has no case; write one a line, ids separated by tabs")) { try BenchmarkCases(Array("# none\n \n".utf8), path: "cases") }
    }
}
