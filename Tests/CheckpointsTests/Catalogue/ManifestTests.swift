import Files
import TestSupport
import Testing

@testable import Checkpoints

/// A hand other than this program's changes one value of the catalogue.
@Suite("The catalogue's manifest")
struct ManifestTests {
    private let project: SampleProject
    /// The catalogue with something in every table.
    private let whole: [UInt8]
    /// The entry of the row that is deleted, as it was before.
    private let before: (id: [UInt8], cell: [UInt8])

    init() throws {
        project = try SampleProject()
        do {
            let store = try project.writer()
            try store.transaction { change in
                try change.setCorrection(store.stage(SampleProject.record(.correction, 1)))
                try change.setUtilities(UtilityRecord(key: SHA256(of: [1]), playerCount: 2, entries: []))
            }
            let id = store.idDigest("train-2-1")
            before = (id, try #require(try store.database.rows("SELECT cell FROM rows WHERE id = ?", .blob(id)) { $0.blob(0) }.first))
            let number = try store.beginRequest(ids: ["train-2-1"], details: .null)
            try store.transaction { change in
                try change.markDeleted(["train-2-1"], request: number)
                let evidence = try store.stage(StoredEvidence(sample: [1], classes: [2]), ofRun: number)
                try change.publishRequest(number, .init(report: "{}", details: .null), written: [], evidence: evidence)
            }
            try store.checkCatalogue()
        }
        whole = try FileSystem.read(project.catalogue)
    }

    private struct Column: Hashable {
        let table: String
        let name: String
    }

    /// The columns of tables that the manifest's queries name.
    private static let authenticated: [Column] = Store.manifestQueries().filter { !$0.contains("sqlite_schema") }.flatMap { query in
        let words = query.split(whereSeparator: { $0 == " " || $0 == "," }).map(String.init)
        let from = words.firstIndex(of: "FROM")!
        return words[1..<from].filter { !$0.contains("(") }.map { Column(table: words[from + 1], name: $0) }
    }

    private static let rowColumns = ["id", "cell"].map { Column(table: "rows", name: $0) }

    @Test(
        "Code that somebody put into the catalogue is damage on opening, and never runs",
        arguments: [
            "CREATE TRIGGER t BEFORE UPDATE OF rows_sum ON project BEGIN UPDATE requests SET cell = 'x'; END",
            "CREATE TRIGGER t AFTER INSERT ON ledger BEGIN DELETE FROM ledger; END", "CREATE VIEW v AS SELECT * FROM rows", "CREATE TABLE t (a)",
        ])
    func storedCode(sql: String) throws {
        try altering { try $0.execute(sql) }
        for access in [Store.Access.read, .write] {
            let error = #expect(throws: Failure.self) { _ = try takingLock { try Store(opening: project.path, access) } }
            #expect(error?.kind == .damaged)
        }
        // A writer that did not look would not run it either.
        let database = try project.database()
        try database.run("UPDATE project SET rows_sum = rows_sum")
        #expect(try database.rows("SELECT count(*) FROM requests WHERE cell = 'x'") { $0.integer(0) } == [0])
    }

    /// Puts the catalogue back and lets `change` at it.
    private func altering(_ change: (Database) throws -> Void) throws {
        try project.putBack(whole)
        let database = try project.database()
        try database.execute("PRAGMA foreign_keys = OFF")
        try database.execute("PRAGMA ignore_check_constraints = ON")
        try change(database)
    }

    private func keys(_ table: String, _ database: Database) throws -> [String] {
        try database.rows("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", .text(table)) { $0.text(0) }
    }

    /// That a row is the first of its table.
    private func isFirst(_ table: String, _ database: Database) throws -> String {
        try keys(table, database).map { "\"\($0)\" = (SELECT \"\($0)\" FROM \(table) ORDER BY \"\($0)\" LIMIT 1)" }.joined(separator: " AND ")
    }

    /// Changes a column's value in the first row to another of the same type.
    private func alter(_ column: Column, _ database: Database) throws {
        let condition = try isFirst(column.table, database), name = "\"\(column.name)\""
        let types = try database.rows("SELECT typeof(\(name)), \(name) FROM \(column.table) WHERE \(condition)") { ($0.text(0), $0.blob(1)) }
        let (type, blob) = try #require(types.first, "\(column) has no value")
        let update = "UPDATE \(column.table) SET \(name) = "
        switch type {
        case "blob":
            let flipped = blob.isEmpty ? [0] : blob.dropLast() + [blob.last! ^ 1]
            try database.run(update + "? WHERE \(condition)", .blob(flipped))
        case "text": try database.execute(update + "\(name) || 'x' WHERE \(condition)")
        default: try database.execute(update + "ifnull(\(name), 0) + 1000 WHERE \(condition)")
        }
    }

    private func kind(_ access: Store.Access) -> FailureKind? {
        do {
            _ = try takingLock { try Store(opening: project.path, access) }
            return nil
        } catch {
            return (error as? any DescribedError)?.kind
        }
    }

    /// Without these nothing is known of what the keys are, or of which files there are.
    private static let neededToOpen =
        ["id", "public_key", "encryption", "keyring"].map { Column(table: "project", name: $0) }

    @Test("Every column of every table is under the manifest, the sum of the rows, the ledger's signed tree heads, or its entries")
    func coverage() throws {
        let database = try project.database()
        let all = try database.rows("SELECT name FROM sqlite_schema WHERE type = 'table'") { $0.text(0) }.flatMap { table in
            try database.rows("SELECT name FROM pragma_table_info(?)", .text(table)) { Column(table: table, name: $0.text(0)) }
        }
        let outside = Set(all).subtracting(Self.authenticated).subtracting(Self.rowColumns)
        let ledger = ["position", "entry", "leaf"].map { Column(table: "ledger", name: $0) }
        // What is disclosed for good is under the commitments of its entry.
        let disclosed = [Column(table: "disclosures", name: "lasting")]
        let fixed = ["one", "manifest"].map { Column(table: "project", name: $0) }
        // Each list of what was destroyed is under the closing entry of its request.
        let destroyed = ["request", "cell"].map { Column(table: "destroyed", name: $0) }
        #expect(outside == Set(ledger + fixed + destroyed + disclosed))
        for column in all where column != Column(table: "project", name: "one") {
            #expect(try database.rows("SELECT count(*) FROM \(column.table)") { $0.integer(0) }[0] > 0, "\(column.table) has nothing to change")
        }
    }

    @Test("The catalogue as it was left opens")
    func control() throws {
        try altering { _ in }
        for access in [Store.Access.read, .write, .inspect] { #expect(kind(access) == nil) }
    }

    @Test("A changed value of any column under the manifest is damage on opening; whoever only looks still gets in")
    func changedValues() throws {
        for column in Self.authenticated {
            try altering { try alter(column, $0) }
            #expect(kind(.read) == .damaged, "\(column)")
            #expect(kind(.write) == .damaged, "\(column)")
            #expect(kind(.inspect) == (Self.neededToOpen.contains(column) ? .damaged : nil), "\(column)")
        }
        #expect(Self.authenticated.count == 22)
        #expect(try project.files().count == 12)
    }

    @Test("A changed manifest is damage, also one that is gone")
    func changedManifest() throws {
        for value in ["x''", "zeroblob(32)", "randomblob(32)", "manifest || x'00'"] {
            try altering { try $0.execute("UPDATE project SET manifest = \(value)") }
            #expect(kind(.read) == .damaged && kind(.write) == .damaged && kind(.inspect) == nil, "\(value)")
        }
    }

    @Test("A value of another type that reads the same is damage")
    func otherType() throws {
        for (table, column) in [("requests", "cell"), ("settings", "value"), ("disclosures", "perishable")] {
            try altering { try $0.execute("UPDATE \(table) SET \(column) = CAST(\(column) AS TEXT)") }
            #expect(kind(.read) == .damaged && kind(.write) == .damaged, "\(table)")
        }
    }

    @Test("Encryption that is switched off is damage, not a project in the open")
    func encryptionOff() throws {
        try altering { try $0.execute("UPDATE project SET encryption = 0") }
        #expect(kind(.read) == .damaged && kind(.write) == .damaged)
    }

    @Test("A deleted row of any table is damage")
    func deletedRows() throws {
        for table in Set(Self.authenticated.map(\.table)) {
            try altering { try $0.execute("DELETE FROM \(table) WHERE \(try isFirst(table, $0))") }
            #expect(kind(.read) == .damaged && kind(.write) == .damaged, "\(table)")
        }
    }

    /// Inserts a copy of a table's first row under another key.
    private func insertCopy(_ table: String, _ database: Database) throws {
        let columns = try database.rows("SELECT name FROM pragma_table_info(?)", .text(table)) { $0.text(0) }
        let key = try #require(try keys(table, database).last)
        let other =
            "CASE typeof(\"\(key)\") WHEN 'integer' THEN \"\(key)\" + 5000 WHEN 'blob' THEN randomblob(length(\"\(key)\")) "
            + "ELSE \"\(key)\" || 'y' END"
        let values = columns.map { $0 == key ? other : "\"\($0)\"" }
        try database.execute("INSERT INTO \(table) SELECT \(values.joined(separator: ", ")) FROM \(table) WHERE \(try isFirst(table, database))")
    }

    @Test("An inserted row of any table is damage")
    func insertedRows() throws {
        for table in Set(Self.authenticated.map(\.table)) {
            try altering { try insertCopy(table, $0) }
            #expect(kind(.read) == .damaged && kind(.write) == .damaged, "\(table)")
        }
    }

    // MARK: - Rows

    private func checkOfRows() throws -> Failure? {
        let store = try project.reader()
        return #expect(throws: Failure.self) { try store.checkCatalogue() }
    }

    private var changedRows: Failure {
        Failure(.damaged, "\(project.catalogue): the table of rows was changed by something other than unlearn; restore the project from a backup")
    }

    @Test("A changed value of any column of the rows is found by the check")
    func changedRowValues() throws {
        for column in Self.rowColumns {
            try altering { try alter(column, $0) }
            #expect(try checkOfRows() == changedRows, "\(column)")
        }
    }

    @Test("A row that was deleted, inserted, revived, or exchanged its place with another is found by the check")
    func changedRowSets() throws {
        let changes: [(String, (Database) throws -> Void)] = [
            ("deleted", { try $0.execute("DELETE FROM rows WHERE \(try isFirst("rows", $0))") }),
            ("inserted", { try insertCopy("rows", $0) }),
            ("revived", { try $0.run("UPDATE rows SET cell = ? WHERE id = ?", .blob(before.cell), .blob(before.id)) }),
            (
                "exchanged",
                {
                    let rows = try $0.rows("SELECT id, cell FROM rows LIMIT 2") { (id: $0.blob(0), cell: $0.blob(1)) }
                    for (row, other) in [(rows[0], rows[1]), (rows[1], rows[0])] {
                        try $0.run("UPDATE rows SET cell = ? WHERE id = ?", .blob(other.cell), .blob(row.id))
                    }
                }
            ),
        ]
        for (name, change) in changes {
            try altering { try change($0) }
            #expect(try checkOfRows() == changedRows, "\(name)")
            // A writer that changes rows rests on those beside them.
            let error = #expect(throws: Failure.self) { try project.writer().transaction { change in try change.markDeleted(["train-1-1"], request: 1) } }
            #expect(error == changedRows, "\(name)")
        }
    }

    @Test("A row's entry is worth nothing in another row's place, also to whoever verifies nothing")
    func boundToRow() throws {
        try altering { try $0.run("UPDATE rows SET cell = ? WHERE id != ?", .blob(before.cell), .blob(before.id)) }
        let store = try project.inspector()
        let fault = Failure(
            .damaged, "\(project.catalogue): a row's entry cannot be opened; run 'unlearn check' and restore the project from a backup")
        #expect(#expect(throws: Failure.self) { _ = try store.place(ofRow: "train-1-1") } == fault)
        #expect(#expect(throws: Failure.self) { _ = try store.livePlaces(.train) } == fault)
        #expect(#expect(throws: Failure.self) { try store.verifyRowCounts() } == fault)
    }

    @Test("The sum of rows does not depend on their order, and subtracting undoes adding")
    func sums() {
        let zero = RowsSum(bytes: [UInt8](repeating: 0, count: 32))
        let digests = (0..<10).map { index in RowsSum([UInt8(index)].withUnsafeBytes { Digest(of: $0) }) }
        var forwards = zero, backwards = zero
        for digest in digests { forwards.add(digest) }
        for digest in digests.reversed() { backwards.add(digest) }
        #expect(forwards == backwards && forwards != zero)
        #expect(RowsSum(bytes: forwards.bytes) == forwards)
        for digest in digests { forwards.subtract(digest) }
        #expect(forwards == zero)
    }

    @Test("Parts of the table of rows are verified by themselves: whoever asks for a row hears of a change in its part, and of no other", arguments: [1, 4000])
    func parts(rows: Int) throws {
        let folder = try TemporaryFolder(), path = folder.file("project")
        do {
            let store = try Store(creating: path)
            try store.transaction { change in
                try change.prepareRows(rows)
                var new = NewRows(of: store)
                for row in 0..<rows { new.add(id: "row \(row)", part: .train, block: 1, slot: row, group: nil, excluded: false) }
                try change.insert(new)
                try change.append(LedgerEntry(.created))
            }
            try store.publishCreation()
        }
        let sums = try #require(try Store(opening: path, .read).loadRowSums())
        #expect(sums.parts == (rows == 1 ? 1 : 64) && sums.chunks.count == 1)
        // Every digest lies within the bounds of its part, and of no other.
        let ids = try Store(opening: path, .read).database.rows("SELECT id FROM rows") { $0.blob(0) }
        for id in ids {
            let (first, end) = sums.bounds(of: sums.part(of: id))
            #expect(!id.lexicographicallyPrecedes(first) && id.lexicographicallyPrecedes(end))
        }
        let gone = ids[0], part = sums.part(of: gone)
        let others = (0..<rows).filter { row in (try? Store(opening: path, .read)).map { sums.part(of: $0.idDigest("row \(row)")) != part } == true }.prefix(3)
        try Database(path + "/catalogue.sqlite", .write).run("DELETE FROM rows WHERE id = ?", .blob(gone))
        let store = try Store(opening: path, .read)
        for row in others { #expect(try store.verifiedPlaces(ofRows: ["row \(row)"])[0]?.slot == row) }
        #expect(throws: Failure.self) { _ = try store.rows(ofDigests: [Hexadecimal.encode(gone)]) }
        #expect(throws: Failure.self) { try store.verifyRows() }
    }

    private func listed(_ store: Store, _ rows: Range<Int>) throws {
        try store.transaction { change in
            try change.prepareRows(rows.count)
            var new = NewRows(of: store)
            for row in rows { new.add(id: "row \(row)", part: .train, block: 1, slot: row, group: nil, excluded: false) }
            try change.insert(new)
            try change.append(LedgerEntry(.created))
        }
    }

    @Test("A table that grows is dealt out into more parts, also by whoever verified all of it before, or failed once")
    func growingTable() throws {
        let folder = try TemporaryFolder(), path = folder.file("project")
        do {
            let store = try Store(creating: path)
            try listed(store, 0..<10)
            try store.publishCreation()
        }
        do {
            let store = try Store(opening: path, .write)
            try store.expectVerifiedRows()
            try listed(store, 10..<20)
            #expect(throws: DuplicateRow.self) { try listed(store, 15..<4000) }
            try listed(store, 20..<4000)
            try store.verifyRows()
        }
        let store = try Store(opening: path, .read)
        try store.verifyRows()
        #expect(try store.loadRowSums()?.parts == 64)
        #expect(try store.verifiedPlaces(ofRows: ["row 3999", "row 4000"]).map { $0?.slot } == [3999, nil])
    }

    @Test("Whoever adds rows to a table that somebody emptied is told")
    func emptiedTable() throws {
        let folder = try TemporaryFolder(), path = folder.file("project")
        do {
            let store = try Store(creating: path)
            try listed(store, 0..<10)
            try store.publishCreation()
        }
        try Database(path + "/catalogue.sqlite", .write).execute("DELETE FROM rows")
        let error = #expect(throws: Failure.self) { try listed(try Store(opening: path, .write), 10..<20) }
        #expect(error?.kind == .damaged && "\(error!)".contains("the table of rows was changed"))
    }
}
