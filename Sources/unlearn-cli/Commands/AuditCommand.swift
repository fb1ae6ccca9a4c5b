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
            .threads, .workers, .approximate,
        ],
        run: runAudit)

    private static func runAudit(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let request = try invocation.text("request").map(Invocation.requestNumber)
        let project = try Project(opening: invocation.folder, .read, threads: try invocation.threads, workers: try invocation.workers)
        let before = try invocation.text("before").map { try project.state(exportedTo: $0) }
        let bar = console.progress("blocks")
        let report = try project.audit(
            request: request, before: before, allowingOtherNumerics: invocation.flag("approximate"), control: Interrupt.control
        ) { bar.update("exact replay", $0, of: $0 + $1) }
        bar.finish()
        do {
            try project.record(report)
        } catch let error as any DescribedError {
            // The comparison is what was asked for; a busy or read-only project does not take it away.
            console.message("the result is not in the ledger: \(error.description)")
        }
        try console.result(report, describe(report))
        return report.passes ? 0 : FailureKind.refused.rawValue
    }

    private static func describe(_ report: AuditReport) -> String {
        let accuracy = report.accuracy
        guard let current = accuracy.current, let exact = accuracy.exact, let l1 = report.l1ToExact, let agreement = report.agreementExact else {
            return "\(report.request): no trained block held the rows; there was no influence to remove, and nothing is compared"
        }
        let agreementNothing = report.agreementNothingVsExact ?? 0, error = report.l1NothingStandardError ?? 0
        let nothing = report.l1NothingToExact.flatMap { l1 in accuracy.nothing.map { [percent($0), percent(agreementNothing), significant(l1)] } }
        let doingNothing = nothing.map { ["doing nothing", $0[0], $0[1], $0[2] + (error > 0 ? " ±\(significant(error)) *" : "")] } ?? ["doing nothing", "-", "-", "-"]
        let verdict =
            switch report.verdict {
            case .exact: "EXACT: the current model is exact replay, bit for bit"
            case .nearer:
                "APPROXIMATE: the current model is nearer to exact replay than the model before, by its parameters (L1)"
                    + (agreementNothing > agreement ? "; by its predictions it is not: the model before agrees on \(percent(agreementNothing))" : "")
            case .noBetter:
                "FAILED: the current model is no nearer to exact replay than the model before; "
                    + "'unlearn replay' replays the chain exactly"
            case .undecided where nothing == nil:
                "NOT EXACT: earlier stitches remain, and nothing is kept of the model before this deletion to compare with; "
                    + "'unlearn replay' replays them"
            case .undecided:
                "UNDECIDED: what is kept of the model before the deletion, a sample of its parameters, cannot tell which is nearer to exact replay; "
                    + "--before FILE takes the whole of it where you kept it, and 'unlearn replay' leaves nothing to decide"
            case .mismatch: "FAILED: the chain should be exact but replay gives another state; run 'unlearn check'"
            case .noInfluence: "there was no influence to remove"
            }
        let later = report.laterRequests == 0 ? "" : "; doing nothing means the model before \(report.request) and \(counted(report.laterRequests, "later deletion"))"
        let kept = nothing == nil ? "; an exact deletion keeps nothing of the model before to compare with (--before takes one that you kept)" : ""
        var text = """
            \(report.request): \(verdict)\(kept)
            compared with an exact replay of \(counted(report.blocksReplayed, "block")), done in \(fixed(report.seconds, 1)) s\(later)
            \(table([
                ["", "accuracy", "agrees with exact", "L1 to exact"],
                ["exact replay", percent(exact), percent(1), "0"],
                ["this model", percent(current), percent(agreement), significant(l1)],
                doingNothing,
            ]))
            \(report.margin.map { "on the deleted rows, measured before they were erased: \(DeletionText.describe($0))\n" } ?? "")\(error > 0 ? "* estimated from a sample of the parameters, with its standard error; the verdict compares both on the same sample\n" : "")
            """
        while text.last == "\n" { text.removeLast() }
        return text
    }
}
