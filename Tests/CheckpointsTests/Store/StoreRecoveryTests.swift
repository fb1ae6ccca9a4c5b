import Files
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Transactions and what a crash leaves behind")
struct StoreRecoveryTests {
    private struct Stop: Error {}

    private let project: SampleProject

    init() throws { project = try SampleProject() }

    /// Every kind of change at once.
    private func alter(_ change: borrowing StoreChange) throws {
        let store = change.store
        try change.set("recipe", to: "changed")
        try change.setInfluence(store.stage(SampleProject.record(.influence, 2, version: 1)), baseIsExact: false)
        try change.setCorrection(store.stage(SampleProject.record(.correction, 2)))
        try change.removeKeyframes { $0 >= 1 }
        try change.markInexact { $0 >= 3 }
        try change.setRows(store.stage(SampleProject.rows(.train, 2).emptying([1])))
        try change.markDeleted(["train-2-1"], request: 1)
    }

    private func expectSample(_ store: Store) throws {
        for block in 1...3 { #expect(try store.influence(of: block) == SampleProject.record(.influence, block).vector) }
        for block in 1...3 { #expect(try store.rowsRecord(.train, block) == SampleProject.rows(.train, block)) }
        #expect(try store.keyframe(of: 2) == SampleProject.record(.keyframe, 2).vector)
    }

    @Test("A transaction that throws leaves everything as before")
    func rollsBack() throws {
        let store = try project.writer()
        let before = try store.everything(), files = try project.files()
        #expect(throws: Stop.self) {
            try store.transaction { change in
                try alter(change)
                throw Stop()
            }
        }
        #expect(try store.everything() == before)
        let strays = try store.strayFiles().map(\.name)
        #expect(strays.count == 3)
        #expect(try project.files().filter { !strays.contains($0) } == files)
        try expectSample(store)
    }

    @Test("After a transaction that threw, the same change succeeds")
    func retries() throws {
        let store = try project.writer()
        #expect(throws: Stop.self) {
            try store.transaction { change in
                try alter(change)
                throw Stop()
            }
        }
        try store.transaction { change in try alter(change) }
        #expect(try store.setting("recipe") == "changed")
        #expect(try store.influence(of: 2) == SampleProject.record(.influence, 2, version: 1).vector)
        try store.checkCatalogue()
    }

    @Test("A transaction gives what its body gives")
    func result() throws { #expect(try project.writer().transaction { _ in 42 } == 42) }

    @Test("A writer that goes away in the middle of a transaction leaves everything as before")
    func abandoned() throws {
        let before = try project.reader().everything()
        do {
            let store = try project.writer()
            try store.database.execute("BEGIN IMMEDIATE")
            try alter(StoreChange(store))
        }
        let store = try project.writer()
        #expect(try store.everything() == before)
        #expect(try store.strayFiles().isEmpty)
        try expectSample(store)
    }

    @Test("Files that no transaction named are removed by the next writer, not by a reader")
    func strayFiles() throws {
        let files = try project.files()
        do {
            let store = try project.writer()
            _ = try store.stage(SampleProject.record(.influence, 2, version: 1))
            try project.folder.write("half", to: "objects/0000099-influence-9" + FileSystem.temporarySuffix)
            try FileSystem.makeFolder(project.folder.file("objects/folder"))
            try project.folder.write("inner", to: "objects/folder/file")
        }
        let stray = try project.files()
        #expect(stray.count == files.count + 3)
        #expect(try Set(project.reader().strayFiles().map(\.name)) == Set(stray).subtracting(files))
        #expect(try project.reader().strayFiles().allSatisfy { $0.destroyedBy == nil })
        #expect(try project.files() == stray)
        let store = try project.writer()
        try expectSample(store)
        #expect(try project.files() == files)
        // What an unfinished change left is nothing that the ledger tells of.
        #expect(try store.ledger().map(\.entry.event) == [.created])
    }

    @Test("A writer that finds an older catalogue put back removes nothing")
    func olderCatalogue() throws {
        let old = try FileSystem.read(project.catalogue)
        do {
            let store = try project.writer()
            try store.transaction { change in try change.setInfluence(store.stage(SampleProject.record(.influence, 2, version: 1)), baseIsExact: true) }
        }
        let new = try FileSystem.read(project.catalogue), files = try project.files()
        try project.putBack(old)
        let error = #expect(throws: Failure.self) { _ = try project.writer() }
        #expect(error?.kind == .damaged)
        #expect(try project.files() == files)
        try project.putBack(new)
        #expect(try project.writer().influence(of: 2) == SampleProject.record(.influence, 2, version: 1).vector)
    }

    @Test("A writer whose lock somebody removed changes nothing more")
    func removedLock() throws {
        let store = try project.writer(), before = try store.everything()
        try FileSystem.remove(project.folder.file("unlearn.lock"))
        let other = try project.writer()
        #expect(throws: Failure.self) { try store.transaction { change in try change.set("recipe", to: "first") } }
        #expect(try store.everything() == before)
        try other.transaction { change in try change.set("recipe", to: "second") }
        #expect(try project.reader().setting("recipe") == "second")
    }

    @Test("Condemned files that a crash kept are removed by the next writer, not by a reader")
    func condemnedFiles() throws {
        let before = try project.files(), objects = try project.reader().objects()
        do {
            let store = try project.writer()
            // The commit without the removal that follows it.
            try store.commit { change in try alter(change) }
        }
        #expect(Set(try project.files()).isSuperset(of: before))
        do {
            let reader = try project.reader()
            #expect(try reader.influence(of: 2) == SampleProject.record(.influence, 2, version: 1).vector)
            #expect(try reader.condemnedObjects().count == 3)
            #expect(Set(try project.files()).isSuperset(of: before))
        }
        let store = try project.writer()
        #expect(try store.condemnedObjects().isEmpty)
        #expect(try project.files() == store.objects().map(\.file).sorted())
        let gone = Set(before).subtracting(try project.files())
        #expect(objects.filter { gone.contains($0.file) }.map { "\($0.kind.name) \($0.block)" } == ["influence 2", "keyframe 2", "rows 2"])
        #expect(try store.influence(of: 2) == SampleProject.record(.influence, 2, version: 1).vector)
        try store.checkCatalogue()
    }

    @Test("A crash between the removals of condemned files is made good")
    func halfSwept() throws {
        var condemned: [StoredObject] = []
        do {
            let store = try project.writer()
            try store.commit { change in try alter(change) }
            condemned = try store.condemnedObjects()
            try FileSystem.remove(store.path(of: try #require(condemned.first)))
        }
        let store = try project.writer()
        #expect(try store.condemnedObjects().isEmpty)
        #expect(condemned.count == 3)
        #expect(condemned.allSatisfy { !FileSystem.exists(store.path(of: $0)) })
    }

    @Test("What writer after writer replaces takes nothing in use with it")
    func replacements() throws {
        for version in 1...3 as ClosedRange<UInt64> {
            let store = try project.writer()
            try store.transaction { change in try change.setInfluence(store.stage(SampleProject.record(.influence, 3, version: version)), baseIsExact: true) }
            try store.transaction { change in try change.setKeyframe(store.stage(SampleProject.record(.keyframe, 0, version: version))) }
            #expect(try store.influence(of: 3) == SampleProject.record(.influence, 3, version: version).vector)
            #expect(try store.keyframe(of: 0) == SampleProject.record(.keyframe, 0, version: version).vector)
            #expect(try store.influence(of: 1) == SampleProject.record(.influence, 1).vector)
        }
    }

    /// Copies the project as it is on the device in the middle of a commit: pages in the log that nothing says are whole.
    private func copyInMidCommit() throws -> TemporaryFolder {
        let store = try project.writer()
        var copy = try TemporaryFolder()
        // So small a cache that changed pages go to the log before the commit.
        try store.database.execute("PRAGMA cache_size = 2")
        #expect(throws: Stop.self) {
            try store.database.transaction {
                for number in 1...200 {
                    try store.database.run("INSERT INTO requests VALUES (?, 0, ?)", .integer(number), .blob([UInt8](repeating: 7, count: 2000)))
                }
                try StoreChange(store).set("recipe", to: "changed")
                copy = try project.copy()
                throw Stop()
            }
        }
        try #require(FileSystem.read(copy.file("catalogue.sqlite-wal")).count > 200 * 2000)
        return copy
    }

    @Test("A catalogue that lost power in the middle of a commit opens as it was before", arguments: [Store.Access.read, .write])
    func powerLoss(access: Store.Access) throws {
        let before = try project.reader().everything()
        let copy = try copyInMidCommit()
        let store = try Store(opening: copy.path, access)
        #expect(try store.everything() == before)
        try store.checkCatalogue()
        try expectSample(store)
    }

    @Test("A change whose commit was the last thing before power was lost is there", arguments: [Store.Access.read, .write])
    func committedInLog(access: Store.Access) throws {
        let copy: TemporaryFolder
        do {
            let store = try project.writer()
            try store.commit { change in try alter(change) }
            // The catalogue itself is as before: all is in the log.
            #expect(try FileSystem.length(project.folder.file("catalogue.sqlite-wal")) ?? 0 > 0)
            copy = try project.copy()
        }
        let store = try Store(opening: copy.path, access)
        #expect(try store.setting("recipe") == "changed")
        #expect(try store.influence(of: 2) == SampleProject.record(.influence, 2, version: 1).vector)
        try store.checkCatalogue()
    }
}
