import Files
import Glibc
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

/// A small project: three blocks of training rows and one of test rows, three influences, keyframes at 0 and 2.
struct SampleProject {
    static let bits = 18
    static let parameters = 600
    static let slots = 4
    static let features = 3

    let folder: TemporaryFolder
    var path: String { folder.path }
    var catalogue: String { folder.file("catalogue.sqlite") }

    init() throws {
        folder = try TemporaryFolder()
        try FileSystem.makeFolder(folder.file("objects"))
        for (name, bytes) in try Self.template.get() { try folder.write(bytes, to: name) }
    }

    /// The files of a project made once: making it waits for the device many times.
    private static let template = Result {
        let folder = try TemporaryFolder()
        let store = try Store(creating: folder.path)
        try store.transaction {
            try store.set("recipe", to: "{}")
            for part in Part.allCases {
                for block in 1...(part == .train ? 3 : 1) { try addRows(part, block, to: store) }
            }
            for block in 1...3 { try store.setInfluence(store.stage(record(.influence, block)), baseIsExact: true) }
            for block in [0, 2] { try store.setKeyframe(store.stage(record(.keyframe, block))) }
        }
        try store.publishCreation()
        let names = try ["catalogue.sqlite", "unlearn.lock"] + FileSystem.names(in: folder.file("objects")).map { "objects/" + $0 }
        return try names.map { ($0, try FileSystem.read(folder.file($0))) }
    }

    private static func addRows(_ part: Part, _ block: Int, to store: Store) throws {
        try store.setRows(store.stage(rows(part, block)), part: part, slots: slots)
        for slot in 0..<slots {
            try store.insertRow(
                id: "\(part)-\(block)-\(slot)", part: part, block: block, slot: slot, group: "provider-of-\(part)-\(block)-\(slot)", excluded: false)
        }
    }

    /// The rows that a block holds at first.
    static func rows(_ part: Part, _ block: Int) -> RowsRecord {
        var random = SeededGenerator(UInt64(block) + UInt64(part.rawValue) * 100)
        return RowsRecord(
            part: part, block: block, featureCount: features, bytesPerFeature: 1, labels: random.integers(slots, in: 0...9),
            features: (0..<slots * features).map { _ in UInt8.random(in: 1...255, using: &random) })
    }

    /// A record whose vector depends on what it is, and on `version`.
    static func record(_ kind: LatticeRecord.Kind, _ block: Int, version: UInt64 = 0) -> LatticeRecord {
        let seed = UInt64(kind.rawValue) * 1000 + UInt64(block) + version * 1_000_000
        return LatticeRecord(kind: kind, block: block, latticeBits: bits, vector: LatticeVector(SampleVector.gaussian.steps(parameters, seed: seed)))
    }

    func reader() throws -> Store { try Store(opening: path, .read) }

    func writer() throws -> Store { try takingLock { try Store(opening: path, .write) } }

    /// The catalogue alone, without the store's checks.
    func database() throws -> Database { try Database(catalogue, .write) }

    /// The files in the objects folder.
    func files() throws -> [String] { try FileSystem.names(in: folder.file("objects")) }
}

/// Takes a lock that was just released. A process that another test starts at this moment holds copies of all descriptors
/// until it runs its program, so the first attempts may be refused.
func takingLock(_ body: () throws -> Store) throws -> Store {
    for _ in 0..<200 {
        do { return try body() } catch let failure as Failure where failure.kind == .locked { usleep(5000) }
    }
    return try body()
}

extension Store {
    func influence(of block: Int) throws -> LatticeVector {
        let link = try #require(try chainLinks().first { $0.block == block })
        return try influence(link, latticeBits: SampleProject.bits, count: SampleProject.parameters)
    }

    func correction(of block: Int) throws -> LatticeVector? {
        let link = try #require(try chainLinks().first { $0.block == block })
        return try correction(link, latticeBits: SampleProject.bits, count: SampleProject.parameters)
    }

    func keyframe(of block: Int) throws -> LatticeVector? {
        try keyframe(block, latticeBits: SampleProject.bits, count: SampleProject.parameters)
    }

    func rowsRecord(_ part: Part, _ block: Int) throws -> RowsRecord {
        let stored = try #require(try rowBlocks(part).first { $0.block == block })
        return try rows(stored, featureCount: SampleProject.features, bytesPerFeature: 1)
    }

    /// Every value of every table, as text.
    func everything() throws -> [String] {
        let columns = [
            "settings": "key, value", "objects": "number, file, kind, block, bytes, hex(digest), condemned",
            "row_blocks": "part, block, slots, object", "rows": "id, part, block, slot, \"group\", request",
            "influences": "block, object, base_exact", "corrections": "block, object", "keyframes": "block, object",
            "requests": "number, report, hex(sample), hex(classes)",
        ]
        return try columns.sorted { $0.key < $1.key }.flatMap { table, columns in
            let count = Int32(columns.split(separator: ",").count)
            return try database.rows("SELECT \(columns) FROM \(table) ORDER BY 1, 2") { row in
                table + ": " + (0..<count).map { row.optionalText($0) ?? "NULL" }.joined(separator: "|")
            }
        }
    }
}
