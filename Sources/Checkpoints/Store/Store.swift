import Files

/// A project's folder: a catalogue (SQLite) that says what is there, and write-once object files that hold it.
///
///     catalogue.sqlite     settings, rows, objects and their keys, requests, ledger: sealed cells
///     objects/             lattice records, blocks of rows and evidence, one encrypted file each
///     project.key          the key to all of it, unless it is kept elsewhere
///     signing-key.pem      the public key that evidence is checked with
///     ledger-witness       how far the ledger has come, outside the catalogue
///     unlearn.lock         held by the one writer
///
/// A change writes its new objects first, then commits one transaction that names them and condemns the old ones, then
/// destroys the condemned files and their keys. Whatever a crash leaves behind is cleared by the next writer: files
/// that the catalogue does not name, condemned ones, and requests that were begun and not published.
///
/// The folder is opened once and everything in it is reached through its descriptor: a project that is moved, or a link that is
/// pointed elsewhere, while a command runs makes it touch no other project.
public final class Store {
    public let folder: String
    let projectFolder: OpenFolder
    let objectsFolder: OpenFolder
    let database: Database
    let keys: ProjectKeys
    /// Seals entries of objects, settings and reports; another one after each destruction.
    var keyring: SecretKey
    /// Every object as the catalogue names it.
    var index = ObjectIndex()
    /// Sums of parts of the table of rows, as they are being changed; nil: not read yet. Parts that were verified, and whether all were.
    var rowSums: RowSums?
    var verifiedParts: Set<Int> = []
    var allRowsAreVerified = false
    /// Over all entries in the table of rows; part of the manifest.
    var rowsSum = RowsSum.zero
    /// The ledger's entries before the running transaction added to it; nil: it added none.
    var ledgerSizeBefore: Int?
    /// The tree head that the running transaction signed.
    var signedHead: TreeHead?
    /// The tree head that the witness does not vouch for yet, and the place of the witness where an attempt to write it failed.
    var unwitnessedHead: TreeHead?
    var failedWitnessPlace: Int?
    /// In front of a row's id, in what its cell is bound to.
    let rowContextPrefix: [UInt8]

    private let lock: FolderLock?
    /// Requests that were published and not closed, and those that were begun and not published, when this project was opened
    /// for writing: opening it finished the first and undid the second.
    package internal(set) var finishedOnOpening: [Int] = []
    package internal(set) var undoneOnOpening: [Int] = []
    /// Whether object files were made whose folder is not synced yet.
    private var folderIsUnsynced = false
    /// The failure after which nobody knows what is on the device; from then on nothing is committed or removed.
    var uncertainty: (any Error)?
    /// Entries of objects that a store opened to be inspected cannot read.
    package private(set) var indexFaults: [String] = []
    /// What SQLite counts of other connections' commits: a reader's view is whole as long as it stays.
    private var dataVersion = 0

    public enum Access: Sendable {
        case read
        case write
        /// To look at a store that may be damaged: nothing is verified on opening.
        case inspect
    }

    static let lockName = "unlearn.lock"
    static let publicKeyName = "signing-key.pem"
    static let catalogueName = "catalogue.sqlite"
    static let objectsName = "objects"
    /// The catalogue of a project that is being made.
    static let unfinishedName = catalogueName + FileSystem.temporarySuffix

    static func cataloguePath(_ folder: String) -> String { folder + "/" + catalogueName }
    var cataloguePath: String { Self.cataloguePath(folder) }

    /// Whether a folder holds a project.
    public static func exists(in folder: String) -> Bool { FileSystem.exists(cataloguePath(folder)) }

    /// Throws where a folder holds none.
    public static func expectProject(in folder: String) throws {
        guard try FileSystem.length(cataloguePath(folder)) != nil else {
            throw Failure(.noProject, "no project in \(folder); make one with 'unlearn init' or name its folder with -C DIR")
        }
    }

    /// Whether this process is the one that may change the project.
    public var isWritable: Bool { lock != nil }
    public var encryption: Encryption { keys.encryption }
    public var projectID: String { Hexadecimal.encode(keys.projectID) }
    public var publicKey: PublicKey { keys.signing.publicKey }
    var signingKey: SigningKey { keys.signing }

    /// Opens an existing project. Writers take the lock and clear what a crash left behind.
    public init(opening folder: String, _ access: Access) throws {
        let path = Self.cataloguePath(folder)
        try Self.expectProject(in: folder)
        guard FileSystem.isRegularFile(path) else { throw Failure(.damaged, "\(path) is no regular file; restore the project from a backup") }
        self.folder = folder
        projectFolder = try OpenFolder(folder)
        lock = access == .write ? try FolderLock(folder + "/" + Self.lockName) : nil
        guard FileSystem.isFolder(projectFolder.path(of: Self.objectsName)) else {
            throw Failure(.damaged, "\(projectFolder.path(of: Self.objectsName)) is missing; restore the project from a backup")
        }
        objectsFolder = try OpenFolder(Self.objectsName, in: projectFolder)
        (isCreation, madeKey, madeFolder) = (false, false, false)
        let isInFolder = lock?.isInPlace(as: Self.lockName, in: projectFolder) ?? true
        database = try Database(path, access == .write ? .write : .read)
        let version = try Self.version(folder, database)
        versionFound = version
        do {
            keys = try Self.openKeys(folder, database)
        } catch where !Self.readableVersions.contains(version) {
            throw Self.otherVersion(version, folder)
        }
        guard Self.readableVersions.contains(version) else { throw Self.otherVersion(version, folder) }
        rowContextPrefix = Array("unlearn row".utf8) + keys.projectID
        keyring = SecretKey.random()
        // SQLite has opened files by path: they are this folder's if the path led here all the time.
        guard isInFolder, projectFolder.isAtItsPath else {
            throw Self.moved(folder)
        }
        if access != .write { database.fixingView = { [objectsFolder] in try objectsFolder.passDoor($0) } }
        // Before anything that it is compared for: the keyring of one state must not be taken for another's.
        dataVersion = try database.pragma("data_version")
        // The witness before the ledger, which may only have grown since.
        let expected = access == .inspect ? nil : try expectedLedger()
        try database.snapshot {
            keyring = try loadKeyring()
            rowsSum = try loadRowsSum()
            if access != .inspect { try verifyManifest() }
            index = try loadIndex { fault in
                guard access == .inspect else { throw fault }
                indexFaults.append(fault.description)
            }
            if let expected { try verifyLedger(against: expected) }
        }
        if access == .write {
            guard try setting(Self.workingCopySetting) == nil else {
                throw Failure(.input, "\(folder) is a working copy for jobs, which nobody writes to: name the project that it was made of, and end the copy with 'unlearn jobs remove'")
            }
            try database.useLog()
            try clearRemains()
        }
    }

    deinit {
        // What a log keeps of a finished command would be overwritten by the next one; it need not lie there so long. One that
        // cannot be emptied now is emptied then.
        if lock != nil, uncertainty == nil, !database.isClosed, (try? projectFolder.length(Self.catalogueName + "-wal")) ?? 0 > 0 { try? emptyLog() }
    }

    private static func moved(_ folder: String) -> Failure { Failure(.locked, "\(folder) was moved while it was opened; run the command again") }

    /// Throws where this process is no longer the one that may change the folder that it has open.
    func expectLockInPlace() throws {
        guard let lock, !lock.isInPlace(as: Self.lockName, in: projectFolder) else { return }
        throw Failure(
            .failed, "somebody removed \(folder)/\(Self.lockName): another command may be writing; run this one again, and leave the file there")
    }

    /// The format's version that a catalogue names.
    private static func version(_ folder: String, _ database: Database) throws -> Int {
        guard try database.pragma("application_id") == applicationID else {
            throw Failure(.damaged, "\(cataloguePath(folder)) is not a project's catalogue; restore the project from a backup")
        }
        return try database.pragma("user_version")
    }

    private static func otherVersion(_ version: Int, _ folder: String) -> Failure {
        let (age, advice) = version > formatVersion ? ("a newer", "update unlearn") : ("an older", "make it anew with 'unlearn init'")
        return Failure(.input, "the project in \(folder) was made by \(age) version (format \(version), this program reads \(readableVersions.lowerBound) to \(readableVersions.upperBound)); \(advice)")
    }

    private static func openKeys(_ folder: String, _ database: Database) throws -> ProjectKeys {
        let identity = try database.rows("SELECT id, public_key, encryption FROM project") { ($0.blob(0), $0.blob(1), Encryption(rawValue: $0.integer(2))) }
        guard let (projectID, publicKey, encryption) = identity.first, projectID.count == projectIDLength, let encryption else {
            throw Failure(.damaged, "\(cataloguePath(folder)) does not say which project it is; restore the project from a backup")
        }
        let file = KeyFile.locate(for: folder)
        let keys = ProjectKeys(try file.read(), projectID: projectID, encryption: encryption)
        guard keys.signing.publicKey.bytes == publicKey else {
            throw Failure(
                file.isOwn ? .damaged : .input, "the key in \(file.path) is not this project's; put the right file there or name it with \(KeyFile.variable)")
        }
        return keys
    }

    private static let projectIDLength = 16

    /// Makes an empty project in a folder that has none, with a key of its own unless `UNLEARN_KEY_FILE` names one.
    /// - Parameter ownKey: whether the key is made anew, whatever is named elsewhere.
    public init(creating folder: String, encryption: Encryption = .xchacha20poly1305, ownKey: Bool = false) throws {
        let madeFolder = try FileSystem.makeFolder(folder), projectFolder = try OpenFolder(folder)
        let keyFile = ownKey ? KeyFile.own(of: folder) : KeyFile.locate(for: folder), givenKey: SecretKey?, lock: FolderLock
        do {
            try Self.refuseOthers(in: projectFolder)
            givenKey = FileSystem.exists(keyFile.path) ? try keyFile.read() : nil
            lock = try FolderLock(Self.lockName, in: projectFolder)
        } catch {
            if madeFolder { projectFolder.removeIfEmpty() }
            throw error
        }
        guard !projectFolder.exists(Self.catalogueName) else { throw Self.alreadyThere(folder) }
        (self.folder, self.projectFolder, self.lock, self.madeFolder, isCreation, versionFound) = (folder, projectFolder, lock, madeFolder, true, Self.formatVersion)
        // A key elsewhere may be another project's by the time that this creation fails.
        var madeKey = false
        do {
            if projectFolder.exists(Self.unfinishedName) {
                try projectFolder.removeTree(Self.objectsName)
                for name in [Self.witnessName, Self.publicKeyName, Self.unfinishedName] { try projectFolder.remove(name) }
            }
            _ = try projectFolder.open(Self.unfinishedName, .createNew)
            // It tells our own 'objects' from other people's, also after the power failed.
            try projectFolder.synchronise()
            database = try Database(folder + "/" + Self.unfinishedName, .fill)
            // SQLite opens files by path.
            guard projectFolder.isAtItsPath, lock.isInPlace(as: Self.lockName, in: projectFolder) else { throw Self.moved(folder) }
            let newKey = givenKey == nil ? try keyFile.createUnlessThere(in: projectFolder) : nil
            madeKey = newKey != nil && keyFile.isOwn
            if newKey != nil { try keyFile.expectPrivate() }
            keys = ProjectKeys(try givenKey ?? newKey ?? keyFile.read(), projectID: Sodium.random(Self.projectIDLength), encryption: encryption)
            rowContextPrefix = Array("unlearn row".utf8) + keys.projectID
            let (keyring, wrapped) = Self.newKeyring(keys)
            self.keyring = keyring
            try projectFolder.makeFolder(Self.objectsName)
            objectsFolder = try OpenFolder(Self.objectsName, in: projectFolder)
            _ = try Array(keys.signing.publicKey.pem.utf8).withUnsafeBytes { try projectFolder.publish($0, as: Self.publicKeyName, replacing: true) }
            try database.execute("PRAGMA application_id = \(Self.applicationID)")
            try database.execute("PRAGMA user_version = \(Self.formatVersion)")
            try database.execute(Self.schema)
            try database.run(
                "INSERT INTO project VALUES (1, ?, ?, ?, ?, ?, x'')", .blob(keys.projectID), .blob(keys.signing.publicKey.bytes),
                .integer(encryption.rawValue), .blob(wrapped), .blob(rowsSum.bytes))
            // A key that was read by path is this folder's if the path led here all the time.
            guard projectFolder.isAtItsPath else { throw Self.moved(folder) }
        } catch {
            // The first error is the one to hear of; what stays is taken away by the next attempt.
            try? Self.removeCreation(from: projectFolder, lock, madeKey: madeKey, madeFolder: madeFolder)
            throw error
        }
        self.madeKey = madeKey
        folderIsUnsynced = true
        rowSums = RowSums(rows: 0)
    }

    /// A creation that was cut off left its unfinished catalogue, which tells that the rest is ours. Other people's files that
    /// are called like ours are not ours to write over or to remove.
    private static func refuseOthers(in folder: OpenFolder) throws {
        guard !folder.exists(catalogueName) else { return }
        func refuse(_ name: String) -> Failure {
            Failure(.input, "\(folder.path) holds something named '\(name)' that is no project's; choose another folder with -C DIR")
        }
        // A creation keeps its journal in memory, and a log is there only beside a catalogue.
        for name in Database.logSuffixes.flatMap({ [catalogueName + $0, unfinishedName + $0] }) where folder.exists(name) { throw refuse(name) }
        guard folder.exists(unfinishedName) else {
            for name in [objectsName, publicKeyName, witnessName] where folder.exists(name) { throw refuse(name) }
            return
        }
        guard try isUnfinishedCatalogue(in: folder) else { throw refuse(unfinishedName) }
        for (name, most) in [(publicKeyName, PublicKey.pemLength), (witnessName, mostWitnessBytes)] where folder.exists(name) {
            guard let length = try folder.lengthOfUnshared(name), length <= most else { throw refuse(name) }
        }
        // Anybody may have put something among the objects since.
        guard folder.exists(objectsName) else { return }
        guard folder.isFolder(objectsName) else { throw refuse(objectsName) }
        for name in try OpenFolder(objectsName, in: folder).names() where Hexadecimal.decode(name)?.count != ObjectName.length && name != ScratchFile.name {
            throw Failure(.input, "\(folder.path)/\(objectsName) holds '\(PathText.printable(name))', which no 'init' left there; move it elsewhere")
        }
    }

    /// Whether a creation that was cut off, by a power failure perhaps, may have left the file: nothing is in it yet, or nothing
    /// reached the device, or it says whose it is in its first page, which SQLite writes with the first of our statements.
    private static func isUnfinishedCatalogue(in folder: OpenFolder) throws -> Bool {
        guard let length = try folder.lengthOfUnshared(unfinishedName) else { return false }
        let header = min(length, 100), file = try folder.open(unfinishedName, .read)
        var bytes = [UInt8](repeating: 0, count: header)
        try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        if bytes.allSatisfy({ $0 == 0 }) { return true }
        let place = 68..<72
        return header == 100 && bytes.starts(with: Array("SQLite format 3\0".utf8)) && bytes[place].reduce(0) { $0 << 8 | Int($1) } == applicationID
    }

    private static func alreadyThere(_ folder: String) -> Failure {
        Failure(.input, "\(folder) already holds a project; choose another folder with -C DIR")
    }

    /// Whether this is a project that is being made; whether its making made its own key file, and its folder: they go where it is
    /// abandoned.
    let isCreation: Bool
    /// Of the format, as the catalogue named it when it was opened.
    private let versionFound: Int
    private let madeKey: Bool
    private let madeFolder: Bool

    /// Makes a created project visible; before this, the folder holds none. The store must not be used afterwards:
    /// SQLite must not have a file open whose name changes.
    /// - Parameter isWritten: whether anybody will write to it: where many machines read it in one place, they do without a log between them.
    public func publishCreation(isWritten: Bool = true) throws {
        try commit { _ in }
        guard !projectFolder.exists(Self.catalogueName) else { throw Self.alreadyThere(folder) }
        // The witness's name before the catalogue's: of names that are not on the device yet, a power failure may keep any.
        try projectFolder.synchronise()
        database.close()
        do {
            try projectFolder.rename(Self.unfinishedName, to: Self.catalogueName)
        } catch {
            // The name may be there without being on the device. A project without its objects must not be left, nor objects
            // without the file that tells whose they are.
            try? projectFolder.rename(Self.catalogueName, to: Self.unfinishedName)
            throw error
        }
        // The project is there. Its log, too, if that can be done now; the first writer does it otherwise.
        guard isWritten, projectFolder.isAtItsPath else { return }
        do { try Database(cataloguePath, .write).useLog() } catch {}
    }

    /// Undoes a creation that was not published, in the folder where it was begun, wherever the folder is by now.
    public func abandonCreation() throws {
        guard isCreation, let lock else { return }
        database.close()
        try Self.removeCreation(from: projectFolder, lock, madeKey: madeKey, madeFolder: madeFolder)
    }

    /// Removes what a creation made, and nothing else, from the folder that is held open; nothing where the lock is another maker's
    /// by now, or a project is there.
    private static func removeCreation(from folder: OpenFolder, _ lock: FolderLock, madeKey: Bool, madeFolder: Bool) throws {
        guard lock.isInPlace(as: lockName, in: folder), !folder.exists(catalogueName) else { return }
        try folder.removeTree(objectsName)
        // The unfinished catalogue tells whose the others are: it goes last.
        for name in [publicKeyName, witnessName] + (madeKey ? [KeyFile.name] : []) + [unfinishedName, lockName] { try folder.remove(name) }
        if madeFolder { folder.removeIfEmpty() }
    }

    /// One consistent view of the catalogue in `body`, whatever a writer commits meanwhile. Objects may be destroyed all the
    /// same: forgetting does not wait for readers.
    public func snapshot<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try database.snapshot(body)
        } catch let error as any DescribedError where error.kind == .damaged {
            // Only behind the view is it seen whether a writer took away what the view names.
            try expectUnchanged()
            throw error
        }
    }

    /// Names of the project's own files in its folder.
    static let ownNames =
        ([""] + Database.logSuffixes).map { catalogueName + $0 } + [unfinishedName, KeyFile.name, publicKeyName, witnessName, lockName]

    /// Throws where a file to be written would take the place of one of the project's own, or of no regular file, or cannot be written.
    public static func expectOutput(_ path: String, besideProject folder: String, replacing: Bool) throws {
        try OutputFile.expect(path, besideProject: folder, replacing: replacing)
    }

    /// Throws where a path, a file's or a folder's, leads to one of the project's own files or among its objects, however it is spelt.
    public static func refuseOwn(_ path: String, ofProject folder: String) throws {
        guard let place = FileSystem.place(of: path), let own = FileSystem.realPath(folder) else { return }
        let key = FileSystem.place(of: KeyFile.locate(for: folder).path)
        let ownPlaces = ownNames.map { own + "/" + $0 }, objects = own + "/" + objectsName
        guard !ownPlaces.contains(place), place != key, place != objects, !place.hasPrefix(objects + "/") else {
            throw Failure(.input, "\(path) is one of the project's own files; name another")
        }
    }

    /// Throws where a writer has changed the project since this reader opened it: what was read may not belong together.
    public func expectUnchanged() throws {
        if lock == nil, try database.pragma("data_version") != dataVersion { throw Self.overtaken }
    }

    private static let overtaken = Failure(.locked, "the project changed while it was being read; run the command again")

    /// A fault in what is stored; or, for a reader beside a writer, a view that has been overtaken.
    func fault(_ description: String) -> Failure {
        if lock == nil, (try? database.pragma("data_version")) != dataVersion { return Self.overtaken }
        return Failure(.damaged, description + "; run 'unlearn check' and restore the project from a backup")
    }

    // MARK: - Transactions

    /// All changes that `body` makes are committed together; then condemned objects are destroyed.
    public func transaction<Result>(_ body: (borrowing StoreChange) throws -> Result) throws -> Result {
        let result = try commitAlone(body)
        // A witness that cannot be written is told of below, when what was replaced is gone.
        _ = try? updateWitness()
        do {
            try destroyCondemned()
        } catch {
            throw Failure(.failed, "the change is made, but what it replaced may still be there (\(error)); the next command that writes destroys it")
        }
        try updateWitness()
        return result
    }

    /// Commits, and has the witness vouch for what the ledger has then.
    func commit<Result>(_ body: (borrowing StoreChange) throws -> Result) throws -> Result {
        let result = try commitAlone(body)
        try updateWitness()
        return result
    }

    /// Commits under a manifest made anew; everything staged is on the device before.
    func commitAlone<Result>(_ body: (borrowing StoreChange) throws -> Result) throws -> Result {
        if let uncertainty { throw uncertainty }
        try expectLockInPlace()
        // The sums of parts follow from the one of all.
        if versionFound < Self.formatVersion, try database.pragma("user_version") < Self.receiptsVersion { try expectVerifiedRows() }
        let before = (rowsSum, rowSums, verifiedParts, allRowsAreVerified, index)
        let result: Result
        do {
            result = try database.transaction {
                ledgerSizeBefore = nil
                signedHead = nil
                if versionFound < Self.formatVersion { try renewFormat() }
                let change = StoreChange(self), result = try body(change)
                try synchroniseObjects()
                try storeRowSums()
                if ledgerSizeBefore != nil { try change.signTreeHead() }
                try database.run("UPDATE project SET rows_sum = ?", .blob(rowsSum.bytes))
                try change.sealManifest()
                return result
            }
        } catch {
            (rowsSum, rowSums, verifiedParts, allRowsAreVerified, index) = before
            guard let uncertain = error as? UncertainCommit else { throw error }
            uncertainty = uncertain.cause
            throw uncertain.cause
        }
        if let signedHead { unwitnessedHead = signedHead }
        return result
    }

    /// An older program would not understand what this one may write: within a transaction, the first of which that is committed makes the
    /// catalogue one of this version.
    private func renewFormat() throws {
        let version = try database.pragma("user_version")
        guard version < Self.formatVersion else { return }
        if version < Self.receiptsVersion {
            try database.execute(Self.receiptsTable + Self.rowSumsTable)
            rowSums = try makeRowSums(for: countRows())
        }
        try database.execute("PRAGMA user_version = \(Self.formatVersion)")
    }

    /// Whether the catalogue has a table of receipts.
    var hasReceipts: Bool { get throws { try versionFound >= Self.receiptsVersion || database.pragma("user_version") >= Self.receiptsVersion } }

    /// Whether a commit failed in such a way that it may count all the same: nothing may be removed then.
    var isUncertain: Bool { uncertainty != nil }

    private func loadRowsSum() throws -> RowsSum {
        let bytes = try database.rows("SELECT rows_sum FROM project") { $0.blob(0) }.first ?? []
        guard bytes.count == RowsSum.length else { throw fault("\(cataloguePath) has no sum of its rows") }
        return RowsSum(bytes: bytes)
    }

    // MARK: - Object files

    /// Writes a new object file and syncs it; its name is synced with those of others before the next commit.
    func writeObject(_ bytes: [UInt8], name: String) throws {
        folderIsUnsynced = true
        do {
            let file = try objectsFolder.open(name, .createNew)
            try bytes.withUnsafeBytes { try file.write($0, at: 0) }
            try file.synchronise()
        } catch {
            // Without a name in the catalogue it is rubbish, whether or not it can be removed now.
            try? objectsFolder.remove(name)
            throw error
        }
    }

    private func synchroniseObjects() throws {
        guard folderIsUnsynced else { return }
        do {
            try objectsFolder.synchronise()
        } catch {
            // The kernel reports a failed sync once; a second try that succeeds would mean nothing.
            uncertainty = error
            throw error
        }
        folderIsUnsynced = false
    }
}
