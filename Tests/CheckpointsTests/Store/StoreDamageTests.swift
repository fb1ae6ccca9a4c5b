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

    private func object(_ suffix: String) throws -> (path: String, name: String) {
        let name = try #require(try project.files().first { $0.hasSuffix(suffix) })
        return (project.folder.file("objects/" + name), name)
    }

    private func alteration(of suffix: String, _ alter: (inout [UInt8]) -> Void, _ read: (Store) throws -> Void) throws -> Failure? {
        let (path, name) = try object(suffix)
        var bytes = try FileSystem.read(path)
        alter(&bytes)
        try project.folder.write(bytes, to: "objects/" + name)
        let store = try project.reader()
        return #expect(throws: Failure.self) { try read(store) }
    }

    @Test("An object whose bytes were altered is damage that names the file")
    func altered() throws {
        let path = try object("-influence-2").path
        let length = try FileSystem.read(path).count
        let faults = [
            0: "is not an object file", 9: "is another object than the catalogue names, or cut short",
            31: "is another object than the catalogue names, or cut short", 40: "is not what was sealed with its key",
            length / 2: "is not what was sealed with its key", length - 1: "is not what was sealed with its key",
        ]
        for (place, fault) in faults {
            let message = "\(path) \(fault); run 'unlearn check' and restore the project from a backup"
            let error = try alteration(of: "-influence-2", { $0[place] ^= 0x10 }) { _ = try $0.influence(of: 2) }
            #expect(error == Failure(.damaged, message))
            // Undone: altering twice restores the file.
            let (path, name) = try object("-influence-2")
            var bytes = try FileSystem.read(path)
            bytes[place] ^= 0x10
            try project.folder.write(bytes, to: "objects/" + name)
        }
        #expect(try project.reader().influence(of: 2) == SampleProject.record(.influence, 2).vector)
    }

    @Test("An object cut short, emptied or made longer is damage")
    func wrongLength() throws {
        #expect(try alteration(of: "-keyframe-2", { $0.append(0) }) { _ = try $0.keyframe(of: 2) }?.kind == .damaged)
        #expect(try alteration(of: "-keyframe-2", { $0.removeLast(2) }) { _ = try $0.keyframe(of: 2) }?.kind == .damaged)
        #expect(try alteration(of: "-keyframe-2", { $0 = [] }) { _ = try $0.keyframe(of: 2) }?.kind == .damaged)
    }

    @Test("Altered rows are damage")
    func alteredRows() throws {
        #expect(try alteration(of: "-rows-3", { $0[40] ^= 1 }) { _ = try $0.rowsRecord(.train, 3) }?.kind == .damaged)
    }

    @Test("A valid file in another's place is damage")
    func exchanged() throws {
        let other = try FileSystem.read(try object("-influence-1").path)
        #expect(try alteration(of: "-influence-2", { $0 = other }) { _ = try $0.influence(of: 2) }?.kind == .damaged)
    }

    @Test("A missing object is damage that names the file")
    func missing() throws {
        let path = try object("-influence-2").path
        try FileSystem.remove(path)
        let error = #expect(throws: Failure.self) { _ = try project.reader().influence(of: 2) }
        #expect(error == Failure(.damaged, "\(path) is missing; run 'unlearn check' and restore the project from a backup"))
    }

    @Test("Other objects of a damaged project are still read")
    func othersAreRead() throws {
        try FileSystem.remove(try object("-influence-2").path)
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
        try project.folder.write(bytes.value, to: "catalogue.sqlite")
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
            try project.folder.write(Array(bytes[..<length]), to: "catalogue.sqlite")
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
            try project.folder.write(altered, to: "catalogue.sqlite")
            #expect(outcome(access) == .damaged, "page \(page)")
        }
        // Nothing was taken for rubbish of a crash.
        #expect(try project.files().count == 9)
    }

    @Test("A project of a newer version is refused, not called damaged", arguments: [Store.Access.read, .write])
    func newer(access: Store.Access) throws {
        try project.database().execute("PRAGMA user_version = 5; ALTER TABLE project RENAME TO projects")
        let error = #expect(throws: Failure.self) { _ = try access == .read ? project.reader() : project.writer() }
        let message = "the project in \(project.path) was made by a newer version (format 5, this program reads 4); update unlearn"
        #expect(error == Failure(.input, message))
    }

    @Test("A project of an older version is refused, not called damaged", arguments: [Store.Access.read, .write])
    func older(access: Store.Access) throws {
        try project.database().execute("PRAGMA user_version = 2; ALTER TABLE project RENAME TO projects")
        let error = #expect(throws: Failure.self) { _ = try access == .read ? project.reader() : project.writer() }
        let message = "the project in \(project.path) was made by an older version (format 2, this program reads 4); make it anew with 'unlearn init'"
        #expect(error == Failure(.input, message))
    }

    @Test("A catalogue of this version that names another is damage", arguments: [Store.Access.read, .write, .inspect], [0, 3, 5, 260])
    func wrongVersion(access: Store.Access, version: Int) throws {
        try project.database().execute("PRAGMA user_version = \(version)")
        let error = #expect(throws: Failure.self) { _ = try takingLock { try Store(opening: project.path, access) } }
        #expect(error == Failure(.damaged, "\(project.catalogue) is of this version and names another (\(version)); restore the project from a backup"))
    }

    @Test("Tables that are missing are damage", arguments: ["objects", "rows", "influences", "utilities", "tree_heads", "settings", "project"])
    func missingTable(name: String) throws {
        try project.database().execute("PRAGMA foreign_keys = OFF; DROP TABLE \(name)")
        #expect(outcome(.read) == .damaged)
    }

    @Test("A plain object whose own digest was made to fit is still found out when it is read")
    func refittedDigest() throws {
        let folder = try TemporaryFolder(), path = folder.file("project")
        do {
            let store = try Store(creating: path, encryption: .none)
            try store.transaction { try store.setKeyframe(store.stage(SampleProject.record(.keyframe, 0))) }
            try store.publishCreation()
        }
        let name = try #require(try FileSystem.names(in: path + "/objects").first)
        var bytes = try FileSystem.read(path + "/objects/" + name)
        bytes[60] ^= 1
        bytes.replaceSubrange((bytes.count - 32)..., with: bytes.dropLast(32).withUnsafeBytes { Digest(of: $0) }.bytes)
        try folder.write(bytes, to: "project/objects/" + name)
        #expect(kind { _ = try Store(opening: path, .read).keyframe(of: 0) } == .damaged)
    }

    @Test("A chain that names an object which is not listed is damage, and the check finds it")
    func danglingReference() throws {
        do {
            let database = try project.database()
            try database.execute("PRAGMA foreign_keys = OFF")
            try database.execute("DELETE FROM objects WHERE number = (SELECT object FROM influences WHERE block = 2)")
        }
        #expect(outcome(.read) == .damaged)
        let store = try project.inspector()
        #expect(kind { _ = try store.influence(of: 2) } == .damaged)
        let error = #expect(throws: Failure.self) { try store.checkCatalogue() }
        #expect(error?.kind == .damaged)
        #expect(error?.description.contains("table influences refers to an object that is not there") == true)
    }

    @Test("An entry of an object with an unknown kind or half a digest is damage", arguments: ["kind = 9", "kind = -1", "digest = x'00'", "digest = x''"])
    func unreadableEntry(change: String) throws {
        try project.database().execute("UPDATE objects SET \(change) WHERE number = 1")
        #expect(kind { _ = try project.reader() } == .damaged)
        #expect(kind { _ = try project.inspector().objects() } == .damaged)
    }

    @Test("An index that does not fit its table is found by the check")
    func brokenIndex() throws {
        do {
            let database = try project.database()
            try database.execute("PRAGMA writable_schema = ON")
            try database.execute(
                "UPDATE sqlite_schema SET sql = replace(sql, 'part, block, slot', 'part, slot, block') WHERE name = 'rows_by_place'")
        }
        #expect(outcome(.read) == .damaged)
    }
}
