import Checkpoints
import Tensors

/// Takes what a deletion retrains: into the store, or nowhere where only the outcome is asked for.
public protocol ReplaySink: AnyObject {
    /// A retrained block, by the states before and behind it; a later call for the same block replaces the earlier one.
    func retrained(block: Int, from before: LatticeVector, to after: LatticeVector, baseIsExact: Bool) throws

    /// A walk starts behind `block` from a state without the correction that lies there: it belonged to what an earlier stitch put
    /// back on, all of which the walk replaces.
    func startedWithout(correctionBehind block: Int) throws

    /// What a damped stitch leaves of the gap, right behind `block`.
    func stitched(after block: Int, correction: LatticeVector) throws

    /// Everything stitched so far is void: the walk turned into an exact replay.
    func stitchesDiscarded() throws
}

/// Keeps nothing.
public final class DiscardingSink: ReplaySink {
    public init() {}
    public func retrained(block: Int, from before: LatticeVector, to after: LatticeVector, baseIsExact: Bool) {}
    public func startedWithout(correctionBehind block: Int) {}
    public func stitched(after block: Int, correction: LatticeVector) {}
    public func stitchesDiscarded() {}
}

/// Writes records into a project's store; nothing there names them until `publish` does.
public final class StagingSink: ReplaySink {
    private let store: Store
    private let lineage: StoredLineage
    private let latticeBits: Int
    private var influences: [Int: (object: StagedObject, baseIsExact: Bool)] = [:]
    private var corrections: [Int: StagedObject] = [:]
    /// Blocks whose corrections were taken off before a walk began.
    private var uncorrected: Set<Int> = []
    /// What later calls replaced and is to be destroyed, so many files at a time: each waits for the device.
    private var superseded: [StagedObject] = []
    private static let destroyedTogether = 64

    /// - Parameter lineage: the one that the records will replace parts of.
    init(store: Store, latticeBits: Int, lineage: StoredLineage) {
        self.store = store
        self.lineage = lineage
        self.latticeBits = latticeBits
    }

    public func retrained(block: Int, from before: LatticeVector, to after: LatticeVector, baseIsExact: Bool) throws {
        if let old = influences[block] { try supersede([old.object]) }
        influences[block] = (try store.stageInfluence(ofBlock: block, latticeBits: latticeBits, from: before, to: after), baseIsExact)
    }

    public func startedWithout(correctionBehind block: Int) { uncorrected.insert(block) }

    public func stitched(after block: Int, correction: LatticeVector) throws {
        let record = LatticeRecord(kind: .correction, block: block, latticeBits: latticeBits, vector: correction)
        corrections[block] = try store.stage(record)
    }

    public func stitchesDiscarded() throws {
        try supersede(Array(corrections.values))
        corrections = [:]
    }

    private func supersede(_ objects: [StagedObject]) throws {
        superseded += objects
        if superseded.count >= Self.destroyedTogether { try discardSuperseded() }
    }

    private func discardSuperseded() throws {
        try store.discard(superseded)
        superseded = []
    }

    /// Everything that `publish` names.
    var staged: [StagedObject] {
        influences.keys.sorted().map { influences[$0]!.object } + corrections.keys.sorted().map { corrections[$0]! }
    }

    /// Removes what was staged: the deletion ended before it was published.
    func discardAll() throws {
        superseded += staged
        (influences, corrections) = ([:], [:])
        try discardSuperseded()
    }

    /// Forgets the walk that was begun: another one begins.
    func startAgain() throws {
        try discardAll()
        uncorrected = []
    }

    /// Names the new records in place of the old ones.
    func publish(in change: borrowing StoreChange) throws {
        try discardSuperseded()
        guard !influences.isEmpty || !uncorrected.isEmpty else { return }
        let shape = lineage.shape
        // What stands on a retrained block and is not retrained itself was put back on: it stands on a state that training did not
        // visit. Parents come before their children.
        var isStale = [Bool](repeating: false, count: shape.blocks + 1), isPutBack = isStale
        for block in 1...shape.blocks {
            let parent = shape.parent(of: block), isRetrained = influences[block] != nil
            isStale[block] = isRetrained || isStale[parent]
            isPutBack[block] = !isRetrained && (influences[parent] != nil || isPutBack[parent])
        }
        // A correction inside the retrained blocks belongs to the chain that was, and so does one that a walk began without. A keyframe
        // there holds the correction; without it the state is read from an earlier one.
        for block in influences.keys.sorted() { try change.removeCorrection(block) }
        for block in uncorrected {
            try change.removeCorrection(block)
            isStale[block] = true
        }
        try change.removeKeyframes { isStale[$0] }
        try change.markInexact { isPutBack[$0] }
        for block in influences.keys.sorted() {
            try change.setInfluence(influences[block]!.object, baseIsExact: influences[block]!.baseIsExact)
        }
        for block in corrections.keys.sorted() { try change.setCorrection(corrections[block]!) }
    }
}

/// Takes what a walk along the trunk of a lineage retrains: the stem's blocks. Branches are recorded block by block as they are trained.
final class StemSink: ReplaySink {
    private let sink: any ReplaySink
    private let stem: Int

    init(_ sink: any ReplaySink, stem: Int) { (self.sink, self.stem) = (sink, stem) }

    func retrained(block: Int, from before: LatticeVector, to after: LatticeVector, baseIsExact: Bool) throws {
        if block <= stem { try sink.retrained(block: block, from: before, to: after, baseIsExact: baseIsExact) }
    }

    func startedWithout(correctionBehind block: Int) throws { try sink.startedWithout(correctionBehind: block) }
    func stitched(after block: Int, correction: LatticeVector) throws { try sink.stitched(after: block, correction: correction) }
    func stitchesDiscarded() throws { try sink.stitchesDiscarded() }
}
