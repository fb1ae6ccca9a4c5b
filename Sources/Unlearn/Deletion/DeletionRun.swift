import Checkpoints
import Files
import Tensors
import Training

/// A run: what is retrained and staged for its requests, and its publication.
final class DeletionRun {
    /// A request that the run carries out.
    private struct Member {
        let number: Int
        let live: [RowPlace]
        /// By request, rows of it that were erased while it waited.
        let erasedMeanwhile: [String: Int]
    }

    private let project: Project
    private let plan: DeletionPlan
    private let options: DeletionOptions
    private let start: ContinuousClock.Instant
    private let members: [Member]
    /// Its place among all runs.
    private let run: Int
    /// Nil for a dry run.
    private let staging: StagingSink?
    /// What was staged beside the records that `staging` has.
    private var staged: [StagedObject] = []
    /// Some parameters of the model before the deletion; nil where none is trained.
    private var sampleBefore: [Int32]?
    private var decisionsBefore: Decisions?
    /// How the model behind the deletion names the test rows that are left.
    private var served: Decisions?
    private(set) var report: DeletionReport
    /// Whether nothing that is left knew the deleted rows: the model is one that training reaches, or nothing but branches was retrained,
    /// from states that never knew them, whatever stitches lie in the stem.
    private var leavesNothing: Bool { report.exact || retrainedBranchesAlone }
    private var retrainedBranchesAlone = false
    private var merged: MergedStates?
    /// The model behind the deletion; nil where none is trained.
    private var after: KeptState?
    /// Digests of what is served: of the model behind the deletion, and of the one meanwhile. Kept by the ledger alone, and until the next
    /// deletion: names of categories are in them, which may go with a row that no state knew.
    private var serving: Serving

    /// Records the request durably where the run begins with it.
    /// - Parameter interim: what is served meanwhile.
    init(_ project: Project, _ plan: DeletionPlan, _ options: DeletionOptions, interim: ServedInterim?, since start: ContinuousClock.Instant) throws {
        (self.project, self.plan, self.options, self.start) = (project, plan, options, start)
        let places = plan.selection.live, store = project.store
        run = try store.nextRun()
        if let asked = plan.asked {
            let reception = Store.Reception(
                ids: places.map(\.id), names: asked.names, asked: try JSONValue(asked.rows), receipt: plan.receipt(ticket: options.ticket), details: try JSONValue(Intention(options, plan)))
            let number = options.dryRun ? try store.nextRequestNumber() : try store.record(reception, waiting: false)
            members = [Member(number: number, live: places, erasedMeanwhile: [:])]
        } else {
            members = plan.waiting.map { Member(number: $0.number, live: $0.live, erasedMeanwhile: $0.erasedByRequest) }
        }
        staging = options.dryRun ? nil : StagingSink(store: store, latticeBits: project.latticeBits, lineage: plan.lineage)
        report = DeletionReport(request: plan.asked == nil ? nil : members.first.map { Store.requestName($0.number) }, rows: places.count, epsilon: plan.options.decayGuard.epsilon)
        report.run = run
        report.dryRun = options.dryRun
        report.interim = interim?.report
        serving = Serving(model: nil, interim: interim?.servingDigest)
    }

    /// What cannot be cleared now, the next command that writes clears; the error that led here is the one to hear of.
    func abandon(_ error: any Error) {
        try? staging?.discardAll()
        try? project.store.discard(staged)
        // Those that have waited go on waiting.
        if !options.dryRun, plan.asked != nil { for member in members { try? project.store.undoRequest(member.number, reason: Self.reason(error)) } }
    }

    // MARK: - Retraining

    func retrain(control: TrainingControl, progress: @escaping (_ trained: Int, _ atMost: Int) -> Void) throws {
        let lineage = plan.lineage, training = plan.training, project = project
        // Before they are emptied.
        let deletedRows = try DeletedRows(training.filter { lineage.isTrained($0.key) }) { try project.trainingRows(block: $0) }
        func replay(_ options: ReplayOptions, patience: Patience? = nil) throws -> ReplayOutcome {
            let replay = LineageReplay(
                lineage, crew: project.crew, deleted: training, deletedRows: options.method == .exact ? nil : deletedRows,
                rows: { block in
                    try patience?.expectTime(for: block)
                    return try project.trainingRows(block: block, leavingOut: training[block] ?? [])
                },
                control: control
            ) { trained, atMost in
                patience?.told(left: atMost)
                progress(trained, atMost)
            }
            return try replay.run(touched: plan.touched, options: options, into: staging ?? DiscardingSink())
        }
        func patience() throws -> Patience {
            let schedule = project.settings.recipe.plan
            var work = [Int](repeating: 0, count: lineage.shape.blocks)
            for block in try project.store.rowBlocks(.train) where block.block <= work.count && lineage.isTrained(block.block) {
                work[block.block - 1] = block.live * schedule.epochs(of: block.block)
            }
            return Patience(plan.options.patience, work: work, firstOfBranches: lineage.shape.stem + 1)
        }
        func replayPatiently() throws -> ReplayOutcome {
            guard plan.mayReplayExactly else { return try replay(plan.options) }
            var exact = plan.options
            exact.method = .exact
            do {
                return try replay(exact, patience: patience())
            } catch let end as Patience.Exhausted {
                report.exactSeconds = end.seconds
                try staging?.startAgain()
                return try replay(plan.options)
            }
        }
        let blank = report, spent = try project.store.changesOfStitches(), limit = plan.options.budget
        func exactly(_ spent: Double?) throws {
            (report, served, after) = (blank, nil, nil)
            try staging?.startAgain()
            var exact = plan.options
            exact.method = .exact
            try describe(replay(exact), deletedRows)
            let percent = { (share: Double) in DecayGuard.format(100 * share) }
            report.isOverBudget = true
            report.fallback = spent.map { "stitches would have used \(percent($0)) % of the test rows, and their budget is \(percent(limit!)) %" }
                ?? "how far stitches have led is not known any more, as test rows were deleted, and they have a budget\(limit.map { " of \(percent($0)) %" } ?? "")"
        }
        // Where a stitch may be made at all; retraining branches alone is exact anyhow.
        let mayStitch = !lineage.isEmpty && plan.options.sameNumerics && plan.options.method == .stitch && plan.touched.contains { lineage.shape.branch(of: $0) == nil }
        let already = StitchBudget(limit: limit, changes: spent)
        if mayStitch, already.isOverspent { return try exactly(already.spent) }
        try describe(lineage.isEmpty ? nil : replayPatiently(), deletedRows)
        guard report.isExactnessOwed else { return }
        let budget = StitchBudget(limit: limit, changes: spent + [report.agreementBefore.map { 1 - $0 }])
        if budget.isOverspent, plan.options.sameNumerics { return try exactly(budget.spent) }
        report.budget = budget
    }

    /// What is measured on the models before and behind the deletion. Where there is no room for both, one of them is there at a time: of the other,
    /// figures are left, and of the one behind the deletion its packed form.
    private func describe(_ given: consuming ReplayOutcome?, _ deletedRows: DeletedRows?) throws {
        let lineage = plan.lineage, trainer = project.trainer, keepsStates = lineage.keepsStates
        var outcome = given, states: [LatticeVector] = [], decisionsAfter: Decisions?, marginAfter: Double?
        given = nil
        if let state = outcome?.state {
            outcome?.state = LatticeVector(zeros: 0)
            report.stateDigest = Digest(of: state).description
            marginAfter = try deletedRows?.margin(of: state, trainer)
            if keepsStates { states = [state] } else { decisionsAfter = try project.decide(state, on: .test, leavingOut: plan.test) }
            trainer.forgetState()
            after = try KeptState(state, packing: !keepsStates)
        }
        let before = try lineage.isEmpty ? nil : lineage.model()
        lineage.forgetStates()
        report.stateDigestBefore = before.map { Digest(of: $0).description }
        let kept = try plan.test.isEmpty ? report.stateDigestBefore.flatMap { try ServedDecisions.kept(stateDigest: $0, in: project.store) } : nil
        if kept == nil, let before { states.insert(before, at: 0) }
        // Of models that are there together, rows are read once.
        let decided = try project.decide(states, on: .test, leavingOut: plan.test) ?? []
        let decisions = [kept].compactMap(\.self) + decided + [decisionsAfter].compactMap(\.self)
        (decisionsBefore, merged) = (decisions.first, outcome?.merged)
        if outcome != nil { served = decisions.last }
        let marginBefore = try before.flatMap { before in try outcome == nil ? nil : deletedRows?.margin(of: before, trainer) }
        trainer.forgetState()
        sampleBefore = before.map { EvidenceSample(parameterCount: project.parameterCount, seed: project.settings.recipe.trainer.seed).steps(of: $0) }
        report.testRowsDeleted = plan.selection.live.count { $0.part == .test }
        if project.rowsAreTheTrainers, report.rowsDeleted > 0 { report.rowsOrdered = true }
        if !plan.deletedBefore.isEmpty { report.rowsDeletedBefore = plan.deletedBefore.count }
        report.blocksTouched = plan.touched
        if !lineage.shape.isChain {
            report.branchesTouched = plan.touchedBranches
            let emptied = lineage.branchesEmptied(by: plan.training)
            if !emptied.isEmpty { report.branchesEmptied = emptied }
        }
        report.blocksTotal = lineage.trainedBlocks
        report.testAccuracyBefore = decisionsBefore?.score.accuracy
        report.exact = lineage.isExact && plan.touched.isEmpty
        report.exactBefore = lineage.isExact
        let isUnrepeatable = try outcome?.blocksTrained ?? 0 > 0 && project.unrepeatable != nil
        report.otherNumerics = !plan.options.sameNumerics && outcome?.blocksTrained ?? 0 > 0
        if isUnrepeatable { report.unrepeatable = true }
        if let outcome {
            let shape = lineage.shape
            retrainedBranchesAlone = outcome.blocksTrained > 0 && outcome.segments.allSatisfy { shape.branch(of: $0.firstBlock) != nil }
            report.describe(outcome, otherMethod: FitMethod.allCases.first { $0 != plan.options.fitMethod }!)
            report.testAccuracy = served?.score.accuracy
            if let marginBefore, let marginAfter { report.margin = DeletedRows.margins(before: marginBefore, after: marginAfter, of: outcome) }
            if let before, let after, outcome.blocksTrained > 0 {
                report.l1Changed = Double(try before.l1Distance(to: after)) * trainer.lattice.unit
                report.agreementBefore = decisionsBefore.flatMap { before in served.map { $0.agreement(with: before.classes) } }
                report.exact = outcome.method == .exact && plan.options.sameNumerics && !isUnrepeatable
                if isUnrepeatable, report.exactByConstruction == true { report.exactByConstruction = false }
                // The guard had the replay done to its end after all.
                if report.exact { report.exactSeconds = nil }
            }
        }
        report.earlierStitches = try project.earlierStitches(behind: report)
        report.seconds = (ContinuousClock.now - start) / .seconds(1)
    }

    // MARK: - Publication

    func publish() throws {
        guard let staging else { preconditionFailure("a dry run publishes nothing") }
        let store = project.store
        // To each request its own acknowledgement: a row that several name is ordered to be erased for each.
        let orders = project.rowsAreTheTrainers ? try members.map { try project.erasureOrder($0.number, $0.live) } : []
        let rows = try project.stageRows(training: plan.training, test: plan.test)
        staged += rows.map(\.object)
        // An exact deletion leaves nothing of the model before, with which a guess at a row could be tested; after a stitch
        // the chain itself tells as much. Where nothing was retrained there is nothing to compare.
        let evidence = try report.blocksRetrained == 0 || leavesNothing ? nil : sampleBefore.map { sample in
            try store.stage(StoredEvidence(sample: sample, classes: decisionsBefore?.classes ?? []), ofRun: run)
        }
        staged += [evidence].compactMap { $0 }
        let forgetting = try project.settingsForgettingCategories(of: [.train: plan.training, .test: plan.test])
        if let after {
            serving.model = try project.servingDigest(of: Project.ExportedModel(state: after.vector, settings: forgetting ?? project.settings)).description
        }
        try store.transaction { change in
            try staging.publish(in: change)
            for block in rows { try change.setRows(block) }
            try change.condemnEvidence()
            try change.condemnUtilities()
            if !plan.test.isEmpty { try change.removeTestRowsSettings() }
            if let served, let digest = report.stateDigest { try ServedDecisions.keep(served, stateDigest: digest, in: change) }
            try change.destroyPerishableDisclosures(ofStitches: report.exact)
            try change.changeReports { request in
                guard leavesNothing || !plan.test.isEmpty else { return nil }
                let earlier = try DeletionReport(json: request.report)
                return try (report.exact ? earlier.kept : leavesNothing ? earlier.withoutModels : earlier.withoutTestFigures).encoded()
            }
            // A row that several requests name was erased by the first of them.
            var marked: Set<String> = []
            for member in members { try change.markDeleted(member.live.map(\.id).filter { marked.insert($0).inserted }, request: member.number) }
            try project.keep(orders, in: change)
            try forgetting?.save(in: change)
            let condemned = try store.condemnedObjects()
            report.erased = .init(
                rows: plan.selection.live.count, checkpoints: condemned.count(where: \.kind.isCheckpoint), bytes: condemned.reduce(0) { $0 + $1.bytes })
            report.seconds = (ContinuousClock.now - start) / .seconds(1)
            for (index, (member, share)) in zip(members, shares).enumerated() {
                try change.publishRequest(member.number, try publication(of: share), written: staging.staged + staged, evidence: index == 0 ? evidence : nil)
            }
            for request in plan.superseded { try change.supersede(request) }
        }
        if let forgetting { project.settings = forgetting }
        after = nil
        do {
            try project.addMissingKeyframes()
        } catch let error as any DescribedError {
            // The deletion is done; keyframes only make reading faster, and the next command that trains adds them.
            report.note = "keyframes could not be stored: \(error.description)"
        }
        report.seconds = (ContinuousClock.now - start) / .seconds(1)
    }

    private var parts: [RunShare] {
        let lineage = plan.lineage
        return members.map { member in
            RunShare(
                name: Store.requestName(member.number), rows: member.live.count, testRows: member.live.count { $0.part == .test },
                touched: member.live.slots(.train).keys.sorted().filter(lineage.isTrained), hasWaited: plan.asked == nil,
                erasedMeanwhile: member.erasedMeanwhile)
        }
    }

    /// The names of the run's requests.
    var requests: [String] { members.map { Store.requestName($0.number) } }

    /// The reports of the run's requests.
    var shares: [DeletionReport] {
        let parts = parts
        return parts.indices.map { index in
            report.share(of: parts[index], besides: parts.enumerated().filter { $0.offset != index }.map(\.element), plan.lineage.shape)
        }
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
        /// Seconds that an exact replay might take in place of a stitch; nil: none was to be tried.
        let patience: Double?
        let onNoDecay: NoDecayPolicy
        /// Nil: automatic, or by a rule.
        let damping: Double?
        let dampingRule: String?
        let epsilon: Double
        let fit: FitMethod
        let approximate: Bool
        /// Keyed digests of listed rows that earlier requests deleted.
        let deletedBefore: [String]?

        init(_ options: DeletionOptions, _ plan: DeletionPlan) {
            deletedBefore = plan.deletedBefore.isEmpty ? nil : plan.deletedBefore.sorted()
            method = options.replay.method
            patience = plan.mayReplayExactly ? options.replay.patience / .seconds(1) : nil
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
        /// How it was to be done, where the request had been recorded before.
        let intention: Intention?
        /// Nil: a chain.
        let lineage: LineageShape?
        let seed: String
        let latticeBits: Int
        let fingerprint: NumericsFingerprint
        let source: String
        let testSource: String?
        /// Of what was destroyed and of what was written.
        let encryption: String
    }

    private struct Serving: Encodable {
        var model: String?
        let interim: String?
    }

    /// Digests of what a model that is exact by construction was merged from.
    private struct MergedDigests: Encodable {
        let stemEnd: String
        /// By branch.
        let tips: [String: String]

        init(_ merged: MergedStates) {
            stemEnd = merged.stemEnd.description
            tips = Dictionary(uniqueKeysWithValues: merged.tips.map { (String($0), $1.description) })
        }
    }

    /// A deletion's report, in parts that last as long as they may: what was measured on models that knew the rows stays only
    /// as long as a stitch lies in the chain, which tells as much itself.
    private func publication(of report: DeletionReport) throws -> Store.Publication {
        let settings = project.settings, recipe = settings.recipe
        let details = Done(
            report: try report.recorded, intention: plan.asked == nil ? Intention(options, plan) : nil, lineage: LineageShape(recipe.plan.lineage), seed: String(recipe.trainer.seed), latticeBits: recipe.trainer.latticeBits,
            fingerprint: settings.fingerprint, source: settings.source, testSource: settings.testSource, encryption: project.store.encryption.name)
        var publication = Store.Publication(
            report: try (leavesNothing ? report.kept : report).encoded(), details: try JSONValue(details))
        if let digest = report.stateDigest { publication.untilDeletion["state_digest"] = .string(digest) }
        if let accuracy = report.testAccuracy { publication.untilDeletion["test_accuracy"] = .number(accuracy) }
        if report.exactByConstruction == true, let merged { publication.untilDeletion["merged"] = try JSONValue(MergedDigests(merged)) }
        if let interim = report.interim { publication.untilDeletion["interim"] = try JSONValue(interim) }
        if serving.model != nil || serving.interim != nil { publication.untilDeletion["serving"] = try JSONValue(serving) }
        if !leavesNothing { publication.whileStitched["measured"] = try JSONValue(report.measured) }
        if let earlier = report.earlierStitches, !earlier.isEmpty {
            publication.whileStitched[DeletionReport.earlierStitchesNow] = .array(earlier.map(JSONValue.string))
        }
        return publication
    }
}

extension Project {
    /// The touched blocks of rows without the deleted ones, as new files.
    fileprivate func stageRows(training: [Int: Set<Int>], test: [Int: Set<Int>]) throws -> [StagedRows] {
        try Part.allCases.flatMap { part in
            let touched = part == .train ? training : test
            return try store.rowBlocks(part).filter { touched[$0.block] != nil }.map { block in
                try store.stage(try storedRows(block).emptying(touched[block.block]!))
            }
        }
    }
}
