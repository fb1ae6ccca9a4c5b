import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("The log behind a command")
struct EmptyLogTests {
    private let project: SampleProject
    private var log: String { project.catalogue + "-wal" }

    init() throws { project = try SampleProject() }

    @Test("A writer that goes away leaves an empty log, and all that it committed")
    func emptied() throws {
        do {
            let store = try project.writer()
            try store.transaction { change in try change.set("recipe", to: "changed") }
            #expect(try FileSystem.length(log) ?? 0 > 0)
        }
        #expect(try FileSystem.length(log) == 0)
        #expect(try FileSystem.exists(project.catalogue + "-shm") && project.reader().setting("recipe") == "changed")
    }

    @Test("A log that a crash left is emptied by the next writer before it does anything else, not by a reader")
    func leftByCrash() throws {
        let copy: TemporaryFolder
        do {
            let store = try project.writer()
            try store.commit { change in try change.set("recipe", to: "changed") }
            copy = try project.copy()
        }
        let left = try FileSystem.length(copy.file("catalogue.sqlite-wal")) ?? 0
        #expect(left > 0)
        #expect(try Store(opening: copy.path, .read).setting("recipe") == "changed")
        #expect(try FileSystem.length(copy.file("catalogue.sqlite-wal")) == left)
        let store = try Store(opening: copy.path, .write)
        #expect(try FileSystem.length(copy.file("catalogue.sqlite-wal")) == 0)
        #expect(try store.setting("recipe") == "changed")
    }

    @Test("A log whose content nobody knows to be whole is left alone")
    func uncertain() throws {
        do {
            let store = try project.writer()
            try store.commit { change in try change.set("recipe", to: "changed") }
            store.uncertainty = SystemCallError(operation: "sync", path: "F", code: 5)
        }
        #expect(try FileSystem.length(log) ?? 0 > 0)
        #expect(try project.writer().setting("recipe") == "changed")
    }

    @Test("A writer whose lock somebody removed leaves the log of the one that took its place alone")
    func removedLock() throws {
        var store: Store? = try project.writer()
        try FileSystem.remove(project.folder.file("unlearn.lock"))
        let other = try project.writer()
        try other.commit { change in try change.set("recipe", to: "other") }
        let bytes = try FileSystem.read(log)
        #expect(bytes.count > 0)
        let error = #expect(throws: Failure.self) { try store?.compact() }
        #expect(error?.description.hasPrefix("somebody removed ") == true)
        store = nil
        #expect(try FileSystem.read(log) == bytes)
        try other.transaction { change in try change.set("classes", to: "other") }
        #expect(try project.reader().setting("recipe") == "other")
    }

    @Test("The door is shut while a log is emptied, and readers pass it before they see anything")
    func door() throws {
        let store = try project.writer(), reader = try project.reader()
        try store.commit { change in try change.set("recipe", to: "changed") }
        var passed = 0
        let fixing = try #require(reader.database.fixingView)
        reader.database.fixingView = { fix in
            try fixing {
                passed += 1
                try fix()
            }
        }
        #expect(try reader.snapshot { try reader.database.rows("SELECT count(*) FROM settings") { $0.integer(0) } } == [2])
        #expect(passed == 1)
        // Whoever empties the log passes no door, and has none to wait for.
        #expect(store.database.fixingView == nil)
        try store.emptyLog()
        #expect(try FileSystem.length(log) == 0)
        #expect(try reader.snapshot { try reader.ledger().count } == 1 && passed == 2)
    }
}
