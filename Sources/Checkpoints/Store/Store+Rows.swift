import Dispatch
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

    public init(id: String, part: Part, block: Int, slot: Int, group: String?, request: Int?) {
        (self.id, self.part, self.block, self.slot, self.group, self.request) = (id, part, block, slot, group, request)
    }
}

/// A row by its entry alone, which has no id.
public struct UnnamedRow: Sendable, Equatable {
    /// The keyed digest of its id, in hexadecimal.
    public let digest: String
    public let part: Part
    public let block: Int
    public let slot: Int
    /// As that of `RowPlace`.
    public let request: Int?
    public var isDeleted: Bool { request != nil }
}

/// One stored block of rows.
public struct RowBlock: Sendable {
    let object: StoredObject
    public var part: Part { object.kind == .trainRows ? .train : .test }
    public var block: Int { object.block }
    public var slots: Int { object.entry.slots }
    /// Slots that hold a row.
    public var live: Int { object.entry.live }
}

/// A block of rows on the device that the catalogue does not name yet.
public struct StagedRows {
    public let object: StagedObject
    let slots: Int
    let live: Int
}

extension Store {
    /// What stands for a row's id in the catalogue and the ledger: a digest that nobody can compute, or test a guess
    /// with, without the project's key.
    func idDigest(_ id: String) -> [UInt8] { keys.rowIDs.authenticate(keys.projectID + Array(id.utf8)).bytes }

    /// The keyed digest of a row's id, in hexadecimal.
    public func rowDigest(_ id: String) -> String { Hexadecimal.encode(idDigest(id)) }

    /// What a keyed digest is of, beside a row's id.
    fileprivate enum NameKind: UInt8 {
        case person = 1
        case foldedPerson = 2
    }

    /// What stands for a person's name in a row's sealed entry. No id begins with a byte 0, so that no id and no name have one digest.
    fileprivate func digest(_ name: String, _ kind: NameKind) -> [UInt8] {
        Array(keys.rowIDs.authenticate(keys.projectID + [0, kind.rawValue] + Array(name.utf8)).bytes.prefix(RowCell.nameBytes))
    }

    /// What stands for a person in a row's entry.
    func digest(ofPerson person: PersonName) -> [UInt8] { digest(person.name, .person) }

    private func rowContext(_ id: [UInt8]) -> [UInt8] { rowContextPrefix + id }

    fileprivate func seal(_ cell: RowCell, id: [UInt8]) -> [UInt8] { cell.encoded.withUnsafeBytes { keys.rows.seal($0, context: rowContext(id)) } }

    fileprivate func open(_ sealed: [UInt8], id: [UInt8]) throws -> RowCell {
        guard let content = sealed.withUnsafeBytes({ keys.rows.open($0, context: rowContext(id)) }), let cell = RowCell(content) else {
            throw fault("\(cataloguePath): a row's entry cannot be opened")
        }
        return cell
    }

    private func cell(ofRow id: [UInt8]) throws -> RowCell? {
        try database.rows("SELECT cell FROM rows WHERE id = ?", .blob(id)) { try open($0.blob(0), id: id) }.first
    }

    /// Where rows stand; nil for those that are unknown, of which it is verified that there are none.
    /// - Complexity: O(ids) parts of some 64 rows.
    public func verifiedPlaces(ofRows ids: [String]) throws -> [RowPlace?] {
        try verifyRows(ofDigests: ids.lazy.map(idDigest))
        return try places(ofRows: ids)
    }

    /// Where rows stand; nil for those that are unknown.
    public func places(ofRows ids: [String]) throws -> [RowPlace?] {
        let names = try groupNames()
        return try ids.map { try place(ofRow: $0, groups: names) }
    }

    /// Where one row stands; nil where it is unknown.
    /// - Parameter groups: names of groups, from which that of the row is taken.
    public func place(ofRow id: String, groups: [String] = []) throws -> RowPlace? {
        try cell(ofRow: idDigest(id)).map { cell in
            RowPlace(
                id: id, part: cell.part, block: cell.block, slot: cell.slot,
                group: cell.group.flatMap { groups.indices.contains($0) ? groups[$0] : nil }, request: cell.request)
        }
    }

    /// Where the rows of some keyed digests stand, those that are known; gives them in the order of the list.
    public func rows(ofDigests digests: [String]) throws -> [UnnamedRow] {
        try verifyRows(ofDigests: digests.lazy.compactMap(Hexadecimal.decode))
        return try digests.compactMap { digest in
            guard let id = Hexadecimal.decode(digest), let cell = try cell(ofRow: id) else { return nil }
            return UnnamedRow(digest: digest, part: cell.part, block: cell.block, slot: cell.slot, request: cell.request)
        }
    }

    /// Rows of a part that are there, or slots whose rows were deleted or left out.
    public func rowCount(_ part: Part, deleted: Bool) throws -> Int {
        try rowBlocks(part).reduce(0) { $0 + (deleted ? $1.slots - $1.live : $1.live) }
    }

    /// The rows of some people.
    public struct PeoplesRows: Sendable {
        /// By name: live ones, and those that were deleted or left out.
        public fileprivate(set) var own: [String: [UnnamedRow]] = [:]
        /// By name: how many live rows are somebody's whose name is nearly this one, and none of those asked for.
        public fileprivate(set) var alike: [String: Int] = [:]
    }

    /// - Complexity: O(rows) openings of sealed cells.
    public func rows(of people: [PersonName]) throws -> PeoplesRows {
        let names = Dictionary(people.map { (digest($0.name, .person), $0.name) }) { first, _ in first }
        let folded = Dictionary(people.map { (digest($0.folded, .foldedPerson), $0.name) }) { first, _ in first }
        var rows = PeoplesRows()
        try forEachRow { id, cell in
            guard let person = cell.person else { return }
            if let name = names[Array(person.prefix(RowCell.nameBytes))] {
                rows.own[name, default: []].append(
                    UnnamedRow(digest: Hexadecimal.encode(id), part: cell.part, block: cell.block, slot: cell.slot, request: cell.request))
            } else if cell.request == nil, let name = folded[Array(person.suffix(RowCell.nameBytes))] {
                rows.alike[name, default: 0] += 1
            }
        }
        return rows
    }

    /// Where all live rows of a part stand, by block and slot, each with the number of its group.
    /// - Complexity: O(rows) openings of sealed cells.
    public func livePlaces(_ part: Part) throws -> [(block: Int, slot: Int, group: Int?)] {
        var places: [(block: Int, slot: Int, group: Int?)] = []
        try forEachRow { if $1.part == part, $1.request == nil { places.append(($1.block, $1.slot, $1.group)) } }
        return places.sorted { ($0.block, $0.slot) < ($1.block, $1.slot) }
    }

    /// Every row's entry, with the keyed digest of its id.
    func forEachRow(_ body: (_ id: [UInt8], RowCell) throws -> Void) throws {
        _ = try database.rows("SELECT id, cell FROM rows") { row in
            let id = row.blob(0)
            try body(id, try open(row.blob(1), id: id))
        }
    }

    /// Throws where the number of live rows that the catalogue lists for a block is not the number of rows that it stores there.
    /// - Complexity: O(rows).
    public func verifyRowCounts() throws {
        var counts: [ObjectKind: [Int: Int]] = [:]
        try forEachRow { if $1.request == nil { counts[ObjectKind($1.part), default: [:]][$1.block, default: 0] += 1 } }
        let blocks = try Part.allCases.flatMap { try rowBlocks($0) }
        let isRight = blocks.allSatisfy { counts[$0.object.kind]?[$0.block] ?? 0 == $0.live }
        guard isRight, counts.values.reduce(0, { $0 + $1.values.reduce(0, +) }) == blocks.reduce(0, { $0 + $1.live }) else {
            throw fault("\(cataloguePath): the table of rows lists other numbers of rows than the blocks hold")
        }
    }

    /// Throws where the stored rows of a block are not those that the catalogue lists as live, id by id.
    public func verify(_ record: RowsRecord, of block: RowBlock) throws {
        let what = description(of: block.object)
        let live = record.labels.indices.filter { record.labels[$0] != RowsRecord.emptySlot }
        let isRight = try live.count == block.live && live.allSatisfy { slot in
            guard let cell = try cell(ofRow: idDigest(record.ids[slot])) else { return false }
            return cell.part == block.part && cell.block == block.block && cell.slot == slot && cell.request == nil
        }
        guard isRight else { throw fault("\(what): the rows stored there are not those that the catalogue lists as live") }
        for slot in record.labels.indices where record.labels[slot] == RowsRecord.emptySlot {
            guard record.ids[slot].isEmpty, record.features[slot * record.rowBytes..<(slot + 1) * record.rowBytes].allSatisfy({ $0 == 0 }) else {
                throw fault("\(what): slot \(slot) is empty but still holds a row")
            }
        }
    }

    public func rowBlocks(_ part: Part) throws -> [RowBlock] { index.inUse { $0 == ObjectKind(part) }.map(RowBlock.init) }

    public func rowBlock(_ part: Part, _ block: Int) throws -> RowBlock? { index.object(ObjectKind(part), block).map(RowBlock.init) }

    public func rows(_ block: RowBlock, featureCount: Int, bytesPerFeature: Int) throws -> RowsRecord {
        try RowsRecord(
            decoding: contents(of: block.object), part: block.part, block: block.block, slots: block.slots, featureCount: featureCount,
            bytesPerFeature: bytesPerFeature, file: description(of: block.object))
    }

    // MARK: - Changes

    /// Writes a block of rows that nothing names yet.
    public func stage(_ rows: RowsRecord) throws -> StagedRows {
        StagedRows(
            object: try stage(ObjectKind(rows.part), block: rows.block, rows.encoded()), slots: rows.slots,
            live: rows.labels.count { $0 != RowsRecord.emptySlot })
    }
}

extension StoreChange {
    /// Lists rows that are new, in the order of their digests: so the table grows at its end, and each sum changes once.
    /// - Throws: `DuplicateRow` where one of them is there, or twice among them.
    /// - Complexity: O(n log n).
    public func insert(_ rows: NewRows) throws {
        let order = rows.inOrderOfDigests
        try store.verifyRows(ofDigests: order.lazy.map(rows.digest))
        var sum = RowsSum.zero, latest: (part: Int, id: [UInt8])?
        let sums = try store.currentRowSums()
        func flush() throws {
            if let latest { try store.changeSum(ofPartOf: latest.id, adding: sum) }
            sum = .zero
        }
        for start in stride(from: 0, to: order.count, by: Self.sealedTogether) {
            let batch = start..<min(start + Self.sealedTogether, order.count)
            for (place, entry) in zip(batch, sealed(rows, order[batch])) {
                do {
                    try store.database.run("INSERT INTO rows VALUES (?, ?)", .blob(entry.id), .blob(entry.sealed))
                } catch let error as DatabaseError where error.isDuplicateKey {
                    throw DuplicateRow(index: try firstDuplicate(rows, order, listed: place))
                }
                let part = sums?.part(of: entry.id) ?? 0
                if latest?.part != part { try flush() }
                sum.add(entry.sum)
                latest = (part, entry.id)
            }
        }
        try flush()
    }

    private static let sealedTogether = 1 << 14

    private struct SealedEntry {
        var id: [UInt8] = []
        var sealed: [UInt8] = []
        var sum = RowsSum.zero
    }

    /// The entries of some rows, sealed on all cores: that takes longer than listing them.
    private func sealed(_ rows: NewRows, _ order: ArraySlice<Int>) -> [SealedEntry] {
        var entries = [SealedEntry](repeating: SealedEntry(), count: order.count)
        let lanes = min(entries.count, ProcessInfo.processInfo.activeProcessorCount), first = order.startIndex
        entries.withUnsafeMutableBufferPointer { entries in
            // Each lane writes to places of its own; rows and keys are only read.
            nonisolated(unsafe) let entries = entries, store = store, rows = rows
            DispatchQueue.concurrentPerform(iterations: lanes) { lane in
                for place in entries.count * lane / lanes..<entries.count * (lane + 1) / lanes {
                    let index = order[first + place], id = rows.digest(index), sealed = store.seal(rows.cell(index), id: id)
                    entries[place] = SealedEntry(id: id, sealed: sealed, sum: RowsSum(store.rowEntryDigest(id, sealed)))
                }
            }
        }
        return entries
    }

    /// The first of some rows, in their own order, whose id is another's: of a row that was there, or that comes before it.
    /// - Parameter listed: how many of them stand in the table by now.
    private func firstDuplicate(_ rows: NewRows, _ order: [Int], listed: Int) throws -> Int {
        var places = [Int](repeating: 0, count: order.count)
        for (place, index) in order.enumerated() { places[index] = place }
        let first = try order.indices.first { index in
            let id = rows.digest(index), place = places[index]
            let isTwin = [place - 1, place + 1].contains { order.indices.contains($0) && order[$0] < index && rows.digest(order[$0]) == id }
            return try isTwin || place >= listed && !store.database.rows("SELECT 1 FROM rows WHERE id = ?", .blob(id), map: { $0.integer(0) }).isEmpty
        }
        return first ?? order[listed]
    }

    /// Lists one row.
    public func insertRow(id: String, part: Part, block: Int, slot: Int, group: Int?, owner: RowOwner = .notAsked, excluded: Bool) throws {
        var rows = NewRows(of: store)
        rows.add(id: id, part: part, block: block, slot: slot, group: group, owner: owner, excluded: excluded)
        do { try insert(rows) } catch is DuplicateRow { throw DuplicateRowID(id: id) }
    }

    /// Names the stored rows of a block; the file they replace is condemned.
    public func setRows(_ rows: StagedRows) throws {
        try register(rows.object) {
            $0.slots = rows.slots
            $0.live = rows.live
        }
    }

    /// Marks rows as deleted by a request. The digests of their ids stay, so that a second deletion is noticed; their groups go, and the
    /// name of a group with its last live row. Whose they were stays, under the key, so that a person who asks again hears that it is done.
    public func markDeleted(_ ids: [String], request: Int) throws {
        var leaving: [Int: Int] = [:]
        let digests = ids.map(store.idDigest)
        try store.verifyRows(ofDigests: digests)
        for digest in digests {
            let old = try store.database.rows("SELECT cell FROM rows WHERE id = ?", .blob(digest)) { $0.blob(0) }
            guard let before = old.first else { continue }
            var cell = try store.open(before, id: digest)
            if let group = cell.group, cell.request == nil { leaving[group, default: 0] += 1 }
            cell.group = nil
            cell.request = request
            let sealed = store.seal(cell, id: digest)
            try store.changeSum(ofPartOf: digest, adding: RowsSum(store.rowEntryDigest(digest, sealed)), taking: RowsSum(store.rowEntryDigest(digest, before)))
            try store.database.run("UPDATE rows SET cell = ? WHERE id = ?", .blob(sealed), .blob(digest))
        }
        if !leaving.isEmpty { try takeFromGroups(leaving) }
    }
}

/// Rows that are to be listed, in memory: some 50 bytes each, 80 where they belong to people.
public struct NewRows {
    private let store: Store
    private var digests: [UInt8] = []
    private var cells: [UInt8] = []
    public private(set) var count = 0

    public init(of store: Store) { self.store = store }

    /// - Parameters:
    ///   - group: number of the row's group among those of `setGroups`, or nil.
    ///   - owner: whom the row belongs to.
    public mutating func add(id: String, part: Part, block: Int, slot: Int, group: Int?, owner: RowOwner = .notAsked, excluded: Bool) {
        let person: [UInt8]? =
            switch owner {
            case .notAsked: nil
            case .nobody: RowCell.nobody
            case .person(let person): store.digest(person.name, .person) + store.digest(person.folded, .foldedPerson)
            }
        digests += store.idDigest(id)
        let cell = RowCell(part: part, block: block, slot: slot, group: group, person: person, request: excluded ? 0 : nil).encoded
        precondition(count == 0 || cells.count == count * cell.count, "all rows of a project are somebody's or nobody's, or none is")
        cells += cell
        count += 1
    }

    func digest(_ index: Int) -> [UInt8] { Array(digests[index * Digest.length..<(index + 1) * Digest.length]) }

    func cell(_ index: Int) -> RowCell {
        let length = cells.count / count
        guard let cell = RowCell(Array(cells[index * length..<(index + 1) * length])) else { preconditionFailure("what was encoded is decoded") }
        return cell
    }

    var inOrderOfDigests: [Int] {
        // Of 64 bits hardly two are the same, unless all are.
        let keys = digests.withUnsafeBytes { raw in (0..<count).map { UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: $0 * Digest.length, as: UInt64.self)) } }
        return (0..<count).sorted { keys[$0] < keys[$1] || keys[$0] == keys[$1] && digest($0).lexicographicallyPrecedes(digest($1)) }
    }
}

/// A row that is listed already.
public struct DuplicateRow: Error {
    /// Among those that were to be listed.
    public let index: Int
}

/// Whom a row belongs to.
public enum RowOwner: Sendable, Equatable {
    /// The project's rows were imported without persons.
    case notAsked
    /// The project knows persons, and this row has none.
    case nobody
    case person(PersonName)
}

/// A person's name as it was written, and as it is where what people write one way or the other does not count.
public struct PersonName: Sendable, Equatable {
    public let name: String
    public let folded: String

    public init(_ name: String, folded: String) { (self.name, self.folded) = (name, folded) }
}

/// What a row's entry holds beside its id, sealed.
package struct RowCell: Equatable {
    var part: Part
    var block: Int
    var slot: Int
    var group: Int?
    /// Keyed digests of the person's name and of it folded, or zeros for nobody; nil in a project that knows no persons. All entries of a project are of one
    /// length, so that sealed ones do not tell which rows are somebody's, or gone.
    var person: [UInt8]?
    var request: Int?

    static let nameBytes = 16
    static let personBytes = 2 * nameBytes
    static let nobody = [UInt8](repeating: 0, count: personBytes)
    private static let length = 1 + 4 * 4

    package init(part: Part, block: Int, slot: Int, group: Int?, person: [UInt8]? = nil, request: Int?) {
        precondition(person.map { $0.count == Self.personBytes } != false, "digests of persons are of one length")
        (self.part, self.block, self.slot, self.group, self.person, self.request) = (part, block, slot, group, person, request)
    }

    /// -1 stands for no group and for a live row.
    package var encoded: [UInt8] {
        var writer = ByteWriter(capacity: Self.length + Self.personBytes)
        writer.append(part.rawValue)
        for value in [block, slot, group ?? -1, request ?? -1] { writer.append(Int32(value)) }
        return writer.bytes + (person ?? [])
    }

    package init?(_ content: [UInt8]) {
        guard [Self.length, Self.length + Self.personBytes].contains(content.count), let part = Part(rawValue: content[0]) else { return nil }
        let values = content.withUnsafeBytes { raw in
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: raw[1..<Self.length]))
            return (0..<4).map { _ in Int(reader.take(Int32.self)) }
        }
        guard values[0] >= 1, values[1] >= 0, values[2] >= -1, values[3] >= -1 else { return nil }
        self.init(
            part: part, block: values[0], slot: values[1], group: values[2] < 0 ? nil : values[2],
            person: content.count == Self.length ? nil : Array(content[Self.length...]), request: values[3] < 0 ? nil : values[3])
    }
}
