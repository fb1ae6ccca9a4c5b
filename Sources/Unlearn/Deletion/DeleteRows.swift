import Checkpoints
import Files
import Tensors
import Training

/// What `delete` is asked to do.
public struct DeletionOptions: Sendable {
    public var replay = ReplayOptions()
    /// Go on where a list names rows that were deleted before.
    public var ignoreMissing = false
    /// Go on where a list names rows that were never in the project, or a group that no row has.
    public var ignoreUnknown = false
    /// Do everything but change the project.
    public var dryRun = false
    /// Go on with numerics other than the project's; the result is then never called exact.
    public var approximate = false
    /// What a user whose numerics are refused may say to go on.
    public var wayToApproximate = "--approximate"

    /// The officer's own reference of the request.
    public var ticket: String?
    /// Where to write a model that never saw the rows, before anything is retrained; nil: nowhere.
    public var interim: InterimOutput?
    /// Told each step of a run as it is done.
    public var told: @Sendable (RunStep) -> Void = { _ in }

    public init() {}
}

/// A file for the interim model.
public struct InterimOutput: Sendable {
    public let path: String
    /// Whether a file that is there may be replaced.
    public let replacing: Bool
    /// When it was asked for: the time until it is there counts from then.
    public let since: ContinuousClock.Instant

    public init(path: String, replacing: Bool, since: ContinuousClock.Instant = .now) {
        self.path = path
        self.replacing = replacing
        self.since = since
    }
}

extension Project {
    /// Removes rows and their influence: retrains without them, publishes the new records and rows in one transaction,
    /// and erases what they replace. Until that transaction nothing that the catalogue names has changed.
    ///
    /// Where earlier stitches left an inexact chain, an exact deletion also takes ids that are deleted already, or none at all:
    /// the replay is what there still is to do. Where nothing is left to do, nothing is done and no request is made.
    public func delete(
        _ target: DeletionTarget, options: DeletionOptions, control: TrainingControl, progress: @escaping (_ trained: Int, _ atMost: Int) -> Void
    ) throws -> DeletionResult {
        let start = ContinuousClock.now
        let plan = try plan(target, options)
        guard !plan.isNothingLeft else {
            // What is served by its name from now on must be a model without the rows here, too: a file from before may be another one.
            let interim = try serveInterim(plan, options.interim)
            var result = try nothingLeft(plan.selection, plan.lineage, options)
            result.erasureOrders = try options.dryRun ? ErasureOrders() : carryOutErasureOrders(options.told, isInterrupted: control.isInterrupted)
            if let interim { result.report.interim = interim.report }
            options.told(.nothingToDo)
            return result
        }
        let (run, settled) = try carryOut(plan, options, since: start, control: control, progress: progress)
        var result = DeletionResult(report: run.report, list: plan.selection.findings, finished: store.finishedOnOpening.map(Store.requestName), requestsSettled: settled)
        result.workingCopies = try workingCopies().map(\.folder)
        if !options.dryRun { result.erasureOrders = try carryOutErasureOrders(options.told, isInterrupted: control.isInterrupted) }
        return result
    }

    /// Does what a plan says, and gives the run and the requests to which exactness is owed no longer.
    func carryOut(
        _ plan: DeletionPlan, _ options: DeletionOptions, since start: ContinuousClock.Instant, control: TrainingControl,
        progress: @escaping (_ trained: Int, _ atMost: Int) -> Void
    ) throws -> (run: DeletionRun, settled: [String]) {
        // Exact whatever trains here, and first of all: a program of the user's takes seconds to start.
        let interim = try serveInterim(plan, options.interim)
        if let digest = interim?.report.stateDigest { options.told(.interimWritten(stateDigest: digest)) }
        do {
            var plan = plan
            if plan.retrains {
                // Where training here does not give the project's bits, nothing is begun.
                if !options.approximate { try refuseOtherNumerics("retrain", unless: options.wayToApproximate) }
                plan.options.sameNumerics = try fingerprintDifference == nil
            }
            let owed = try requestsOwed(plan.lineage), run = try DeletionRun(self, plan, options, interim: interim, since: start)
            options.told(.begun(requests: run.requests, rows: plan.selection.live.count))
            do {
                try run.retrain(control: control, progress: progress)
                options.told(.retrained(blocks: run.report.blocksRetrained))
                if !options.dryRun {
                    if control.isInterrupted() { throw Failure.interrupted }
                    try run.publish()
                    options.told(.closed(requests: run.requests, outcome: try isOwed(run.shares) ? .owed : .done, stateDigest: run.report.stateDigest))
                }
                return (run, run.report.exact ? owed : [])
            } catch {
                run.abandon(error)
                // What was retrained is not kept.
                throw error as? Failure == .interrupted ? Failure.interruptedUnchanged : error
            }
        } catch let error as any DescribedError where interim != nil {
            throw Failure(error.kind, "\(error.description) (the interim model is in \(options.interim!.path) all the same)")
        }
    }

    /// Whether exactness is owed to one of these requests, or to another that erased rows of theirs.
    func isOwed(_ reports: [DeletionReport]) throws -> Bool {
        let owed = Set(try requestsOwed(lineage()))
        return reports.contains { report in report.request.map(owed.contains) == true || report.erasedMeanwhile?.keys.contains(where: owed.contains) == true }
    }

    /// Removes the rows that a list names, and their influence.
    @discardableResult
    public func delete(
        _ ids: IDList, options: DeletionOptions, control: TrainingControl, progress: @escaping (_ trained: Int, _ atMost: Int) -> Void
    ) throws -> DeletionResult {
        try delete(.list(ids), options: options, control: control, progress: progress)
    }
}
