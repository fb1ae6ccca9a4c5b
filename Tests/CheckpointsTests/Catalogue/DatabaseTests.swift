import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("The catalogue's database")
struct DatabaseTests {
    private struct Stop: Error {}

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func database() throws -> Database {
        let database = try Database(folder.file("db"), .create)
        try database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b)")
        return database
    }

    private func values(_ database: Database) throws -> [Int] { try database.rows("SELECT a FROM t ORDER BY a") { $0.integer(0) } }

    @Test("Integers come back", arguments: [0, 1, -1, .min, .max])
    func integers(number: Int) throws {
        let database = try database()
        try database.run("INSERT INTO t VALUES (1, ?)", .integer(number))
        #expect(try database.rows("SELECT b FROM t") { $0.integer(0) } == [number])
    }

    @Test("Bytes come back, none too", arguments: ([[], [0], [0, 255, 0], [UInt8](repeating: 7, count: 100_000)] as [[UInt8]]).map(Abridged.init))
    func blobs(bytes: Abridged<[UInt8]>) throws {
        let bytes = bytes.value
        let database = try database()
        try database.run("INSERT INTO t VALUES (1, ?)", .blob(bytes))
        #expect(try database.rows("SELECT b FROM t") { $0.blob(0) } == [bytes])
        #expect(try database.rows("SELECT b IS NULL FROM t") { $0.integer(0) } == [0])
    }

    @Test("Nothing is told apart from empty text")
    func null() throws {
        let database = try database()
        try database.run("INSERT INTO t VALUES (1, ?), (2, ?)", .null, "")
        #expect(try database.rows("SELECT b IS NULL, b FROM t ORDER BY a") { $0.integer(0) == 1 ? nil : $0.text(1) } == [nil, ""])
    }

    @Test("A statement used again forgets the values of the last time")
    func reused() throws {
        let database = try database()
        for number in 1...3 { try database.run("INSERT INTO t VALUES (?, ?)", .integer(number), .integer(number * 10)) }
        #expect(try (1...3).flatMap { try database.rows("SELECT b FROM t WHERE a = ?", .integer($0)) { $0.integer(0) } } == [10, 20, 30])
        #expect(try database.rows("SELECT b FROM t WHERE a = ?") { $0.integer(0) } == [])
    }

    @Test("A statement whose reader throws can be used again")
    func readerThrows() throws {
        let database = try database()
        for number in 1...3 { try database.run("INSERT INTO t VALUES (?, 0)", .integer(number)) }
        #expect(throws: Stop.self) { try database.rows("SELECT a FROM t ORDER BY a") { _ in throw Stop() } }
        #expect(try values(database) == [1, 2, 3])
    }

    @Test("A transaction that throws is undone, one that ends is kept")
    func transactions() throws {
        let database = try database()
        #expect(throws: Stop.self) {
            try database.transaction {
                try database.run("INSERT INTO t VALUES (1, 0)")
                throw Stop()
            }
        }
        #expect(try values(database) == [])
        try database.transaction { try database.run("INSERT INTO t VALUES (2, 0)") }
        #expect(try values(try Database(folder.file("db"), .read)) == [2])
    }

    @Test("A commit that fails is told apart, undoes its transaction where it still runs, and the next one works")
    func failingCommit() throws {
        let database = try database()
        try database.execute("CREATE TABLE child (t INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
        let error = #expect(throws: UncertainCommit.self) { try database.transaction { try database.run("INSERT INTO child VALUES (99)") } }
        #expect((error?.cause as? DatabaseError)?.operation == "run 'COMMIT'")
        try database.transaction { try database.run("INSERT INTO t VALUES (1, 0)") }
        #expect(try values(database) == [1])
        #expect(try database.rows("SELECT count(*) FROM child") { $0.integer(0) } == [0])
    }

    @Test("A database that is being made has nothing beside it, in the middle of a change either")
    func noJournal() throws {
        let database = try database()
        // So small a cache that changed pages are written before the commit.
        try database.execute("PRAGMA cache_size = 2")
        try database.transaction { for number in 1...200 { try database.run("INSERT INTO t VALUES (?, zeroblob(2000))", .integer(number)) } }
        try database.transaction {
            try database.execute("UPDATE t SET b = zeroblob(1900)")
            #expect(try FileSystem.names(in: folder.path) == ["db"])
        }
        #expect(try values(database).count == 200)
    }

    @Test("A key that exists already is told apart from other faults")
    func uniqueness() throws {
        let database = try database()
        try database.run("INSERT INTO t VALUES (1, 0)")
        let twice = #expect(throws: DatabaseError.self) { try database.run("INSERT INTO t VALUES (1, 0)") }
        #expect(twice?.isDuplicateKey == true)
        let wrong = #expect(throws: DatabaseError.self) { try database.run("INSERT INTO t VALUES ('text', 0)") }
        #expect(wrong?.isDuplicateKey == false)
    }

    @Test("A catalogue that another connection is changing is locked")
    func locked() throws {
        let first = try database(), second = try Database(folder.file("db"), .write)
        try second.execute("PRAGMA busy_timeout = 0")
        try first.transaction {
            let error = #expect(throws: DatabaseError.self) { try second.transaction {} }
            #expect(error?.kind == .locked)
            #expect(error?.description.hasSuffix("; wait for the other command to end") == true)
        }
        try second.transaction {}
    }

    @Test("A file that is not there is not made by opening it", arguments: [Database.Mode.read, .write])
    func missing(mode: Database.Mode) throws {
        let error = #expect(throws: DatabaseError.self) { _ = try Database(folder.file("absent"), mode) }
        #expect(error?.kind == .failed)
        #expect(error?.operation == "open \(folder.file("absent"))")
        #expect(!FileSystem.exists(folder.file("absent")))
    }

    @Test("A faulty statement says what SQLite says")
    func faultyStatement() throws {
        let error = #expect(throws: DatabaseError.self) { try database().run("SELECT * FROM absent") }
        #expect(
            error?.description == "the catalogue cannot prepare 'SELECT * FROM absent': no such table: absent (SQLite 1); "
                + "restore the project from a backup")
        #expect(error?.kind == .damaged, "the program's statements are right: what is there is not what it made")
    }
}
