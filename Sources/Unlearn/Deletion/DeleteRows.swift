import Checkpoints
import Files
import Foundation
import Tensors
import Training

/// What `delete` is asked to do.
public struct DeletionOptions: Sendable {
    public var replay = ReplayOptions()
    public var ignoreMissing = false
    /// Do everything but change the project.
    public var dryRun = false
    /// Go on with numerics other than the project's; the result is then never called exact.
    public var approximate = false

    public init() {}
}

extension Project {
    /// Removes rows and their influence: retrains without them, publishes the new records and rows in one transaction,
    /// and erases what they replace. Until that transaction nothing that the catalogue names has changed.
    public func delete(
        _ ids: IDList, options: DeletionOptions, control: TrainingControl, progress: @escaping (_ trained: Int, _ atMost: Int) -> Void
    ) throws -> DeletionReport {
        let clock = ContinuousClock()
        let start = clock.now
        let places = try store.livePlaces(ids, ignoringMissing: options.ignoreMissing)
        guard !places.isEmpty else { throw Failure(.input, "\(ids.path): none of its ids is live in the project; nothing was deleted") }
        let slots = { (part: Part) in Dictionary(grouping: places.filter { $0.part == part }, by: \.block).mapValues { Set($0.map(\.slot)) } }
        let training = slots(.train), test = slots(.test)

        let chain = try chain()
        let touched = training.keys.sorted().filter { $0 <= chain.length }
        if !touched.isEmpty && !options.approximate { try refuseOtherNumerics("retrain") }
        var replayOptions = options.replay
        replayOptions.sameNumerics = fingerprintDifference == nil
        let sink: any ReplaySink = options.dryRun ? DiscardingSink() : StagingSink(store: store, latticeBits: latticeBits, chain: chain)
        let replay = BlockReplay(
            chain: chain, trainer: trainer, rows: { [self] in try trainingRows(block: $0, leavingOut: training[$0] ?? []) },
            control: control, progress: progress)
        let before = chain.length > 0 ? try chain.state(chain.length) : nil
        do {
            return try finish()
        } catch {
            try (sink as? StagingSink)?.discardAll()
            throw error
        }

        func finish() throws -> DeletionReport {
            let outcome = before == nil ? nil : try replay.run(deleted: touched, options: replayOptions, into: sink)

            let number = (try store.requestNumbers().last ?? 0) + 1
            let decisionsBefore = try before.flatMap { try decide($0, on: .test, leavingOut: test) }
            var report = DeletionReport(request: Self.requestName(number), rows: places.count, epsilon: replayOptions.decayGuard.epsilon)
            report.testRowsDeleted = places.count { $0.part == .test }
            report.blocksTouched = touched
            report.blocksTotal = chain.length
            report.stateDigestBefore = before.map { Digest(of: $0).description }
            report.testAccuracyBefore = decisionsBefore?.score.accuracy
            report.exact = chain.isExact && touched.isEmpty
            if let outcome {
                report.describe(outcome, otherMethod: FitMethod.allCases.first { $0 != replayOptions.fitMethod }!)
                report.stateDigest = Digest(of: outcome.state).description
                report.testAccuracy = try decide(outcome.state, on: .test, leavingOut: test)?.score.accuracy
                if !touched.isEmpty { report.exact = outcome.method == .exact && replayOptions.sameNumerics }
            }
            report.dryRun = options.dryRun
            if !options.dryRun {
                if control.isInterrupted() { throw Failure.interrupted }
                let sample = before.map { EvidenceSample(parameterCount: parameterCount, seed: settings.recipe.seed).steps(of: $0) }
                let rows = try stageRows(training: training, test: test)
                try store.transaction {
                    try (sink as? StagingSink)?.publish()
                    for (part, slots, object) in rows { try store.setRows(object, part: part, slots: slots) }
                    for place in places { try store.markDeleted(place.id, request: number) }
                    try forgetDecisions(on: test)
                    let condemned = try store.condemnedObjects()
                    report.erased = .init(
                        rows: places.count, checkpoints: condemned.count { !$0.kind.isRows }, bytes: condemned.reduce(0) { $0 + $1.bytes })
                    report.seconds = (clock.now - start) / .seconds(1)
                    try store.insert(
                        StoredRequest(number: number, report: try report.encoded(), sample: sample ?? [], classes: decisionsBefore?.classes ?? []))
                }
                do {
                    try addMissingKeyframes()
                } catch let error as any DescribedError {
                    // The deletion is done; keyframes only make reading faster, and the next command that trains adds them.
                    report.note = "keyframes could not be stored: \(error.description)"
                }
            }
            report.seconds = (clock.now - start) / .seconds(1)
            return report
        }
    }

    /// What models before earlier deletions decided on test rows goes with the rows.
    private func forgetDecisions(on test: [Int: Set<Int>]) throws {
        guard !test.isEmpty else { return }
        var first = 0
        var forgotten: [Int] = []
        for block in try store.rowBlocks(.test) {
            forgotten += (test[block.block] ?? []).map { first + $0 }
            first += block.slots
        }
        for number in try store.requestNumbers() {
            guard var classes = try store.request(number)?.classes, !classes.isEmpty else { continue }
            for slot in forgotten { classes[slot] = BlockRows.emptySlot }
            try store.setClasses(classes, ofRequest: number)
        }
    }

    public static func requestName(_ number: Int) -> String { "R\(number)" }

    /// The touched blocks of rows without the deleted ones, as new files.
    private func stageRows(training: [Int: Set<Int>], test: [Int: Set<Int>]) throws -> [(part: Part, slots: Int, object: StagedObject)] {
        try Part.allCases.flatMap { part in
            let touched = part == .train ? training : test
            return try store.rowBlocks(part).filter { touched[$0.block] != nil }.map { block in
                (part, block.slots, try store.stage(try storedRows(block).emptying(touched[block.block]!)))
            }
        }
    }
}
