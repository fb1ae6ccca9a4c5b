import Checkpoints
import Files
import Training

/// What a run of waiting requests will do, before anything is trained.
public struct RunPlan: Encodable, Sendable {
    public let requests: [String]
    /// Requests whose rows other ones have erased: they are closed without a run.
    public let superseded: [String]
    /// By request, live rows of the people or the provider that it names who came when it had been recorded: these stay.
    public let cameLater: [String: Int]
    /// Rows that are erased, each once.
    public let rows: Int
    /// Trained blocks that lose rows.
    public let blocksTouched: [Int]
    /// Blocks that an exact replay trains: what a stitch trains of them is known when memory has decayed.
    public let blocksRetrained: Int
    /// Of what a run of each request by itself would train, those that they share.
    public let blocksSaved: Int
    public let blocksTotal: Int
    /// Of an exact replay, at the pace of the training; nil where an earlier version trained the project.
    public let seconds: Double?
    /// What will be tried first: exact replay, or a stitch where that is estimated to take longer than somebody is ready to wait.
    public let method: UnlearningMethod
}

/// What `request run` tells its caller.
public struct RunResult: Encodable, Sendable {
    public let plan: RunPlan
    /// One by one; empty where nothing was left to carry out.
    public let reports: [DeletionReport]
    /// Of the run as a whole; nil where nothing was retrained or erased.
    public let run: DeletionReport?
    public let requests: [ListedRequest]
    public let requestsSettled: [String]
    public let finished: [String]
    /// Of rows that only the trainer holds.
    public let erasureOrders: ErasureOrders
    /// Folders of copies that work elsewhere, in which deleted rows stay (`jobs`).
    public let workingCopies: [String]

    /// Whether exactness is owed to one of them, or to others that erased rows of theirs.
    public let exactnessOwed: Bool

    public var outcome: RunOutcome { exactnessOwed || !erasureOrders.pending.isEmpty ? .owed : reports.isEmpty ? .nothingToDo : .done }

    private enum Key: CodingKey { case outcome, plan, requests, reports, requestsSettled, exactnessOwed, finished, erasureOrders, workingCopies }

    public func encode(to encoder: any Encoder) throws {
        try run?.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(outcome, forKey: .outcome)
        try container.encode(plan, forKey: .plan)
        try container.encode(requests, forKey: .requests)
        try container.encode(reports, forKey: .reports)
        try container.encode(requestsSettled, forKey: .requestsSettled)
        try container.encode(exactnessOwed, forKey: .exactnessOwed)
        try container.encode(finished, forKey: .finished)
        if !workingCopies.isEmpty { try container.encode(workingCopies, forKey: .workingCopies) }
        if !erasureOrders.isEmpty { try container.encode(erasureOrders, forKey: .erasureOrders) }
    }
}

/// How a command that erases ended, for whoever runs it unattended.
public enum RunOutcome: String, Encodable, Sendable {
    /// Exactly, or so that nothing of these rows is owed.
    case done
    /// Erased, and an exact replay is owed.
    case owed
    /// No live row was named.
    case nothingToDo = "nothing-to-do"
    /// The guard refused, or numerics differ: nothing was changed.
    case refused

    init(_ report: DeletionReport) { self = report.isExactnessOwed ? .owed : .done }
}

extension Project {
    /// What a run of requests that wait would do. Nothing is changed.
    /// - Parameter numbers: nil: all that wait.
    public func planRun(_ numbers: [Int]?, options: DeletionOptions) throws -> RunPlan { try describe(plan(waitingRequests(numbers, naming: false), options)) }

    /// Carries out requests that wait, in one run: blocks that several of them touch are retrained once, and rows that several of them name are
    /// erased once and certified to each. Requests whose rows are gone are noted as superseded.
    /// - Parameter numbers: nil: all that wait.
    public func run(
        _ numbers: [Int]?, options: DeletionOptions, control: TrainingControl, progress: @escaping (_ trained: Int, _ atMost: Int) -> Void
    ) throws -> RunResult {
        // What this command finished on opening the project is done, as it was asked for.
        let numbers = numbers.map { $0.filter { !store.finishedOnOpening.contains($0) } }
        let start = ContinuousClock.now, waiting = try waitingRequests(numbers), plan = try plan(waiting, options), described = try describe(plan)
        let finished = store.finishedOnOpening
        func listed(_ numbers: [Int]) throws -> [ListedRequest] {
            let names = Set(numbers.map(Store.requestName))
            return try store.requestList().filter { names.contains($0.request) }
        }
        if !finished.isEmpty {
            let done = try store.carriedOut().filter { finished.contains($0.number) }
            options.told(.closed(requests: done.map(\.name), outcome: try isOwed(done.map(\.report)) ? .owed : .done, stateDigest: done.last?.report.stateDigest))
        }
        func result(_ reports: [DeletionReport], _ run: DeletionReport?, _ settled: [String]) throws -> RunResult {
            let done = try store.carriedOut().filter { finished.contains($0.number) }.map(\.report)
            return RunResult(
                plan: described, reports: done + reports, run: run, requests: try listed(finished + waiting.map(\.number)), requestsSettled: settled,
                finished: finished.map(Store.requestName), erasureOrders: try carryOutErasureOrders(options.told, isInterrupted: control.isInterrupted), workingCopies: try workingCopies().map(\.folder), exactnessOwed: try isOwed(done + reports) || !Set(plan.superseded.flatMap(\.erasedByRequest.keys)).isDisjoint(with: requestsOwed(lineage())))
        }
        guard !plan.waiting.isEmpty else {
            // What is served by its name from now on must be a model without the rows here, too.
            if !plan.superseded.isEmpty, let digest = try serveInterim(plan, options.interim)?.report.stateDigest { options.told(.interimWritten(stateDigest: digest)) }
            if !plan.superseded.isEmpty { try store.transaction { change in for request in plan.superseded { try change.supersede(request) } } }
            options.told(.nothingToDo)
            return try result([], nil, [])
        }
        let (run, settled) = try carryOut(plan, options, since: start, control: control, progress: progress)
        return try result(run.shares, run.report, settled)
    }

    private func describe(_ plan: DeletionPlan) throws -> RunPlan {
        let shape = plan.lineage.shape, schedule = settings.recipe.plan
        let isOverspent = try plan.options.method == .stitch && StitchBudget(limit: plan.options.budget, changes: try store.changesOfStitches()).isOverspent
        // What an exact replay of earlier stitches would begin with, where it is asked for, or the stem or the chain is walked at all.
        func retrained(_ touched: [Int]) -> Set<Int> {
            plan.lineage.blocksOfExactReplay(of: touched, takingStitches: plan.options.method == .exact || touched.contains { shape.branch(of: $0) == nil })
        }
        let all = retrained(plan.touched)
        let alone = plan.waiting.reduce(0) { $0 + retrained($1.live.slots(.train).keys.filter(plan.lineage.isTrained)).count }
        let passes = try store.rowBlocks(.train).filter { all.contains($0.block) }.reduce(0) { $0 + $1.live * schedule.epochs(of: $1.block) }
        let seconds = all.isEmpty ? 0 : try secondsPerPass().map { $0 * Double(passes) }
        // What branches alone lose is retrained exactly in any case.
        let isExact = plan.options.method == .exact || isOverspent || plan.touched.allSatisfy { shape.branch(of: $0) != nil }
            || plan.options.patience > .zero && .seconds(seconds ?? 0) <= plan.options.patience
        return RunPlan(
            requests: plan.waiting.map(\.name), superseded: plan.superseded.map(\.name),
            cameLater: Dictionary(uniqueKeysWithValues: (plan.waiting + plan.superseded).filter { $0.cameLater > 0 }.map { ($0.name, $0.cameLater) }), rows: plan.selection.live.count, blocksTouched: plan.touched, blocksRetrained: all.count,
            blocksSaved: alone - all.count, blocksTotal: plan.lineage.trainedBlocks, seconds: seconds, method: isExact ? .exact : .stitch)
    }
}

extension StoreChange {
    /// What the ledger says of a request whose rows others erased.
    private struct Superseded: Encodable {
        /// By request, how many of its rows.
        let erasedMeanwhile: [String: Int]
    }

    func supersede(_ request: WaitingRequest) throws { try supersedeRequest(request.number, details: JSONValue(Superseded(erasedMeanwhile: request.erasedByRequest))) }
}
