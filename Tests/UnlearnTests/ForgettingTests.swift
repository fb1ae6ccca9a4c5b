import Checkpoints
import Files
import Foundation
import TestSupport
import Testing
import Training

@testable import Unlearn

@Suite("What a deletion leaves on disk")
struct ForgettingTests {
    /// A table with one row whose every part can be recognised among the bytes of a file.
    private struct Planted {
        let folder: TemporaryFolder
        var path: String { folder.file("project") }
        static let id = "planted-person@example.org"
        static let group = "planted-provider"
        /// A category that no other row has.
        static let city = "planted-city"

        init(_ encryption: Encryption, excluding: [String] = []) throws {
            folder = try TemporaryFolder()
            var random = SeededGenerator(31)
            var table = "who,a,b,c,d,city,label,provider\n"
            for row in 0..<400 {
                let numbers = (0..<4).map { _ in "\(Double.random(in: -9...9, using: &random))" }
                table += "\(row == 77 ? Self.id : "person-\(row)"),\(numbers.joined(separator: ",")),\(row == 77 ? Self.city : "city\(row % 4)"),\(row % 2),\(row == 77 ? Self.group : "p\(row % 3)")\n"
            }
            let source = TableSource(try folder.write(table, to: "table.csv"), TableOptions(labelColumn: "label", idColumn: "who", groupColumn: "provider"))
            var recipe = SmallProject.recipe
            recipe.plan.blocks = 20
            var plan = ProjectPlan(recipe: recipe, blockPolicy: .order, source: source, sourceName: "table", threads: 1)
            plan.holdout = 0.1
            plan.encryption = encryption
            plan.assignmentSeed = 7
            if !excluding.isEmpty { plan.exclude = try SmallProject.ids(excluding) }
            _ = try ProjectBuilder(plan, in: folder.file("project")).build { _, _ in }
        }

        func open(_ access: Store.Access = .write) throws -> Project {
            let project = try takingLock { try Project(opening: path, access, threads: 1) }
            project.keyframeInterval = 4
            return project
        }
    }

    /// Names of the files in which a run of bytes occurs, the log and temporary files of the database among them.
    private func filesHolding(_ bytes: [UInt8], in folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).filter { name in
            guard FileSystem.isRegularFile(folder + "/" + name) else { return false }
            return try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)).range(of: Data(bytes)) != nil
        }
    }

    /// Runs of bytes that tell of the planted row and of records that remember it.
    private func traces(_ project: Project, block: Int, slot: Int) throws -> [String: [UInt8]] {
        let stored = try #require(try project.store.rowBlock(.train, block))
        let record = try project.storedRows(stored)
        var traces = [
            "id": Array(Planted.id.utf8), "group": Array(Planted.group.utf8), "category": Array(Planted.city.utf8),
            "features": Array(record.features[slot * record.rowBytes..<(slot + 1) * record.rowBytes]),
        ]
        for object in try project.store.objects() where object.block >= block && (object.kind.isCheckpoint || object.kind == .trainRows && object.block == block) {
            traces["file \(object.file)"] = Array(try FileSystem.read(project.store.path(of: object)).suffix(200))
            traces["content of \(object.file)"] = Array(try project.store.contents(of: object).suffix(64))
        }
        return traces
    }

    @Test("No byte of the row, its id, its group, its block or of a superseded record is left in any file", arguments: [Encryption.none, .xchacha20poly1305])
    func forgets(encryption: Encryption) throws {
        let planted = try Planted(encryption)
        _ = try planted.open().train(allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
        var known: [String: [UInt8]] = [:]
        do {
            let project = try planted.open(.read)
            let place = try #require(try project.store.livePlaces(SmallProject.ids([Planted.id])).first)
            try #require(place.part == .train && place.group == Planted.group)
            known = try traces(project, block: place.block, slot: place.slot)
        }
        // The search finds what is there: the files themselves always, their content and the id only where nothing is encrypted,
        // names of groups and categories never: the catalogue is sealed in any case.
        for (name, bytes) in known {
            let isVisible = name.hasPrefix("file") || (encryption == .none && !["group", "category"].contains(name))
            #expect(try filesHolding(bytes, in: planted.path).isEmpty != isVisible, "\(name) before")
        }
        func expectGone(_ moment: String) throws {
            for (name, bytes) in known { #expect(try filesHolding(bytes, in: planted.path).isEmpty, "\(name) after, store \(moment)") }
        }
        do {
            let writer = try planted.open()
            var options = DeletionOptions()
            options.replay.method = .exact
            _ = try writer.delete(SmallProject.ids([Planted.id]), options: options, control: TrainingControl()) { _, _ in }
            try withExtendedLifetime(writer) { try expectGone("open") }
        }
        try expectGone("closed")
        #expect(try planted.open(.read).check(readData: true) { _, _ in }.errors == [])
    }

    @Test("A deleted id is still recognised, by its keyed digest alone")
    func recognised() throws {
        let planted = try Planted(.xchacha20poly1305)
        let ids = try SmallProject.ids([Planted.id])
        _ = try planted.open().delete(ids, options: DeletionOptions(), control: TrainingControl()) { _, _ in }
        let store = try planted.open(.read).store
        let place = try #require(try store.places(ofRows: [Planted.id])[0])
        #expect(place.isDeleted && place.group == nil)
        #expect(try LogReport(of: store, request: 1).requests[0].rows == [store.rowDigest(Planted.id)])
        #expect(throws: Failure.self) { try store.livePlaces(ids) }
    }

    @Test("A row that is left out from the start leaves no trace either")
    func leftOut() throws {
        let planted = try Planted(.none, excluding: [Planted.id])
        for text in [Planted.id, Planted.group, Planted.city] { #expect(try filesHolding(Array(text.utf8), in: planted.path).isEmpty, "\(text)") }
        #expect(try planted.open(.read).store.places(ofRows: [Planted.id])[0]?.request == 0)
    }

    @Test("A category's name goes with the last row that has it, and the others stay")
    func categories() throws {
        let planted = try Planted(.xchacha20poly1305)
        func categories() throws -> [String] {
            guard let categories = try planted.open(.read).settings.table?.columns.last?.categories else { return [] }
            return categories
        }
        let atFirst = try categories()
        #expect(atFirst.sorted() == ["city0", "city1", "city2", "city3", Planted.city])
        _ = try planted.open().delete(SmallProject.ids(["person-78"]), options: DeletionOptions(), control: TrainingControl()) { _, _ in }
        #expect(try categories() == atFirst)
        _ = try planted.open().delete(SmallProject.ids([Planted.id]), options: DeletionOptions(), control: TrainingControl()) { _, _ in }
        #expect(try categories() == atFirst.map { $0 == Planted.city ? "\0" : $0 })
    }

    @Test("Encryption changes no bit of the model")
    func sameModel() throws {
        let digests = try [Encryption.none, .xchacha20poly1305].map { encryption in
            let planted = try Planted(encryption)
            return try planted.open().train(allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }.stateDigest
        }
        #expect(digests[0] == digests[1])
    }
}
