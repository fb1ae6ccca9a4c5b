import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Rows in the store")
struct StoreRowsTests {
    private let project: SampleProject

    init() throws { project = try SampleProject() }

    private func insert(_ id: String, group: Int? = nil, excluded: Bool = false, block: Int = 9, slot: Int = 0, into store: Store) throws {
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
        try insert("b", group: 0, excluded: true, slot: 1, into: store)
        let a = try #require(try store.place(ofRow: "a")), b = try #require(try store.place(ofRow: "b"))
        #expect(a.group == nil && a.request == nil && !a.isDeleted)
        #expect(b.group == SampleProject.groups[0] && b.request == 0 && b.isDeleted)
    }

    @Test("Ids and groups may hold any text", arguments: ["", " ", "größe", "e\u{301}", "🧠", "a'b\"c", "line\nbreak", "%_*"])
    func ids(id: String) throws {
        let store = try project.writer()
        try store.setGroups(["another", id])
        try insert(id, group: 1, into: store)
        let place = try store.place(ofRow: id)
        #expect(place?.block == 9)
        #expect(place?.group.map { Array($0.utf8) } == Array(id.utf8))
    }

    @Test("An id does not end at a zero byte")
    func zeroByte() throws {
        let store = try project.writer()
        #expect(try store.place(ofRow: "train-1-1\u{0}x") == nil)
        try insert("a\u{0}b", into: store)
        #expect(throws: Never.self) { try insert("a\u{0}c", slot: 1, into: store) }
        #expect(try store.place(ofRow: "a\u{0}b")?.slot == 0)
        #expect(try store.place(ofRow: "a\u{0}c")?.slot == 1)
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

    @Test("A deleted row is still found at its place, and has lost its group")
    func markDeleted() throws {
        let store = try project.writer()
        try store.transaction { try store.markDeleted(["train-1-2"], request: 5) }
        #expect(try store.place(ofRow: "train-1-2") == RowPlace(id: "train-1-2", part: .train, block: 1, slot: 2, group: nil, request: 5))
        #expect(try store.place(ofRow: "train-1-1")?.group == "provider-of-train-1-1")
    }

    @Test("Rows are counted by part and by whether they live")
    func counts() throws {
        let store = try project.writer()
        try store.transaction {
            try store.markDeleted(["train-1-2", "train-3-0"], request: 1)
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
        try store.transaction { try store.markDeleted(["train-1-2"], request: 1) }
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

    @Test("Stored rows are verified against the live rows of the catalogue, id by id")
    func verifies() throws {
        let store = try project.writer()
        let block = try #require(try store.rowBlock(.train, 2)), rows = try store.rowsRecord(.train, 2)
        try store.verify(rows, of: block)
        func refusal(_ record: RowsRecord) -> Failure? { #expect(throws: Failure.self) { try store.verify(record, of: block) } }
        let exchanged = RowsRecord(
            part: .train, block: 2, featureCount: 3, bytesPerFeature: 1, labels: rows.labels, features: rows.features,
            ids: [rows.ids[1], rows.ids[0]] + rows.ids[2...])
        let path = try project.folder.file("objects/" + #require(try project.files().first { $0.hasSuffix("-rows-2") }))
        let advice = "; run 'unlearn check' and restore the project from a backup"
        let other = Failure(.damaged, "\(path): the rows stored there are not those that the catalogue lists as live" + advice)
        #expect(refusal(exchanged) == other)
        #expect(refusal(rows.emptying([1])) == other)
        try store.transaction { try store.markDeleted(["train-2-1"], request: 1) }
        #expect(refusal(rows) == other)
        try store.verify(rows.emptying([1]), of: block)
        // A slot that lost its label alone.
        let emptied = rows.emptying([1])
        let still = Failure(.damaged, "\(path): slot 1 is empty but still holds a row" + advice)
        for (features, ids) in [(rows.features, emptied.ids), (emptied.features, rows.ids)] {
            let half = RowsRecord(
                part: .train, block: 2, featureCount: 3, bytesPerFeature: 1, labels: emptied.labels, features: features, ids: ids)
            #expect(refusal(half) == still)
        }
    }

    @Test("Rows of another shape are refused")
    func wrongShape() throws {
        let store = try project.reader()
        let block = try store.rowBlocks(.train)[0]
        #expect(throws: RowsRecord.Invalid.self) { _ = try store.rows(block, featureCount: 4, bytesPerFeature: 1) }
        #expect(throws: RowsRecord.Invalid.self) { _ = try store.rows(block, featureCount: 3, bytesPerFeature: 4) }
    }
}
