import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// What a folder tells whoever has it and not its key: two projects that differ in what a change touched look the same.
@Suite("What a folder tells without its key")
struct SilentFolderTests {
    /// Everything in a catalogue that is random, sealed, keyed or a time, as it stands in the file.
    private static func varying(_ store: Store) throws -> [[UInt8]] {
        var values: [[UInt8]] = []
        for table in ["project", "settings", "objects", "rows", "row_sums", "requests", "receipts", "destroyed", "ledger", "disclosures", "tree_heads"] {
            let columns = try store.database.rows("SELECT name FROM pragma_table_info(?)", .text(table)) { $0.text(0) }
            for column in columns {
                let isLong = "typeof(\(column)) IN ('blob', 'text') AND length(\(column)) >= 16"
                values += try store.database.rows("SELECT \(column) FROM \(table) WHERE \(isLong)") { $0.blob(0) }
            }
        }
        // Of a ledger entry, its commitments and its time alone: what it says besides lies open.
        let entries = try store.ledger()
        values.removeAll { value in entries.contains { $0.bytes == value } }
        return values + entries.flatMap { [Array($0.entry.time.utf8)] + $0.entry.sealed.map { Array($0.utf8) } }
    }

    /// The bytes of a catalogue without what varies, and how long each of those is.
    private static func skeleton(_ project: SampleProject) throws -> (catalogue: [UInt8], lengths: [Int]) {
        let values: [[UInt8]]
        do {
            let store = try project.writer()
            // In one order, whatever came first.
            try store.compact()
            values = try varying(store)
        }
        var catalogue = Data(try FileSystem.read(project.catalogue))
        // Longest first, so that none is covered in part by another.
        for value in values.sorted(by: { $0.count > $1.count }) {
            while let range = catalogue.range(of: Data(value)) { catalogue.replaceSubrange(range, with: repeatElement(0x2A, count: range.count)) }
        }
        return (Array(catalogue), values.map(\.count).sorted())
    }

    /// What there is beside the catalogue: names, without those of objects, and lengths.
    private static func surroundings(_ project: SampleProject) throws -> [String] {
        try rawFiles(project.path).filter { $0.path != project.catalogue }.map { path, bytes in
            let name = String(path.dropFirst(project.path.utf8.count + 1))
            // Records differ in length with what they hold; here is about what they are called.
            return name.hasPrefix("objects/") ? "objects/" : "\(name): \(bytes.count)"
        }.sorted()
    }

    /// Puts a small object in a place, whatever was there.
    private static func register(_ kind: ObjectKind, _ block: Int, in store: Store) throws {
        try store.transaction { change in try change.register(try store.stage(kind, block: block, [1, 2, 3])) }
    }

    private func expectTwins(_ encryption: Encryption, _ changes: [(Store) throws -> Void]) throws {
        let twins = try changes.map { change in
            let project = try SampleProject(encryption: encryption)
            try change(try project.writer())
            return project
        }
        let skeletons = try twins.map(Self.skeleton)
        for (twin, skeleton) in zip(twins, skeletons).dropFirst() {
            #expect(skeleton.catalogue == skeletons[0].catalogue)
            #expect(skeleton.lengths == skeletons[0].lengths)
            #expect(try Self.surroundings(twin) == Self.surroundings(twins[0]))
        }
        // Masking leaves the open part standing: a ledger's events are there to be read.
        #expect(skeletons[0].catalogue.contains("\"event\":\"created\"") && skeletons[0].catalogue.contains("CREATE TABLE objects"))
    }

    @Test(
        "Names of files, and every byte of the catalogue outside sealed cells, say nothing of an object's kind or block",
        arguments: [Encryption.none, .xchacha20poly1305])
    func objects(encryption: Encryption) throws {
        let kinds: [(ObjectKind, Int)] = [(.correction, 1), (.correction, 3), (.keyframe, 3), (.evidence, 1), (.utilities, 900), (.testRows, 2)]
        try expectTwins(
            encryption, kinds.map { kind, block in { try Self.register(kind, block, in: $0) } })
    }

    @Test("Nor of which object a change replaced or took away", arguments: [Encryption.none, .xchacha20poly1305])
    func replaced(encryption: Encryption) throws {
        let places: [(ObjectKind, Int)] = [(.influence, 1), (.influence, 3), (.keyframe, 0), (.trainRows, 2), (.testRows, 1)]
        try expectTwins(
            encryption, places.map { kind, block in { try Self.register(kind, block, in: $0) } })
    }

    @Test("Nor of which row of which block a request deleted", arguments: [Encryption.none, .xchacha20poly1305])
    func requests(encryption: Encryption) throws {
        let rows: [(Part, Int, Int)] = [(.train, 1, 0), (.train, 3, 2), (.train, 2, 3)]
        try expectTwins(
            encryption,
            rows.map { part, block, slot in
                { store in
                    let id = SampleProject.id(part, block, slot), number = try store.beginRequest(ids: [id], details: .null)
                    try store.transaction { change in
                        try change.markDeleted([id], request: number)
                        let rows = try store.stage(SampleProject.rows(part, block).emptying([slot]))
                        try change.setRows(rows)
                        let influence = try store.stage(SampleProject.record(.influence, block, version: 1))
                        try change.setInfluence(influence, baseIsExact: true)
                        try change.publishRequest(number, .init(report: "{}", details: .null), written: [rows.object, influence], evidence: nil)
                    }
                }
            })
    }

    @Test("No file's name or catalogue spells out what kinds of objects there are", arguments: [Encryption.none, .xchacha20poly1305])
    func kinds(encryption: Encryption) throws {
        let project = try SampleProject(encryption: encryption)
        do {
            let store = try project.writer()
            for kind in ObjectKind.allCases { try Self.register(kind, 1, in: store) }
        }
        for file in try project.files() {
            #expect(file.count == 32 && file.allSatisfy { "0123456789abcdef".contains($0) })
        }
        let catalogue = try FileSystem.read(project.catalogue)
        // The table of rows is there in every project.
        for kind in ObjectKind.allCases where kind != .trainRows { #expect(!catalogue.contains(kind.name), "\(kind.name)") }
    }

    @Test("A file's header is the same for all objects but for its name", arguments: [Encryption.none, .xchacha20poly1305])
    func headers(encryption: Encryption) throws {
        let project = try SampleProject(encryption: encryption)
        let headers = try project.files().map { name in
            let header = Array(try FileSystem.read(project.folder.file("objects/" + name)).prefix(32))
            #expect(Hexadecimal.encode(Array(header[16...])) == name)
            return header[..<16]
        }
        #expect(headers.count == 9 && Set(headers).count == 1)
    }
}
