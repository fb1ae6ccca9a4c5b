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
    public let stateDigest: String
    public let storeBytes: Int
    public let rawCheckpointBytes: Int
    public let compressionRatio: Double
}

extension Project {
    /// Commits are spaced by at least so much, so that syncing costs little beside training; a kill loses no more.
    private static let secondsBetweenCommits = 0.5

    /// Trains the blocks that are not trained yet. Finished blocks stay, whatever ends the call.
    public func train(
        allowingOtherNumerics: Bool, control: TrainingControl, progress: (_ trained: Int, _ blocks: Int) -> Void
    ) throws -> TrainingReport {
        let chain = try chain()
        let blocks = settings.recipe.blocks
        if chain.length > 0 && chain.length < blocks && !allowingOtherNumerics { try refuseOtherNumerics("go on training") }
        // Where nothing is trained yet, the numerics are those of the machine that begins.
        let adoptsNumerics = chain.length == 0 && fingerprintDifference != nil
        var state: LatticeVector
        if try store.keyframe(0, latticeBits: latticeBits, count: parameterCount) == nil {
            guard chain.length == 0 else { throw StoredChain.initialisationMissing }
            state = try trainer.initialState()
            let first = try store.stage(LatticeRecord(kind: .keyframe, block: 0, latticeBits: latticeBits, vector: state))
            try store.transaction { try store.setKeyframe(first) }
        } else {
            state = try chain.state(chain.length)
        }
        if adoptsNumerics { try adoptFingerprint() }
        let baseIsExact = chain.isExact && fingerprintDifference == nil
        let watch = ContinuousClock()
        let start = watch.now
        var lastCommit = start
        var staged: [StagedObject] = []
        var rows = 0
        func commit() throws {
            guard !staged.isEmpty else { return }
            try store.transaction {
                for object in staged { try store.setInfluence(object, baseIsExact: baseIsExact) }
                guard staged.last?.block == blocks else { return }
                try store.append(
                    LedgerEntry(.trained, details: try JSONValue(Training(settings)), untilDeletion: ["state_digest": .string(Digest(of: state).description)]))
            }
            staged = []
            lastCommit = watch.now
        }
        let resumedAt = chain.length
        do {
            for block in (chain.length + 1)..<(blocks + 1) {
                progress(block - 1, blocks)
                let blockRows = try trainingRows(block: block)
                let next = try trainer.train(block: block, from: state, rows: blockRows, control: control)
                let influence: LatticeVector
                do {
                    influence = try next.subtracting(state)
                } catch {
                    // Two states on the lattice whose difference is not: one block has thrown a parameter across it.
                    throw Divergence(block: block, tensor: trainer.layout.tensors[0].name, value: .infinity)
                }
                rows += blockRows.liveRows * settings.recipe.epochs
                staged.append(
                    try store.stage(
                        LatticeRecord(kind: .influence, block: block, latticeBits: latticeBits, vector: influence)))
                state = next
                if (watch.now - lastCommit) / .seconds(1) >= Self.secondsBetweenCommits { try commit() }
            }
        } catch {
            // What is finished stays, also where the next block diverged or the user stopped; that is the error to hear of.
            try? commit()
            throw error
        }
        try commit()
        try addMissingKeyframes()
        progress(blocks, blocks)
        let seconds = (watch.now - start) / .seconds(1)
        let bytes = try store.storedBytes().records
        let raw = blocks * parameterCount * 4
        return TrainingReport(
            blocks: blocks, blocksTrained: blocks - resumedAt, rows: try store.rowCount(.train, deleted: false), parameters: parameterCount,
            seconds: seconds, rowsPerSecond: seconds > 0 ? Double(rows) / seconds : 0,
            testAccuracy: try decide(state, on: .test)?.score.accuracy, stateDigest: Digest(of: state).description, storeBytes: bytes,
            rawCheckpointBytes: raw, compressionRatio: Double(raw) / Double(bytes))
    }

    /// What the ledger says when the last block is trained.
    private struct Training: Encodable {
        let blocks: Int
        let seed: String
        let fingerprint: NumericsFingerprint

        init(_ settings: ProjectSettings) {
            blocks = settings.recipe.blocks
            seed = String(settings.recipe.seed)
            fingerprint = settings.fingerprint
        }
    }

    /// Stores the states at every `keyframeInterval`-th block that lack one. A chain without them is whole, only slower
    /// to read.
    func addMissingKeyframes() throws {
        let chain = try chain()
        let present = Set(try store.chainLinks().filter(\.hasKeyframe).map(\.block))
        let missing = stride(from: keyframeInterval, through: chain.length, by: keyframeInterval).filter { !present.contains($0) }
        let staged = try missing.map { block in
            try store.stage(LatticeRecord(kind: .keyframe, block: block, latticeBits: latticeBits, vector: try chain.state(block)))
        }
        guard !staged.isEmpty else { return }
        try store.transaction { for object in staged { try store.setKeyframe(object) } }
    }

    /// Brings the store into its smallest whole form. Opening it for writing has cleared what interrupted commands left.
    public func compact() throws {
        try addMissingKeyframes()
        try store.compact()
    }

    /// Throws where training here does not give the project's bits.
    public func refuseOtherNumerics(_ what: String) throws {
        guard let difference = fingerprintDifference else { return }
        throw Failure(
            .refused, "cannot \(what) bit-exactly here: \(difference); use the version of unlearn that the project was trained with, or --approximate to go on with results that agree to rounding only")
    }
}
