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
        /// The chain claims to be exact but replay gives another state.
        case mismatch
    }

    public struct Accuracy: Codable, Sendable {
        public let current: Double
        public let exact: Double
        /// Of the model before the deletion, on today's test rows.
        public let nothing: Double
    }

    public let request: String
    /// Deletions since, which the current model and exact replay know of and "doing nothing" does not.
    public let laterRequests: Int
    /// Shares of test rows for which both models name the same class.
    public let agreementExact: Double
    public let agreementNothingVsExact: Double
    public let l1ToExact: Double
    public let l1NothingToExact: Double
    /// Of `l1NothingToExact`: 0 where the model before the deletion was given, else that of the sample it is estimated from.
    public let l1NothingStandardError: Double
    public let tailBound: Double
    public let accuracy: Accuracy
    public let blocksReplayed: Int
    public let seconds: Double
    public let stateDigest: String
    public let exactDigest: String
    public let verdict: Verdict

    public var passes: Bool { verdict == .exact || verdict == .nearer }
}

extension Project {
    /// Replays exactly without all deleted rows and compares.
    /// - Parameters:
    ///   - number: the request whose before-model is "doing nothing"; nil: the latest.
    ///   - before: that model where its owner kept it; nil: estimated from the sample that the deletion left.
    public func audit(
        request number: Int?, before: LatticeVector?, allowingOtherNumerics: Bool, control: TrainingControl,
        progress: (_ trained: Int, _ atMost: Int) -> Void
    ) throws -> AuditReport {
        let clock = ContinuousClock()
        let start = clock.now
        let numbers = try store.requestNumbers(), requests = try store.requests().map(\.state)
        guard let latest = numbers.last else { throw Failure(.input, "nothing was deleted yet; there is nothing to audit") }
        let number = number ?? latest
        guard numbers.contains(number), let request = try store.request(number) else {
            throw Failure(.input, "no deletion \(Store.requestName(number)); the project has \(Store.requestName(numbers[0])) to \(Store.requestName(latest))")
        }
        let kept = try store.evidence(of: request) ?? StoredEvidence(sample: [], classes: [])
        let chain = try chain()
        let evidence = EvidenceSample(parameterCount: parameterCount, seed: settings.recipe.seed)
        let testSlots = try store.rowBlocks(.test).reduce(0) { $0 + $1.slots }
        guard let report = try? DeletionReport(json: request.report), kept.sample.isEmpty || kept.sample.count == evidence.indices.count,
            kept.classes.isEmpty || kept.classes.count == testSlots
        else { throw Failure(.damaged, "what the catalogue keeps of \(Store.requestName(number)) is not readable; restore the project from a backup") }
        guard !kept.sample.isEmpty, chain.length > 0 else {
            throw Failure(.input, "\(report.request) was done before any block was trained; there is no model to compare with")
        }
        guard report.blocksTotal == chain.length else {
            throw Failure(
                .input, "\(report.request) was done after \(report.blocksTotal) blocks and the chain now has \(chain.length): "
                    + "the model before it cannot be compared; audit a later request")
        }
        if !allowingOtherNumerics { try refuseOtherNumerics("replay") }

        let current = try chain.state(chain.length)
        let first = min(report.blocksTouched.first ?? chain.length + 1, chain.firstInexact ?? chain.length + 1)
        var exact = first <= chain.length ? try chain.base(of: first) : current
        for block in first..<max(first, chain.length + 1) {
            progress(block - first, chain.length - block + 1)
            exact = try trainer.train(block: block, from: exact, rows: try trainingRows(block: block), control: control)
        }

        guard let currentDecisions = try decide(current, on: .test), let exactDecisions = try decide(exact, on: .test) else {
            throw Failure(.input, "no test rows are left to compare models on")
        }
        guard try store.requests().map(\.state) == requests else {
            throw Failure(.locked, "rows were deleted while the audit ran; audit again")
        }
        let unit = trainer.lattice.unit
        var nothing = (estimate: 0.0, standardError: 0.0)
        // How much nearer the current model is than doing nothing, and the error of that.
        var advantage = (estimate: 0.0, standardError: 0.0)
        var nothingClasses = kept.classes
        if let before {
            guard Digest(of: before).description == report.stateDigestBefore else {
                throw Failure(.input, "the given model is not the one before \(report.request): its digest is \(Digest(of: before)), not \(report.stateDigestBefore ?? "?")")
            }
            nothing.estimate = Double(before.l1Distance(to: exact))
            advantage.estimate = nothing.estimate - Double(current.l1Distance(to: exact))
            nothingClasses = try decide(before, on: .test)!.classes
        } else {
            nothing = evidence.distance(kept.sample, to: exact)
            advantage = evidence.advantage(of: current, over: kept.sample, to: exact)
        }
        let l1ToExact = Double(current.l1Distance(to: exact)) * unit
        let l1Nothing = nothing.estimate * unit
        let verdict: AuditReport.Verdict =
            if current == exact { .exact }
            else if chain.isExact && fingerprintDifference == nil { .mismatch }
            else if advantage.estimate > 2 * advantage.standardError { .nearer }
            else { .noBetter }
        return AuditReport(
            request: report.request, laterRequests: numbers.count { $0 > number }, agreementExact: currentDecisions.agreement(with: exactDecisions.classes),
            agreementNothingVsExact: exactDecisions.agreement(with: nothingClasses), l1ToExact: l1ToExact, l1NothingToExact: l1Nothing,
            l1NothingStandardError: nothing.standardError * unit, tailBound: report.tailBound,
            accuracy: .init(
                current: currentDecisions.score.accuracy, exact: exactDecisions.score.accuracy,
                nothing: try accuracy(of: nothingClasses)),
            blocksReplayed: max(0, chain.length - first + 1), seconds: (clock.now - start) / .seconds(1),
            stateDigest: Digest(of: current).description, exactDigest: Digest(of: exact).description, verdict: verdict)
    }

    /// Puts an audit's result into the ledger of the project in a folder.
    public static func record(_ report: AuditReport, in folder: String) throws {
        guard let number = Int(report.request.dropFirst()) else { preconditionFailure("a report of no request") }
        let store = try Store(opening: folder, .write)
        guard try store.requestNumbers().count(where: { $0 > number }) == report.laterRequests else {
            throw Failure(.locked, "rows were deleted since; audit again")
        }
        try store.transaction { try store.append(LedgerEntry(.audited, request: number, details: try JSONValue(report))) }
    }

    /// Share of live test rows whose true class is the given one.
    private func accuracy(of classes: [Int32]) throws -> Double {
        let labels = try store.rowBlocks(.test).flatMap { try storedRows($0).labels }
        let pairs = zip(labels, classes).filter { $0 != BlockRows.emptySlot && $1 != BlockRows.emptySlot }
        return pairs.isEmpty ? 0 : Double(pairs.count { $0 == $1 }) / Double(pairs.count)
    }
}
