import Checkpoints
import Files
import Tensors
import Training

/// The current model beside exact replay (the target) and doing nothing (the floor).
public struct AuditReport: Codable, Sendable {
    public enum Verdict: String, Codable, Sendable {
        /// The same bits as exact replay.
        case exact
        /// Nearer to exact replay than doing nothing, by more than two standard errors where that is estimated.
        case nearer
        /// Not nearer: the deletion removed nothing that doing nothing would not have.
        case noBetter = "no-better-than-nothing"
        /// Nothing is kept of the model before, or too small a sample to tell which is nearer.
        case undecided
        /// The chain claims to be exact but replay gives another state.
        case mismatch
        /// No trained block held the rows and nothing was retrained: there was no influence to remove, nothing is compared.
        case noInfluence = "no-influence"
    }

    public struct Accuracy: Codable, Sendable {
        public var current: Double?
        public var exact: Double?
        /// Of the model before the deletion, on today's test rows.
        public var nothing: Double?
    }

    public let request: String
    /// Deletions since, which the current model and exact replay know of and "doing nothing" does not.
    public let laterRequests: Int
    /// Shares of test rows for which both models name the same class.
    /// Nil, as all that is compared, where there was no influence to remove.
    public var agreementExact: Double?
    public var agreementNothingVsExact: Double?
    public var l1ToExact: Double?
    public var l1NothingToExact: Double?
    /// Of `l1NothingToExact`: 0 where the model before the deletion was given, else that of the sample it is estimated from.
    public var l1NothingStandardError: Double?
    /// What the deletion extrapolated its distance to exact replay to be; no bound.
    public var tailBound: Double
    /// The same number under a name that says what it is.
    public var extrapolatedDistance: Double?
    public var accuracy = Accuracy()
    /// What the deletion measured on its rows before they were erased; nil where that is not kept.
    public var margin: DeletionReport.Margin?
    public var blocksReplayed = 0
    public var seconds = 0.0
    public var stateDigest: String?
    public var exactDigest: String?
    public var verdict = Verdict.noInfluence

    public var passes: Bool { verdict == .exact || verdict == .nearer || verdict == .noInfluence }

    /// Of a deletion that had no influence to remove.
    init(_ request: String, laterRequests: Int, tailBound: Double) {
        self.request = request
        self.laterRequests = laterRequests
        self.tailBound = tailBound
        extrapolatedDistance = tailBound
    }
}

extension Project {
    /// Replays exactly without all deleted rows and compares; where the deletion retrained nothing, there is nothing to compare.
    /// - Parameters:
    ///   - number: the request whose before-model is "doing nothing"; nil: the latest.
    ///   - before: that model where its owner kept it; nil: estimated from the sample that the deletion left, until the next
    ///     deletion destroys it.
    public func audit(
        request number: Int?, before: LatticeVector?, allowingOtherNumerics: Bool, control: TrainingControl,
        progress: @escaping (_ trained: Int, _ atMost: Int) -> Void
    ) throws -> AuditReport {
        let clock = ContinuousClock()
        let start = clock.now
        let all = try store.carriedOut(), states = try store.receipts().map(\.state)
        // Of a run of several requests the first that had influence: what is audited is the run.
        guard let latest = all.last.map({ last in all.first { $0.run == last.run && $0.report.blocksRetrained > 0 } ?? last }) else {
            throw Failure(.input, "nothing was deleted yet; there is nothing to audit")
        }
        guard let request = number.map({ number in all.first { $0.number == number } }) ?? latest else {
            guard try store.receipts(ofRequest: number!).isEmpty else { throw Failure(.input, "\(Store.requestName(number!)) was not carried out; \(Self.named(all))") }
            throw Failure(.input, "no deletion \(Store.requestName(number!)); \(Self.named(all))")
        }
        let report = request.report, isOfLatestRun = request.run == latest.run, kept = try store.evidence(ofRun: request.run)
        let lineage = try lineage()
        let evidence = EvidenceSample(parameterCount: parameterCount, seed: settings.recipe.trainer.seed)
        let testSlots = try store.rowBlocks(.test).reduce(0) { $0 + $1.slots }
        guard kept.map({ $0.sample.count == evidence.indices.count }) ?? true,
            kept.map({ $0.classes.isEmpty || $0.classes.count == testSlots }) ?? true
        else { throw Failure(.damaged, "what the catalogue keeps of \(request.name) is not readable; restore the project from a backup") }
        var audit = AuditReport(request.name, laterRequests: all.count { $0.run > request.run }, tailBound: report.tailBound)
        // Rows of it may have been erased by others while it waited, and rows of others in its own run.
        let concerned = all.filter { $0.run == request.run || report.erasedMeanwhile?[$0.name] != nil }.map(\.report)
        guard report.blocksRetrained > 0 || report.erasedMeanwhile != nil && concerned.contains(where: { $0.blocksRetrained > 0 }) else {
            if !lineage.isEmpty { audit.stateDigest = Digest(of: try lineage.model()).description }
            audit.seconds = (clock.now - start) / .seconds(1)
            return audit
        }
        // A deletion that left nothing that knew its rows left nothing of the model before it: then exact replay is all that there is to
        // compare with.
        guard kept != nil || before != nil || isOfLatestRun || (report.exact && lineage.isExact) else {
            throw Failure(
                .input, "a later deletion or replay destroyed what \(audit.request) is compared with, a sample of a model that knew the rows "
                    + "deleted later; audit \(latest.name), or give the model before it with --before where you kept it")
        }
        guard report.blocksTotal == lineage.trainedBlocks else {
            throw Failure(
                .input, "\(audit.request) was done after \(report.blocksTotal) blocks, and \(lineage.trainedBlocks) are trained now: "
                    + "the model before it cannot be compared; \(isOfLatestRun ? "the next deletion can be audited" : "audit \(latest.name)")")
        }
        if !allowingOtherNumerics { try refuseOtherNumerics("replay") }

        let current = try lineage.model()
        let replay = LineageReplay(lineage, crew: crew, deleted: [:], rows: { [self] in try trainingRows(block: $0) }, control: control)
        // From where the deletion itself began, which an exact one did before the rows' block where earlier stitches lay.
        let (exact, replayed) = try replay.exactModel(from: concerned.flatMap { $0.blocksTouched + $0.segments.map(\.first) }, trained: progress)

        guard let decisions = try decide([current, exact], on: .test) else {
            throw Failure(.input, "no test rows are left to compare models on")
        }
        guard try store.receipts().map(\.state) == states else {
            throw Failure(.locked, "rows were deleted while the audit ran; audit again")
        }
        let unit = trainer.lattice.unit
        var nothing = (estimate: 0.0, standardError: 0.0)
        // How much nearer the current model is than doing nothing, and the error of that.
        var advantage = (estimate: 0.0, standardError: 0.0)
        var nothingClasses = kept?.classes ?? []
        if let before {
            try expectModel(before, before: report, audit.request, sample: kept.map { ($0.sample, evidence) })
            nothing.estimate = Double(before.l1Distance(to: exact))
            advantage.estimate = nothing.estimate - Double(current.l1Distance(to: exact))
            nothingClasses = try decide(before, on: .test)!.classes
        } else if let kept {
            nothing = evidence.distance(kept.sample, to: exact)
            advantage = evidence.advantage(of: current, over: kept.sample, to: exact)
        }
        audit.verdict =
            if current == exact { .exact }
            else if try lineage.isExact && whyNotSameBits == nil { .mismatch }
            else if advantage.estimate > 2 * advantage.standardError { .nearer }
            else if advantage.estimate > -2 * advantage.standardError || (kept == nil && before == nil) { .undecided }
            else { .noBetter }
        audit.agreementExact = decisions[0].agreement(with: decisions[1].classes)
        audit.l1ToExact = Double(current.l1Distance(to: exact)) * unit
        audit.accuracy = .init(current: decisions[0].score.accuracy, exact: decisions[1].score.accuracy)
        if kept != nil || before != nil {
            audit.agreementNothingVsExact = decisions[1].agreement(with: nothingClasses)
            audit.l1NothingToExact = nothing.estimate * unit
            audit.l1NothingStandardError = nothing.standardError * unit
            audit.accuracy.nothing = try accuracy(of: nothingClasses)
        }
        audit.margin = report.margin
        audit.blocksReplayed = replayed
        audit.seconds = (clock.now - start) / .seconds(1)
        audit.stateDigest = Digest(of: current).description
        audit.exactDigest = Digest(of: exact).description
        return audit
    }

    /// Which requests there are to audit.
    private static func named(_ all: [CarriedOut]) -> String {
        let numbers = all.map(\.number).sorted(), first = Store.requestName(numbers[0]), last = Store.requestName(numbers.last!)
        guard numbers.count > 1 else { return "the project has \(first) alone" }
        return numbers.last! - numbers[0] == numbers.count - 1 ? "the project has \(first) to \(last)" : "the project has \(numbers.count) deletions from \(first) to \(last); 'unlearn log' lists them"
    }

    /// Throws where a model that the user gives is not the one before a deletion, as far as anything is kept to tell it by: its
    /// digest or a sample of it as long as a stitch lies in the chain, and nothing after an exact deletion.
    private func expectModel(_ model: LatticeVector, before report: DeletionReport, _ request: String, sample: (steps: [Int32], EvidenceSample)?) throws {
        let digest = Digest(of: model).description
        guard report.stateDigestBefore.map({ $0 == digest }) ?? true, sample.map({ $0.1.steps(of: model) == $0.steps }) ?? true else {
            throw Failure(.input, "the given model is not the one before \(request); give the state that was exported before it")
        }
    }

    /// What the ledger says of an audit for good.
    private struct Recorded: Encodable {
        let request: String
        /// Nil where it depends on what the rows held: then it goes with the figures.
        let verdict: AuditReport.Verdict?
        let laterRequests: Int
        let blocksReplayed: Int
    }

    /// Puts an audit's result into the ledger of the project in a folder: that the bits are those of exact replay for good, a
    /// comparison of distances and all figures until the next deletion. Of an exact result no figure of the model before is recorded: it would tell of the deleted rows.
    public func record(_ report: AuditReport) throws {
        guard let number = Int(report.request.dropFirst()) else { preconditionFailure("a report of no request") }
        let head = try store.treeHeads().last
        let project = store.projectID
        let store = try Store(opening: store.folder, .write)
        guard store.projectID == project, try store.treeHeads().contains(where: { $0.root == head?.root }) else {
            throw Failure(.locked, "another project is in \(PathText.printable(store.folder)) now; audit again")
        }
        let all = try store.carriedOut()
        guard let run = all.first(where: { $0.number == number })?.run, all.count(where: { $0.run > run }) == report.laterRequests else {
            throw Failure(.locked, "rows were deleted since; audit again")
        }
        var figures = report
        if report.verdict == .exact {
            (figures.agreementNothingVsExact, figures.l1NothingToExact, figures.l1NothingStandardError, figures.accuracy.nothing) = (nil, nil, nil, nil)
            figures.margin = nil
        }
        let recorded = Recorded(
            request: report.request, verdict: [.nearer, .noBetter, .undecided].contains(report.verdict) ? nil : report.verdict, laterRequests: report.laterRequests, blocksReplayed: report.blocksReplayed)
        try store.transaction { change in
            try change.append(
                LedgerEntry(.audited, request: number, details: try JSONValue(recorded), untilDeletion: ["figures": try JSONValue(figures)]))
        }
    }

    /// Share of live test rows whose true class is the given one.
    private func accuracy(of classes: [Int32]) throws -> Double {
        let labels = try store.rowBlocks(.test).flatMap { try storedRows($0).labels }
        let pairs = zip(labels, classes).filter { $0 != BlockRows.emptySlot && $1 != BlockRows.emptySlot }
        return pairs.isEmpty ? 0 : Double(pairs.count { $0 == $1 }) / Double(pairs.count)
    }
}
