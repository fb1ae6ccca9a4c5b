import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("The keyring")
struct KeyringTests {
    private let project: SampleProject

    init() throws { project = try SampleProject() }

    /// Every value in the catalogue that a key is needed for.
    private struct Sealed {
        let keyring: [UInt8]
        let keys: [Int: [UInt8]]
        let settings: [String: [UInt8]]

        init(_ store: Store) throws {
            keyring = try #require(try store.database.rows("SELECT keyring FROM project") { $0.blob(0) }.first)
            keys = Dictionary(uniqueKeysWithValues: try store.database.rows("SELECT number, key FROM objects") { ($0.integer(0), $0.blob(1)) })
            settings = Dictionary(uniqueKeysWithValues: try store.database.rows("SELECT key, value FROM settings") { ($0.text(0), $0.blob(1)) })
        }
    }

    private func replaceInfluence(_ store: Store, block: Int = 2, version: UInt64 = 1) throws {
        try store.transaction {
            try store.setInfluence(store.stage(SampleProject.record(.influence, block, version: version)), baseIsExact: true)
        }
    }

    @Test("Each object has a key of its own, which is not its wrapped form")
    func ownKeys() throws {
        let store = try project.reader()
        let keys = try store.objects().map { try #require(try store.unwrap($0.wrappedKey, ofObject: $0.number, by: store.keyring)).exposed }
        #expect(keys.count == 9)
        #expect(Set(keys).count == 9)
        for (object, key) in zip(try store.objects(), keys) { #expect(!object.wrappedKey.contains(key)) }
    }

    @Test("A wrapped key is worth nothing in another object's place")
    func boundToObject() throws {
        let store = try project.reader()
        let objects = try store.objects()
        let error = #expect(throws: Failure.self) { _ = try store.unwrap(objects[0].wrappedKey, ofObject: objects[1].number, by: store.keyring) }
        #expect(
            error == Failure(
                .damaged, "\(project.catalogue): the key of object \(objects[1].number) cannot be opened; "
                    + "run 'unlearn check' and restore the project from a backup"))
    }

    @Test("When objects are destroyed, the keyring, all wrapped keys and all settings are sealed anew, and everything is read as before")
    func renewal() throws {
        let store = try project.writer()
        let before = try Sealed(store), oldKeyring = store.keyring
        let survivors = try store.objects().filter { $0.file.hasSuffix("-influence-2") == false }
        try replaceInfluence(store)
        let after = try Sealed(store)
        #expect(after.keyring != before.keyring)
        #expect(store.keyring.exposed != oldKeyring.exposed)
        for object in survivors { #expect(after.keys[object.number] != nil && after.keys[object.number] != before.keys[object.number]) }
        #expect(Set(after.settings.keys) == ["recipe", "groups"])
        for (name, value) in after.settings { #expect(value != before.settings[name]) }
        // The old keyring's key opens nothing that is there now.
        for (number, wrapped) in after.keys { #expect(throws: Failure.self) { _ = try store.unwrap(wrapped, ofObject: number, by: oldKeyring) } }
        for reopened in [store, try project.reader()] {
            #expect(try reopened.setting("recipe") == "{}")
            #expect(try reopened.groupNames() == SampleProject.groups)
            #expect(try reopened.influence(of: 1) == SampleProject.record(.influence, 1).vector)
            #expect(try reopened.influence(of: 2) == SampleProject.record(.influence, 2, version: 1).vector)
            for block in [0, 2] { #expect(try reopened.keyframe(of: block) == SampleProject.record(.keyframe, block).vector) }
            for block in 1...3 { #expect(try reopened.rowsRecord(.train, block) == SampleProject.rows(.train, block)) }
            try reopened.checkCatalogue()
        }
    }

    @Test("A destruction by the next writer renews the keyring too")
    func renewalByNextWriter() throws {
        let before: Sealed
        do {
            let store = try project.writer()
            before = try Sealed(store)
            try store.commit { try store.removeKeyframes(from: 2) }
            #expect(try Sealed(store).keyring == before.keyring)
        }
        let store = try project.writer()
        #expect(try Sealed(store).keyring != before.keyring)
        #expect(try store.influence(of: 2) == SampleProject.record(.influence, 2).vector)
    }

    @Test("A transaction that destroys nothing leaves keys as they are")
    func noRenewal() throws {
        let store = try project.writer()
        let before = try Sealed(store)
        try store.transaction { try store.setCorrection(store.stage(SampleProject.record(.correction, 1))) }
        let after = try Sealed(store)
        #expect(after.keyring == before.keyring)
        for (number, wrapped) in before.keys { #expect(after.keys[number] == wrapped) }
    }

    @Test("A reader opened before a destruction reads what it would have read, or is told to come again; never anything else",
          arguments: [Encryption.none, .xchacha20poly1305])
    func overtakenReader(encryption: Encryption) throws {
        let project = try SampleProject(encryption: encryption)
        let reader = try project.reader(), links = try reader.chainLinks(), objects = try reader.objects(), blocks = try reader.rowBlocks(.train)
        do {
            let store = try project.writer()
            try store.transaction {
                try store.setInfluence(store.stage(SampleProject.record(.influence, 2, version: 1)), baseIsExact: true)
                try store.setRows(store.stage(SampleProject.rows(.train, 2).emptying([1])), part: .train, slots: SampleProject.slots)
                try store.markDeleted(["train-2-1"], request: 1)
            }
        }
        let influence = { try reader.influence($0, latticeBits: SampleProject.bits, count: SampleProject.parameters) }
        let rows = { try reader.rows($0, featureCount: SampleProject.features, bytesPerFeature: 1) }
        // What is destroyed cannot be read any more.
        let overtaken = Failure(.locked, "the project changed while it was being read; run the command again")
        #expect(#expect(throws: Failure.self) { _ = try influence(links[1]) } == overtaken)
        #expect(#expect(throws: Failure.self) { _ = try rows(blocks[1]) } == overtaken)
        for object in objects where object.file.hasSuffix("-influence-2") || object.file.hasSuffix("-rows-2") && object.kind == .trainRows {
            #expect(#expect(throws: Failure.self) { _ = try reader.contents(of: object) } == overtaken)
        }
        /// What is read, or nil where the reader is told to come again.
        func unlessOvertaken<Value>(_ body: () throws -> Value) throws -> Value? {
            do { return try body() } catch let failure as Failure where failure == overtaken { return nil }
        }
        for index in [0, 2] {
            let read = try unlessOvertaken { try influence(links[index]) }
            #expect(read == nil || read == SampleProject.record(.influence, index + 1).vector)
            let record = try unlessOvertaken { try rows(blocks[index]) }
            #expect(record == nil || record == SampleProject.rows(.train, index + 1))
        }
        let recipe = try unlessOvertaken { try reader.setting("recipe") }
        #expect(recipe == nil || recipe == "{}")
        // Opened again, it reads everything.
        let again = try project.reader()
        #expect(try again.influence(of: 2) == SampleProject.record(.influence, 2, version: 1).vector)
        #expect(try again.rowsRecord(.train, 2) == SampleProject.rows(.train, 2).emptying([1]))
    }

    @Test("A keyring that cannot be opened is damage", arguments: [Store.Access.read, .write, .inspect])
    func damagedKeyring(access: Store.Access) throws {
        for change in ["x''", "zeroblob(72)", "randomblob(72)", "substr(keyring, 1, 71)", "keyring || x'00'"] {
            let bytes = try FileSystem.read(project.catalogue)
            try project.database().execute("UPDATE project SET keyring = \(change)")
            let error = #expect(throws: Failure.self) { _ = try takingLock { try Store(opening: project.path, access) } }
            #expect(
                error == Failure(
                    .damaged, "\(project.catalogue): the keyring cannot be opened with the project's key; "
                        + "run 'unlearn check' and restore the project from a backup"), "\(change)")
            try project.folder.write(bytes, to: "catalogue.sqlite")
        }
    }
}
