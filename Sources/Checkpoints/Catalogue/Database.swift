internal import CSQLite
import Files
import Glibc

/// An SQLite call that failed: its code, SQLite's message, and what was being done.
public struct DatabaseError: DescribedError, Equatable {
    public let code: Int32
    public let message: String
    public let operation: String
    /// Whether the program's own statements do not fit the tables that are there.
    var isOfSchema = false
    /// What the system said, where it was a call of the system that failed; else 0.
    var systemCode: Int32 = 0

    public var kind: FailureKind {
        switch code & 255 {
        case SQLITE_CORRUPT, SQLITE_NOTADB: .damaged
        case SQLITE_ERROR where isOfSchema: .damaged
        case SQLITE_BUSY, SQLITE_LOCKED: .locked
        default: .failed
        }
    }

    public var description: String {
        let advice =
            switch kind {
            case .damaged: "restore the project from a backup"
            case .locked: "wait for the other command to end"
            case _ where code & 255 == SQLITE_FULL: "make space and run the command again"
            case _ where systemCode == ENOSPC || systemCode == EDQUOT: "make space and run the command again"
            // What the system said of a write is gone when SQLite tells of it.
            case _ where Self.sizesAreLimited:
                "raise the limit on the size of files (ulimit -f) if it is reached; else check space and permissions of the project's folder"
            default: "check space and permissions of the project's folder"
            }
        return "the catalogue cannot \(operation): \(message) (SQLite \(code)); \(advice)"
    }

    private static var sizesAreLimited: Bool {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 && limit.rlim_cur != rlim_t.max
    }
}

/// One SQLite connection.
final class Database {
    private let handle: OpaquePointer
    private var statements: [String: Statement] = [:]
    private(set) var isClosed = false

    enum Mode {
        /// Makes the file, which must not exist, and fills it.
        case create
        /// The same, of an empty file that the caller made.
        case fill
        case write, read
    }

    init(_ path: String, _ mode: Mode) throws {
        switch mode {
        case .create, .fill:
            // SQLite would let others read it; its log gets the permissions of the file.
            if mode == .create { _ = try OpenFile(path, .createNew) }
            handle = try Self.open(path, SQLITE_OPEN_READWRITE)
            try prepareForWriting(synchronous: "FULL")
            // A creation that is cut off is made anew from nothing: no file need hold what it overwrites.
            try execute("PRAGMA journal_mode = MEMORY")
        case .write:
            try Self.expectPlainLogs(of: path)
            handle = try Self.open(path, SQLITE_OPEN_READWRITE)
            try prepareForWriting(synchronous: "FULL")
        case .read:
            try Self.expectPlainLogs(of: path)
            handle = try Self.openForReading(path)
            try execute("PRAGMA query_only = ON")
        }
        // Nothing that somebody put into the file runs when the program reads or writes it.
        guard unlearn_sqlite_disable_stored_code(handle) == SQLITE_OK else { throw error(SQLITE_ERROR, "disable triggers and views") }
        guard unlearn_sqlite_keep_log(handle) == SQLITE_OK else { throw error(SQLITE_ERROR, "keep its log") }
        try execute("PRAGMA trusted_schema = OFF")
        try execute("PRAGMA foreign_keys = ON")
        // No content in files outside the project's folder.
        try execute("PRAGMA temp_store = MEMORY")
    }

    /// What SQLite appends to a database's name for files of its own: the log, the log's index, and the journal of one made anew.
    static let logSuffixes = ["-wal", "-shm", "-journal"]

    /// SQLite would only say that it cannot open the catalogue, wait for a pipe, read a device, or follow a link out of the folder.
    private static func expectPlainLogs(of path: String) throws {
        for log in logSuffixes.map({ path + $0 }) where FileSystem.exists(log) && !FileSystem.isRegularFile(log) {
            throw Failure(
                .damaged,
                "'\(log)' is no regular file, where the catalogue's log belongs; move it away, and restore the project from a backup if the log was there before")
        }
    }

    private static func open(_ path: String, _ flags: Int32) throws -> OpaquePointer {
        var handle: OpaquePointer?
        let code = path.withPathBytes { sqlite3_open_v2($0, &handle, flags | SQLITE_OPEN_NOMUTEX, nil) }
        guard code == SQLITE_OK, let handle else {
            let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            let extended = handle.map { sqlite3_extended_errcode($0) } ?? code
            let systemCode = handle.map { sqlite3_system_errno($0) } ?? 0
            sqlite3_close_v2(handle)
            throw DatabaseError(code: extended, message: message, operation: "open \(path)", systemCode: systemCode)
        }
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 10_000)
        return handle
    }

    /// A reader too must be able to recover a log that a crash left; `query_only` keeps it from anything else. Where even the log's index
    /// cannot be made (a full file system, a limit on files' sizes, a folder for reading only), what is there can be read all the same:
    /// a file without a log as it stands, one with a log with its index in memory, which takes the file for this reader alone.
    private static func openForReading(_ path: String) throws -> OpaquePointer {
        let opened = try open(path, SQLITE_OPEN_READWRITE)
        guard !isReadable(opened) else { return opened }
        if try (FileSystem.length(path + "-wal") ?? 0) == 0, !FileSystem.exists(path + "-journal") {
            sqlite3_close_v2(opened)
            return try open(immutableURI(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)
        }
        sqlite3_close_v2(opened)
        let alone = try open(path, SQLITE_OPEN_READWRITE)
        // Before the first read; what still fails is told by whoever reads next.
        sqlite3_exec(alone, "PRAGMA locking_mode = EXCLUSIVE", nil, nil, nil)
        return alone
    }

    private static func isReadable(_ handle: OpaquePointer) -> Bool {
        let causes = [SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL]
        return !causes.contains(sqlite3_exec(handle, "SELECT count(*) FROM sqlite_schema", nil, nil, nil) & 255)
    }

    private static func immutableURI(_ path: String) -> String {
        let escaped = PathText.bytes(of: path).map { "%" + Hexadecimal.encode([$0]) }.joined()
        return "file:\(escaped)?immutable=1"
    }

    private func prepareForWriting(synchronous: String) throws {
        // A commit is on the device when it returns, and deleted content is overwritten with zeros.
        try execute("PRAGMA synchronous = \(synchronous)")
        try execute("PRAGMA secure_delete = ON")
    }

    /// Lets readers go on while a writer commits: changes go to a log first.
    func useLog() throws {
        let journal = try rows("PRAGMA journal_mode = WAL") { $0.text(0) }
        guard journal == ["wal"] else {
            throw DatabaseError(code: SQLITE_IOERR, message: "its journal stays in mode '\(journal.first ?? "?")'", operation: "keep a log")
        }
    }

    /// Of a log; where it is overwritten, nothing in the log counts any more (sqlite.org/fileformat2.html, section 4.1).
    static let logHeaderLength = 32

    /// Moves everything from the log into the database, durably, and waits until no reader needs the log.
    func checkpointLog() throws { try checkpoint("RESTART") }

    /// The same, and gives the log the length 0.
    func truncateLog() throws { try checkpoint("TRUNCATE") }

    private func checkpoint(_ mode: String) throws {
        let isBusy = try rows("PRAGMA wal_checkpoint(\(mode))") { $0.integer(0) }
        guard isBusy == [0] else {
            throw DatabaseError(code: SQLITE_BUSY, message: "another command is reading", operation: "empty its log")
        }
    }

    /// Rebuilds the file without free pages.
    func vacuum() throws { try execute("VACUUM") }

    deinit { close() }

    /// Ends the connection; it must not be used afterwards.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        statements.removeAll()
        sqlite3_close_v2(handle)
    }

    func execute(_ sql: String) throws {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(code, "run '\(sql.split(separator: "\n").first?.prefix(60) ?? "")'") }
    }

    /// A prepared statement, kept for the next call with the same text.
    func prepare(_ sql: String) throws -> Statement {
        if let known = statements[sql] { return known }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else {
            var error = error(code, "prepare '\(sql.prefix(60))'")
            error.isOfSchema = true
            throw error
        }
        let prepared = Statement(statement, of: self)
        statements[sql] = prepared
        return prepared
    }

    func run(_ sql: String, _ values: SQLValue...) throws { try prepare(sql).forEach(values) { _ in } }

    func rows<Row>(_ sql: String, _ values: SQLValue..., map: (SQLRow) throws -> Row) throws -> [Row] {
        var rows: [Row] = []
        try prepare(sql).forEach(values) { rows.append(try map($0)) }
        return rows
    }

    /// The value of a setting or counter of SQLite's own.
    func pragma(_ name: String) throws -> Int { try rows("PRAGMA \(name)") { $0.integer(0) }.first ?? 0 }

    /// Everything in `body` happens or nothing does.
    func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try execute("BEGIN IMMEDIATE")
        do {
            let result = try body()
            do {
                try execute("COMMIT")
            } catch let error as DatabaseError where error.kind != .locked {
                throw UncertainCommit(cause: error)
            }
            return result
        } catch {
            // A failed COMMIT may have rolled back already; then there is nothing to undo. The first error is the one to hear of.
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }

    /// Runs the moment in which a view is fixed; whoever empties the log keeps such moments away meanwhile.
    var fixingView: ((() throws -> Void) throws -> Void)?

    /// One consistent view in `body`, whatever others commit meanwhile; part of a running transaction where there is one.
    func snapshot<Result>(_ body: () throws -> Result) throws -> Result {
        guard sqlite3_get_autocommit(handle) != 0 else { return try body() }
        let fix = {
            try self.execute("BEGIN")
            // The view is that of the first reading.
            do { _ = try self.pragma("schema_version") } catch {
                sqlite3_exec(self.handle, "ROLLBACK", nil, nil, nil)
                throw error
            }
        }
        if let fixingView { try fixingView(fix) } else { try fix() }
        // Nothing was changed: how it ends makes no difference.
        defer { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
        return try body()
    }

    fileprivate func error(_ code: Int32, _ operation: String) -> DatabaseError {
        DatabaseError(code: code, message: String(cString: sqlite3_errmsg(handle)), operation: operation, systemCode: sqlite3_system_errno(handle))
    }
}

/// A COMMIT that failed. Its content may be in the log all the same, and count once the log is recovered by another
/// process: whoever sees this must leave standing what either outcome needs.
struct UncertainCommit: Error {
    let cause: any Error
}

enum SQLValue: Sendable, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    case null
    case integer(Int)
    case text(String)
    case blob([UInt8])

    init(integerLiteral value: Int) { self = .integer(value) }
    init(stringLiteral value: String) { self = .text(value) }
}

/// One prepared statement.
final class Statement {
    private let handle: OpaquePointer
    private unowned let database: Database

    fileprivate init(_ handle: OpaquePointer, of database: Database) {
        self.handle = handle
        self.database = database
    }

    deinit { sqlite3_finalize(handle) }

    func forEach(_ values: [SQLValue], _ body: (SQLRow) throws -> Void) throws {
        defer {
            sqlite3_reset(handle)
            sqlite3_clear_bindings(handle)
        }
        for (index, value) in values.enumerated() {
            let place = Int32(index + 1)
            let code =
                switch value {
                case .null: sqlite3_bind_null(handle, place)
                case .integer(let number): sqlite3_bind_int64(handle, place, sqlite3_int64(number))
                case .text(let text): sqlite3_bind_text(handle, place, text, Int32(text.utf8.count), unlearn_sqlite_transient())
                case .blob(let bytes): sqlite3_bind_blob(handle, place, bytes, Int32(bytes.count), unlearn_sqlite_transient())
                }
            guard code == SQLITE_OK else { throw database.error(code, "bind a value") }
        }
        while true {
            let code = sqlite3_step(handle)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw database.error(code, "run '\(String(cString: sqlite3_sql(handle)).prefix(60))'") }
            try body(SQLRow(handle: handle))
        }
    }
}

/// The current row of a running statement; valid inside the closure it is handed to.
struct SQLRow {
    fileprivate let handle: OpaquePointer

    var count: Int32 { sqlite3_column_count(handle) }

    /// The value of a column, of whatever type, so that different rows never give the same bytes.
    func append(_ column: Int32, to writer: inout ByteWriter) {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_NULL: writer.append(UInt8(0))
        case SQLITE_INTEGER:
            writer.append(UInt8(1))
            writer.append(sqlite3_column_int64(handle, column))
        case let type:
            writer.append(UInt8(truncatingIfNeeded: type))
            let start = sqlite3_column_blob(handle, column)
            let bytes = UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column)))
            writer.append(UInt64(bytes.count))
            writer.append(bytes)
        }
    }

    func integer(_ column: Int32) -> Int { Int(sqlite3_column_int64(handle, column)) }
    func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(handle, column) else { return "" }
        return String(decoding: UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))), as: UTF8.self)
    }

    func blob(_ column: Int32) -> [UInt8] {
        let count = Int(sqlite3_column_bytes(handle, column))
        guard count > 0, let start = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }
}

extension DatabaseError {
    /// Whether a row with the same primary key exists already.
    var isDuplicateKey: Bool { code == SQLITE_CONSTRAINT_PRIMARYKEY }
}
