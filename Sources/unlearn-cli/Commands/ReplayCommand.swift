import Unlearn

extension CommandSpec {
    static let replay = CommandSpec(
        name: "replay", summary: "make exact what stitches left, for all requests at once: a job for the night",
        example: "unlearn -C demo replay",
        options: [OptionSpec("dry-run", nil, "retrain and report, change nothing"), .threads, .approximate],
        run: runReplay)

    private static func runReplay(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        var options = DeletionOptions()
        options.replay.method = .exact
        options.dryRun = invocation.flag("dry-run")
        options.approximate = invocation.flag("approximate")
        let project = try Project(opening: invocation.folder, options.dryRun ? .read : .write, threads: try invocation.threads)
        let bar = console.progress("blocks")
        let (result, settled) = try console.tellingOpening(project.store) {
            let owed = try project.requestsOwed()
            let result = try project.delete(.chain, options: options, control: Interrupt.control) { trained, atMost in
                bar.update("replaying", trained, of: trained + atMost)
            }
            return (result, result.exact ? owed : [])
        }
        bar.finish()
        let settling = settled.isEmpty ? "" : "\nexactness \(options.dryRun ? "would be" : "is") no longer owed to \(settled.joined(separator: ", "))"
        try console.result(Replayed(result: result, requestsSettled: settled), DeletionText.describe(result, folder: invocation.folder) + settling)
        return 0
    }

    /// What a deletion tells, and whose stitches are gone.
    private struct Replayed: Encodable {
        let result: DeletionResult
        let requestsSettled: [String]

        private enum Key: CodingKey { case requestsSettled }

        func encode(to encoder: any Encoder) throws {
            try result.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(requestsSettled, forKey: .requestsSettled)
        }
    }
}
