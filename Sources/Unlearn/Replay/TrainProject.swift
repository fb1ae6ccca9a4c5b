import Checkpoints
import Files
import Tensors
import Training

/// What `train` did and what there is now.
public struct TrainingReport: Codable, Sendable {
    public let blocks: Int
    /// Of these, trained now.
    public let blocksTrained: Int
    public let rows: Int
    public let parameters: Int
    public let seconds: Double
    /// Passes of a row through training, a second.
    public let rowsPerSecond: Double
    public let testAccuracy: Double?
    public let testLoss: Double?
    /// What the frequencies of the classes alone would score, where the model may be no better; nil where it surely is, or the score was kept from before.
    public let baseRate: Quality.BaseRate?
    public let stateDigest: String
    public let storeBytes: Int
    public let rawCheckpointBytes: Int
    public let compressionRatio: Double
}

extension Project {
    /// Commits are spaced by at least so much, so that syncing costs little beside training; a kill loses no more.
    private static let secondsBetweenCommits = 0.5

    /// Trains the blocks that are not trained yet: the stem's one after the other, then branches side by side. Finished blocks stay,
    /// whatever ends the call.
    public func train(
        allowingOtherNumerics: Bool, control: TrainingControl, progress: @escaping (_ trained: Int, _ blocks: Int) -> Void
    ) throws -> TrainingReport {
        let lineage = try lineage(), shape = lineage.shape, resumedAt = lineage.trainedBlocks
        if !lineage.isEmpty && !lineage.isWhole && !allowingOtherNumerics { try refuseOtherNumerics("go on training") }
        // Where nothing is trained yet, the numerics are those of the machine that begins.
        let adoptsNumerics = try lineage.isEmpty && fingerprintDifference != nil
        if try store.keyframe(0, latticeBits: latticeBits, count: parameterCount) == nil {
            guard lineage.isEmpty else { throw StoredLineage.initialisationMissing }
            let first = try store.stage(LatticeRecord(kind: .keyframe, block: 0, latticeBits: latticeBits, vector: try trainer.initialState()))
            try store.transaction { change in try change.setKeyframe(first) }
        }
        if adoptsNumerics { try adoptFingerprint() }
        let watch = ContinuousClock()
        let start = watch.now
        let walk = LineageWalk(crew: crew, rows: { [self] in try trainingRows(block: $0) }, control: control)
        let writer = try TrainingWriter(self, lineage, seconds: Self.secondsBetweenCommits, again: try firstBlockAgain(lineage, control), progress: progress)
        progress(resumedAt, shape.blocks)
        do {
            var stemEnd = try lineage.isEmpty ? self.lineage().state(0) : lineage.state(lineage.stemLength)
            if lineage.stemLength < shape.stem {
                stemEnd = try walk.train([.init(blocks: lineage.stemLength + 1...shape.stem, base: stemEnd)], trained: writer.add)[0]
            }
            if !shape.isChain {
                // All that comes stands on the stem's end.
                try writer.commit()
                try addMissingKeyframes()
                let branches = (1...shape.branches).filter { lineage.tip(ofBranch: $0) != shape.blocks(ofBranch: $0).upperBound }
                _ = try walk.train(
                    branches.map { branch in
                        let tip = lineage.tip(ofBranch: branch), blocks = shape.blocks(ofBranch: branch), isBegun = blocks.contains(tip)
                        return .init(blocks: (isBegun ? tip + 1 : blocks.lowerBound)...blocks.upperBound, base: isBegun ? try lineage.state(tip) : stemEnd)
                    }, trained: writer.add)
            }
        } catch {
            // What is finished stays, also where the next block diverged or the user stopped; that is the error to hear of.
            try? writer.commit()
            throw error
        }
        try writer.commit()
        try addMissingKeyframes()
        progress(shape.blocks, shape.blocks)
        let seconds = (watch.now - start) / .seconds(1)
        let bytes = try store.storedBytes().records
        let raw = shape.blocks * parameterCount * 4, model = try model(), digest = Digest(of: model).description
        let kept = try ServedDecisions.kept(stateDigest: digest, in: store), decisions = try kept ?? decide(model, on: .test)
        if kept == nil, let decisions {
            try store.transaction { change in try ServedDecisions.keep(decisions, stateDigest: digest, in: change) }
        }
        return TrainingReport(
            blocks: shape.blocks, blocksTrained: shape.blocks - resumedAt, rows: try store.rowCount(.train, deleted: false), parameters: parameterCount,
            seconds: seconds, rowsPerSecond: seconds > 0 ? Double(writer.rows) / seconds : 0,
            testAccuracy: decisions?.score.accuracy, testLoss: decisions?.score.loss, baseRate: kept == nil ? try decisions.flatMap { try testBaseRate(unlessBeaten: $0.score.loss) } : nil, stateDigest: digest, storeBytes: bytes,
            rawCheckpointBytes: raw, compressionRatio: Double(raw) / Double(bytes))
    }

    /// The first block's state as a second process of the user's program trains it, another worker where there are several; nil of built-in
    /// networks, and where the block is there. It has trained before, as a process has that replays: what a program carries from one call to
    /// the next (a counter, an optimiser's memory) would show.
    private func firstBlockAgain(_ lineage: StoredLineage, _ control: TrainingControl) throws -> LatticeVector? {
        guard settings.recipe.program != nil, lineage.isEmpty else { return nil }
        let worker = crew.workers > 1 ? 1 : 0, trainer = try settings.makeTrainer(threads: 1, worker: worker, of: crew.workers), base = try self.lineage().state(0), rows = try trainingRows(block: 1)
        if let difference = try trainer.fingerprint.firstDifference(from: crew.leader.fingerprint) { throw TrainerFault.otherWorker(worker, difference: difference) }
        _ = try trainer.train(block: 1, from: base, rows: rows, control: control)
        return try trainer.train(block: 1, from: base, rows: rows, control: control)
    }

    private static let paceKey = "training-pace"

    /// Remembers how long a row's pass through a block took: what training again will take is estimated by it.
    fileprivate func keepPace(of seconds: Double, passes: Int, in change: borrowing StoreChange) throws {
        if passes > 0 { try change.set(Self.paceKey, to: "\(seconds / Double(passes))") }
    }

    /// Seconds of a row's pass through a block, as they were when the project was trained; nil where an earlier version trained it.
    func secondsPerPass() throws -> Double? { try store.setting(Self.paceKey).flatMap(Double.init) }

    /// What the ledger says when the last block is trained.
    fileprivate struct Training: Encodable {
        let blocks: Int
        let seed: String
        let fingerprint: NumericsFingerprint

        init(_ settings: ProjectSettings) {
            blocks = settings.recipe.plan.blocks
            seed = String(settings.recipe.trainer.seed)
            fingerprint = settings.fingerprint
        }
    }

    /// Stores the states at every `keyframeInterval`-th block of a path, at the stem's end and at the ends of branches, that lack one: every
    /// model is merged of these. A lineage without them is whole, only slower to read.
    func addMissingKeyframes() throws {
        let lineage = try lineage(), shape = lineage.shape
        let present = Set(try store.links().filter(\.hasKeyframe).map(\.block))
        let tips = Set(shape.tips)
        let missing = (1..<shape.blocks + 1).filter { block in
            let isEnd = !shape.isChain && (block == shape.stem || tips.contains(block))
            return lineage.isTrained(block) && !present.contains(block) && (isEnd || shape.depth(of: block) % keyframeInterval == 0)
        }
        let staged = try missing.map { block in
            try store.stage(LatticeRecord(kind: .keyframe, block: block, latticeBits: latticeBits, vector: try lineage.state(block)))
        }
        guard !staged.isEmpty else { return }
        try store.transaction { change in for object in staged { try change.setKeyframe(object) } }
    }

    /// Brings the store into its smallest whole form. Opening it for writing has cleared what interrupted commands left.
    public func compact() throws {
        try addMissingKeyframes()
        try store.compact()
    }

    /// Throws where training here does not give the project's bits.
    public func refuseOtherNumerics(_ what: String) throws {
        // Of what never gives the same bits nobody was promised them.
        guard try unrepeatable == nil, let difference = try fingerprintDifference else { return }
        let same = settings.recipe.program == nil ? "use the version of unlearn that the project was trained with" : "start the program as it was when the project was trained"
        throw Failure(.refused, "cannot \(what) bit-exactly here: \(difference); \(same), or --approximate to go on with results that agree to rounding only")
    }
}

/// Writes what training finishes into a project's store, a few blocks at a time.
private final class TrainingWriter {
    private let project: Project
    private let lineage: StoredLineage
    private let secondsBetweenCommits: Double
    private let progress: (_ trained: Int, _ blocks: Int) -> Void
    private let isExact: Bool
    /// What the first block has to be.
    private var again: LatticeVector?
    private var repeats: Bool?
    private var staged: [StagedObject] = []
    private let start = ContinuousClock.now
    private var lastCommit = ContinuousClock.now
    private var trained: Int
    /// The state behind the block that came last.
    private var last: LatticeVector?
    /// Passes of a row through training.
    private(set) var rows = 0

    init(_ project: Project, _ lineage: StoredLineage, seconds: Double, again: LatticeVector?, progress: @escaping (_ trained: Int, _ blocks: Int) -> Void) throws {
        self.project = project
        self.lineage = lineage
        self.progress = progress
        secondsBetweenCommits = seconds
        self.again = again
        trained = lineage.trainedBlocks
        isExact = try lineage.isExact && project.fingerprintDifference == nil
    }

    func add(_ block: Int, _ before: LatticeVector, _ after: LatticeVector) throws {
        if block == 1, let again {
            repeats = after == again
            self.again = nil
        }
        let influence: LatticeVector
        do {
            influence = try after.subtracting(before)
        } catch {
            // Two states on the lattice whose difference is not: one block has thrown a parameter across it.
            throw Divergence(block: block, tensor: project.trainer.layout.tensors[0].name, value: .infinity)
        }
        let record = LatticeRecord(kind: .influence, block: block, latticeBits: project.latticeBits, vector: influence)
        staged.append(try project.store.stage(record))
        rows += (try project.store.rowBlock(.train, block)?.live ?? 0) * project.settings.recipe.plan.epochs(of: block)
        trained += 1
        last = after
        if (ContinuousClock.now - lastCommit) / .seconds(1) >= secondsBetweenCommits { try commit() }
        progress(trained, lineage.shape.blocks)
    }

    func commit() throws {
        guard !staged.isEmpty else { return }
        let store = project.store
        try store.transaction { change in
            for object in staged { try change.setInfluence(object, baseIsExact: isExact) }
            if let repeats { try change.set(Project.repeatsKey, to: repeats ? "yes" : "no") }
            guard trained == lineage.shape.blocks else { return }
            try project.keepPace(of: (ContinuousClock.now - start) / .seconds(1), passes: rows, in: change)
            // Read as it lies there now: the branches' ends need not have been kept in memory.
            let model = try lineage.shape.isChain ? last! : project.model()
            try change.append(
                LedgerEntry(
                    .trained, details: try JSONValue(Project.Training(project.settings)), untilDeletion: ["state_digest": .string(Digest(of: model).description)]))
        }
        staged = []
        lastCommit = ContinuousClock.now
    }
}
