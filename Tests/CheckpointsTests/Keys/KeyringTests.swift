import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("The keyring")
struct KeyringTests {
    private let project: SampleProject

    init() throws { project = try SampleProject() }

    /// Every value in the catalogue that the keyring is needed for.
    private struct Sealed {
        let keyring: [UInt8]
        let objects: [ObjectName: [UInt8]]
        /// Settings, reports and perishable disclosures.
        let others: [String: [UInt8]]

        init(_ store: Store) throws {
            keyring = try #require(try store.database.rows("SELECT keyring FROM project") { $0.blob(0) }.first)
            objects = Dictionary(
                uniqueKeysWithValues: try store.database.rows("SELECT name, cell FROM objects") { (ObjectName(bytes: $0.blob(0)), $0.blob(1)) })
            let queries = [
                "SELECT 'setting ' || key, value FROM settings", "SELECT 'request ' || number, cell FROM requests",
                "SELECT 'disclosures ' || position, perishable FROM disclosures",
            ]
            others = Dictionary(uniqueKeysWithValues: try queries.flatMap { try store.database.rows($0) { ($0.text(0), $0.blob(1)) } })
        }
    }

    /// What is in an object's cell, opened as the specification says; nil where the key opens nothing.
    private func content(_ cell: [UInt8], of name: ObjectName, by keyring: SecretKey, _ store: Store) -> [UInt8]? {
        cell.withUnsafeBytes { keyring.open($0, context: Array("unlearn object".utf8) + name.bytes + store.keys.projectID) }
    }

    private func replaceInfluence(_ store: Store, block: Int = 2, version: UInt64 = 1) throws {
        try store.transaction { change in
            try change.setInfluence(store.stage(SampleProject.record(.influence, block, version: version)), baseIsExact: true)
        }
    }

    @Test("Each object has a key of its own, which is not in its cell as it stands")
    func ownKeys() throws {
        let store = try project.reader()
        let objects = try store.objects()
        let keys = try objects.map { Array(try #require(content($0.cell, of: $0.name, by: store.keyring, store)).suffix(32)) }
        #expect(keys.count == 9)
        #expect(Set(keys).count == 9 && !keys.contains([UInt8](repeating: 0, count: 32)))
        for (object, key) in zip(objects, keys) { #expect(!object.cell.contains(key)) }
    }

    @Test("Without encryption objects have no keys, and their entries are sealed all the same")
    func plain() throws {
        let project = try SampleProject(encryption: .none), store = try project.reader()
        for object in try store.objects() {
            let opened = try #require(content(object.cell, of: object.name, by: store.keyring, store))
            #expect(opened == object.entry.encoded(key: nil))
            #expect(!object.cell.contains(Array(opened.prefix(40))))
        }
    }

    @Test("Every cell of an object has one length, whatever the object is", arguments: [Encryption.none, .xchacha20poly1305])
    func oneLength(encryption: Encryption) throws {
        let project = try SampleProject(encryption: encryption), store = try project.writer()
        try store.transaction { change in
            try change.setUtilities(UtilityRecord(key: SHA256(of: [1]), playerCount: 2, entries: []))
            try change.setCorrection(store.stage(SampleProject.record(.correction, 1)))
        }
        #expect(try Set(store.objects().map(\.cell.count)) == [ObjectEntry.length + SecretKey.sealOverhead])
    }

    @Test("A cell is worth nothing in another object's place")
    func boundToObject() throws {
        let store = try project.writer()
        let objects = try store.objects()
        try store.database.run("UPDATE objects SET cell = ? WHERE name = ?", .blob(objects[0].cell), .blob(objects[1].name.bytes))
        let error = #expect(throws: Failure.self) { _ = try store.loadIndex { throw $0 } }
        #expect(
            error == Failure(
                .damaged, "\(project.catalogue): the entry of object \(objects[1].name) cannot be opened; "
                    + "run 'unlearn check' and restore the project from a backup"))
    }

    @Test("When objects are destroyed, the keyring and everything that it sealed are sealed anew, and everything is read as before")
    func renewal() throws {
        let store = try project.writer()
        let number = try store.beginRequest(ids: ["train-1-1"], details: .string("begun"))
        try store.transaction { change in
            var publication = Store.Publication(report: "the report", details: .null)
            publication.untilDeletion = ["state": .string("a digest")]
            publication.whileStitched = ["agreement": .number(0.5)]
            let evidence = try store.stage(StoredEvidence(sample: [1], classes: [2]), ofRun: number)
            try change.publishRequest(number, publication, written: [], evidence: evidence)
        }
        let before = try Sealed(store), oldKeyring = store.keyring
        let replaced = try #require(store.index.object(.influence, 2)).name
        // As a lineage holds them that is read again and again, whatever is put away meanwhile.
        let links = try store.links().filter { $0.block != 2 }
        try replaceInfluence(store)
        for link in links {
            #expect(
                try store.influence(link, latticeBits: SampleProject.bits, count: SampleProject.parameters) == SampleProject.record(.influence, link.block).vector)
        }
        let after = try Sealed(store)
        #expect(after.keyring != before.keyring)
        #expect(store.keyring.exposed != oldKeyring.exposed)
        #expect(before.objects.count == 10 && after.objects.count == 10 && after.objects[replaced] == nil)
        for (name, cell) in before.objects where name != replaced { #expect(after.objects[name] != nil && after.objects[name] != cell) }
        #expect(Set(after.others.keys) == Set(["setting recipe", "setting groups", "request 1"] + (0...3).map { "disclosures \($0)" }))
        for (name, value) in after.others { #expect(before.others[name] != nil && value != before.others[name], "\(name)") }
        // The old keyring's key opens nothing that is there now.
        for (name, cell) in after.objects {
            #expect(content(cell, of: name, by: oldKeyring, store) == nil && content(cell, of: name, by: store.keyring, store) != nil)
        }
        for reopened in [store, try project.reader()] {
            #expect(try reopened.setting("recipe") == "{}")
            #expect(try reopened.groupNames() == SampleProject.groups)
            #expect(try reopened.request(number)?.report == "the report")
            #expect(try reopened.evidence(ofRun: number)?.classes == [2])
            let published = try #require(try reopened.ledger().map(\.entry).first { $0.event == .deletionPublished })
            #expect(published["state"] == .string("a digest") && published["agreement"] == .number(0.5))
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
            try store.commit { change in try change.removeKeyframes { $0 >= 2 } }
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
        try store.transaction { change in try change.setCorrection(store.stage(SampleProject.record(.correction, 1))) }
        let after = try Sealed(store)
        #expect(after.keyring == before.keyring)
        for (name, cell) in before.objects { #expect(after.objects[name] == cell) }
        #expect(after.others == before.others)
    }

    @Test("A reader opened before a destruction reads what it would have read, or is told to come again; never anything else",
          arguments: [Encryption.none, .xchacha20poly1305])
    func overtakenReader(encryption: Encryption) throws {
        let project = try SampleProject(encryption: encryption)
        let reader = try project.reader(), links = try reader.links(), objects = try reader.objects(), blocks = try reader.rowBlocks(.train)
        do {
            let store = try project.writer()
            try store.transaction { change in
                try change.setInfluence(store.stage(SampleProject.record(.influence, 2, version: 1)), baseIsExact: true)
                try change.setRows(store.stage(SampleProject.rows(.train, 2).emptying([1])))
                try change.markDeleted(["train-2-1"], request: 1)
            }
        }
        let influence = { try reader.influence($0, latticeBits: SampleProject.bits, count: SampleProject.parameters) }
        let rows = { try reader.rows($0, featureCount: SampleProject.features, bytesPerFeature: 1) }
        // What is destroyed cannot be read any more.
        let overtaken = Failure(.locked, "the project changed while it was being read; run the command again")
        #expect(#expect(throws: Failure.self) { _ = try influence(links[1]) } == overtaken)
        #expect(#expect(throws: Failure.self) { _ = try rows(blocks[1]) } == overtaken)
        for object in objects where object.block == 2 && [.influence, .trainRows].contains(object.kind) {
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
            try project.putBack(bytes)
        }
    }
}
