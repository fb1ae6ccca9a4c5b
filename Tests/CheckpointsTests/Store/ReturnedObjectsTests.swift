import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Destroyed objects that somebody puts back")
struct ReturnedObjectsTests {
    private let project: SampleProject
    /// The files that R1 and R2 destroy, as they were.
    private let destroyed: [(name: String, bytes: [UInt8], request: Int)]

    init() throws { (project, destroyed) = try Self.prepared(.xchacha20poly1305) }

    private static func prepared(_ encryption: Encryption) throws -> (SampleProject, [(name: String, bytes: [UInt8], request: Int)]) {
        let project = try SampleProject(encryption: encryption), store = try project.writer()
        var destroyed: [(name: String, bytes: [UInt8], request: Int)] = []
        for (request, block) in [(1, 2), (2, 3)] {
            let old = try [#require(store.index.object(.trainRows, block)), #require(store.index.object(.influence, block))]
            destroyed += try old.map { ($0.file, try FileSystem.read(store.path(of: $0)), request) }
            let id = SampleProject.id(.train, block, 1)
            let number = try store.beginRequest(ids: [id], details: .null)
            try #require(number == request)
            try store.transaction { change in
                try change.markDeleted([id], request: number)
                try change.setRows(store.stage(SampleProject.rows(.train, block).emptying([1])))
                try change.setInfluence(store.stage(SampleProject.record(.influence, block, version: 1)), baseIsExact: true)
                try change.publishRequest(number, .init(report: "{}", details: .null), written: [], evidence: nil)
            }
        }
        return (project, destroyed)
    }

    /// That the next writer destroys these strays, and tells of those that came back.
    private func expectDestroyed(_ strays: [(name: String, request: Int?)], in project: SampleProject) throws {
        let files = try project.files(), entries = try project.reader().ledger().count
        let expected = strays.map { Store.StrayFile(name: $0.name, destroyedBy: $0.request) }.sorted { $0.name < $1.name }
        for store in [try project.reader(), try project.inspector()] { #expect(try store.strayFiles() == expected) }
        // Looking changes nothing.
        #expect(try project.files() == files)
        // Opened, to look at the content when its name is gone.
        let opened = try strays.map { try #require(FileHandle(forReadingAtPath: project.folder.file("objects/" + $0.name))) }
        let store = try project.writer()
        #expect(try project.files() == store.objects().map(\.file).sorted())
        for file in opened { #expect(try file.readToEnd()?.allSatisfy { $0 == 0 } ?? true) }
        let returned = strays.filter { $0.request != nil }
        let told = try store.ledger().dropFirst(entries).map(\.entry)
        #expect(told.map(\.event) == (returned.isEmpty ? [] : [.erasedAgain]))
        if let entry = told.first {
            let requests = Set(returned.compactMap(\.request)).sorted().map { JSONValue.string("R\($0)") }
            #expect(entry.details == .object(["objects": .integer(returned.count), "requests": .array(requests)]))
            #expect(entry.request == nil)
        }
        #expect(try store.ledgerFaults() == [])
        try store.checkCatalogue()
    }

    @Test("Under their own names they are found, whatever is in them, and destroyed again", arguments: [Encryption.none, .xchacha20poly1305])
    func byName(encryption: Encryption) throws {
        let (project, destroyed) = try Self.prepared(encryption)
        for (index, object) in destroyed.enumerated() {
            try project.folder.write(index == 0 ? [1, 2, 3] : object.bytes, to: "objects/" + object.name)
        }
        try expectDestroyed(destroyed.map { ($0.name, $0.request) }, in: project)
        // The next writer finds nothing to do.
        let entries = try project.reader().ledger().count
        #expect(try project.writer().ledger().count == entries)
    }

    @Test("Under other names they are found by their content, and destroyed again", arguments: [Encryption.none, .xchacha20poly1305])
    func byContent(encryption: Encryption) throws {
        let (project, destroyed) = try Self.prepared(encryption)
        let names = ["copy of it", "b.bak", ".hidden", ObjectName.random().description]
        for (name, object) in zip(names, destroyed) { try project.folder.write(object.bytes, to: "objects/" + name) }
        try expectDestroyed(zip(names, destroyed).map { ($0, $1.request) }, in: project)
    }

    @Test("What an unfinished change left beside them is destroyed too and not told of")
    func beside() throws {
        try project.folder.write("rubbish", to: "objects/a")
        var changed = destroyed[2].bytes
        changed[changed.count - 1] ^= 1
        try project.folder.write(changed, to: "objects/b")
        try project.folder.write(destroyed[2].bytes, to: "objects/c")
        try expectDestroyed([("a", nil), ("b", nil), ("c", 2)], in: project)
    }

    @Test("What was replaced without a deletion is an ordinary stray when it comes back")
    func replacedOnly() throws {
        let old = try project.file(of: .keyframe, 2), bytes = try FileSystem.read(old.path)
        do {
            let store = try project.writer()
            try store.transaction { change in try change.removeKeyframes { $0 >= 2 } }
        }
        try project.folder.write(bytes, to: "objects/" + old.name)
        try expectDestroyed([(old.name, nil)], in: project)
    }

    @Test("A link to a copy is removed and not followed; a folder with a copy in it goes, and the copy is overwritten")
    func links() throws {
        let aside = try TemporaryFolder(), copy = try aside.write(destroyed[0].bytes, to: "copy")
        #expect(symlink(copy, project.folder.file("objects/link")) == 0)
        try FileSystem.makeFolder(project.folder.file("objects/folder"))
        try project.folder.write(destroyed[0].bytes, to: "objects/folder/file")
        let inner = try #require(FileHandle(forReadingAtPath: project.folder.file("objects/folder/file")))
        #expect(try project.reader().strayFiles() == ["folder", "link"].map { Store.StrayFile(name: $0, destroyedBy: nil) })
        let store = try project.writer()
        #expect(try project.files() == store.objects().map(\.file).sorted())
        #expect(try FileSystem.read(copy) == destroyed[0].bytes)
        #expect(try inner.readToEnd() == Data(count: destroyed[0].bytes.count))
    }

    @Test("A stray that is a second name of somebody's file goes, and the file keeps its content, whatever the stray is called")
    func linkedElsewhere() throws {
        let aside = try TemporaryFolder(), precious = Array("somebody's own".utf8)
        try FileSystem.makeFolder(project.folder.file("objects/folder"))
        let names = ["a", destroyed[0].name, "folder/b"]
        for (index, name) in names.enumerated() {
            try #require(link(aside.write(precious, to: "\(index)"), project.folder.file("objects/" + name)) == 0)
        }
        let strays = try project.reader().strayFiles()
        #expect(strays.filter { $0.destroyedBy != nil } == [Store.StrayFile(name: destroyed[0].name, destroyedBy: 1)] && strays.count == 3)
        let store = try project.writer()
        #expect(try project.files() == store.objects().map(\.file).sorted())
        for index in names.indices { #expect(try FileSystem.read(aside.file("\(index)")) == precious, "\(names[index])") }
    }

    @Test("A destroyed object that comes back under two names is destroyed under both, and so is one that is condemned now")
    func linkedCopies() throws {
        let aside = try TemporaryFolder()
        for (index, name) in [destroyed[0].name, "other"].enumerated() {
            try #require(link(aside.write(destroyed[index].bytes, to: "\(index)"), project.folder.file("objects/" + name)) == 0)
        }
        try #require(link(project.file(of: .keyframe, 2).path, aside.file("2")) == 0)
        let store = try project.writer()
        try store.transaction { change in try change.removeKeyframes { $0 >= 2 } }
        for index in 0...2 { #expect(try FileSystem.read(aside.file("\(index)")).allSatisfy { $0 == 0 }, "\(index)") }
        #expect(try project.files() == store.objects().map(\.file).sorted())
    }

    @Test("A stray that claims to be a terabyte long takes neither memory nor space, and goes", .timeLimit(.minutes(60)))
    func sparse() throws {
        let path = try project.folder.write("rubbish", to: "objects/sparse")
        try #require(truncate(path, 1 << 40) == 0)
        let file = try #require(FileHandle(forReadingAtPath: path))
        #expect(try project.reader().strayFiles() == [Store.StrayFile(name: "sparse", destroyedBy: nil)])
        let store = try project.writer()
        #expect(try project.files() == store.objects().map(\.file).sorted())
        #expect(try file.read(upToCount: 7) == Data(count: 7))
        var status = stat()
        try #require(fstat(file.fileDescriptor, &status) == 0)
        #expect(status.st_blocks < 1 << 10)
    }
}
