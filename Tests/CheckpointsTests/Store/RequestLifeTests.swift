import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("The life of a request")
struct RequestLifeTests {
    private let project: SampleProject
    private let rows = ["train-2-1", "train-1-3"]

    init() throws { project = try SampleProject() }

    /// Puts the deletion's new objects in place.
    private func publish(_ number: Int, _ change: borrowing StoreChange) throws -> [StagedObject] {
        let store = change.store
        let written = [
            try store.stage(SampleProject.rows(.train, 2).emptying([1])), try store.stage(SampleProject.rows(.train, 1).emptying([3])),
        ]
        for rows in written { try change.setRows(rows) }
        try change.removeKeyframes { $0 >= 2 }
        try change.markDeleted(rows, request: number)
        let objects = written.map(\.object)
        try change.publishRequest(number, .init(report: "{}", details: .string("published")), written: objects, evidence: nil)
        return objects
    }

    private func events(_ store: Store) throws -> [LedgerEvent] { try store.ledger().map(\.entry.event) }

    private func listed(_ objects: [StoredObject]) -> [ListedObject] { objects.map(ListedObject.init) }

    @Test("A request is begun, published and closed, and the ledger tells each step with what was written and destroyed")
    func life() throws {
        let store = try project.writer()
        let number = try store.beginRequest(ids: rows, details: .string("begun"))
        #expect(number == 1)
        #expect(try store.request(1)?.state == .planned)
        #expect(try store.requestNumbers() == [])
        // The intention is on the device before any work is done, and nothing else has changed.
        #expect(try project.reader().request(1)?.state == .planned)
        #expect(try project.reader().place(ofRow: rows[0])?.isDeleted == false)

        var condemned: [StoredObject] = [], written: [StagedObject] = []
        try store.commit { change in
            written = try publish(number, change)
            condemned = try store.condemnedObjects()
        }
        #expect(try project.reader().request(1)?.state == .published)
        #expect(try project.reader().place(ofRow: rows[0])?.request == 1)
        #expect(condemned.map(\.kind.name).sorted() == ["keyframe", "rows", "rows"])

        try store.destroyCondemned()
        let reader = try project.reader()
        #expect(try reader.request(1)?.state == .closed)
        #expect(try reader.request(1)?.report == "{}")
        #expect(try reader.requestNumbers() == [1])
        let entries = try Array(reader.ledger().map(\.entry).dropFirst())
        #expect(entries.map(\.event) == [.deletionRequested, .deletionPublished, .deletionClosed])
        #expect(entries.allSatisfy { $0.request == "R1" })
        #expect(entries.map(\.details) == [.string("begun"), .string("published"), nil])
        let digests = rows.map(store.rowDigest).sorted()
        #expect(entries.map(\.rows) == [digests, nil, nil])
        let writtenObjects = written.map(ListedObject.init).sorted { $0.block < $1.block }
        #expect(entries.map(\.written) == [nil, ObjectSummary(writtenObjects), nil])
        #expect(entries[1].written?.kinds == ["rows": 2])
        #expect(entries.map(\.destroyed) == [nil, nil, ObjectSummary(listed(condemned))])
        #expect(entries[2].destroyed?.kinds == ["rows": 2, "keyframe": 1] && entries[2].destroyed?.count { $0.isRows } == 2)
        #expect(try reader.destroyedObjects(by: 1) == listed(condemned))
        #expect(try reader.destroyedObjects(by: 2) == [])
        #expect(condemned.allSatisfy { !FileSystem.exists(store.path(of: $0)) })
        #expect(try reader.ledgerFaults() == [])
        try reader.checkCatalogue()
    }

    @Test("A request that was begun and cut off is undone by the next writer, on record, and everything is as before")
    func cutOffBegun() throws {
        let files = try project.files(), links = try project.reader().links().map(\.influence.file)
        do {
            let store = try project.writer()
            let number = try store.beginRequest(ids: rows, details: .null)
            _ = try store.stage(SampleProject.rows(.train, 2).emptying([1]))
            _ = try store.stage(StoredEvidence(sample: [], classes: []), ofRun: number)
        }
        // A reader changes nothing.
        #expect(try project.reader().request(1)?.state == .planned)
        let store = try project.writer()
        #expect(try store.request(1)?.state == .undone)
        #expect(try events(store) == [.created, .deletionRequested, .deletionUndone])
        #expect(try store.ledger().last?.entry.request == "R1")
        #expect(try store.ledger().last?.entry.details == .object(["reason": .string("the program was cut off")]))
        #expect(try project.files() == files)
        #expect(try store.links().map(\.influence.file) == links)
        for id in rows { #expect(try store.place(ofRow: id)?.isDeleted == false) }
        #expect(try store.ledgerFaults() == [])
        #expect(try store.beginRequest(ids: rows, details: .null) == 2)
    }

    @Test("A request that was published and cut off before, in or after the removal of files is closed by the next writer", arguments: 0...3)
    func cutOffPublished(removed: Int) throws {
        var condemned: [StoredObject] = []
        do {
            let store = try project.writer()
            let number = try store.beginRequest(ids: rows, details: .null)
            try store.commit { change in _ = try publish(number, change) }
            condemned = try store.condemnedObjects()
            try #require(condemned.count == 3)
            for object in condemned.prefix(removed) { try FileSystem.remove(store.path(of: object)) }
        }
        #expect(try project.reader().request(1)?.state == .published)
        let store = try project.writer()
        #expect(try store.request(1)?.state == .closed)
        #expect(try events(store) == [.created, .deletionRequested, .deletionPublished, .deletionClosed])
        #expect(try store.ledger().last?.entry.destroyed == ObjectSummary(listed(condemned)))
        #expect(try store.destroyedObjects(by: 1) == listed(condemned))
        #expect(condemned.allSatisfy { !FileSystem.exists(store.path(of: $0)) })
        #expect(try store.condemnedObjects().isEmpty)
        #expect(try store.ledgerFaults() == [])
        try store.checkCatalogue()
        #expect(try store.rowsRecord(.train, 2) == SampleProject.rows(.train, 2).emptying([1]))
    }

    @Test("The next writer after that finds nothing to do")
    func settled() throws {
        do {
            let store = try project.writer()
            let number = try store.beginRequest(ids: rows, details: .null)
            try store.commit { change in _ = try publish(number, change) }
        }
        let settled = try project.writer().everything()
        #expect(try project.writer().everything() == settled)
    }

    @Test("Undoing a request after its publication does nothing", arguments: [RequestState.published, .closed, .undone])
    func undoAfterwards(state: RequestState) throws {
        let store = try project.writer()
        let number = try store.beginRequest(ids: rows, details: .null)
        switch state {
        case .published: try store.commit { change in _ = try publish(number, change) }
        case .undone: try store.undoRequest(number, reason: "first")
        default: try store.transaction { change in _ = try publish(number, change) }
        }
        let before = try store.everything()
        try store.undoRequest(number, reason: "second")
        try store.undoRequest(number + 1, reason: "no such request")
        #expect(try store.everything() == before)
        #expect(try store.request(number)?.state == state)
    }

    @Test("A request whose publication throws can be undone")
    func failedPublication() throws {
        struct Stop: Error {}
        let store = try project.writer()
        let number = try store.beginRequest(ids: rows, details: .null)
        #expect(throws: Stop.self) {
            try store.transaction { change in
                _ = try publish(number, change)
                throw Stop()
            }
        }
        #expect(try store.request(number)?.state == .planned)
        try store.undoRequest(number, reason: "Stop")
        #expect(try store.request(number)?.state == .undone)
        #expect(try store.place(ofRow: rows[0])?.isDeleted == false)
        #expect(try store.keyframe(of: 2) == SampleProject.record(.keyframe, 2).vector)
        try store.checkCatalogue()
    }

    @Test("An unknown state is damage")
    func unknownState() throws {
        do {
            let store = try project.writer()
            _ = try store.beginRequest(ids: rows, details: .null)
            try store.database.execute("UPDATE requests SET state = 7")
        }
        let error = #expect(throws: Failure.self) { _ = try project.inspector().requests() }
        #expect(error == Failure(.damaged, "the catalogue's entry of request 1 is not readable; run 'unlearn check'"))
    }
}
