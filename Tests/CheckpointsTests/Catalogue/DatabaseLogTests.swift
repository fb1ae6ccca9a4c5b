import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

@Suite("The catalogue's log")
struct DatabaseLogTests {
    private struct Stop: Error {}

    private let folder: TemporaryFolder
    private var path: String { folder.file("db") }
    private var log: String { path + "-wal" }

    init() throws {
        folder = try TemporaryFolder()
        try Database(path, .create).execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b)")
    }

    /// A writer as the store has it.
    private func writer() throws -> Database {
        let database = try Database(path, .write)
        try database.useLog()
        return database
    }

    private func count(_ database: Database) throws -> Int { try database.rows("SELECT count(*) FROM t") { $0.integer(0) }[0] }

    private func insert(_ database: Database, _ text: String = "") throws {
        try database.transaction { try database.run("INSERT INTO t (b) VALUES (?)", .text(text)) }
    }

    @Test("Writers work with a log, and readers read it")
    func mode() throws {
        let writer = try self.writer()
        #expect(try writer.rows("PRAGMA journal_mode") { $0.text(0) } == ["wal"])
        try insert(writer)
        #expect(try FileSystem.length(log) ?? 0 > 0)
        let reader = try Database(path, .read)
        #expect(try count(reader) == 1)
        try insert(writer)
        #expect(try count(reader) == 2)
    }

    @Test("Every commit is on the device when it returns, and deleted content is overwritten")
    func settings() throws {
        for mode in [Database.Mode.write, .read] {
            let database = try Database(path, mode)
            #expect(try database.rows("PRAGMA synchronous") { $0.integer(0) } == [2])
            #expect(try database.rows("PRAGMA foreign_keys") { $0.integer(0) } == [1])
            #expect(try database.rows("PRAGMA trusted_schema") { $0.integer(0) } == [0])
            #expect(try database.rows("PRAGMA temp_store") { $0.integer(0) } == [2])
        }
        #expect(try writer().rows("PRAGMA secure_delete") { $0.integer(0) } == [1])
    }

    @Test("The catalogue and its log can be read by their owner alone")
    func permissions() throws {
        let writer = try self.writer()
        try insert(writer)
        for name in try FileSystem.names(in: folder.path) {
            #expect(try FileManager.default.attributesOfItem(atPath: folder.file(name))[.posixPermissions] as? Int == 0o600, "\(name)")
        }
        #expect(try FileSystem.names(in: folder.path) == ["db", "db-shm", "db-wal"])
    }

    @Test("Emptying the log puts all into the catalogue and leaves nothing in the log")
    func truncates() throws {
        let writer = try self.writer()
        try insert(writer, "content that is to stay")
        #expect(try FileSystem.read(log).contains("content that is to stay"))
        try writer.truncateLog()
        #expect(try FileSystem.length(log) == 0)
        #expect(try FileSystem.read(path).contains("content that is to stay"))
        #expect(try count(writer) == 1)
        try insert(writer)
        #expect(try count(try Database(path, .read)) == 2)
    }

    @Test("Deleted content is in no file once the log is emptied, and in none after the catalogue is rebuilt")
    func forgets() throws {
        let writer = try self.writer()
        for number in 0..<200 { try insert(writer, "secret \(number) " + String(repeating: "x", count: number * 50)) }
        func isFound() throws -> Bool { try rawFiles(folder.path).contains { $0.bytes.contains("secret") } }
        #expect(try isFound())
        try writer.transaction { try writer.run("UPDATE t SET b = '' WHERE a % 2 = 0") }
        try writer.transaction { try writer.run("DELETE FROM t WHERE a % 2 = 1") }
        try writer.truncateLog()
        #expect(try !isFound())
        try writer.vacuum()
        try writer.truncateLog()
        #expect(try !isFound())
        #expect(try count(writer) == 100)
    }

    @Test("The log and its index stay when the last connection ends, whichever it was", arguments: [Database.Mode.write, .read])
    func staysThere(last: Database.Mode) throws {
        do {
            let writer = try self.writer()
            try insert(writer)
            if last == .read {
                let reader = try Database(path, .read)
                #expect(try count(reader) == 1)
                writer.close()
            }
        }
        #expect(try FileSystem.names(in: folder.path) == ["db", "db-shm", "db-wal"])
        #expect(try count(try Database(path, .read)) == 1)
    }

    @Test("A log that was overwritten after all of it was carried over takes nothing away, and the next change is kept")
    func overwritten() throws {
        let writer = try self.writer()
        try insert(writer, "first")
        try writer.checkpointLog()
        #expect(try FileSystem.read(log).contains("first"))
        try OpenFolder(folder.path).overwrite("db-wal", headLength: Database.logHeaderLength)
        #expect(try FileSystem.read(log).allSatisfy { $0 == 0 })
        #expect(try count(try Database(path, .read)) == 1)
        try writer.truncateLog()
        try insert(writer, "second")
        #expect(try count(try Database(path, .read)) == 2)
    }

    @Test("A log that somebody reads is not emptied: that is told as locked, and works when the reader is done")
    func busyReader() throws {
        let writer = try self.writer(), reader = try Database(path, .read)
        try writer.execute("PRAGMA busy_timeout = 0")
        try insert(writer)
        try reader.snapshot {
            #expect(try count(reader) == 1)
            try insert(writer)
            let error = #expect(throws: DatabaseError.self) { try writer.truncateLog() }
            #expect(error?.kind == .locked)
            #expect(error?.description.contains("cannot empty its log: another command is reading") == true)
            #expect(error?.description.hasSuffix("; wait for the other command to end") == true)
            #expect(try FileSystem.length(log) ?? 0 > 0)
        }
        try writer.truncateLog()
        #expect(try FileSystem.length(log) == 0)
    }

    @Test("A snapshot sees one state, whatever is committed meanwhile, and the next one sees the next state")
    func snapshot() throws {
        let writer = try self.writer(), reader = try Database(path, .read)
        try reader.snapshot {
            #expect(try count(reader) == 0)
            for _ in 1...3 { try insert(writer) }
            #expect(try count(reader) == 0)
            // One inside another is the same.
            #expect(try reader.snapshot { try count(reader) } == 0)
            #expect(try count(reader) == 0)
        }
        #expect(try reader.snapshot { try count(reader) } == 3)
    }

    @Test("A snapshot that throws ends, and one in a transaction is part of it")
    func snapshotEnds() throws {
        let writer = try self.writer()
        #expect(throws: Stop.self) { try writer.snapshot { throw Stop() } }
        try writer.transaction {
            try writer.run("INSERT INTO t VALUES (1, '')")
            #expect(try writer.snapshot { try count(writer) } == 1)
            try writer.run("INSERT INTO t VALUES (2, '')")
        }
        #expect(try count(try Database(path, .read)) == 2)
    }

    @Test("A reader changes nothing")
    func readOnly() throws {
        let reader = try Database(path, .read)
        for sql in ["INSERT INTO t VALUES (1, '')", "DELETE FROM t", "CREATE TABLE u (a)", "VACUUM"] {
            let error = #expect(throws: DatabaseError.self) { try reader.execute(sql) }
            #expect(error?.operation == "run '\(sql)'")
        }
        #expect(try count(reader) == 0)
    }

    @Test("The content of a log that a crash left is there for a reader and for a writer", arguments: [Database.Mode.read, .write])
    func recovers(mode: Database.Mode) throws {
        let writer = try self.writer()
        try insert(writer)
        let copy = try TemporaryFolder()
        for name in ["db", "db-wal"] { try copy.write(try FileSystem.read(folder.file(name)), to: name) }
        #expect(try count(try Database(copy.file("db"), mode)) == 1)
    }

    @Test("A catalogue in a folder that cannot be written is read as it stands", .enabled(if: Humble.isPossible, "root is nobody else here"))
    func readOnlyFolder() throws {
        try insert(try writer(), "content")
        // The writer is gone, and its log stays behind.
        let content = try FileSystem.read(path)
        try inOwnProcess { _ in
            for name in ["db", "d b%20?#&ü"] {
                let folder = try TemporaryFolder()
                try folder.write(content, to: name)
                try #require(chmod(folder.file(name), 0o444) == 0 && chmod(folder.path, 0o555) == 0)
                defer { chmod(folder.path, 0o700) }
                try Humble.perform {
                    try #require(!FileSystem.isWritable(folder.path))
                    let reader = try Database(folder.file(name), .read)
                    #expect(try reader.rows("SELECT count(*) FROM t") { $0.integer(0) } == [1])
                    #expect(throws: DatabaseError.self) { try reader.execute("DELETE FROM t") }
                }
                #expect(try FileSystem.names(in: folder.path) == [name])
            }
        }
    }

    @Test(
        "What is no regular file in place of SQLite's own files is damage that is named, to readers and to writers", arguments: ["-wal", "-shm", "-journal"],
        ["a folder", "a pipe", "a dangling link", "a link to a device", "a link to a file"])
    func noFileForLog(suffix: String, shape: String) throws {
        try insert(try writer(), "content")
        let log = path + suffix
        if FileSystem.exists(log) { try FileSystem.remove(log) }
        switch shape {
        case "a folder": try FileSystem.makeFolder(log)
        case "a pipe": try #require(mkfifo(log, 0o600) == 0)
        case "a dangling link": try #require(symlink(path + " that is not there", log) == 0)
        case "a link to a device": try #require(symlink("/dev/zero", log) == 0)
        default: try #require(symlink(path, log) == 0)
        }
        for mode in [Database.Mode.read, .write] {
            let failure = #expect(throws: Failure.self) { try Database(path, mode) }
            #expect(failure?.kind == .damaged && failure?.description.contains("db\(suffix)' is no regular file, where the catalogue's log belongs") == true, "\(String(describing: failure))")
        }
        try #require(remove(log) == 0)
        #expect(try count(try Database(path, .read)) == 1)
    }

    @Test("Where the log's index cannot be made, a reader reads what is there, with a log and without", .enabled(if: Humble.isPossible, "root is nobody else here"))
    func noIndex() throws {
        let copies = [try TemporaryFolder(), try TemporaryFolder()]
        do {
            let writer = try self.writer()
            try insert(writer, "content")
            for name in ["db", "db-wal"] { try copies[0].write(try FileSystem.read(folder.file(name)), to: name) }
        }
        try copies[1].write(try FileSystem.read(path), to: "db")
        try inOwnProcess { _ in
            for copy in copies {
                // Files may be changed, and none can be made.
                for name in try FileSystem.names(in: copy.path) { try #require(chmod(copy.file(name), 0o666) == 0) }
                try #require(chmod(copy.path, 0o555) == 0)
                defer { chmod(copy.path, 0o700) }
                try Humble.perform {
                    try #require(!FileSystem.isWritable(copy.path))
                    for _ in 0..<2 {
                        let reader = try Database(copy.file("db"), .read)
                        #expect(try count(reader) == 1)
                        #expect(throws: DatabaseError.self) { try reader.execute("DELETE FROM t") }
                    }
                    #expect(throws: DatabaseError.self) { try insert(Database(copy.file("db"), .write)) }
                    #expect(try count(try Database(copy.file("db"), .read)) == 1)
                }
            }
        }
    }
}
