import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// Somebody moves a project's folder, and puts another project in its place, while a command runs.
@Suite("A project that is moved while it is open")
struct MovedFolderTests {
    /// Holds `project`, which is opened, and `other`: two copies of one project, so that files of the same names are in both.
    private let place: TemporaryFolder
    private var path: String { place.file("project") }
    private var moved: String { place.file("moved") }

    init() throws {
        place = try TemporaryFolder()
        let sample = try SampleProject()
        for name in ["project", "other"] { try FileManager.default.copyItem(atPath: sample.path, toPath: place.file(name)) }
    }

    /// Moves the project away and the other one, or a link to it, to where it was.
    private func swap(byLink: Bool) throws {
        try FileSystem.rename(path, to: moved)
        if byLink {
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: place.file("other"))
        } else {
            try FileSystem.rename(place.file("other"), to: path)
        }
    }

    /// All files of the other project, by name.
    private func others() throws -> [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: try rawFiles(path).map { (String($0.path.dropFirst(path.utf8.count)), $0.bytes) })
    }

    private func alter(_ change: borrowing StoreChange) throws {
        let store = change.store
        try change.setInfluence(store.stage(SampleProject.record(.influence, 2, version: 1)), baseIsExact: true)
        try change.removeKeyframes { $0 >= 2 }
        try change.append(LedgerEntry(.audited))
    }

    /// That a project is whole and as the change made it, or left it.
    private func expectWhole(_ path: String, changed: Bool) throws {
        let store = try takingLock { try Store(opening: path, .write) }
        #expect(try store.influence(of: 2) == SampleProject.record(.influence, 2, version: changed ? 1 : 0).vector)
        #expect(try (store.keyframe(of: 2) == nil) == changed)
        #expect(try store.ledger().map(\.entry.event) == (changed ? [.created, .audited] : [.created]))
        #expect(try FileSystem.names(in: path + "/objects") == store.objects().map(\.file).sorted())
        #expect(try store.ledgerFaults() == [])
        try store.checkCatalogue()
        for object in try store.objects() { try store.verify(object) }
    }

    @Test("A change goes on in the folder where it was begun, and touches nothing of the one that has its path now", arguments: [false, true])
    func duringTransaction(byLink: Bool) throws {
        var before: [String: [UInt8]] = [:]
        do {
            let store = try takingLock { try Store(opening: path, .write) }
            try store.transaction { change in
                try alter(change)
                try swap(byLink: byLink)
                before = try others()
            }
            #expect(try others() == before)
        }
        #expect(try others() == before && before.count > 12)
        try expectWhole(moved, changed: true)
        try expectWhole(path, changed: false)
    }

    @Test("A change that another folder's own writer would make meanwhile is its own", arguments: [false, true])
    func besideWriterThere(byLink: Bool) throws {
        do {
            let store = try takingLock { try Store(opening: path, .write) }
            _ = try store.stage(SampleProject.record(.influence, 2, version: 1))
            try swap(byLink: byLink)
            let other = try takingLock { try Store(opening: path, .write) }
            try store.transaction { change in try alter(change) }
            try other.transaction { change in try change.set("recipe", to: "other") }
            #expect(try other.strayFiles() == [])
        }
        try expectWhole(moved, changed: true)
        try expectWhole(path, changed: false)
        #expect(try Store(opening: path, .read).setting("recipe") == "other")
        #expect(try Store(opening: moved, .read).setting("recipe") == "{}")
    }

    @Test("A writer whose lock is gone with its folder's content changes nothing more", arguments: [false, true])
    func lockElsewhere(byLink: Bool) throws {
        let store = try takingLock { try Store(opening: path, .write) }
        try swap(byLink: byLink)
        let before = try others()
        // Not the lock at the path, which is another project's, but the one in the folder that is held.
        try FileSystem.remove(moved + "/unlearn.lock")
        let error = #expect(throws: Failure.self) { try store.transaction { change in try alter(change) } }
        #expect(error?.kind == .failed && error?.description.hasPrefix("somebody removed \(path)/unlearn.lock: ") == true)
        #expect(try others() == before)
    }

    @Test("What is read goes on to come from the folder that was opened", arguments: [false, true])
    func reading(byLink: Bool) throws {
        let other = try takingLock { try Store(opening: place.file("other"), .write) }
        try other.transaction { change in try alter(change) }
        let reader = try Store(opening: path, .read)
        try swap(byLink: byLink)
        for block in 1...3 { #expect(try reader.influence(of: block) == SampleProject.record(.influence, block).vector) }
        #expect(try reader.keyframe(of: 2) == SampleProject.record(.keyframe, 2).vector)
        #expect(try reader.strayFiles() == [] && reader.ledgerFaults() == [])
        try reader.verifyWitness()
    }

    /// A project that is being made at the path, in place of the one that was there.
    private func creation() throws -> Store {
        try FileSystem.rename(path, to: place.file("earlier"))
        let store = try Store(creating: path)
        try store.transaction { change in
            try change.setKeyframe(store.stage(SampleProject.record(.keyframe, 0)))
            try change.append(LedgerEntry(.created))
        }
        return store
    }

    @Test("An abandoned creation takes away its own files where they are, and nothing of the project at its path", arguments: [false, true])
    func abandonedCreation(byLink: Bool) throws {
        do {
            let store = try creation()
            try swap(byLink: byLink)
            let before = try others()
            let scratch = try store.makeScratchFile(rows: 1, rowBytes: 1)
            try [7].withUnsafeBytes { try scratch.write(UnsafeRawBufferPointer(rebasing: $0[..<1]), row: 0) }
            try FileSystem.makeFolder(moved + "/somebody's")
            try store.abandonCreation()
            #expect(try others() == before && before.count > 12)
        }
        #expect(try FileSystem.names(in: moved) == ["somebody's"])
        try expectWhole(path, changed: false)
    }

    @Test("An abandoned creation removes the folder that it made where that is empty and at its path")
    func abandonedFolder() throws {
        try creation().abandonCreation()
        #expect(!FileSystem.exists(path))
        let store = try Store(creating: path)
        try FileManager.default.copyItem(atPath: place.file("other/objects"), toPath: path + "/mine")
        try store.abandonCreation()
        #expect(try FileSystem.names(in: path) == ["mine"])
    }

    @Test("A creation whose lock another maker has by now removes nothing")
    func lostCreation() throws {
        let store = try creation(), files = try FileSystem.names(in: path)
        try FileSystem.remove(path + "/unlearn.lock")
        let other = try FolderLock(path + "/unlearn.lock")
        try withExtendedLifetime(other) { try store.abandonCreation() }
        #expect(try FileSystem.names(in: path) == files)
    }

    @Test("A creation is published where it was begun, and a log that comes there later is not touched by it", arguments: [false, true])
    func publishedCreation(byLink: Bool) throws {
        do {
            let store = try creation()
            try swap(byLink: byLink)
            let before = try others()
            try store.publishCreation()
            #expect(try others() == before)
            try withExtendedLifetime(store) { try Data([1, 2, 3]).write(to: URL(fileURLWithPath: moved + "/catalogue.sqlite-wal")) }
        }
        #expect(try FileSystem.read(moved + "/catalogue.sqlite-wal") == [1, 2, 3])
        try FileSystem.remove(moved + "/catalogue.sqlite-wal")
        #expect(try Store(opening: moved, .read).keyframe(of: 0) == SampleProject.record(.keyframe, 0).vector)
        try expectWhole(path, changed: false)
    }
}
