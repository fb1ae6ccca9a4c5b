import Files
import Unlearn

extension CommandSpec {
    static let audit = CommandSpec(
        name: "audit", summary: "compare the current model with exact replay and with doing nothing",
        example: "unlearn -C demo audit --request R1",
        options: [
            OptionSpec("request", "R", "the deletion to audit (default: the latest)"),
            OptionSpec(
                "before", "FILE", "the model before it (.safetensors), where you kept it: exact figures for doing nothing"),
            .threads, .approximate,
        ],
        run: runAudit)

    private static func runAudit(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let request = try invocation.text("request").map(Invocation.requestNumber)
        let project = try Project(opening: invocation.folder, .read, threads: try invocation.threads)
        let before = try invocation.text("before").map { try project.state(exportedTo: $0) }
        let bar = console.progress("blocks")
        let report = try project.audit(
            request: request, before: before, allowingOtherNumerics: invocation.flag("approximate"), control: Interrupt.control
        ) { bar.update("exact replay", $0, of: $0 + $1) }
        bar.finish()
        do {
            try Project.record(report, in: invocation.folder)
        } catch let error as any DescribedError {
            // The comparison is what was asked for; a busy or read-only project does not take it away.
            console.message("the result is not in the ledger: \(error.description)")
        }
        try console.result(report, describe(report))
        return report.passes ? 0 : FailureKind.refused.rawValue
    }

    private static func describe(_ report: AuditReport) -> String {
        let error = report.l1NothingStandardError
        let nothing = fixed(report.l1NothingToExact, 3) + (error > 0 ? " ±\(fixed(error, 3))" : "")
        let verdict =
            switch report.verdict {
            case .exact: "the current model is exact replay, bit for bit"
            case .nearer: "the current model is nearer to exact replay than doing nothing"
            case .noBetter: "FAILED: the current model is no nearer to exact replay than doing nothing; delete with --method exact"
            case .mismatch: "FAILED: the chain should be exact but replay gives another state; run 'unlearn check'"
            }
        let later = report.laterRequests == 0 ? "" : "; doing nothing is the model before \(report.request) and \(counted(report.laterRequests, "later deletion"))"
        return """
            \(report.request): \(counted(report.blocksReplayed, "block")) replayed exactly in \(fixed(report.seconds, 1)) s\(later)
            \(table([
                ["", "accuracy", "agrees with exact", "L1 to exact"],
                ["exact replay", percent(report.accuracy.exact), percent(1), "0"],
                ["current model", percent(report.accuracy.current), percent(report.agreementExact), fixed(report.l1ToExact, 3)],
                ["doing nothing", percent(report.accuracy.nothing), percent(report.agreementNothingVsExact), nothing],
            ]))
            \(verdict)
            """
    }
}
