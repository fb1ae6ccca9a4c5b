import Checkpoints
import Files
import Foundation
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

    public init() {}
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
        let clock = ContinuousClock()
        let start = clock.now
        let chain = try chain()
        let replaysStitches = options.replay.method == .exact && chain.firstInexact != nil
        let selection = try selection(target, ignoringUnknown: options.ignoreUnknown)
        if case .list(let ids) = target {
            try selection.expectAllowed(
                ids, ignoringUnknown: options.ignoreUnknown, ignoringDeleted: options.ignoreMissing || replaysStitches, finished: Set(store.finishedOnOpening))
        }
        let places = selection.live, deletedBefore = replaysStitches ? selection.deleted.map(\.row.id) : []
        guard !places.isEmpty || !deletedBefore.isEmpty || target.namesNoRows && replaysStitches else { return try nothingLeft(selection, chain, options) }
        let slots = { (part: Part) in Dictionary(grouping: places.filter { $0.part == part }, by: \.block).mapValues { Set($0.map(\.slot)) } }
        let training = slots(.train), test = slots(.test)

        let touched = training.keys.sorted().filter { $0 <= chain.length }
        if !touched.isEmpty || replaysStitches, !options.approximate { try refuseOtherNumerics("retrain") }
        var replayOptions = options.replay
        replayOptions.sameNumerics = fingerprintDifference == nil
        let before = chain.length > 0 ? try chain.state(chain.length) : nil

        let number =
            options.dryRun
            ? try store.nextRequestNumber()
            : try store.beginRequest(ids: places.map(\.id), details: try JSONValue(Intention(options, deletedBefore: deletedBefore.map(store.rowDigest))))
        let staging = options.dryRun ? nil : StagingSink(store: store, latticeBits: latticeBits, chain: chain)
        var staged: [StagedObject] = []
        do {
            return DeletionResult(report: try finish(), list: selection.findings, finished: store.finishedOnOpening.map(Store.requestName))
        } catch {
            // What cannot be cleared now, the next command that writes clears; the first error is the one to hear of.
            try? staging?.discardAll()
            try? store.discard(staged)
            if !options.dryRun { try? store.undoRequest(number, reason: Self.reason(error)) }
            throw error
        }

        func finish() throws -> DeletionReport {
            // Before they are emptied.
            let deletedRows = try DeletedRows(training.filter { $0.key <= chain.length }) { try trainingRows(block: $0) }
            let replay = BlockReplay(
                chain: chain, trainer: trainer, rows: { [self] in try trainingRows(block: $0, leavingOut: training[$0] ?? []) },
                deletedRows: replayOptions.method == .exact ? nil : deletedRows, control: control, progress: progress)
            let outcome = before == nil ? nil : try replay.run(deleted: touched, options: replayOptions, into: staging ?? DiscardingSink())

            let decisionsBefore = try before.flatMap { try decide($0, on: .test, leavingOut: test) }
            var report = DeletionReport(request: Store.requestName(number), rows: places.count, epsilon: replayOptions.decayGuard.epsilon)
            report.testRowsDeleted = places.count { $0.part == .test }
            if !deletedBefore.isEmpty { report.rowsDeletedBefore = deletedBefore.count }
            report.blocksTouched = touched
            report.blocksTotal = chain.length
            report.stateDigestBefore = before.map { Digest(of: $0).description }
            report.testAccuracyBefore = decisionsBefore?.score.accuracy
            report.exact = chain.isExact && touched.isEmpty
            report.exactBefore = chain.isExact
            report.otherNumerics = !replayOptions.sameNumerics && outcome?.blocksTrained ?? 0 > 0
            if let outcome {
                report.describe(outcome, otherMethod: FitMethod.allCases.first { $0 != replayOptions.fitMethod }!)
                report.stateDigest = Digest(of: outcome.state).description
                let decisions = try decide(outcome.state, on: .test, leavingOut: test)
                report.testAccuracy = decisions?.score.accuracy
                if let before, outcome.blocksTrained > 0 {
                    report.l1Changed = Double(before.l1Distance(to: outcome.state)) * trainer.lattice.unit
                    report.agreementBefore = decisions.flatMap { after in decisionsBefore.map { after.agreement(with: $0.classes) } }
                }
                if let before, let deletedRows { report.margin = try deletedRows.margins(before: before, after: outcome, trainer) }
                if outcome.blocksTrained > 0 { report.exact = outcome.method == .exact && replayOptions.sameNumerics }
            }
            report.earlierStitches = try earlierStitches(behind: report, of: number)
            report.dryRun = options.dryRun
            if let staging {
                if control.isInterrupted() { throw Failure.interrupted }
                try publish(staging, decisionsBefore)
                do {
                    try addMissingKeyframes()
                } catch let error as any DescribedError {
                    // The deletion is done; keyframes only make reading faster, and the next command that trains adds them.
                    report.note = "keyframes could not be stored: \(error.description)"
                }
            }
            report.seconds = (clock.now - start) / .seconds(1)
            return report

            func publish(_ staging: StagingSink, _ decisions: Decisions?) throws {
                let rows = try stageRows(training: training, test: test)
                staged += rows.map(\.object)
                // An exact deletion leaves nothing of the model before, with which a guess at a row could be tested; after a stitch
                // the chain itself tells as much. Where nothing was retrained there is nothing to compare.
                let evidence = try report.blocksRetrained == 0 || report.exact ? nil : before.map { state in
                    let sample = EvidenceSample(parameterCount: parameterCount, seed: settings.recipe.seed).steps(of: state)
                    return try store.stage(StoredEvidence(sample: sample, classes: decisions?.classes ?? []), ofRequest: number)
                }
                staged += [evidence].compactMap { $0 }
                let forgetting = try settingsForgettingCategories(of: [.train: training, .test: test])
                try store.transaction {
                    try staging.publish()
                    for block in rows { try store.setRows(block) }
                    try store.condemnEvidence()
                    try store.condemnUtilities()
                    if !test.isEmpty { try store.removeTestRowsSettings() }
                    try store.destroyPerishableDisclosures(ofStitches: report.exact)
                    try store.changeReports { request in
                        guard !request.report.isEmpty, report.exact || !test.isEmpty else { return nil }
                        let earlier = try DeletionReport(json: request.report)
                        return try (report.exact ? earlier.kept : earlier.withoutTestFigures).encoded()
                    }
                    try store.markDeleted(places.map(\.id), request: number)
                    try forgetting?.save(to: store)
                    let condemned = try store.condemnedObjects()
                    report.erased = .init(
                        rows: places.count, checkpoints: condemned.count(where: \.kind.isCheckpoint), bytes: condemned.reduce(0) { $0 + $1.bytes })
                    report.seconds = (clock.now - start) / .seconds(1)
                    try store.publishRequest(
                        number, try publication(of: report), written: staging.staged + staged, evidence: evidence)
                }
                if let forgetting { settings = forgetting }
            }
        }
    }

    /// Removes the rows that a list names, and their influence.
    @discardableResult
    public func delete(
        _ ids: IDList, options: DeletionOptions, control: TrainingControl, progress: @escaping (_ trained: Int, _ atMost: Int) -> Void
    ) throws -> DeletionResult {
        try delete(.list(ids), options: options, control: control, progress: progress)
    }

    /// Why a deletion was undone, for the ledger: an entry stays for ever, so texts that may name rows or paths stay out, and so
    /// do the guard's figures, which depend on what the rows hold.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let failure as any DescribedError where failure.kind == .refused: "no stitch was sound, and nothing else was asked for"
        case let failure as any DescribedError: "\(failure.kind)"
        default: "failed"
        }
    }

    /// What the ledger says of a deletion that is about to begin.
    private struct Intention: Encodable {
        let method: UnlearningMethod
        let onNoDecay: NoDecayPolicy
        /// Nil: automatic, or by a rule.
        let damping: Double?
        let dampingRule: String?
        let epsilon: Double
        let fit: FitMethod
        let approximate: Bool
        /// Keyed digests of listed rows that earlier requests deleted.
        let deletedBefore: [String]?

        init(_ options: DeletionOptions, deletedBefore: [String]) {
            self.deletedBefore = deletedBefore.isEmpty ? nil : deletedBefore.sorted()
            method = options.replay.method
            onNoDecay = options.replay.onNoDecay
            damping = if case .fixed(let factor) = options.replay.damping { factor } else { nil }
            dampingRule = options.replay.damping == .gapNorms ? "l1" : nil
            epsilon = options.replay.decayGuard.epsilon
            fit = options.replay.fitMethod
            approximate = options.approximate
        }
    }

    /// What the ledger says of a deletion that is done, and what it takes to do it again.
    private struct Done: Encodable {
        let report: JSONValue
        let seed: String
        let latticeBits: Int
        let fingerprint: NumericsFingerprint
        let source: String
        let testSource: String?
        /// Of what was destroyed and of what was written.
        let encryption: String
    }

    /// A deletion's report, in parts that last as long as they may: what was measured on models that knew the rows stays only
    /// as long as a stitch lies in the chain, which tells as much itself.
    private func publication(of report: DeletionReport) throws -> Store.Publication {
        let details = Done(
            report: try report.recorded, seed: String(settings.recipe.seed), latticeBits: settings.recipe.latticeBits, fingerprint: settings.fingerprint,
            source: settings.source, testSource: settings.testSource, encryption: store.encryption.name)
        var publication = Store.Publication(
            report: try (report.exact ? report.kept : report).encoded(), details: try JSONValue(details))
        if let digest = report.stateDigest { publication.untilDeletion["state_digest"] = .string(digest) }
        if let accuracy = report.testAccuracy { publication.untilDeletion["test_accuracy"] = .number(accuracy) }
        if !report.exact { publication.whileStitched["measured"] = try JSONValue(report.measured) }
        return publication
    }

    /// The touched blocks of rows without the deleted ones, as new files.
    private func stageRows(training: [Int: Set<Int>], test: [Int: Set<Int>]) throws -> [StagedRows] {
        try Part.allCases.flatMap { part in
            let touched = part == .train ? training : test
            return try store.rowBlocks(part).filter { touched[$0.block] != nil }.map { block in
                try store.stage(try storedRows(block).emptying(touched[block.block]!))
            }
        }
    }
}
