import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// After a failed COMMIT or sync nobody knows what is on the device: either outcome must find what it needs.
@Suite("An uncertain commit")
struct UncertainCommitTests {
    /// Stages an influence in place of the second, and tries to name it.
    private static func replace(_ store: Store, _ staged: StagedObject, failing: (borrowing StoreChange) throws -> Void) throws {
        try store.transaction { change in
            try change.setInfluence(staged, baseIsExact: true)
            try failing(change)
        }
    }

    /// Nothing is committed or removed any more, whatever is asked for.
    private static func expectStill(_ store: Store, _ staged: StagedObject, request: Int, _ project: SampleProject) throws {
        #expect(store.isUncertain)
        let files = try project.files()
        #expect(files.contains(staged.file))
        try store.discard([staged])
        let attempts: [() throws -> Void] = [
            { try store.transaction { _ in } }, { try store.undoRequest(request, reason: "a test") }, { try store.compact() },
            { _ = try store.beginRequest(ids: [], details: .null) }, { try store.transaction { change in try change.removeKeyframes { $0 >= 0 } } },
        ]
        for attempt in attempts { #expect(throws: (any Error).self) { try attempt() } }
        #expect(try project.files() == files)
    }

    /// The next writer finds one of the two outcomes, whole.
    private static func expectEither(_ project: SampleProject, request: Int) throws {
        let store = try project.writer()
        let versions = try (0...1).filter { try store.influence(of: 2) == SampleProject.record(.influence, 2, version: $0).vector }
        #expect(versions.count == 1)
        #expect(try store.request(request)?.state == .undone)
        #expect(try store.strayFiles().isEmpty)
        #expect(try store.ledgerFaults() == [])
        try store.checkCatalogue()
        for object in try store.objects() { try store.verify(object) }
    }

    @Test("After a COMMIT that SQLite refused, nothing is committed or removed, and the next writer finds things whole")
    func refusedCommit() throws {
        let project = try SampleProject()
        do {
            let store = try project.writer()
            let number = try store.beginRequest(ids: ["train-2-1"], details: .null)
            let staged = try store.stage(SampleProject.record(.influence, 2, version: 1))
            let error = #expect(throws: DatabaseError.self) {
                try Self.replace(store, staged) { change in
                    // Noticed by COMMIT alone.
                    try store.database.execute(
                        """
                        CREATE TEMP TABLE parent (a INTEGER PRIMARY KEY);
                        CREATE TEMP TABLE child (a REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
                        INSERT INTO child VALUES (1);
                        """)
                }
            }
            #expect(error?.operation == "run 'COMMIT'")
            try Self.expectStill(store, staged, request: number, project)
        }
        try Self.expectEither(project, request: 1)
    }

    /// The one descriptor with which this process holds a folder.
    private static func descriptor(of folder: String) throws -> Int32? {
        var named = stat()
        try #require(stat(folder, &named) == 0)
        let found = (0..<Int32(sysconf(Int32(_SC_OPEN_MAX)))).filter { descriptor in
            var held = stat()
            return fstat(descriptor, &held) == 0 && held.st_ino == named.st_ino && held.st_dev == named.st_dev
        }
        return found.count == 1 ? found[0] : nil
    }

    @Test("After a folder of objects that could not be synced, nothing is committed or removed")
    func failedSync() throws {
        let project = try SampleProject(), objects = project.folder.file("objects")
        do {
            let store = try project.writer()
            let number = try store.beginRequest(ids: ["train-2-1"], details: .null)
            let staged = try store.stage(SampleProject.record(.influence, 2, version: 1))
            let descriptor = try #require(try Self.descriptor(of: objects))
            // O_PATH, which Glibc's module does not show: names can be reached through it, and it cannot be synced.
            let intact = open(objects, O_RDONLY | O_DIRECTORY | O_CLOEXEC), unsyncable = open(objects, 0x20_0000 | O_DIRECTORY | O_CLOEXEC)
            defer { for copy in [intact, unsyncable] { close(copy) } }
            let error = #expect(throws: SystemCallError.self) {
                try Self.replace(store, staged) { _ in try #require(dup2(unsyncable, descriptor) == descriptor) }
            }
            try #require(dup2(intact, descriptor) == descriptor)
            #expect(error == SystemCallError(operation: "sync the folder", path: objects, code: EBADF))
            try Self.expectStill(store, staged, request: number, project)
        }
        try Self.expectEither(project, request: 1)
        #expect(try project.reader().influence(of: 2) == SampleProject.record(.influence, 2).vector)
    }

    // A limit on the length of files holds for the whole process, so that this test has one of its own.
    @Test("After a COMMIT that could not be written to the end, nothing is committed or removed, and the next writer finds things whole")
    func tornCommit() throws {
        try inOwnProcess { _ in
            let project = try SampleProject()
            do {
                let store = try project.writer()
                let number = try store.beginRequest(ids: ["train-2-1"], details: .null)
                let staged = try store.stage(SampleProject.record(.influence, 2, version: 1))
                let log = try #require(try FileSystem.length(project.catalogue + "-wal"))
                var limit = rlimit()
                try #require(getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
                let before = limit
                // Without this the system ends the process instead of failing the call.
                signal(SIGXFSZ, SIG_IGN)
                // Room for one page and a piece of the next; SQLite's pages here have 4096 bytes.
                limit.rlim_cur = rlim_t(log + 6000)
                let error = #expect(throws: DatabaseError.self) {
                    try Self.replace(store, staged) { change in
                        try change.markDeleted(["train-2-1"], request: number)
                        try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
                    }
                }
                limit = before
                try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
                #expect(error?.operation == "run 'COMMIT'")
                try Self.expectStill(store, staged, request: number, project)
            }
            try Self.expectEither(project, request: 1)
        }
    }

    @Test("A statement that fails before COMMIT leaves no uncertainty")
    func certain() throws {
        let project = try SampleProject(), store = try project.writer()
        let staged = try store.stage(SampleProject.record(.influence, 2, version: 1))
        #expect(throws: DatabaseError.self) { try Self.replace(store, staged) { _ in try store.database.execute("no statement") } }
        #expect(!store.isUncertain)
        try store.discard([staged])
        #expect(try !project.files().contains(staged.file))
        try store.transaction { change in try change.set("key", to: "value") }
        #expect(try store.setting("key") == "value")
    }
}
