import Files
import Unlearn

extension CommandSpec {
    static let probe = CommandSpec(
        name: "probe", summary: "what a deletion will cost, stitched and exact, and whether memory decays; changes nothing",
        example: "unlearn -C demo probe --points 4",
        options: [
            OptionSpec("points", "N", "blocks from which a row is removed in memory, spread over the chain or the stem (default 3)"),
            OptionSpec("determinism", nil, "also train a block again and again, in one process and in two, and compare the bits with each other and with those that are stored"),
            .threads,
        ],
        run: runProbe)

    private static func runProbe(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation), points = try invocation.integer("points", in: 1...1000) ?? 3
        let checksDeterminism = invocation.flag("determinism")
        let project = try Project(opening: invocation.folder, checksDeterminism ? .write : .read, threads: try invocation.threads)
        let bar = console.progress("blocks")
        let report = try DeletionProbe(project, points: points, control: Interrupt.control) { bar.update($0, $1, of: $2) }
            .run(checkingDeterminism: checksDeterminism)
        if report.deterministic == false { try project.rememberUnrepeatable() }
        bar.finish()
        try console.result(report, describe(report))
        return report.deterministic == false ? FailureKind.refused.rawValue : 0
    }

    private static func describe(_ report: ProbeReport) -> String {
        var lines: [String] = []
        switch report.decays {
        case true?: lines.append("memory decays: a stitch retrains about \(fixed(report.expectedBlocksStitch ?? 0, 0)) blocks\(report.exponentH.map { ", by a power law with h \(fixed($0))" } ?? "")")
        case false?: lines.append("memory does not decay everywhere: where it does not, 'delete' replays exactly (--on-no-decay)")
        case nil: lines.append(report.points.isEmpty ? "rows stand in branches alone: every deletion is exact, and nothing needs to decay" : "there are too few blocks to see memory decay: 'delete' replays exactly")
        }
        if !report.points.isEmpty {
            lines.append(table([["row of block", "stitched after", "takes", "exact replay", "takes", "remembered then"]] + report.points.map { point in
                [
                    "\(point.block)", point.blocksStitch.map { "\(counted($0, "block"))" } ?? (point.exponentH == nil ? "too few behind it" : "not within \(point.rho.count + 1)"), point.secondsStitch.map(took) ?? "-",
                    counted(point.blocksExact, "block"), took(point.secondsExact), point.rho.last.map { percent($0, 1) } ?? "-",
                ]
            }))
        }
        let expected = report.expectedSeconds
        lines.append("a deletion of one row, on average over all rows:")
        if let stitch = expected.stitch, let blocks = report.expectedBlocksStitch { lines.append("  stitched  \(fixed(blocks, 1)) of \(report.blocks) blocks, \(took(stitch)); exactness is owed behind it") }
        lines.append("  exact     \(fixed(report.expectedBlocks, 1)) of \(report.blocks) blocks, \(took(expected.exact))")
        lines.append("  training from scratch: \(took(expected.naive)), \(fixed(report.expectedSpeedup, 1)) times as long as what 'delete' would do")
        if let share = report.shareWithBranches { lines.append("with --branches \(DeletionOutlook.exampleBranches) an exact deletion would take \(percent(share, 1)) of training instead of \(percent(report.shareExact, 1)), at some cost in accuracy") }
        if let deterministic = report.deterministic {
            lines.append(deterministic ? "a block trained twice gives the same bits, with one thread and with all, and those that are stored" : "A BLOCK TRAINED TWICE GIVES OTHER BITS: nothing here can be called exact")
        }
        return lines.joined(separator: "\n")
    }

    private static func took(_ seconds: Double) -> String { seconds < 10 ? "\(fixed(seconds, seconds < 1 ? 2 : 1)) s" : duration(seconds) }
}
