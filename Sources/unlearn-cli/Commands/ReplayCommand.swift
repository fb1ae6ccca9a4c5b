import Files
import Unlearn

extension CommandSpec {
    static let replay = CommandSpec(
        name: "replay", summary: "make exact what stitches left, for all requests at once",
        example: "unlearn -C demo replay",
        options: [
            OptionSpec("due", nil, "only where exactness is owed to a request; for a job at night"), OptionSpec("dry-run", nil, "retrain and report, change nothing"), .ticket, .threads, .workers, .events,
        ],
        run: runReplay)

    private struct NothingDue: Encodable {
        let outcome = RunOutcome.nothingToDo
        let blocksRetrained = 0
        let requestsSettled: [String] = []
        let exactnessOwed = false
        let stateDigest: String?
    }

    private static func runReplay(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        var options = DeletionOptions()
        options.replay.method = .exact
        options.dryRun = invocation.flag("dry-run")
        options.ticket = try invocation.ticket
        let (project, events) = try console.open(options.dryRun ? .read : .write, threads: try invocation.threads)
        let bar = console.progress("blocks")
        if let events { options.told = { events.add($0) } }
        let result: DeletionResult? = try console.tellingRefusal(opening: project.store, events) { [options] in
            guard try invocation.flag("due") || !project.lineage().isEmpty else { throw Failure(.input, "nothing is trained yet; run 'unlearn train' first") }
            // Where nothing is owed, other numerics or a state that a stitch left may still lie in the model: who asks for what is due has no use for it.
            if invocation.flag("due"), try project.requestsOwed(project.lineage()).isEmpty, try project.requestsToAcknowledge().isEmpty {
                options.told(.nothingToDo)
                return nil
            }
            return try project.delete(.chain, options: options, control: Interrupt.control) { trained, atMost in
                bar.update("replaying", trained, of: trained + atMost)
            }
        }
        bar.finish()
        guard let result else {
            try console.result(NothingDue(stateDigest: project.status().stateDigest), "no request is owed exactness; nothing was changed")
            return 0
        }
        try console.result(result, DeletionText.describe(result, folder: invocation.folder))
        return 0
    }
}
