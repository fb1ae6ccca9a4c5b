import Files
import Tensors

/// One block of the chain as the catalogue knows it.
public struct ChainLink: Sendable {
    public let block: Int
    let influence: Int
    /// Whether the influence was trained from a state that training reached without a stitch.
    public let baseIsExact: Bool
    let correction: Int?
    let keyframe: Int?
    public var hasCorrection: Bool { correction != nil }
    public var hasKeyframe: Bool { keyframe != nil }
}

extension Store {
    /// The trained blocks in order, 1…B.
    public func chainLinks() throws -> [ChainLink] {
        let links = try database.rows(
            """
            SELECT i.block, i.object, i.base_exact, c.object, k.object FROM influences i
            LEFT JOIN corrections c ON c.block = i.block LEFT JOIN keyframes k ON k.block = i.block ORDER BY i.block
            """
        ) {
            ChainLink(
                block: $0.integer(0), influence: $0.integer(1), baseIsExact: $0.integer(2) != 0,
                correction: $0.isNull(3) ? nil : $0.integer(3), keyframe: $0.isNull(4) ? nil : $0.integer(4))
        }
        for (index, link) in links.enumerated() where link.block != index + 1 {
            throw Failure(.damaged, "block \(index + 1) is missing from the chain; run 'unlearn check' and restore the project from a backup")
        }
        return links
    }

    public func influence(_ link: ChainLink, latticeBits: Int, count: Int) throws -> LatticeVector {
        try record(link.influence, .influence, link.block, latticeBits, count)
    }

    public func correction(_ link: ChainLink, latticeBits: Int, count: Int) throws -> LatticeVector? {
        try link.correction.map { try record($0, .correction, link.block, latticeBits, count) }
    }

    /// The state stored right behind a block, or nil where there is none: the one that belongs to the link's influences, also
    /// where the chain has changed since it was read.
    public func keyframe(_ link: ChainLink, latticeBits: Int, count: Int) throws -> LatticeVector? {
        try link.keyframe.map { try record($0, .keyframe, link.block, latticeBits, count) }
    }

    /// The state stored at a block (0: the initialisation), or nil where there is none.
    public func keyframe(_ block: Int, latticeBits: Int, count: Int) throws -> LatticeVector? {
        let number = try database.rows("SELECT object FROM keyframes WHERE block = ?", .integer(block)) { $0.integer(0) }.first
        return try number.map { try record($0, .keyframe, block, latticeBits, count) }
    }

    private func record(_ number: Int, _ kind: LatticeRecord.Kind, _ block: Int, _ bits: Int, _ count: Int) throws -> LatticeVector {
        let object = try object(number)
        return try LatticeRecord(
            decoding: contents(of: object), kind: kind, block: block, latticeBits: bits, count: count, file: path(of: object)
        ).vector
    }

    // MARK: - Changes, inside a transaction

    /// Names a block's influence; the one it replaces is condemned.
    public func setInfluence(_ object: StagedObject, baseIsExact: Bool) throws {
        try replace(in: "influences", block: object.block)
        try register(object)
        try database.run(
            "INSERT INTO influences VALUES (?, ?, ?)", .integer(object.block), .integer(object.number), .integer(baseIsExact ? 1 : 0))
    }

    public func setCorrection(_ object: StagedObject) throws {
        try replace(in: "corrections", block: object.block)
        try register(object)
        try database.run("INSERT INTO corrections VALUES (?, ?)", .integer(object.block), .integer(object.number))
    }

    public func removeCorrection(_ block: Int) throws { try replace(in: "corrections", block: block) }

    public func setKeyframe(_ object: StagedObject) throws {
        try replace(in: "keyframes", block: object.block)
        try register(object)
        try database.run("INSERT INTO keyframes VALUES (?, ?)", .integer(object.block), .integer(object.number))
    }

    /// The keyframes at or after a block are those of a chain that is no more.
    public func removeKeyframes(from block: Int) throws {
        for stale in try database.rows("SELECT block FROM keyframes WHERE block >= ?", .integer(block), map: { $0.integer(0) }) {
            try replace(in: "keyframes", block: stale)
        }
    }

    /// From this block on the influences stand on states that training did not visit.
    public func markInexact(from block: Int) throws {
        try database.run("UPDATE influences SET base_exact = 0 WHERE block >= ?", .integer(block))
    }

    private func replace(in table: String, block: Int) throws {
        for old in try database.rows("SELECT object FROM \(table) WHERE block = ?", .integer(block), map: { $0.integer(0) }) {
            try database.run("DELETE FROM \(table) WHERE block = ?", .integer(block))
            try condemn(old)
        }
    }
}
