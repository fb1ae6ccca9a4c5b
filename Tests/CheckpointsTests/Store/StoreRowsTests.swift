import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Rows in the store")
struct StoreRowsTests {
    private struct Stop: Error {}

    private let project: SampleProject

    init() throws { project = try SampleProject() }

    private func insert(_ id: String, group: Int? = nil, excluded: Bool = false, block: Int = 9, slot: Int = 0, in change: borrowing StoreChange) throws {
        try change.insertRow(id: id, part: .train, block: block, slot: slot, group: group, excluded: excluded)
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
        try store.transaction { change in
            try insert("a", group: nil, in: change)
            try insert("b", group: 0, excluded: true, slot: 1, in: change)
        }
        let a = try #require(try store.place(ofRow: "a")), b = try #require(try store.place(ofRow: "b"))
        #expect(a.group == nil && a.request == nil && !a.isDeleted)
        #expect(b.group == SampleProject.groups[0] && b.request == 0 && b.isDeleted)
    }

    @Test("Ids and groups may hold any text", arguments: ["", " ", "größe", "e\u{301}", "🧠", "a'b\"c", "line\nbreak", "%_*"])
    func ids(id: String) throws {
        let store = try project.writer()
        try store.transaction { change in
            try change.setGroups(["another", id], live: [1, 1])
            try insert(id, group: 1, in: change)
        }
        let place = try store.place(ofRow: id)
        #expect(place?.block == 9)
        #expect(place?.group.map { Array($0.utf8) } == Array(id.utf8))
    }

    @Test("An id does not end at a zero byte")
    func zeroByte() throws {
        let store = try project.writer()
        #expect(try store.place(ofRow: "train-1-1\u{0}x") == nil)
        try store.transaction { change in try insert("a\u{0}b", in: change) }
        #expect(throws: Never.self) { try store.transaction { change in try insert("a\u{0}c", slot: 1, in: change) } }
        #expect(try store.place(ofRow: "a\u{0}b")?.slot == 0)
        #expect(try store.place(ofRow: "a\u{0}c")?.slot == 1)
        #expect(try store.place(ofRow: "a") == nil)
    }

    @Test("Ids that differ in their bytes are two ids")
    func distinctIDs() throws {
        let store = try project.writer()
        try store.transaction { change in
            for (slot, id) in ["a", "A", "a ", "\u{E9}", "e\u{301}", "1", "01", "1.0"].enumerated() { try insert(id, slot: slot, in: change) }
        }
        #expect(try store.place(ofRow: "\u{E9}")?.slot == 3)
        #expect(try store.place(ofRow: "e\u{301}")?.slot == 4)
        #expect(try store.place(ofRow: "01")?.slot == 6)
    }

    @Test("An id that occurs twice is named, in whichever part it stood first", arguments: ["train-1-1", "test-1-2"])
    func duplicate(id: String) throws {
        let store = try project.writer()
        let before = try store.everything()
        let error = #expect(throws: DuplicateRowID.self) { try store.transaction { change in try insert(id, in: change) } }
        #expect(error?.id == id && error?.kind == .input && error?.description == "the id '\(id)' occurs twice; ids must be unique")
        #expect(try store.everything() == before)
    }

    private func countFault(_ store: Store) -> Failure? { #expect(throws: Failure.self) { try store.verifyRowCounts() } }

    @Test("More or fewer live rows in the table than a block holds are found", arguments: [Encryption.none, .xchacha20poly1305])
    func rowCounts(encryption: Encryption) throws {
        let project = try SampleProject(encryption: encryption), store = try project.writer()
        try store.verifyRowCounts()
        let changes: [(String, (borrowing StoreChange) throws -> Void)] = [
            ("in a slot that is taken", { try insert("another", block: 1, slot: 0, in: $0) }),
            ("in a block that is not there", { try insert("another", block: 4, slot: 0, in: $0) }),
            ("deleted in the table alone", { try $0.markDeleted(["train-2-1"], request: 1) }),
            ("deleted in the block alone", { try $0.setRows($0.store.stage(SampleProject.rows(.train, 2).emptying([1]))) }),
            ("of another part", { try $0.insertRow(id: "another", part: .test, block: 1, slot: 0, group: nil, excluded: false) }),
            ("in another block than it stands in", {
                try $0.markDeleted(["train-2-1"], request: 1)
                try insert("another", block: 1, slot: 0, in: $0)
            }),
        ]
        let fault = Failure(
            .damaged, "\(project.catalogue): the table of rows lists other numbers of rows than the blocks hold; "
                + "run 'unlearn check' and restore the project from a backup")
        for (name, alter) in changes {
            #expect(throws: Stop.self) {
                try store.transaction { change in
                    try alter(change)
                    #expect(countFault(store) == fault, "\(name)")
                    throw Stop()
                }
            }
            try store.verifyRowCounts()
        }
        try store.transaction { change in
            try insert("excluded", excluded: true, block: 1, slot: 0, in: change)
            try change.markDeleted(["train-2-1"], request: 1)
            try change.setRows(store.stage(SampleProject.rows(.train, 2).emptying([1])))
        }
        try store.verifyRowCounts()
    }

    @Test("A deleted row is still found at its place, and has lost its group")
    func markDeleted() throws {
        let store = try project.writer()
        try store.transaction { change in try change.markDeleted(["train-1-2"], request: 5) }
        #expect(try store.place(ofRow: "train-1-2") == RowPlace(id: "train-1-2", part: .train, block: 1, slot: 2, group: nil, request: 5))
        #expect(try store.place(ofRow: "train-1-1")?.group == "provider-of-train-1-1")
    }

    @Test("Rows are found by the person whom they belong to, also when they are gone, and no entry tells by its length whose it is")
    func persons() throws {
        let store = try project.writer()
        try store.transaction { change in
            for (slot, owner) in [RowOwner.person(PersonName("Ann", folded: "ann")), .person(PersonName("bob", folded: "bob")), .person(PersonName("Ann", folded: "ann")), .nobody].enumerated() {
                try change.insertRow(id: "row \(slot)", part: slot == 2 ? .test : .train, block: 9, slot: slot, group: nil, owner: owner, excluded: slot == 1)
            }
            try change.markDeleted(["row 0"], request: 3)
        }
        let names = ["Ann", "bob", "", "person", "nobody", "Ann"].map { PersonName($0, folded: $0.lowercased()) }
        let found = try project.reader().rows(of: names), places = found.own
        #expect(Set(places.keys) == ["Ann", "bob"] && found.alike.isEmpty)
        // One of two is deleted: one live row is somebody's who may be meant.
        let other = try project.reader().rows(of: [PersonName("ANN", folded: "ann")])
        #expect(other.own.isEmpty && other.alike == ["ANN": 1])
        #expect(places["Ann"]?.map(\.slot).sorted() == [0, 2] && places["Ann"]?.map(\.request).contains(3) == true && places["Ann"]?.contains { $0.part == .test && !$0.isDeleted } == true)
        #expect(places["bob"]?.map(\.request) == [0])
        let lengths = try store.database.rows("SELECT length(cell), count(*) FROM rows GROUP BY 1 ORDER BY 1") { [$0.integer(0), $0.integer(1)] }
        #expect(lengths.count == 2 && lengths.last?.last == 4)
    }

    @Test("Rows are counted by part and by whether they live")
    func counts() throws {
        let store = try project.writer()
        try store.transaction { change in
            try change.markDeleted(["train-1-2", "train-3-0"], request: 1)
            try change.setRows(store.stage(SampleProject.rows(.train, 1).emptying([2])))
            try change.setRows(store.stage(SampleProject.rows(.train, 3).emptying([0])))
        }
        for reopened in [store, try project.reader()] {
            #expect(try reopened.rowCount(.train, deleted: false) == 10)
            #expect(try reopened.rowCount(.train, deleted: true) == 2)
            #expect(try reopened.rowCount(.test, deleted: false) == 4)
            #expect(try reopened.rowCount(.test, deleted: true) == 0)
            let blocks = try reopened.rowBlocks(.train)
            #expect(blocks.map(\.block) == [1, 2, 3])
            #expect(blocks.map(\.slots) == [4, 4, 4])
            #expect(blocks.map(\.live) == [3, 4, 3])
            #expect(blocks.allSatisfy { $0.part == .train })
            #expect(try reopened.rowBlock(.test, 1)?.live == 4 && reopened.rowBlock(.test, 1)?.part == .test)
            #expect(try reopened.rowBlock(.test, 2) == nil)
        }
    }

    @Test("The live places of a part are those of rows that nothing deleted or left out, in order, with their groups")
    func livePlaces() throws {
        let store = try project.writer()
        try store.transaction { change in
            try change.markDeleted(["train-1-2"], request: 1)
            try insert("excluded", excluded: true, in: change)
            try insert("without group", slot: 1, in: change)
        }
        let places = try store.livePlaces(.train)
        #expect(places.map(\.block) == [1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 9])
        #expect(places.map(\.slot) == [0, 1, 3, 0, 1, 2, 3, 0, 1, 2, 3, 1])
        #expect(places.map(\.group) == [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, nil])
        #expect(try store.livePlaces(.test).map(\.group) == [12, 13, 14, 15])
    }

    @Test("Two rows' entries have one length, and no two entries of one row are the same bytes")
    func entries() throws {
        let store = try project.writer()
        let cells = { try store.database.rows("SELECT cell FROM rows ORDER BY id") { $0.blob(0) } }
        let before = try cells()
        #expect(Set(before.map(\.count)) == [1 + 4 * 4 + SecretKey.sealOverhead])
        // A row deleted again by the same request says the same, in other bytes.
        try store.transaction { change in try change.markDeleted(SampleProject.ids, request: 1) }
        let once = try cells()
        try store.transaction { change in try change.markDeleted(SampleProject.ids, request: 1) }
        #expect(try Set(before + once + cells()).count == 3 * SampleProject.ids.count)
    }

    @Test("What a row's entry holds comes back from its bytes, and bytes that no entry has are none")
    func cells() {
        let cells = [
            RowCell(part: .train, block: 1, slot: 0, group: nil, request: nil),
            RowCell(part: .test, block: 1 << 30, slot: 1 << 30, group: 0, request: 0),
            RowCell(part: .train, block: 7, slot: 6, group: 5, request: 4),
            RowCell(part: .train, block: 7, slot: 6, group: 5, person: Array(1...32), request: 4),
            RowCell(part: .test, block: 1, slot: 0, group: nil, person: RowCell.nobody, request: nil),
        ]
        for cell in cells { #expect(RowCell(cell.encoded) == cell) }
        let bytes = cells[2].encoded
        #expect(bytes == [1, 7, 0, 0, 0, 6, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0])
        for length in 0..<bytes.count { #expect(RowCell(Array(bytes[..<length])) == nil) }
        for length in [18, 33, 48, 50] { #expect(RowCell(bytes + [UInt8](repeating: 0, count: length - 17)) == nil) }
        // An unknown part, block 0, a slot, a group and a request below what there is.
        let changes: [(Int, [UInt8])] = [
            (0, [0]), (0, [3]), (1, [0]), (5, [255, 255, 255, 255]), (9, [254, 255, 255, 255]), (13, [254, 255, 255, 255]),
        ]
        for (place, values) in changes {
            var changed = bytes
            changed.replaceSubrange(place..<place + values.count, with: values)
            #expect(RowCell(changed) == nil, "\(place)")
        }
    }

    @Test("A block of rows written anew replaces its file, and the other part's block stays")
    func replacesRows() throws {
        let store = try project.writer()
        let rows = SampleProject.rows(.train, 1).emptying([0, 3])
        let files = try project.files(), old = try project.file(of: .trainRows, 1).name
        try store.transaction { change in try change.setRows(store.stage(rows)) }
        #expect(try store.rowsRecord(.train, 1) == rows)
        #expect(try store.rowsRecord(.test, 1) == SampleProject.rows(.test, 1))
        #expect(try store.rowBlocks(.train).map(\.slots) == [4, 4, 4])
        #expect(try Set(files).subtracting(project.files()) == [old])
        #expect(try Set(project.files()).subtracting(files) == [try project.file(of: .trainRows, 1).name])
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
        let what = "\(try project.file(of: .trainRows, 2).path) (rows 2)"
        let advice = "; run 'unlearn check' and restore the project from a backup"
        let other = Failure(.damaged, "\(what): the rows stored there are not those that the catalogue lists as live" + advice)
        #expect(refusal(exchanged) == other)
        #expect(refusal(rows.emptying([1])) == other)
        // One list of two that changes alone.
        #expect(throws: Stop.self) {
            try store.transaction { change in
                try change.markDeleted(["train-2-1"], request: 1)
                #expect(refusal(rows) == other)
                #expect(refusal(rows.emptying([1])) == other)
                throw Stop()
            }
        }
        try store.verify(rows, of: block)
        let emptied = rows.emptying([1])
        try store.transaction { change in
            try change.markDeleted(["train-2-1"], request: 1)
            try change.setRows(store.stage(emptied))
        }
        let next = try #require(try store.rowBlock(.train, 2))
        try store.verify(emptied, of: next)
        // A slot that lost its label alone.
        let still = Failure(.damaged, "\(store.description(of: next.object)): slot 1 is empty but still holds a row" + advice)
        for (features, ids) in [(rows.features, emptied.ids), (emptied.features, rows.ids)] {
            let half = RowsRecord(
                part: .train, block: 2, featureCount: 3, bytesPerFeature: 1, labels: emptied.labels, features: features, ids: ids)
            #expect(#expect(throws: Failure.self) { try store.verify(half, of: next) } == still)
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
