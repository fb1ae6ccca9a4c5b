import Files
import Foundation

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
    /// What stands for a row's id in the catalogue and the ledger: a digest that nobody can compute, or test a guess
    /// with, without the project's key.
    func idDigest(_ id: String) -> [UInt8] { keys.rowIDs.authenticate(keys.projectID + Array(id.utf8)).bytes }

    /// The keyed digest of a row's id, in hexadecimal.
    public func rowDigest(_ id: String) -> String { Hexadecimal.encode(idDigest(id)) }

    /// - Parameter group: number of the row's group among those of `setGroups`, or nil.
    public func insertRow(id: String, part: Part, block: Int, slot: Int, group: Int?, excluded: Bool) throws {
        do {
            _ = try database.rows(
                "INSERT INTO rows (\(Self.rowColumns)) VALUES (?, ?, ?, ?, ?, ?) RETURNING \(Self.rowColumns)", .blob(idDigest(id)),
                .integer(Int(part.rawValue)), .integer(block), .integer(slot), group.map { .integer($0) } ?? .null, excluded ? 0 : .null
            ) { rowsSum.add(rowEntryDigest($0)) }
        } catch let error as DatabaseError where error.isDuplicateKey {
            throw Failure(.input, "the id '\(id)' occurs twice; ids must be unique")
        }
    }

    /// Where rows stand; nil for those that are unknown.
    public func places(ofRows ids: [String]) throws -> [RowPlace?] {
        let names = try groupNames()
        return try ids.map { id in
            try database.rows("SELECT part, block, slot, \"group\", request FROM rows WHERE id = ?", .blob(idDigest(id))) { row in
                guard let part = UInt8(exactly: row.integer(0)).flatMap(Part.init(rawValue:)) else { throw fault("the catalogue's entry of a row is not readable") }
                let group = row.isNull(3) ? nil : row.integer(3)
                return RowPlace(
                    id: id, part: part, block: row.integer(1), slot: row.integer(2),
                    group: group.flatMap { names.indices.contains($0) ? names[$0] : nil }, request: row.isNull(4) ? nil : row.integer(4))
            }.first
        }
    }

    public func rowCount(_ part: Part, deleted: Bool) throws -> Int {
        try database.rows(
            "SELECT count(*) FROM rows WHERE part = ? AND (request IS NOT NULL) = ?", .integer(Int(part.rawValue)), .integer(deleted ? 1 : 0)
        ) { $0.integer(0) }[0]
    }

    /// Slots of the live rows of one block, ascending.
    public func liveSlots(_ block: RowBlock) throws -> [Int] {
        try database.rows(
            "SELECT slot FROM rows WHERE part = ? AND block = ? AND request IS NULL ORDER BY slot", .integer(Int(block.part.rawValue)),
            .integer(block.block)
        ) {
            guard (0..<block.slots).contains($0.integer(0)) else { throw fault("the catalogue names a slot that block \(block.block) does not have") }
            return $0.integer(0)
        }
    }

    /// Where all live rows of a part stand, by block and slot, each with the number of its group.
    public func livePlaces(_ part: Part) throws -> [(block: Int, slot: Int, group: Int?)] {
        try database.rows(
            "SELECT block, slot, \"group\" FROM rows WHERE part = ? AND request IS NULL ORDER BY block, slot", .integer(Int(part.rawValue))
        ) { ($0.integer(0), $0.integer(1), $0.isNull(2) ? nil : $0.integer(2)) }
    }

    /// Throws where the stored rows of a block are not those that the catalogue lists as live, id by id.
    public func verify(_ record: RowsRecord, of block: RowBlock) throws {
        let path = path(of: try object(block.object))
        let live = record.labels.indices.filter { record.labels[$0] != RowsRecord.emptySlot }
        let listed = try database.rows(
            "SELECT slot, id FROM rows WHERE part = ? AND block = ? AND request IS NULL ORDER BY slot", .integer(Int(block.part.rawValue)),
            .integer(block.block)) { ($0.integer(0), $0.blob(1)) }
        guard listed.map(\.0) == live, zip(live, listed).allSatisfy({ idDigest(record.ids[$0]) == $1.1 }) else {
            throw fault("\(path): the rows stored there are not those that the catalogue lists as live")
        }
        for slot in record.labels.indices where record.labels[slot] == RowsRecord.emptySlot {
            guard record.ids[slot].isEmpty, record.features[slot * record.rowBytes..<(slot + 1) * record.rowBytes].allSatisfy({ $0 == 0 }) else {
                throw fault("\(path): slot \(slot) is empty but still holds a row")
            }
        }
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

    // MARK: - Groups

    private static let groupsSetting = "groups"

    /// Names of all groups, by number; empty where a group has no live row any more.
    public func groupNames() throws -> [String] {
        guard let text = try setting(Self.groupsSetting) else { return [] }
        guard let names = try? JSONDecoder().decode([String].self, from: Data(text.utf8)) else { throw fault("the names of groups are not readable") }
        return names
    }

    /// Inside a transaction.
    public func setGroups(_ names: [String]) throws {
        try set(Self.groupsSetting, to: String(decoding: JSONEncoder().encode(names), as: UTF8.self))
    }

    /// Takes away the names of groups that have no live row any more: a provider who is gone is named nowhere.
    public func forgetEmptyGroups() throws {
        var names = try groupNames()
        let live = Set(try database.rows("SELECT DISTINCT \"group\" FROM rows WHERE request IS NULL AND \"group\" IS NOT NULL") { $0.integer(0) })
        let empty = names.indices.filter { !live.contains($0) && !names[$0].isEmpty }
        guard !empty.isEmpty else { return }
        for number in empty { names[number] = "" }
        try setGroups(names)
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

    /// Marks rows as deleted by a request. The digests of their ids stay, so that a second deletion is noticed; their groups go.
    public func markDeleted(_ ids: [String], request: Int) throws {
        for id in ids {
            let digest = idDigest(id)
            _ = try database.rows("SELECT \(Self.rowColumns) FROM rows WHERE id = ?", .blob(digest)) { rowsSum.subtract(rowEntryDigest($0)) }
            _ = try database.rows(
                "UPDATE rows SET request = ?, \"group\" = NULL WHERE id = ? RETURNING \(Self.rowColumns)", .integer(request), .blob(digest)
            ) { rowsSum.add(rowEntryDigest($0)) }
        }
        try forgetEmptyGroups()
    }
}
