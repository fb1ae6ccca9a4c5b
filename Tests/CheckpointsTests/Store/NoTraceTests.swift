import Files
import TestSupport
import Testing

@testable import Checkpoints

/// Searches the raw bytes of every file of a project for what must not be there.
@Suite("What is in the files")
struct NoTraceTests {
    private static func found(_ needles: [String: [UInt8]], in folder: String) throws -> [String] {
        let files = try rawFiles(folder)
        return needles.flatMap { name, needle in files.filter { $0.bytes.contains(needle) }.map { "\(name) in \($0.path.dropFirst(folder.count + 1))" } }
    }

    private static let settingText = "the names of classes: apple, pear, quince"
    private static let reportText = "what was done to apples"

    /// Everything of the sample that is content: ids, groups, settings, labels and features.
    private static let content: [String: [UInt8]] = {
        var needles = ofCatalogue
        for id in SampleProject.ids { needles[id] = Array(id.utf8) }
        for block in 1...3 { needles["features of \(block)"] = SampleProject.rows(.train, block).features }
        return needles
    }()

    /// Of that, what stands in the catalogue, which is sealed with and without encryption.
    private static let ofCatalogue: [String: [UInt8]] = {
        var needles = ["setting": Array(settingText.utf8), "report": Array(reportText.utf8)]
        for group in SampleProject.groups { needles[group] = Array(group.utf8) }
        return needles
    }()

    /// Makes a deletion with all that belongs to it, and calls `look` at every stage.
    private func deletion(_ store: Store, look: (String) throws -> Void) throws {
        try look("at first")
        try store.transaction { change in try change.set("classes", to: Self.settingText) }
        try look("with a setting")
        let number = try store.beginRequest(ids: ["train-2-1"], details: .null)
        try look("begun")
        let rows = try store.stage(SampleProject.rows(.train, 2).emptying([1]))
        let evidence = try store.stage(StoredEvidence(sample: [1, 2], classes: [3]), ofRun: number)
        try look("staged")
        // So small a cache that changed pages go to the log before the commit.
        try store.database.execute("PRAGMA cache_size = 2")
        try store.commit { change in
            try change.setRows(rows)
            try change.markDeleted(["train-2-1"], request: number)
            try change.set("classes", to: Self.settingText + "!")
            try change.publishRequest(number, .init(report: Self.reportText, details: .null), written: [rows.object], evidence: evidence)
            try look("in the transaction")
        }
        try look("published")
        try store.destroyCondemned()
        try look("closed")
        try store.compact()
        try look("compacted")
    }

    @Test("No id, group, setting, report or feature is in any file of an encrypted project at any time")
    func nothingReadable() throws {
        let project = try SampleProject()
        func look(_ stage: String) throws { #expect(try Self.found(Self.content, in: project.path) == [], "\(stage)") }
        do { try deletion(try project.writer(), look: look) }
        try look("after closing")
        _ = try project.reader().everything()
        try look("after reading")
    }

    @Test("No id, group, setting or feature is in any file while an encrypted project is made")
    func nothingReadableInCreation() throws {
        let folder = try TemporaryFolder()
        let store = try Store(creating: folder.path)
        try store.database.execute("PRAGMA cache_size = 2")
        try store.transaction { change in
            try change.setGroups(SampleProject.groups, live: SampleProject.groups.map { _ in 1 })
            try change.set("classes", to: Self.settingText)
            for (slot, id) in SampleProject.ids.enumerated() {
                try change.insertRow(id: id, part: .train, block: 1, slot: slot, group: slot, excluded: false)
            }
            try change.setRows(store.stage(SampleProject.rows(.train, 1)))
            #expect(try Self.found(Self.content, in: folder.path) == [])
        }
        #expect(try Self.found(Self.content, in: folder.path) == [])
        try store.publishCreation()
        #expect(try Self.found(Self.content, in: folder.path) == [])
    }

    @Test("The same search finds ids and features where objects are not encrypted, and nothing of a deleted row once its deletion is closed")
    func plain() throws {
        let project = try SampleProject(encryption: .none)
        let secrets = ["train-2-1": Array("train-2-1".utf8)]
        let features = ["features": Array(SampleProject.rows(.train, 2).features[3..<6])]
        let all = Self.content.merging(features) { first, _ in first }
        func look(_ stage: String) throws {
            #expect(try Self.found(Self.ofCatalogue, in: project.path) == [], "\(stage)")
            if stage == "with a setting" {
                let found = try Set(Self.found(all, in: project.path).map { $0.prefix { $0 != " " } })
                #expect(found == Set(all.keys.filter { Self.ofCatalogue[$0] == nil }.map { $0.prefix { $0 != " " } }))
            }
            if ["closed", "compacted", "after closing"].contains(stage) {
                #expect(try Self.found(secrets, in: project.path) == [], "\(stage)")
            }
        }
        do { try deletion(try project.writer(), look: look) }
        try look("after closing")
    }

    @Test("The name of a group goes with its last live row, not before", arguments: [Encryption.none, .xchacha20poly1305])
    func groups(encryption: Encryption) throws {
        let project = try SampleProject(encryption: encryption)
        let store = try project.writer()
        func isNamed() throws -> Bool { try #require(try store.setting("groups")).contains("common") }
        let first = SampleProject.groups.count
        try store.transaction { change in
            try change.setGroups(SampleProject.groups + ["another", "common"], live: SampleProject.groups.map { _ in 1 } + [1, 2])
            for (slot, id) in ["a", "b", "c"].enumerated() {
                try change.insertRow(id: id, part: .train, block: 9, slot: slot, group: slot == 2 ? first : first + 1, excluded: false)
            }
        }
        #expect(try store.place(ofRow: "a")?.group == "common")
        #expect(try isNamed())
        for (id, left) in [("b", ["another", "common"]), ("a", ["another", ""]), ("c", ["", ""])] {
            let sealed = try cells(store)["setting groups"]
            let number = try store.beginRequest(ids: [id], details: .null)
            try store.transaction { change in
                try change.markDeleted([id], request: number)
                try change.publishRequest(number, .init(report: "", details: .null), written: [], evidence: nil)
            }
            #expect(try store.groupNames() == SampleProject.groups + left)
            #expect(try store.place(ofRow: id)?.group == nil)
            #expect(try isNamed() == left.contains("common"))
            // The list as it was is in no file.
            #expect(try Self.found(["groups": try #require(sealed)], in: project.path) == [])
        }
    }

    @Test("A group cannot lose more rows than it has")
    func emptyGroup() throws {
        let project = try SampleProject(), store = try project.writer()
        try store.transaction { change in try change.setGroups(SampleProject.groups, live: SampleProject.groups.map { _ in 0 }) }
        // A group without live rows has no name from the start.
        #expect(try store.groupNames() == SampleProject.groups.map { _ in "" })
        let before = try store.everything()
        let error = #expect(throws: Failure.self) { try store.transaction { change in try change.markDeleted(["train-2-1"], request: 1) } }
        #expect(error?.kind == .damaged)
        #expect(error?.description.hasPrefix("\(project.catalogue): a group has fewer rows than are deleted from it; ") == true)
        #expect(try store.everything() == before)
    }

    // MARK: - Keys

    /// The catalogue's cells that the keyring is needed for, and the keyring.
    private func cells(_ store: Store) throws -> [String: [UInt8]] {
        var cells = ["keyring": try #require(try store.database.rows("SELECT keyring FROM project") { $0.blob(0) }.first)]
        let queries = [
            "SELECT 'object ' || hex(name), cell FROM objects", "SELECT 'setting ' || key, value FROM settings",
            "SELECT 'request ' || number, cell FROM requests", "SELECT 'disclosures ' || position, perishable FROM disclosures",
        ]
        for query in queries { for (name, cell) in try store.database.rows(query, map: { ($0.text(0), $0.blob(1)) }) { cells[name] = cell } }
        return cells
    }

    @Test(
        "After a destruction no old keyring and nothing that it sealed is in any file, while the store is open and after",
        arguments: [1, 2] as [UInt64])
    func oldKeys(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let project = try SampleProject()
        let blocks = 120
        var old: [String: [UInt8]] = [:]
        do {
            let store = try project.writer()
            // So many that the table of objects has many pages, which split and merge.
            try store.transaction { change in
                for block in 4...blocks { try change.setCorrection(store.stage(.correction, block: block, Array("block \(block)".utf8))) }
                try change.set("long", to: String(repeating: "setting ", count: 2000))
                try change.append(LedgerEntry(.audited, untilDeletion: ["agreement": .number(0.5)]))
            }
            try store.undoRequest(try store.beginRequest(ids: ["train-1-1"], details: .null), reason: "a test")
            for round in 0..<8 {
                for (name, cell) in try cells(store) { old["\(name) of round \(round)"] = cell }
                try store.transaction { change in
                    for block in (4...blocks).shuffled(using: &random).prefix(Int.random(in: 1...20, using: &random)) {
                        if Bool.random(using: &random) {
                            try change.removeCorrection(block)
                        } else {
                            try change.setCorrection(store.stage(.correction, block: block, Array("round \(round)".utf8)))
                        }
                    }
                    if round == 4 { try change.set("long", to: "short") }
                }
                #expect(try Self.found(old, in: project.path) == [], "round \(round), seed \(seed)")
            }
            // The search finds what is there.
            let present = try cells(store)
            #expect(try Set(Self.found(present, in: project.path)) == Set(present.keys.map { "\($0) in catalogue.sqlite" }))
        }
        #expect(try Self.found(old, in: project.path) == [])
    }

    @Test("A reader that holds the log back delays the forgetting until the next writer, and no longer")
    func heldBack() throws {
        let project = try SampleProject()
        var old: [String: [UInt8]] = [:]
        do {
            let store = try project.writer(), reader = try project.reader()
            old = try cells(store)
            try store.database.execute("PRAGMA busy_timeout = 0")
            try reader.database.snapshot {
                _ = try reader.links()
                let error = #expect(throws: Failure.self) { try store.transaction { change in try change.removeKeyframes { $0 >= 0 } } }
                #expect(error?.kind == .failed)
                #expect(error?.description.hasPrefix("the change is made, but what it replaced may still be there (") == true)
                #expect(error?.description.hasSuffix("; the next command that writes destroys it") == true)
            }
            #expect(try project.files().count == 7)
        }
        let store = try project.writer()
        #expect(try Self.found(old, in: project.path) == [])
        #expect(try store.keyframe(of: 0) == nil)
        try store.checkCatalogue()
    }
}
