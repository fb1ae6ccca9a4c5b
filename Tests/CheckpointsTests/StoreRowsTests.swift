import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Rows in the store")
struct StoreRowsTests {
    private let project: SampleProject

    init() throws { project = try SampleProject() }

    private func insert(_ id: String, group: String? = nil, excluded: Bool = false, block: Int = 9, slot: Int = 0, into store: Store) throws {
        try store.insertRow(id: id, part: .train, block: block, slot: slot, group: group, excluded: excluded)
    }

    @Test("A row's place is found by its id")
    func place() throws {
        let store = try project.reader()
        #expect(
            try store.place(ofRow: "train-2-3")
                == RowPlace(id: "train-2-3", part: .train, block: 2, slot: 3, group: "provider-of-train-2-3", request: nil))
        #expect(try store.place(ofRow: "test-1-0")?.part == .test)
        #expect(try store.place(ofRow: "absent") == nil)
        #expect(try store.place(ofRow: "TRAIN-2-3") == nil)
    }

    @Test("A row without a group has none, and one left out from the start counts as deleted by request 0")
    func optional() throws {
        let store = try project.writer()
        try insert("a", group: nil, into: store)
        try insert("b", group: "", excluded: true, slot: 1, into: store)
        let a = try #require(try store.place(ofRow: "a")), b = try #require(try store.place(ofRow: "b"))
        #expect(a.group == nil && a.request == nil && !a.isDeleted)
        #expect(b.group == "" && b.request == 0 && b.isDeleted)
    }

    @Test("Ids may hold any text", arguments: ["", " ", "größe", "e\u{301}", "🧠", "a'b\"c", "line\nbreak", "%_*"])
    func ids(id: String) throws {
        let store = try project.writer()
        try insert(id, group: id, into: store)
        let place = try store.place(ofRow: id)
        #expect(place.map { Array($0.id.utf8) } == Array(id.utf8))
        #expect(place?.group.map { Array($0.utf8) } == Array(id.utf8))
    }

    @Test("An id does not end at a zero byte")
    func zeroByte() throws {
        let store = try project.writer()
        #expect(try store.place(ofRow: "train-1-1\u{0}x") == nil)
        try insert("a\u{0}b", into: store)
        #expect(throws: Never.self) { try insert("a\u{0}c", slot: 1, into: store) }
        #expect(try store.place(ofRow: "a\u{0}b")?.id.utf8.count == 3)
        #expect(try store.place(ofRow: "a") == nil)
    }

    @Test("Ids that differ in their bytes are two ids")
    func distinctIDs() throws {
        let store = try project.writer()
        for (slot, id) in ["a", "A", "a ", "\u{E9}", "e\u{301}", "1", "01", "1.0"].enumerated() { try insert(id, slot: slot, into: store) }
        #expect(try store.place(ofRow: "\u{E9}")?.slot == 3)
        #expect(try store.place(ofRow: "e\u{301}")?.slot == 4)
        #expect(try store.place(ofRow: "01")?.slot == 6)
    }

    @Test("An id that occurs twice is named, in whichever part it stood first", arguments: ["train-1-1", "test-1-2"])
    func duplicate(id: String) throws {
        let store = try project.writer()
        let before = try store.everything()
        let error = #expect(throws: Failure.self) { try store.transaction { try insert(id, into: store) } }
        #expect(error == Failure(.input, "the id '\(id)' occurs twice; ids must be unique"))
        #expect(try store.everything() == before)
    }

    @Test("Two rows cannot stand in one slot")
    func samePlace() throws {
        let store = try project.writer()
        #expect(throws: (any Error).self) { try insert("another", block: 1, slot: 0, into: store) }
        #expect(try store.place(ofRow: "another") == nil)
    }

    @Test("A deleted row keeps its id and place, and loses its group")
    func markDeleted() throws {
        let store = try project.writer()
        try store.transaction { try store.markDeleted("train-1-2", request: 5) }
        #expect(try store.place(ofRow: "train-1-2") == RowPlace(id: "train-1-2", part: .train, block: 1, slot: 2, group: nil, request: 5))
        #expect(try store.place(ofRow: "train-1-1")?.group == "provider-of-train-1-1")
    }

    @Test("A deleted row's group is nowhere in the catalogue's bytes")
    func overwritesGroup() throws {
        let group = Array("provider-of-train-1-2".utf8)
        func holdsGroup() throws -> Bool {
            let bytes = try FileSystem.read(project.catalogue)
            return bytes.indices.contains { bytes[$0] == group[0] && bytes[$0...].starts(with: group) }
        }
        #expect(try holdsGroup())
        let store = try project.writer()
        try store.transaction { try store.markDeleted("train-1-2", request: 5) }
        #expect(try !holdsGroup())
    }

    @Test("Rows are counted by part and by whether they live")
    func counts() throws {
        let store = try project.writer()
        try store.transaction {
            try store.markDeleted("train-1-2", request: 1)
            try store.markDeleted("train-3-0", request: 1)
            try insert("excluded", excluded: true, into: store)
        }
        #expect(try store.rowCount(.train, deleted: false) == 10)
        #expect(try store.rowCount(.train, deleted: true) == 3)
        #expect(try store.rowCount(.test, deleted: false) == 4)
        #expect(try store.rowCount(.test, deleted: true) == 0)
    }

    @Test("The live slots of a block are those without a deletion")
    func liveSlots() throws {
        let store = try project.writer()
        try store.transaction { try store.markDeleted("train-1-2", request: 1) }
        let blocks = try store.rowBlocks(.train)
        #expect(blocks.map(\.block) == [1, 2, 3])
        #expect(blocks.map(\.slots) == [4, 4, 4])
        #expect(try store.liveSlots(blocks[0]) == [0, 1, 3])
        #expect(try store.liveSlots(blocks[1]) == [0, 1, 2, 3])
        #expect(try store.liveSlots(try store.rowBlocks(.test)[0]) == [0, 1, 2, 3])
    }

    @Test("A block of rows written anew replaces its file, and the other part's block stays")
    func replacesRows() throws {
        let store = try project.writer()
        let rows = SampleProject.rows(.train, 1).emptying([0, 3])
        let old = try project.files().filter { $0.hasSuffix("-rows-1") }
        try store.transaction { try store.setRows(store.stage(rows), part: .train, slots: SampleProject.slots) }
        #expect(try store.rowsRecord(.train, 1) == rows)
        #expect(try store.rowsRecord(.test, 1) == SampleProject.rows(.test, 1))
        #expect(try store.rowBlocks(.train).map(\.slots) == [4, 4, 4])
        let new = try project.files().filter { $0.hasSuffix("-rows-1") }
        #expect(new.count == old.count)
        #expect(Set(old).subtracting(new).count == 1)
        try store.checkCatalogue()
    }

    @Test("Rows of another shape are refused")
    func wrongShape() throws {
        let store = try project.reader()
        let block = try store.rowBlocks(.train)[0]
        #expect(throws: RowsRecord.Invalid.self) { _ = try store.rows(block, featureCount: 4, bytesPerFeature: 1) }
        #expect(throws: RowsRecord.Invalid.self) { _ = try store.rows(block, featureCount: 3, bytesPerFeature: 4) }
    }
}
