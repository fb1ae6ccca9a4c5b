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
        let done = try trainBlocks(allowingOtherNumerics: allowingOtherNumerics, stemAlone: false, control: control, progress: progress)
        return try trainingReport(resumedAt: done.resumedAt, rows: done.rows, seconds: done.seconds)
    }

    /// The same of the stem's blocks alone: where there is no stem, branches can begin behind it all the same.
    public func trainStem(control: TrainingControl, progress: @escaping (_ trained: Int, _ blocks: Int) -> Void) throws {
        _ = try trainBlocks(allowingOtherNumerics: false, stemAlone: true, control: control, progress: progress)
    }

    /// - Returns: how many blocks there were before, passes of a row through training, and the time that it took.
    private func trainBlocks(
        allowingOtherNumerics: Bool, stemAlone: Bool, control: TrainingControl, progress: @escaping (_ trained: Int, _ blocks: Int) -> Void
    ) throws -> (resumedAt: Int, rows: Int, seconds: Double) {
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
        let writer = try TrainingWriter(
            self, lineage, seconds: Self.secondsBetweenCommits, isExact: lineage.isExact && fingerprintDifference == nil,
            again: stemAlone && shape.stem == 0 ? nil : try firstBlockAgain(lineage, control), progress: progress)
        progress(resumedAt, shape.blocks)
        do {
            // As they are when a run begins with them: behind the stem's end branches stand on what is there by then.
            func base(_ block: Int, of lineage: StoredLineage) throws -> LatticeVector {
                defer { lineage.forgetStates() }
                return try lineage.state(block)
            }
            if lineage.stemLength < shape.stem {
                try walk.train([.init(blocks: lineage.stemLength + 1...shape.stem) { [self] in try base(lineage.stemLength, of: self.lineage()) }], keepingEnds: false, trained: writer.add)
            }
            if !shape.isChain, !stemAlone {
                // All that comes stands on the stem's end.
                try writer.commit()
                try addMissingKeyframes()
                let branches = (1...shape.branches).filter { lineage.tip(ofBranch: $0) != shape.blocks(ofBranch: $0).upperBound }
                let begun = try self.lineage()
                try walk.train(
                    branches.map { branch in
                        let tip = begun.tip(ofBranch: branch), blocks = shape.blocks(ofBranch: branch)
                        return .init(blocks: (blocks.contains(tip) ? tip + 1 : blocks.lowerBound)...blocks.upperBound) { try base(tip, of: begun) }
                    }, keepingEnds: false, trained: writer.add)
            }
        } catch {
            // What is finished stays, also where the next block diverged or the user stopped; that is the error to hear of.
            try? writer.commit()
            throw error
        }
        try writer.commit()
        try addMissingKeyframes()
        progress(stemAlone ? shape.stem : shape.blocks, shape.blocks)
        return (resumedAt, writer.rows, (watch.now - start) / .seconds(1))
    }

    /// What a training that began behind some blocks comes to.
    private func trainingReport(resumedAt: Int, rows: Int, seconds: Double) throws -> TrainingReport {
        let lineage = try lineage(), shape = lineage.shape
        let bytes = try store.storedBytes().records
        let raw = shape.blocks * parameterCount * 4, model = try model(), digest = Digest(of: model).description
        let kept = try ServedDecisions.kept(stateDigest: digest, in: store), decisions = try kept ?? decide(model, on: .test)
        if kept == nil, let decisions {
            try store.transaction { change in try ServedDecisions.keep(decisions, stateDigest: digest, in: change) }
        }
        return TrainingReport(
            blocks: shape.blocks, blocksTrained: lineage.trainedBlocks - resumedAt, rows: try store.rowCount(.train, deleted: false), parameters: parameterCount,
            seconds: seconds, rowsPerSecond: seconds > 0 ? Double(rows) / seconds : 0,
            testAccuracy: decisions?.score.accuracy, testLoss: decisions?.score.loss,
            baseRate: kept == nil ? try decisions.flatMap { try testBaseRate(unlessBeaten: $0.score.loss) } : nil, stateDigest: digest, storeBytes: bytes,
            rawCheckpointBytes: raw, compressionRatio: Double(raw) / Double(bytes))
    }

    /// Takes blocks in that were trained elsewhere, as `train` would have trained them here: whole branches, each from the stem's end.
    /// - Parameters:
    ///   - branches: what each block added, in the order of blocks.
    ///   - repeats: whether the program that trained them gave the same bits twice; nil where nobody asked.
    public func takeIn(_ branches: [(branch: Int, influences: [LatticeVector])], repeats: Bool?) throws -> TrainingReport {
        let start = ContinuousClock.now, lineage = try lineage(), shape = lineage.shape, stemEnd = try lineage.state(shape.stem)
        precondition(branches.allSatisfy { shape.blocks(ofBranch: $0.branch).count == $0.influences.count && lineage.tip(ofBranch: $0.branch) == shape.stem }, "whole branches that are not begun")
        // Trained where numerics are the project's: which those of this machine are plays no part.
        let writer = TrainingWriter(self, lineage, seconds: Self.secondsBetweenCommits, isExact: lineage.isExact, measuresPace: false, again: nil) { _, _ in }
        writer.repeats = repeats
        for (branch, influences) in branches {
            var state = stemEnd
            for (block, influence) in zip(shape.blocks(ofBranch: branch), influences) {
                let before = state
                state = try before.adding(influence)
                try writer.add(block, before, state)
            }
        }
        try writer.commit()
        try addMissingKeyframes()
        return try trainingReport(resumedAt: lineage.trainedBlocks, rows: writer.rows, seconds: (ContinuousClock.now - start) / .seconds(1))
    }

    /// The model that training all blocks anew gives, without some rows: the naive way, which everything else is compared with.
    /// - Parameter deleted: slots by block.
    public func trainFromScratch(
        _ lineage: StoredLineage, without deleted: [Int: Set<Int>], control: TrainingControl, progress: @escaping (_ trained: Int, _ left: Int) -> Void
    ) throws -> LatticeVector {
        let replay = LineageReplay(lineage, crew: crew, deleted: deleted, rows: { [self] in try trainingRows(block: $0, leavingOut: deleted[$0] ?? []) }, control: control)
        // All blocks: those that stand on the initialisation, and so all others.
        let roots = (1...lineage.shape.blocks).filter { lineage.isTrained($0) && lineage.shape.parent(of: $0) == 0 }
        return try replay.exactModel(from: roots, initial: trainer.initialState(), trained: progress).model
    }

    /// The first block's state as it is trained again; nil of built-in networks, and where the block is there.
    private func firstBlockAgain(_ lineage: StoredLineage, _ control: TrainingControl) throws -> Digest? {
        guard settings.recipe.program != nil, lineage.isEmpty else { return nil }
        return Digest(of: try trainedAgain(1, from: self.lineage().state(0), control))
    }

    /// A block's state as a second process of the user's program trains it, another worker where there are several. It has trained before, as
    /// a process has that replays: what a program carries from one call to the next (a counter, an optimiser's memory) would show.
    func trainedAgain(_ block: Int, from base: LatticeVector, _ control: TrainingControl) throws -> LatticeVector {
        let worker = crew.workers > 1 ? 1 : 0, trainer = try settings.makeTrainer(threads: 1, worker: worker, of: crew.workers), rows = try trainingRows(block: block)
        if let difference = try trainer.fingerprint.firstDifference(from: crew.leader.fingerprint) { throw TrainerFault.otherWorker(worker, difference: difference) }
        _ = try trainer.train(block: block, from: base, rows: rows, control: control)
        return try trainer.train(block: block, from: base, rows: rows, control: control)
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
        let missing = (1..<shape.blocks + 1).filter { lineage.isTrained($0) && !present.contains($0) && hasKeyframe($0, shape) }
        let staged = try missing.map { block in
            try store.stage(LatticeRecord(kind: .keyframe, block: block, latticeBits: latticeBits, vector: try lineage.state(block)))
        }
        guard !staged.isEmpty else { return }
        try store.transaction { change in for object in staged { try change.setKeyframe(object) } }
    }

    /// Whether the state behind a block is stored as a whole.
    fileprivate func hasKeyframe(_ block: Int, _ shape: Lineage) -> Bool {
        let isEnd = !shape.isChain && (block == shape.stem || shape.tips.contains(block))
        return isEnd || shape.depth(of: block) % keyframeInterval == 0
    }

    /// Brings the store into its smallest whole form. Opening it for writing has cleared what interrupted commands left.
    public func compact() throws {
        try addMissingKeyframes()
        try store.compact()
    }

    /// Throws where training here does not give the project's bits.
    /// - Parameter way: the words with which the user has it go on all the same; nil: there are none.
    public func refuseOtherNumerics(_ what: String, unless way: String? = "--approximate") throws {
        // Of what never gives the same bits nobody was promised them.
        guard try unrepeatable == nil, let difference = try fingerprintDifference else { return }
        let same = settings.recipe.program == nil ? "use the version of unlearn that the project was trained with" : "start the program as it was when the project was trained"
        throw Failure(.refused, "cannot \(what) bit-exactly here: \(difference); \(same)\(way.map { ", or \($0) to go on with results that agree to rounding only" } ?? "")")
    }
}

extension Divergence {
    /// Two states on the lattice whose difference is not: one block has thrown a parameter across it.
    init(between block: Int, _ trainer: any BlockTrainer) { self.init(block: block, tensor: trainer.layout.tensors[0].name, value: .infinity) }
}

extension LatticeVector {
    /// What a block added to the state before it.
    func influence(since before: LatticeVector, block: Int, _ trainer: any BlockTrainer) throws -> LatticeVector {
        do { return try subtracting(before) } catch { throw Divergence(between: block, trainer) }
    }
}

/// Writes what training finishes into a project's store, a few blocks at a time.
private final class TrainingWriter {
    private let project: Project
    private let lineage: StoredLineage
    private let secondsBetweenCommits: Double
    private let progress: (_ trained: Int, _ blocks: Int) -> Void
    private let isExact: Bool
    private let measuresPace: Bool
    /// What the first block has to be.
    private var again: Digest?
    /// Whether the program that trains gave the same bits twice.
    var repeats: Bool?
    private var staged: [StagedObject] = []
    private var keyframes: [StagedObject] = []
    private let start = ContinuousClock.now
    private var lastCommit = ContinuousClock.now
    private var trained: Int
    /// Of a chain, the state behind the block that came last.
    private var last: LatticeVector?
    /// Passes of a row through training.
    private(set) var rows = 0

    /// - Parameters:
    ///   - isExact: whether what is written stands on states that training reaches, with the project's numerics.
    ///   - measuresPace: whether the time that passes is that of training.
    init(_ project: Project, _ lineage: StoredLineage, seconds: Double, isExact: Bool, measuresPace: Bool = true, again: Digest?, progress: @escaping (_ trained: Int, _ blocks: Int) -> Void) {
        self.project = project
        self.lineage = lineage
        self.progress = progress
        secondsBetweenCommits = seconds
        self.again = again
        trained = lineage.trainedBlocks
        (self.isExact, self.measuresPace) = (isExact, measuresPace)
    }

    func add(_ block: Int, _ before: LatticeVector, _ after: LatticeVector) throws {
        if block == 1, let again {
            repeats = Digest(of: after) == again
            self.again = nil
        }
        do { staged.append(try project.store.stageInfluence(ofBlock: block, latticeBits: project.latticeBits, from: before, to: after)) } catch is LatticeOverflow {
            throw Divergence(between: block, project.trainer)
        }
        // While it is there: nobody need read it together later.
        if project.hasKeyframe(block, lineage.shape) {
            keyframes.append(try project.store.stage(LatticeRecord(kind: .keyframe, block: block, latticeBits: project.latticeBits, vector: after)))
        }
        rows += (try project.store.rowBlock(.train, block)?.live ?? 0) * project.settings.recipe.plan.epochs(of: block)
        trained += 1
        if lineage.shape.isChain { last = after }
        // With the last blocks the model is read, for which there is room when the walk has ended.
        if trained < lineage.shape.blocks, (ContinuousClock.now - lastCommit) / .seconds(1) >= secondsBetweenCommits { try commit() }
        progress(trained, lineage.shape.blocks)
    }

    func commit() throws {
        guard !staged.isEmpty else { return }
        let store = project.store
        try store.transaction { change in
            for object in staged { try change.setInfluence(object, baseIsExact: isExact) }
            for object in keyframes { try change.setKeyframe(object) }
            if let repeats { try change.set(Project.repeatsKey, to: repeats ? "yes" : "no") }
            guard trained == lineage.shape.blocks else { return }
            if measuresPace { try project.keepPace(of: (ContinuousClock.now - start) / .seconds(1), passes: rows, in: change) }
            // Read as it lies there now: the branches' ends need not have been kept in memory.
            let model = try lineage.shape.isChain ? last! : project.model()
            try change.append(
                LedgerEntry(
                    .trained, details: try JSONValue(Project.Training(project.settings)), untilDeletion: ["state_digest": .string(Digest(of: model).description)]))
        }
        (staged, keyframes) = ([], [])
        lastCommit = ContinuousClock.now
    }
}
