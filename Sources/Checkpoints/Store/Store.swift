import Files

/// A project's folder: a catalogue (SQLite) that says what is there, and write-once object files that hold it.
///
///     catalogue.sqlite     settings, rows → (block, slot), objects, chain, requests
///     objects/             lattice records and blocks of rows, one file each
///     unlearn.lock         held by the one writer
///
/// A change writes its new objects first, then commits one transaction that names them and condemns the old ones, then
/// removes the condemned files. Whatever a crash leaves behind is cleared by the next writer: files that the catalogue
/// does not name, and condemned ones.
public final class Store {
    public static let formatVersion = 1
    static let applicationID = 0x554E_4C52  // "UNLR"

    public let folder: String
    let database: Database
    private let lock: FolderLock?
    private var nextNumber = 1

    public enum Access: Sendable { case read, write }

    static let lockName = "unlearn.lock"

    static func cataloguePath(_ folder: String) -> String { folder + "/catalogue.sqlite" }
    var objectsFolder: String { folder + "/objects" }

    /// Whether a folder holds a project.
    public static func exists(in folder: String) -> Bool { FileSystem.exists(cataloguePath(folder)) }

    /// Opens an existing project. Writers take the lock and clear what a crash left behind.
    public init(opening folder: String, _ access: Access) throws {
        guard Self.exists(in: folder) else {
            throw Failure(.noProject, "no project in \(folder); make one with 'unlearn init' or name its folder with -C DIR")
        }
        self.folder = folder
        lock = access == .write ? try FolderLock(folder + "/" + Self.lockName) : nil
        database = try Database(Self.cataloguePath(folder), access == .write ? .write : .read)
        let (application, version) = (try pragma("application_id"), try pragma("user_version"))
        guard application == Self.applicationID else {
            throw Failure(.damaged, "\(Self.cataloguePath(folder)) is not a project's catalogue; restore the project from a backup")
        }
        guard version <= Self.formatVersion else {
            throw Failure(
                .input, "the project in \(folder) was made by a newer version (format \(version), this program reads \(Self.formatVersion)); update unlearn")
        }
        if access == .write { try clearRemains() }
        dataVersion = try pragma("data_version")
    }

    /// What SQLite counts of other connections' commits: a reader's view is whole as long as it stays.
    private var dataVersion = 0

    /// A fault in what is stored; or, for a reader beside a writer, a view that has been overtaken.
    func fault(_ description: String) -> Failure {
        if lock == nil, (try? pragma("data_version")) != dataVersion {
            return Failure(.locked, "the project changed while it was being read; run the command again")
        }
        return Failure(.damaged, description + "; run 'unlearn check' and restore the project from a backup")
    }

    /// Makes an empty project in a folder that has none.
    public init(creating folder: String) throws {
        let unfinished = Self.cataloguePath(folder) + FileSystem.temporarySuffix
        let objects = folder + "/objects"
        // An init that was cut off left its unfinished catalogue; other people's objects are not ours to remove.
        guard FileSystem.exists(unfinished) || !FileSystem.exists(objects) || Self.exists(in: folder) else {
            throw Failure(.input, "\(folder) holds something named 'objects' that is no project's; choose another folder with -C DIR")
        }
        try FileSystem.makeFolder(folder)
        self.folder = folder
        lock = try FolderLock(folder + "/" + Self.lockName)
        guard !Self.exists(in: folder) else {
            throw Failure(.input, "\(folder) already holds a project; choose another folder with -C DIR")
        }
        if FileSystem.exists(unfinished) {
            if FileSystem.exists(objects) { try FileSystem.removeTree(objects) }
            for name in [unfinished + "-journal", unfinished] { try FileSystem.remove(name) }
        }
        database = try Database(unfinished, .create)
        try FileSystem.makeFolder(objects)
        try database.execute("PRAGMA application_id = \(Self.applicationID)")
        try database.execute("PRAGMA user_version = \(Self.formatVersion)")
        try database.execute(Self.schema)
    }

    /// Makes a created project visible; before this, the folder holds none. The store must not be used afterwards:
    /// SQLite must not have a file open whose name changes.
    public func publishCreation() throws {
        database.close()
        try FileSystem.rename(Self.cataloguePath(folder) + FileSystem.temporarySuffix, to: Self.cataloguePath(folder))
    }

    /// Undoes a creation that was not published.
    public func abandonCreation() throws {
        database.close()
        for name in ["objects", "catalogue.sqlite" + FileSystem.temporarySuffix, Self.lockName] where FileSystem.exists(folder + "/" + name) {
            try FileSystem.removeTree(folder + "/" + name)
        }
    }

    private static let schema = """
        CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE objects (
            number INTEGER PRIMARY KEY, file TEXT NOT NULL UNIQUE, kind INTEGER NOT NULL, block INTEGER NOT NULL,
            bytes INTEGER NOT NULL, digest BLOB NOT NULL, condemned INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE row_blocks (
            part INTEGER NOT NULL, block INTEGER NOT NULL, slots INTEGER NOT NULL,
            object INTEGER NOT NULL REFERENCES objects, PRIMARY KEY (part, block)) WITHOUT ROWID;
        CREATE TABLE rows (
            id TEXT PRIMARY KEY, part INTEGER NOT NULL, block INTEGER NOT NULL, slot INTEGER NOT NULL,
            "group" TEXT, request INTEGER) WITHOUT ROWID;
        CREATE UNIQUE INDEX rows_by_place ON rows (part, block, slot);
        CREATE TABLE influences (
            block INTEGER PRIMARY KEY, object INTEGER NOT NULL REFERENCES objects, base_exact INTEGER NOT NULL);
        CREATE TABLE corrections (block INTEGER PRIMARY KEY, object INTEGER NOT NULL REFERENCES objects);
        CREATE TABLE keyframes (block INTEGER PRIMARY KEY, object INTEGER NOT NULL REFERENCES objects);
        CREATE TABLE requests (
            number INTEGER PRIMARY KEY, report TEXT NOT NULL, sample BLOB NOT NULL, classes BLOB NOT NULL);
        """

    func pragma(_ name: String) throws -> Int { try database.rows("PRAGMA \(name)") { $0.integer(0) }.first ?? 0 }

    /// All changes in `body` are committed together; then the files of condemned objects are removed.
    public func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        let result = try database.transaction(body)
        do {
            try sweep()
        } catch {
            throw Failure(.failed, "the change is made, but files that it replaced are still there (\(error)); the next command that writes removes them")
        }
        return result
    }

    // MARK: - Settings

    public func setting(_ key: String) throws -> String? {
        try database.rows("SELECT value FROM settings WHERE key = ?", .text(key)) { $0.text(0) }.first
    }

    public func set(_ key: String, to value: String) throws {
        try database.run("INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", .text(key), .text(value))
    }

    // MARK: - What a crash leaves behind

    private func clearRemains() throws {
        try sweep()
        let known = Set(try database.rows("SELECT file FROM objects") { $0.text(0) })
        var removed = false
        for name in try FileSystem.names(in: objectsFolder) where !known.contains(name) {
            try FileSystem.remove(objectsFolder + "/" + name)
            removed = true
        }
        if removed { try FileSystem.synchroniseFolder(objectsFolder) }
        nextNumber = 1 + (try database.rows("SELECT max(number) FROM objects") { $0.integer(0) }.first ?? 0)
    }

    func takeNumber() -> Int {
        defer { nextNumber += 1 }
        return nextNumber
    }
}

extension Store {
    /// Has SQLite verify the catalogue's pages, indices and references.
    public func checkCatalogue() throws {
        let faults =
            try database.rows("PRAGMA integrity_check") { $0.text(0) }.filter { $0 != "ok" }
            + database.rows("PRAGMA foreign_key_check") { "table \($0.text(0)) refers to an object that is not there" }
        guard faults.isEmpty else {
            throw Failure(.damaged, "the catalogue is damaged: \(faults.prefix(3).joined(separator: "; ")); restore the project from a backup")
        }
    }
}
