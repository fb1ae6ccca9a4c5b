import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Damaged projects")
struct StoreDamageTests {
    private let project: SampleProject

    init() throws { project = try SampleProject() }

    /// The kind of failure that the body ends with.
    private func kind(_ body: () throws -> Void) -> FailureKind? {
        do {
            try body()
            return nil
        } catch {
            return (error as? any DescribedError)?.kind
        }
    }

    /// Opens for reading and for writing, and has the catalogue checked.
    private func outcome(_ access: Store.Access) -> FailureKind? {
        kind { try (access == .read ? project.reader() : project.writer()).checkCatalogue() }
    }

    // MARK: - Objects

    private func alteration(of kind: ObjectKind, _ block: Int, _ alter: (inout [UInt8]) -> Void, _ read: (Store) throws -> Void) throws -> Failure? {
        let (path, name) = try project.file(of: kind, block)
        var bytes = try FileSystem.read(path)
        alter(&bytes)
        try project.folder.write(bytes, to: "objects/" + name)
        let store = try project.reader()
        return #expect(throws: Failure.self) { try read(store) }
    }

    @Test("An object whose bytes were altered is damage that names the file and what is in it")
    func altered() throws {
        let path = try project.file(of: .influence, 2).path
        let length = try FileSystem.read(path).count
        let faults = [
            0: "is not an object file", 9: "is another object than the catalogue names", 31: "is another object than the catalogue names",
            40: "is not what was sealed with its key", length / 2: "is not what was sealed with its key",
            length - 1: "is not what was sealed with its key",
        ]
        for (place, fault) in faults {
            let message = "\(path) (influence 2) \(fault); run 'unlearn check' and restore the project from a backup"
            let flip = { (bytes: inout [UInt8]) in bytes[place] ^= 0x10 }
            let error = try alteration(of: .influence, 2, flip) { _ = try $0.influence(of: 2) }
            #expect(error == Failure(.damaged, message))
            // Undone: altering twice restores the file.
            var bytes = try FileSystem.read(path)
            flip(&bytes)
            try project.folder.write(bytes, to: "objects/" + FileSystem.name(of: path))
        }
        #expect(try project.reader().influence(of: 2) == SampleProject.record(.influence, 2).vector)
    }

    @Test("An object cut short, emptied or made longer is damage")
    func wrongLength() throws {
        let alterations: [(inout [UInt8]) -> Void] = [{ $0.append(0) }, { $0.removeLast(2) }, { $0 = [] }]
        for alter in alterations { #expect(try alteration(of: .keyframe, 2, alter) { _ = try $0.keyframe(of: 2) }?.kind == .damaged) }
    }

    @Test("Altered rows are damage")
    func alteredRows() throws {
        #expect(try alteration(of: .trainRows, 3, { $0[40] ^= 1 }) { _ = try $0.rowsRecord(.train, 3) }?.kind == .damaged)
    }

    @Test("A valid file in another's place is damage", arguments: [Encryption.none, .xchacha20poly1305])
    func exchanged(encryption: Encryption) throws {
        let project = try SampleProject(encryption: encryption)
        let (one, other) = (try project.file(of: .trainRows, 1), try project.file(of: .trainRows, 2))
        let bytes = try [one, other].map { try FileSystem.read($0.path) }
        try project.folder.write(bytes[1], to: "objects/" + one.name)
        try project.folder.write(bytes[0], to: "objects/" + other.name)
        for block in [1, 2] { #expect(kind { _ = try project.reader().rowsRecord(.train, block) } == .damaged) }
    }

    @Test("A missing object is damage that names the file")
    func missing() throws {
        let path = try project.file(of: .influence, 2).path
        try FileSystem.remove(path)
        let error = #expect(throws: Failure.self) { _ = try project.reader().influence(of: 2) }
        #expect(error == Failure(.damaged, "\(path) (influence 2) is missing; run 'unlearn check' and restore the project from a backup"))
    }

    @Test("Other objects of a damaged project are still read")
    func othersAreRead() throws {
        try FileSystem.remove(try project.file(of: .influence, 2).path)
        #expect(try project.reader().influence(of: 3) == SampleProject.record(.influence, 3).vector)
    }

    // MARK: - The catalogue

    /// As the file's header says (sqlite.org/fileformat.html, section 1.3.2).
    private func pageSize(_ catalogue: [UInt8]) -> Int { Int(catalogue[16]) << 8 | Int(catalogue[17]) }

    @Test(
        "A catalogue that is something else is damage",
        arguments: [[], Array("not a database".utf8), [UInt8](repeating: 0, count: 4096), [UInt8](repeating: 0xA5, count: 10_000)].map(Abridged.init),
        [Store.Access.read, .write])
    func garbage(bytes: Abridged<[UInt8]>, access: Store.Access) throws {
        try project.putBack(bytes.value)
        #expect(outcome(access) == .damaged)
        // Nothing was taken for rubbish of a crash.
        #expect(try project.files().count == 9)
    }

    @Test("A database of another program is damage", arguments: [Store.Access.read, .write])
    func foreign(access: Store.Access) throws {
        try project.database().execute("PRAGMA application_id = 1")
        let error = #expect(throws: Failure.self) { _ = try access == .read ? project.reader() : project.writer() }
        #expect(error == Failure(.damaged, "\(project.catalogue) is not a project's catalogue; restore the project from a backup"))
    }

    @Test("A catalogue cut short is damage", arguments: [Store.Access.read, .write])
    func cutShort(access: Store.Access) throws {
        let bytes = try FileSystem.read(project.catalogue)
        let page = pageSize(bytes)
        for length in [100, page, bytes.count / 2 / page * page, bytes.count - page] {
            try project.putBack(Array(bytes[..<length]))
            #expect(outcome(access) == .damaged, "\(length) of \(bytes.count) bytes")
        }
    }

    @Test("A catalogue with any page overwritten is damage", arguments: [Store.Access.read, .write])
    func overwrittenPages(access: Store.Access) throws {
        let bytes = try FileSystem.read(project.catalogue)
        let size = pageSize(bytes)
        for page in 0..<bytes.count / size {
            var altered = bytes
            for index in page * size..<(page + 1) * size { altered[index] = 0xA5 }
            try project.putBack(altered)
            #expect(outcome(access) == .damaged, "page \(page)")
        }
        // Nothing was taken for rubbish of a crash.
        #expect(try project.files().count == 9)
    }

    @Test(
        "A project of a newer version is refused, not called damaged, whatever its tables are",
        arguments: [Store.Access.read, .write, .inspect], [9, 260])
    func newer(access: Store.Access, version: Int) throws {
        let message = "the project in \(project.path) was made by a newer version (format \(version), this program reads 5 to 8); update unlearn"
        for change in ["", "; ALTER TABLE project RENAME TO projects"] {
            try project.database().execute("PRAGMA user_version = \(version)" + change)
            let error = #expect(throws: Failure.self) { _ = try takingLock { try Store(opening: project.path, access) } }
            #expect(error == Failure(.input, message))
        }
    }

    @Test(
        "A project of an older version is refused, not called damaged, whatever its tables are",
        arguments: [Store.Access.read, .write, .inspect], [0, 2, 4])
    func older(access: Store.Access, version: Int) throws {
        let files = try project.files()
        let message =
            "the project in \(project.path) was made by an older version (format \(version), this program reads 5 to 8); make it anew with 'unlearn init'"
        for change in ["", "; ALTER TABLE project RENAME TO projects"] {
            try project.database().execute("PRAGMA user_version = \(version)" + change)
            let error = #expect(throws: Failure.self) { _ = try takingLock { try Store(opening: project.path, access) } }
            #expect(error == Failure(.input, message))
        }
        #expect(try project.files() == files)
    }

    @Test("A project under the number of an earlier format is damage", arguments: [Store.Access.read, .write], [5, 6, 7])
    func anotherVersion(access: Store.Access, version: Int) throws {
        try project.database().execute("PRAGMA user_version = \(version)")
        #expect(outcome(access) == .damaged)
    }

    @Test(
        "Tables that are missing are damage",
        arguments: ["objects", "rows", "requests", "destroyed", "ledger", "disclosures", "tree_heads", "settings", "project"])
    func missingTable(name: String) throws {
        try project.database().execute("PRAGMA foreign_keys = OFF; DROP TABLE \(name)")
        #expect(outcome(.read) == .damaged)
    }

    @Test("A plain object whose own digest was made to fit is still found out when it is read")
    func refittedDigest() throws {
        let project = try SampleProject(encryption: .none)
        let store = try project.reader(), object = try #require(store.index.object(.keyframe, 0))
        let form = SealedObject(encryption: .none, kind: .keyframe, block: 0, name: object.name, projectID: store.keys.projectID)
        var content = try store.contents(of: object)
        content[content.count / 2] ^= 1
        let forged = form.seal(content, key: nil)
        // The file is whole and says that it is this object.
        #expect((try? form.open(forged, key: nil).get()) == content && forged.count == object.bytes)
        try project.folder.write(forged, to: "objects/" + object.file)
        let error = #expect(throws: Failure.self) { _ = try project.reader().keyframe(of: 0) }
        #expect(
            error == Failure(
                .damaged, "\(store.path(of: object)) (keyframe 0) is not what was written there: its digest is another; "
                    + "run 'unlearn check' and restore the project from a backup"))
    }

    @Test("An object that is listed no more is damage, and the check finds it")
    func unlisted() throws {
        let name = try #require(try project.inspector().index.object(.influence, 2)).name
        try project.database().run("DELETE FROM objects WHERE name = ?", .blob(name.bytes))
        #expect(outcome(.read) == .damaged && outcome(.write) == .damaged)
        // Its file is not taken for rubbish of a crash.
        #expect(try project.files().contains(name.description))
        let store = try project.inspector()
        #expect(kind { try store.checkCatalogue() } == .damaged)
    }

    /// The fault of a catalogue in which one object has another cell or name.
    private func entryFault(_ change: (Database, StoredObject, Store) throws -> Void) throws -> Failure? {
        let whole = try FileSystem.read(project.catalogue)
        let file: String
        do {
            let store = try project.inspector(), object = try #require(store.index.object(.influence, 2))
            try change(try project.database(), object, store)
            file = object.file
        }
        // Whoever only looks gets in, and is told: one entry that cannot be read hides no other fault.
        let inspector = try project.inspector(), faults = inspector.indexFaults
        let writer = #expect(throws: Failure.self) { _ = try project.writer() }
        #expect(faults.count == 1 && writer?.kind == .damaged)
        // The file of that object is no rubbish, unless its very name was changed.
        let isNamed = try project.database().rows("SELECT count(*) FROM objects WHERE hex(name) = upper(?)", .text(file)) { $0.integer(0) } == [1]
        #expect(try inspector.strayFiles().map(\.name) == (isNamed ? [] : [file]))
        let error = faults.first.map { Failure(.damaged, $0) }
        try project.putBack(whole)
        return error
    }

    @Test("An entry of an object that was changed cannot be opened", arguments: [0, 23, 24, 100, 150])
    func changedEntry(place: Int) throws {
        var name = ""
        let error = try entryFault { database, object, _ in
            name = object.file
            var cell = object.cell
            cell[place] ^= 1
            try database.run("UPDATE objects SET cell = ? WHERE name = ?", .blob(cell), .blob(object.name.bytes))
        }
        #expect(error?.description.hasPrefix("\(project.catalogue): the entry of object \(name) cannot be opened; ") == true)
    }

    @Test("A sealed entry with an unknown kind, and a name that is none, are damage")
    func unreadableEntry() throws {
        let unknown = try entryFault { database, object, store in
            var content = object.entry.encoded(key: .random())
            content[0] = 9
            let context = Array("unlearn object".utf8) + object.name.bytes + store.keys.projectID
            let cell = content.withUnsafeBytes { store.keyring.seal($0, context: context) }
            try database.run("UPDATE objects SET cell = ? WHERE name = ?", .blob(cell), .blob(object.name.bytes))
        }
        #expect(unknown?.description.contains(" is not readable; ") == true)
        for name in [[], [1], [UInt8](repeating: 1, count: 17)] as [[UInt8]] {
            let error = try entryFault { database, object, _ in
                try database.run("UPDATE objects SET name = ? WHERE name = ?", .blob(name), .blob(object.name.bytes))
            }
            #expect(error?.description.hasPrefix("\(project.catalogue): an object's name is not readable; ") == true)
        }
    }

    @Test("A table whose description was changed is damage", arguments: [Store.Access.read, .write])
    func changedDescription(access: Store.Access) throws {
        do {
            let database = try project.database()
            try database.execute("PRAGMA writable_schema = ON")
            try database.execute("UPDATE sqlite_schema SET sql = replace(sql, 'cell BLOB NOT NULL', 'cell BLOB') WHERE name = 'rows'")
        }
        #expect(outcome(access) == .damaged)
    }
}
