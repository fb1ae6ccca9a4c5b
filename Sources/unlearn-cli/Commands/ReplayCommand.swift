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

    /// Where no request is owed exactness.
    private struct NothingDue: Encodable {
        let outcome: RunOutcome
        let blocksRetrained = 0
        let requestsSettled: [String] = []
        let exactnessOwed = false
        let stateDigest: String?
        /// Of rows that only the trainer holds; nil where none were to be carried out.
        let erasureOrders: ErasureOrders?

        init(_ orders: ErasureOrders, stateDigest: String?) {
            (outcome, erasureOrders) = (orders.pending.isEmpty ? .nothingToDo : .owed, orders.isEmpty ? nil : orders)
            self.stateDigest = stateDigest
        }
    }

    private static func runReplay(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        var options = DeletionOptions()
        options.replay.method = .exact
        options.wayToApproximate = "'unlearn delete --method exact --approximate'"
        options.dryRun = invocation.flag("dry-run")
        options.ticket = try invocation.ticket
        let (project, events) = try console.open(options.dryRun ? .read : .write, threads: try invocation.threads)
        let bar = console.progress("blocks")
        if let events { options.told = { events.add($0) } }
        var orders = ErasureOrders()
        let result: DeletionResult? = try console.tellingRefusal(opening: project.store, events) { [options] in
            let lineage = try project.lineage(), ordered = try !project.requestsToAcknowledge().isEmpty
            guard invocation.flag("due") || !lineage.isEmpty || ordered else { throw Failure(.input, "nothing is trained yet; run 'unlearn train' first") }
            // Where nothing is owed, other numerics or a state that a stitch left may still lie in the model: who asks for what is due has no use for it.
            if lineage.isEmpty || invocation.flag("due"), try project.requestsOwed(lineage).isEmpty {
                options.told(.nothingToDo)
                if !options.dryRun { orders = try project.carryOutErasureOrders(options.told, isInterrupted: Interrupt.control.isInterrupted) }
                return nil
            }
            return try project.delete(.chain, options: options, control: Interrupt.control) { trained, atMost in
                bar.update("replaying", trained, of: trained + atMost)
            }
        }
        bar.finish()
        if options.dryRun, case let waiting = try project.requestsToAcknowledge(), !waiting.isEmpty {
            console.message("the trainer has still to erase the rows of \(waiting.joined(separator: ", ")), and is told so without --dry-run")
        }
        guard let result else {
            try console.result(
                NothingDue(orders, stateDigest: project.status().stateDigest), (["no request is owed exactness; \(orders.isEmpty ? "nothing" : "no block") was changed"] + DeletionText.orders(orders)).joined(separator: "\n"))
            return 0
        }
        try console.result(result, DeletionText.describe(result, folder: invocation.folder))
        return 0
    }
}
