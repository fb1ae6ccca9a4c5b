import Files
import Unlearn

extension CommandSpec {
    static let bench = CommandSpec(
        name: "bench", summary: "deletion beside naive retraining and doing nothing, all run here; changes nothing",
        example: "unlearn -C demo bench --deletions 1,100 --positions 25,80 --epsilon 0.1,0.01",
        options: [
            OptionSpec("deletions", "N,N,…", "rows deleted at once (default 1,100)"),
            OptionSpec("positions", "B,B,…", "blocks they come from (default: at 10, 25, 50 and 80 % of the chain)"),
            OptionSpec("epsilon", "X,X,…", "of the stop rule (default 0.1)"),
            OptionSpec("on-no-decay", "exact|stitch", "where memory does not decay: exact replay (default), or stitch (unguarded)"),
            OptionSpec("damping", "auto|l1|X", "share of the gap that a stitch carries on"),
            OptionSpec("cases", "FILE", "deletions of your own instead: one a line, the ids of its rows separated by tabs"),
            OptionSpec("rho-limit", "X", "relative residual that counts as forgotten (default 0.05); up to 4·X where a bound shows the stitch to be near"),
            .choice("fit", FitMethod.self, "how the exponent h is found (default: least-squares)"),
            OptionSpec("codec", nil, "only how well the checkpoints of --positions (default: all) compress, and how fast"),
            .threads, .workers,
        ],
        run: runBench)

    private static func runBench(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let options = try replayOptions(invocation)
        let project = try Project(opening: invocation.folder, .read, threads: try invocation.threads, workers: try invocation.workers)
        if invocation.flag("codec") {
            let report = try CodecBenchmark(project, blocks: try invocation.integers("positions", in: 1...1_000_000)).run()
            try console.result(report, describe(report))
            return 0
        }
        guard options.onNoDecay != .fail else { throw Failure(.input, "bench takes --on-no-decay exact or stitch, not fail") }
        try project.refuseOtherNumerics("compare deletions", unless: nil)
        let lineage = try project.lineage()
        if invocation.text("cases") != nil, let other = ["deletions", "positions"].first(where: { invocation.text($0) != nil }) {
            throw Failure(.input, "--cases names the deletions itself; give it without --\(other)")
        }
        var plan = BenchmarkPlan(
            deletions: try invocation.integers("deletions", in: 1...Int(Int32.max)) ?? [1, 100],
            positions: try invocation.integers("positions", in: 1...1_000_000)
                ?? lineage.defaultPositions,
            epsilons: try invocation.numbers("epsilon", in: 0...1e12) ?? [0.1])
        plan.cases = try invocation.text("cases").map { try BenchmarkCases(reading: $0) }
        let bar = console.progress("blocks")
        let report = try DeletionBenchmark(project, plan: plan, options: options, control: Interrupt.control) { what, done, total in
            bar.update(what, done, of: total)
        }.run()
        bar.finish()
        try console.result(report, describe(report))
        return 0
    }

    private static func describe(_ report: BenchmarkReport) -> String {
        var rows = [["rows", "block", "ε", "did", "blocks", "faster", "accuracy", "(naive)", "agrees", "(nothing)", "L1", "(paper's)", "(nothing)", "on the rows", "(exact)", "(nothing)"]]
        for row in report.rows {
            rows.append([
                "\(row.deleted)", "\(row.position)", "\(row.epsilon)", row.method.rawValue, "\(row.blocksRetrained)",
                fixed(row.speedupSeconds, 1) + "×", row.accuracy.map { percent($0) } ?? "-", row.accuracyNaive.map { percent($0) } ?? "-", percent(row.agreement),
                percent(row.agreementNothing), fixed(row.l1, 3), fixed(row.l1Paper, 3), fixed(row.l1Nothing, 3),
                fixed(row.margin.after, 3), fixed(row.margin.exact, 3), fixed(row.margin.nothing, 3),
            ])
        }
        let onRows = report.rows.isEmpty ? [] : ["on the rows: mean log-odds of the deleted rows' given labels"]
        var lines = [
            "naive retraining of \(report.naiveBlocks) blocks: \(fixed(report.naiveSeconds, 1)) s; "
                + (report.naiveEqualsReplay ? "exact replay gives the same bits" : "EXACT REPLAY GIVES OTHER BITS"),
            table(rows),
        ] + onRows + [
            describe(report.compression),
        ]
        if let squares = report.extrapolationErrorLeastSquares, let dfa = report.extrapolationErrorDfa {
            lines.append("fits on residuals they had not seen: least squares \(percent(squares, 0)) off, DFA \(percent(dfa, 0)) off (mean relative error)")
        }
        return lines.joined(separator: "\n")
    }

    private static func describe(_ compression: CompressionReport) -> String {
        """
        checkpoints: \(fixed(compression.bitsPerValue)) bits a value, order-0 entropy \(fixed(compression.entropyBitsPerValue)) \
        (\(percent(abs(compression.aboveEntropy), 1)) \(compression.aboveEntropy < 0 ? "below" : "above")); \
        \(besideSinglePrecision(compression.ratioInfluences)), with keyframes and corrections \(besideSinglePrecision(compression.ratioStore))
        codec, one thread: encodes \(fixed(compression.encodeGbPerSecond)) GB/s of fp32, decodes \(fixed(compression.decodeGbPerSecond)) GB/s
        """
    }
}
