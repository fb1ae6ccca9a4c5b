import Files
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

/// A small project: three blocks of training rows and one of test rows, three influences, keyframes at 0 and 2. Every row
/// has a group of its own.
struct SampleProject {
    static let bits = 18
    static let parameters = 600
    static let slots = 4
    static let features = 3

    let folder: TemporaryFolder
    var path: String { folder.path }
    var catalogue: String { folder.file("catalogue.sqlite") }

    init(encryption: Encryption = .xchacha20poly1305) throws {
        folder = try TemporaryFolder()
        try FileSystem.makeFolder(folder.file("objects"))
        for (name, bytes) in try (encryption == .none ? Self.plainTemplate : Self.template).get() {
            try folder.write(bytes, to: name)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.file(name))
        }
    }

    private static let template = Result { try files(.xchacha20poly1305) }
    private static let plainTemplate = Result { try files(.none) }

    /// The files of a project made once: making it waits for the device many times.
    private static func files(_ encryption: Encryption) throws -> [(name: String, bytes: [UInt8])] {
        let folder = try TemporaryFolder()
        let store = try Store(creating: folder.path, encryption: encryption)
        try store.transaction { change in
            try change.set("recipe", to: "{}")
            try change.setGroups(groups, live: groups.map { _ in 1 })
            for part in Part.allCases {
                for block in 1...(part == .train ? 3 : 1) { try addRows(part, block, in: change) }
            }
            for block in 1...3 { try change.setInfluence(store.stage(record(.influence, block)), baseIsExact: true) }
            for block in [0, 2] { try change.setKeyframe(store.stage(record(.keyframe, block))) }
            try change.append(LedgerEntry(.created))
        }
        try store.publishCreation()
        let names = try FileSystem.names(in: folder.path).filter { $0 != "objects" } + FileSystem.names(in: folder.file("objects")).map { "objects/" + $0 }
        return try names.map { ($0, try FileSystem.read(folder.file($0))) }
    }

    static let ids = Part.allCases.flatMap { part in
        (1...(part == .train ? 3 : 1)).flatMap { block in (0..<slots).map { id(part, block, $0) } }
    }
    static let groups = ids.map { "provider-of-\($0)" }

    static func id(_ part: Part, _ block: Int, _ slot: Int) -> String { "\(part)-\(block)-\(slot)" }

    private static func addRows(_ part: Part, _ block: Int, in change: borrowing StoreChange) throws {
        try change.setRows(change.store.stage(rows(part, block)))
        for slot in 0..<slots {
            let id = id(part, block, slot)
            try change.insertRow(id: id, part: part, block: block, slot: slot, group: ids.firstIndex(of: id), excluded: false)
        }
    }

    /// The rows that a block holds at first.
    static func rows(_ part: Part, _ block: Int) -> RowsRecord {
        var random = SeededGenerator(UInt64(block) + UInt64(part.rawValue) * 100)
        return RowsRecord(
            part: part, block: block, featureCount: features, bytesPerFeature: 1, labels: random.integers(slots, in: 0...9),
            features: (0..<slots * features).map { _ in UInt8.random(in: 1...255, using: &random) },
            ids: (0..<slots).map { id(part, block, $0) })
    }

    /// A record whose vector depends on what it is, and on `version`.
    static func record(_ kind: LatticeRecord.Kind, _ block: Int, version: UInt64 = 0) -> LatticeRecord {
        let seed = UInt64(kind.rawValue) * 1000 + UInt64(block) + version * 1_000_000
        return LatticeRecord(kind: kind, block: block, latticeBits: bits, vector: LatticeVector(SampleVector.gaussian.steps(parameters, seed: seed)))
    }

    func reader() throws -> Store { try Store(opening: path, .read) }

    func writer() throws -> Store { try takingLock { try Store(opening: path, .write) } }

    /// A store that is opened without verifying anything.
    func inspector() throws -> Store { try Store(opening: path, .inspect) }

    /// The catalogue alone, without the store's checks.
    func database() throws -> Database { try Database(catalogue, .write) }

    /// The files in the objects folder.
    func files() throws -> [String] { try FileSystem.names(in: folder.file("objects")) }

    /// The file of the object in use of a kind and block. Only the catalogue knows which it is.
    func file(of kind: ObjectKind, _ block: Int) throws -> (path: String, name: String) {
        let name = try #require(try inspector().index.object(kind, block)).file
        return (folder.file("objects/" + name), name)
    }

    /// Puts another catalogue in place, without the log that belonged to the one before.
    func putBack(_ bytes: [UInt8]) throws {
        for suffix in ["-wal", "-shm"] { try FileSystem.remove(catalogue + suffix) }
        try folder.write(bytes, to: "catalogue.sqlite")
    }

    /// Copies all but the lock to another folder, as it is on the device.
    func copy() throws -> TemporaryFolder {
        let copy = try TemporaryFolder()
        for name in try FileSystem.names(in: path) where name != "unlearn.lock" {
            try FileManager.default.copyItem(atPath: folder.file(name), toPath: copy.file(name))
        }
        return copy
    }
}

extension Store {
    func influence(of block: Int) throws -> LatticeVector {
        let link = try #require(try links().first { $0.block == block })
        return try influence(link, latticeBits: SampleProject.bits, count: SampleProject.parameters)
    }

    func correction(of block: Int) throws -> LatticeVector? {
        let link = try #require(try links().first { $0.block == block })
        return try correction(link, latticeBits: SampleProject.bits, count: SampleProject.parameters)
    }

    func keyframe(of block: Int) throws -> LatticeVector? {
        try keyframe(block, latticeBits: SampleProject.bits, count: SampleProject.parameters)
    }

    func rowsRecord(_ part: Part, _ block: Int) throws -> RowsRecord {
        let stored = try #require(try rowBlocks(part).first { $0.block == block })
        return try rows(stored, featureCount: SampleProject.features, bytesPerFeature: 1)
    }

    func place(ofRow id: String) throws -> RowPlace? { try places(ofRows: [id])[0] }

    /// Every value of every table, as text.
    func everything() throws -> [String] {
        try database.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") { $0.text(0) }.flatMap { table in
            let columns = try database.rows("SELECT name FROM pragma_table_info(?)", .text(table)) { $0.text(0) }
            let values = columns.map { "quote(\"\($0)\")" }.joined(separator: " || '|' || ")
            return try database.rows("SELECT \(values) FROM \(table) ORDER BY 1") { table + ": " + $0.text(0) }
        }
    }
}

extension StagedObject {
    /// The name of its file.
    var file: String { name.description }
}

extension StagedRows {
    var file: String { object.file }
}
