import Files
import Unlearn

extension CommandSpec {
    static let replay = CommandSpec(
        name: "replay", summary: "make exact what stitches left, for all requests at once",
        example: "unlearn -C demo replay",
        options: [OptionSpec("dry-run", nil, "retrain and report, change nothing"), .ticket, .threads],
        run: runReplay)

    private static func runReplay(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        var options = DeletionOptions()
        options.replay.method = .exact
        options.dryRun = invocation.flag("dry-run")
        options.ticket = try invocation.ticket
        let project = try Project(opening: invocation.folder, options.dryRun ? .read : .write, threads: try invocation.threads)
        let bar = console.progress("blocks")
        let result = try console.tellingOpening(project.store) {
            guard try !project.lineage().isEmpty else { throw Failure(.input, "nothing is trained yet; run 'unlearn train' first") }
            return try project.delete(.chain, options: options, control: Interrupt.control) { trained, atMost in
                bar.update("replaying", trained, of: trained + atMost)
            }
        }
        bar.finish()
        try console.result(result, DeletionText.describe(result, folder: invocation.folder))
        return 0
    }
}
