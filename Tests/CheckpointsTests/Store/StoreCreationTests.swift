import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Creating and opening a project")
struct StoreCreationTests {
    private func refusal(_ body: () throws -> Store) -> Failure? {
        #expect(throws: Failure.self) { _ = try body() }
    }

    @Test("A project is not there before it is published, and there after")
    func publishes() throws {
        let folder = try TemporaryFolder()
        let store = try Store(creating: folder.path)
        try store.transaction { change in
            try change.set("key", to: "value")
            try change.append(LedgerEntry(.created))
        }
        #expect(!Store.exists(in: folder.path))
        #expect(refusal { try Store(opening: folder.path, .read) }?.kind == .noProject)
        try store.publishCreation()
        #expect(Store.exists(in: folder.path))
        #expect(try Store(opening: folder.path, .read).setting("key") == "value")
        // SQLite's log and its index stay, so that the log can be overwritten before it is emptied.
        let names = [
            "catalogue.sqlite", "catalogue.sqlite-shm", "catalogue.sqlite-wal", "ledger-witness", "objects", "project.key",
            "signing-key.pem", "unlearn.lock",
        ]
        #expect(try FileSystem.names(in: folder.path) == names)
        #expect(try FileSystem.length(folder.file("catalogue.sqlite-wal")) == 0)
    }

    @Test("A created project opens with everything that was put in", arguments: [Encryption.none, .xchacha20poly1305])
    func opens(encryption: Encryption) throws {
        let project = try SampleProject(encryption: encryption)
        for store in [try project.reader(), try project.writer()] {
            #expect(try store.links().map(\.block) == [1, 2, 3])
            for block in 1...3 { #expect(try store.influence(of: block) == SampleProject.record(.influence, block).vector) }
            for block in [0, 2] { #expect(try store.keyframe(of: block) == SampleProject.record(.keyframe, block).vector) }
            for block in 1...3 { #expect(try store.rowsRecord(.train, block) == SampleProject.rows(.train, block)) }
            #expect(try store.rowsRecord(.test, 1) == SampleProject.rows(.test, 1))
            #expect(try store.groupNames() == SampleProject.groups)
            #expect(try store.ledger().map(\.entry.event) == [.created])
            #expect(try store.strayFiles().isEmpty)
            #expect(try store.ledgerFaults().isEmpty)
            #expect(try store.keyFaults().isEmpty)
            try store.checkCatalogue()
        }
    }

    @Test("A folder without a project is named", arguments: [Store.Access.read, .write])
    func noProject(access: Store.Access) throws {
        let folder = try TemporaryFolder()
        for path in [folder.path, folder.file("absent")] {
            let message = "no project in \(path); make one with 'unlearn init' or name its folder with -C DIR"
            #expect(refusal { try Store(opening: path, access) } == Failure(.noProject, message))
        }
        #expect(try FileSystem.names(in: folder.path).isEmpty)
    }

    @Test("A folder that holds a project already is refused, and the project stays as it is")
    func existing() throws {
        let project = try SampleProject()
        let before = try project.reader().everything(), files = try project.files()
        let error = refusal { try takingLock { try Store(creating: project.path) } }
        #expect(error == Failure(.input, "\(project.path) already holds a project; choose another folder with -C DIR"))
        #expect(try project.writer().everything() == before)
        #expect(try project.files() == files)
    }

    @Test("A second writer is refused while the first lives, and admitted after")
    func secondWriter() throws {
        let project = try SampleProject()
        do {
            let first = try project.writer()
            try withExtendedLifetime(first) {
                #expect(refusal { try Store(opening: project.path, .write) }?.kind == .locked)
                // The refusal takes nothing from the first.
                try first.transaction { change in try change.set("key", to: "value") }
                #expect(refusal { try Store(opening: project.path, .write) }?.kind == .locked)
            }
        }
        #expect(try project.writer().setting("key") == "value")
    }

    @Test("While a project is being made, another maker is refused")
    func secondMaker() throws {
        let folder = try TemporaryFolder()
        let first = try Store(creating: folder.path)
        #expect(refusal { try Store(creating: folder.path) }?.kind == .locked)
        try first.transaction { change in
            try change.set("key", to: "value")
            try change.append(LedgerEntry(.created))
        }
        try first.publishCreation()
        #expect(try Store(opening: folder.path, .read).setting("key") == "value")
    }

    @Test("Readers open while a writer lives, even in the middle of its transaction, and see what is committed")
    func readersMeanwhile() throws {
        let project = try SampleProject()
        let writer = try project.writer()
        try writer.transaction { change in
            try change.set("key", to: "value")
            let reader = try project.reader()
            #expect(try reader.setting("key") == nil)
            #expect(try reader.influence(of: 1) == SampleProject.record(.influence, 1).vector)
        }
        #expect(try project.reader().setting("key") == "value")
    }

    @Test("A reader cannot change the catalogue")
    func readOnly() throws {
        let project = try SampleProject()
        let reader = try project.reader()
        #expect(throws: DatabaseError.self) { try reader.transaction { change in try change.set("key", to: "value") } }
        #expect(try project.reader().setting("key") == nil)
    }

    @Test("An abandoned creation leaves the folder as it was")
    func abandons() throws {
        let folder = try TemporaryFolder()
        try folder.write("mine", to: "data.csv")
        let store = try Store(creating: folder.path)
        _ = try store.stage(SampleProject.record(.keyframe, 0))
        try store.abandonCreation()
        #expect(try FileSystem.names(in: folder.path) == ["data.csv"])
    }

    @Test("A creation that was cut off is no project, and the next one starts afresh")
    func cutOff() throws {
        let folder = try TemporaryFolder()
        do {
            let store = try Store(creating: folder.path)
            try store.transaction { change in try change.setKeyframe(store.stage(SampleProject.record(.keyframe, 0))) }
            try store.transaction { change in try change.set("key", to: "old") }
        }
        #expect(!Store.exists(in: folder.path))
        let store = try takingLock { try Store(creating: folder.path) }
        #expect(try store.setting("key") == nil)
        #expect(try store.objects().isEmpty)
        #expect(try store.strayFiles().isEmpty)
        try store.transaction { change in try change.append(LedgerEntry(.created)) }
        try store.publishCreation()
        try Store(opening: folder.path, .read).checkCatalogue()
    }

    @Test("A project cannot be made below a folder that is not there")
    func missingParent() throws {
        let folder = try TemporaryFolder()
        #expect(throws: Failure.self) { _ = try Store(creating: folder.file("absent/project")) }
    }

    @Test("Settings are kept, replaced and told apart by their keys", arguments: ["", "größe 🧠", "'; DROP TABLE settings; --", "line\nbreak"])
    func settings(text: String) throws {
        let project = try SampleProject()
        do {
            let store = try project.writer()
            try store.transaction { change in
                try change.set("key", to: "first")
                try change.set("key", to: text)
                try change.set(text, to: "by key")
            }
        }
        let store = try project.reader()
        #expect(try store.setting("key") == text)
        #expect(try store.setting(text) == "by key")
        #expect(try store.setting("absent") == nil)
    }
}
