import Files
import Tensors

/// One trained block as the catalogue knows it.
public struct ChainLink: Sendable {
    public let block: Int
    let influence: StoredObject
    /// Whether the influence was trained from a state that training reached without a stitch.
    public var baseIsExact: Bool { influence.entry.baseIsExact }
    let correction: StoredObject?
    let keyframe: StoredObject?
    public var hasCorrection: Bool { correction != nil }
    public var hasKeyframe: Bool { keyframe != nil }
}

extension Store {
    /// The trained blocks by number. Which must be there is the lineage's to say.
    public func links() throws -> [ChainLink] {
        index.inUse { $0 == .influence }.map {
            ChainLink(block: $0.block, influence: $0, correction: index.object(.correction, $0.block), keyframe: index.object(.keyframe, $0.block))
        }
    }

    public func influence(_ link: ChainLink, latticeBits: Int, count: Int) throws -> LatticeVector {
        try record(link.influence, .influence, latticeBits, count)
    }

    public func correction(_ link: ChainLink, latticeBits: Int, count: Int) throws -> LatticeVector? {
        try link.correction.map { try record($0, .correction, latticeBits, count) }
    }

    /// The state stored right behind a block, or nil where there is none: the one that belongs to the link's influences, also
    /// where the chain has changed since it was read.
    public func keyframe(_ link: ChainLink, latticeBits: Int, count: Int) throws -> LatticeVector? {
        try link.keyframe.map { try record($0, .keyframe, latticeBits, count) }
    }

    /// The state stored at a block (0: the initialisation), or nil where there is none.
    public func keyframe(_ block: Int, latticeBits: Int, count: Int) throws -> LatticeVector? {
        try index.object(.keyframe, block).map { try record($0, .keyframe, latticeBits, count) }
    }

    /// Visits the steps of a block's influence, or of the correction behind it, piece by piece, without making its vector.
    /// - Returns: whether there is one.
    @discardableResult
    public func forEachPiece(
        of kind: LatticeRecord.Kind, _ link: ChainLink, latticeBits: Int, count: Int, _ body: (_ offset: Int, _ steps: UnsafeBufferPointer<Int32>) throws -> Void
    ) throws -> Bool {
        guard let object = kind == .influence ? link.influence : kind == .correction ? link.correction : link.keyframe else { return false }
        try withContents(of: object) {
            try LatticeRecord.forEachPiece(of: $0, kind: kind, block: object.block, latticeBits: latticeBits, count: count, file: description(of: object), body)
        }
        return true
    }

    private func record(_ object: StoredObject, _ kind: LatticeRecord.Kind, _ bits: Int, _ count: Int) throws -> LatticeVector {
        try withContents(of: object) {
            try LatticeRecord(decoding: $0, kind: kind, block: object.block, latticeBits: bits, count: count, file: description(of: object)).vector
        }
    }
}

extension StoreChange {
    /// Names a block's influence; the one it replaces is condemned.
    public func setInfluence(_ object: StagedObject, baseIsExact: Bool) throws { try register(object) { $0.baseIsExact = baseIsExact } }

    public func setCorrection(_ object: StagedObject) throws { try register(object) }

    public func removeCorrection(_ block: Int) throws { try condemn(.correction, block) }

    public func setKeyframe(_ object: StagedObject) throws { try register(object) }

    /// Keyframes of states that are no more.
    public func removeKeyframes(where isStale: (_ block: Int) -> Bool) throws {
        for stale in store.index.inUse(where: { $0 == .keyframe }) where isStale(stale.block) { try condemn(stale) }
    }

    /// The influences of these blocks stand on states that training did not visit.
    public func markInexact(where isInexact: (_ block: Int) -> Bool) throws {
        for influence in store.index.inUse(where: { $0 == .influence }) where influence.entry.baseIsExact && isInexact(influence.block) {
            try update(influence) { $0.baseIsExact = false }
        }
    }
}
