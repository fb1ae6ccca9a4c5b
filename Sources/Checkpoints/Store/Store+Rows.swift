import Files

/// Where a row stands, or stood.
public struct RowPlace: Sendable, Equatable {
    public let id: String
    public let part: Part
    /// 1-based.
    public let block: Int
    /// 0-based.
    public let slot: Int
    public let group: String?
    /// The request that deleted the row; 0 where it was left out from the start; nil while it is live.
    public let request: Int?
    public var isDeleted: Bool { request != nil }
}

/// One stored block of rows.
public struct RowBlock: Sendable {
    public let part: Part
    public let block: Int
    public let slots: Int
    let object: Int
}

extension Store {
    public func insertRow(id: String, part: Part, block: Int, slot: Int, group: String?, excluded: Bool) throws {
        do {
            try database.run(
                "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)", .text(id), .integer(Int(part.rawValue)), .integer(block), .integer(slot),
                group.map { .text($0) } ?? .null, excluded ? 0 : .null)
        } catch let error as DatabaseError where error.isDuplicateKey {
            throw Failure(.input, "the id '\(id)' occurs twice; ids must be unique")
        }
    }

    public func place(ofRow id: String) throws -> RowPlace? {
        try database.rows("SELECT id, part, block, slot, \"group\", request FROM rows WHERE id = ?", .text(id)) { Self.place($0) }.first
    }

    private static func place(_ row: SQLRow) -> RowPlace {
        RowPlace(
            id: row.text(0), part: Part(rawValue: UInt8(truncatingIfNeeded: row.integer(1))) ?? .train, block: row.integer(2),
            slot: row.integer(3), group: row.optionalText(4), request: row.isNull(5) ? nil : row.integer(5))
    }

    public func rowCount(_ part: Part, deleted: Bool) throws -> Int {
        try database.rows(
            "SELECT count(*) FROM rows WHERE part = ? AND (request IS NOT NULL) = ?", .integer(Int(part.rawValue)), .integer(deleted ? 1 : 0)
        ) { $0.integer(0) }[0]
    }

    /// Live rows of one block by slot, for cross-checking with the stored rows.
    public func liveSlots(_ block: RowBlock) throws -> [Int] {
        try database.rows(
            "SELECT slot FROM rows WHERE part = ? AND block = ? AND request IS NULL ORDER BY slot", .integer(Int(block.part.rawValue)),
            .integer(block.block)) { $0.integer(0) }
    }

    public func rowBlocks(_ part: Part) throws -> [RowBlock] {
        try database.rows("SELECT block, slots, object FROM row_blocks WHERE part = ? ORDER BY block", .integer(Int(part.rawValue))) {
            RowBlock(part: part, block: $0.integer(0), slots: $0.integer(1), object: $0.integer(2))
        }
    }

    public func rowBlock(_ part: Part, _ block: Int) throws -> RowBlock? {
        try database.rows(
            "SELECT slots, object FROM row_blocks WHERE part = ? AND block = ?", .integer(Int(part.rawValue)), .integer(block)
        ) { RowBlock(part: part, block: block, slots: $0.integer(0), object: $0.integer(1)) }.first
    }

    public func rows(_ block: RowBlock, featureCount: Int, bytesPerFeature: Int) throws -> RowsRecord {
        let object = try object(block.object)
        return try RowsRecord(
            decoding: contents(of: object), part: block.part, block: block.block, slots: block.slots, featureCount: featureCount,
            bytesPerFeature: bytesPerFeature, file: path(of: object))
    }

    // MARK: - Changes, inside a transaction

    /// Names the stored rows of a block; the file they replace is condemned.
    public func setRows(_ object: StagedObject, part: Part, slots: Int) throws {
        let old = try database.rows(
            "SELECT object FROM row_blocks WHERE part = ? AND block = ?", .integer(Int(part.rawValue)), .integer(object.block)
        ) { $0.integer(0) }
        try register(object)
        try database.run(
            "INSERT INTO row_blocks VALUES (?, ?, ?, ?) ON CONFLICT (part, block) DO UPDATE SET object = excluded.object",
            .integer(Int(part.rawValue)), .integer(object.block), .integer(slots), .integer(object.number))
        for number in old { try condemn(number) }
    }

    /// Marks a row as deleted by a request. Its id stays, so that a second deletion of it is noticed; its group goes.
    public func markDeleted(_ id: String, request: Int) throws {
        try database.run("UPDATE rows SET request = ?, \"group\" = NULL WHERE id = ?", .integer(request), .text(id))
    }
}
