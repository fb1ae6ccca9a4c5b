import TestSupport
import Testing

@testable import TortureSupport

@Suite("Disk whose power fails")
struct DiskTests {
    private var disk = Disk(root: "/r")
    private var random = SeededGenerator(3)

    private mutating func apply(_ kind: Change.Kind, _ path: String = "", _ descriptor: Int32 = 3, _ offset: Int = 0, _ payload: [UInt8]? = nil) throws {
        try disk.apply(Change(kind: kind, descriptor: descriptor, offset: offset, payload: payload ?? Array(path.utf8)))
    }

    private mutating func left(_ survival: Disk.Survival) throws -> Disk.Image { try disk.survivors(survival, using: &random) }

    /// A file on the disk, with its folder synced.
    private mutating func makeFile(_ bytes: [UInt8]) throws {
        try apply(.open, "/r", 9)
        try apply(.open, "/r/file")
        try apply(.write, "", 3, 0, bytes)
        try apply(.sync)
        try apply(.sync, "", 9)
    }

    @Test("A file that was synced is not there before its folder is, too")
    mutating func nameless() throws {
        try apply(.open, "/r", 9)
        try apply(.open, "/r/file")
        try apply(.write, "", 3, 0, [1, 2])
        try apply(.sync)
        #expect(try left(.nothing) == [:])
        #expect(try left(.everything) == ["file": [1, 2]])
        try apply(.sync, "", 9)
        #expect(try left(.nothing) == ["file": [1, 2]])
    }

    @Test("A file that was not synced may be empty")
    mutating func empty() throws {
        try apply(.open, "/r", 9)
        try apply(.open, "/r/file")
        try apply(.write, "", 3, 0, [1, 2])
        try apply(.sync, "", 9)
        #expect(try left(.nothing) == ["file": []])
        #expect(try left(.everything) == ["file": [1, 2]])
    }

    @Test("Of an unsynced write, any sectors arrive, each whole")
    mutating func sectors() throws {
        try makeFile([UInt8](repeating: 1, count: 1500))
        try apply(.write, "", 3, 100, [UInt8](repeating: 2, count: 1400))
        var seen: Set<[UInt8]> = []
        for _ in 0..<200 {
            let bytes = try #require(try left(.something)["file"] ?? nil)
            #expect(bytes.count == 1500 && bytes[..<100].allSatisfy { $0 == 1 })
            for sector in [100..<512, 512..<1024, 1024..<1500] { #expect(Set(bytes[sector]).count == 1, "a sector arrived in part") }
            seen.insert(bytes)
        }
        #expect(seen.count == 8)
    }

    @Test("A renaming happens or does not, and never leaves both names or none")
    mutating func renaming() throws {
        try makeFile([5])
        try apply(.rename, "/r/file\0/r/new")
        var seen: Set<[String]> = []
        for _ in 0..<50 { seen.insert(try left(.something).keys.sorted()) }
        #expect(seen == [["file"], ["new"]])
        try apply(.sync, "", 9)
        #expect(try left(.nothing) == ["new": [5]])
    }

    @Test("A removed file comes back unless its folder was synced")
    mutating func removal() throws {
        try makeFile([5])
        try apply(.unlink, "/r/file")
        #expect(try left(.nothing) == ["file": [5]])
        #expect(try left(.everything) == [:])
        try apply(.sync, "", 9)
        #expect(try left(.nothing) == [:])
    }

    @Test("A folder's files need the folder, too")
    mutating func folders() throws {
        try apply(.open, "/r", 9)
        try apply(.makeFolder, "/r/folder")
        try apply(.open, "/r/folder", 8)
        try apply(.open, "/r/folder/file")
        try apply(.sync, "", 8)
        #expect(try left(.nothing) == [:])
        try apply(.sync, "", 9)
        let wanted: Disk.Image = ["folder": nil, "folder/file": []]
        #expect(try left(.nothing) == wanted)
    }

    @Test("Lengths are kept like bytes")
    mutating func lengths() throws {
        try makeFile([1, 2, 3])
        try apply(.truncate, "", 3, 1, [])
        #expect(try left(.nothing) == ["file": [1, 2, 3]])
        #expect(try left(.everything) == ["file": [1]])
        try apply(.extend, "", 3, 4, [])
        #expect(try left(.everything) == ["file": [1, 0, 0, 0]])
        try apply(.sync)
        #expect(try left(.nothing) == ["file": [1, 0, 0, 0]])
    }

    @Test("What the trace cannot follow is an error, SQLite's index of its log aside")
    mutating func unseen() throws {
        try makeFile([1])
        try apply(.open, "/r/log-shm", 4)
        try apply(.unseen, "", 4)
        #expect(try left(.everything) == ["file": [1]])
        try apply(.unseen)
        #expect(throws: Finding.self) { try left(.everything) }
    }
}
