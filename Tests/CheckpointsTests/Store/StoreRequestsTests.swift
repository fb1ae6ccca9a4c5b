import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Requests in the store")
struct StoreRequestsTests {
    private let project: SampleProject

    init() throws { project = try SampleProject() }

    /// Begins and publishes a request that deletes one row, with this report and evidence.
    @discardableResult
    private func deletion(_ store: Store, row: String, report: String = "{}", _ evidence: StoredEvidence? = nil) throws -> Int {
        let number = try store.beginRequest(ids: [row], details: .null)
        try store.transaction { change in
            try change.markDeleted([row], request: number)
            let object = try evidence.map { try store.stage($0, ofRun: number) }
            try change.publishRequest(number, .init(report: report, details: .null), written: [], evidence: object)
        }
        return number
    }

    @Test("A request comes back with its report and evidence", arguments: [0, 1, 3, 10_000])
    func comesBack(count: Int) throws {
        var random = SeededGenerator(UInt64(count))
        let evidence = StoredEvidence(sample: random.integers(count, in: .min ... .max), classes: random.integers(count, in: 0...9))
        let report = #"{"why": "größe 🧠 'quoted'", "lines": "a\nb"}"#
        let number = try deletion(try project.writer(), row: "train-1-1", report: report, evidence)
        let reader = try project.reader()
        let found = try #require(try reader.request(number))
        #expect(found.number == 1)
        #expect(found.state == .closed)
        #expect(found.report == report)
        #expect(try reader.evidence(ofRun: found.number) == evidence)
    }

    @Test("The outermost integers come back")
    func extremes() throws {
        let edges: [Int32] = [.min, -1, 0, 1, .max]
        let evidence = StoredEvidence(sample: edges, classes: edges.reversed())
        try deletion(try project.writer(), row: "train-1-1", evidence)
        let reader = try project.reader()
        #expect(try reader.evidence(ofRun: 1) == evidence)
    }

    @Test("A request without evidence has none")
    func withoutEvidence() throws {
        try deletion(try project.writer(), row: "train-1-1")
        let reader = try project.reader()
        #expect(try reader.evidence(ofRun: 1) == nil)
    }

    @Test("Evidence whose lengths do not add up is none")
    func malformedEvidence() {
        let valid = StoredEvidence(sample: [1, 2], classes: [3])
        #expect(StoredEvidence(decoding: valid.encoded()) == valid)
        for length in 0..<valid.encoded().count { #expect(StoredEvidence(decoding: Array(valid.encoded()[..<length])) == nil) }
        #expect(StoredEvidence(decoding: valid.encoded() + [0]) == nil)
        #expect(StoredEvidence(decoding: [UInt8](repeating: 255, count: 8)) == nil)
    }

    @Test("Numbers come sorted, an unknown one is nothing, and one that was undone is none that was done")
    func numbers() throws {
        let store = try project.writer()
        try deletion(store, row: "train-1-1", report: "first")
        let undone = try store.beginRequest(ids: ["train-1-2"], details: .null)
        try store.undoRequest(undone, reason: "a test")
        try deletion(store, row: "train-1-3", report: "third")
        let reader = try project.reader()
        #expect(try reader.requests().map(\.number) == [1, 2, 3])
        #expect(try reader.requests().map(\.state) == [.closed, .undone, .closed])
        #expect(try reader.requestNumbers() == [1, 3])
        #expect(try reader.request(3)?.report == "third")
        #expect(try reader.request(4) == nil)
        #expect(try reader.nextRequestNumber() == 4)
    }

    @Test("A number that was used before is never given again, and the first request stays")
    func usedNumber() throws {
        do {
            let store = try project.writer()
            try deletion(store, row: "train-1-1", report: "first")
            try store.undoRequest(try store.beginRequest(ids: ["train-1-2"], details: .null), reason: "a test")
        }
        let store = try project.writer()
        #expect(try store.beginRequest(ids: ["train-1-2"], details: .null) == 3)
        #expect(try store.request(1)?.report == "first")
        #expect(try store.request(2)?.state == .undone)
    }

    @Test("Evidence that is condemned is gone, and the ledger lists it among what was destroyed")
    func condemnsEvidence() throws {
        let store = try project.writer()
        try deletion(store, row: "train-1-1", StoredEvidence(sample: [1], classes: [7, 8]))
        let object = try #require(try store.objects().first { $0.kind == .evidence })
        let number = try store.beginRequest(ids: ["train-1-2"], details: .null)
        try store.transaction { change in
            try change.condemnEvidence()
            let evidence = try store.stage(StoredEvidence(sample: [2], classes: [9]), ofRun: number)
            try change.publishRequest(number, .init(report: "{}", details: .null), written: [evidence], evidence: evidence)
        }
        #expect(try store.evidence(ofRun: 1) == nil)
        #expect(try store.evidence(ofRun: 2)?.sample == [2])
        #expect(try project.files() == store.objects().map(\.file).sorted())
        #expect(try store.objects().filter { $0.kind == .evidence }.map(\.block) == [number])
        let closed = try #require(try store.ledger().last?.entry)
        #expect(closed.event == .deletionClosed)
        #expect(closed.destroyed == ObjectSummary([ListedObject(object)]) && closed.destroyed?.kinds == ["evidence": 1])
        #expect(try store.destroyedObjects(by: number) == [ListedObject(object)])
        try store.checkCatalogue()
    }

    @Test("Reports are changed one by one, and those for which nothing is given stay as they are")
    func changesReports() throws {
        let store = try project.writer()
        for row in ["train-1-1", "train-1-2", "train-1-3"] { try deletion(store, row: row, report: "report of \(row)") }
        let cells = { try store.database.rows("SELECT cell FROM requests ORDER BY number") { $0.blob(0) } }
        let before = try cells()
        try store.transaction { change in try change.changeReports { $0.number == 2 ? $0.report + ", coarser" : nil } }
        let after = try cells()
        #expect(zip(before, after).map { $0 == $1 } == [true, false, true])
        for reopened in [store, try project.reader()] {
            #expect(try reopened.requests().map(\.report) == ["report of train-1-1", "report of train-1-2, coarser", "report of train-1-3"])
            #expect(try reopened.requests().map(\.state) == [.closed, .closed, .closed])
        }
    }

    @Test("A report is worth nothing in another request's place")
    func boundToRequest() throws {
        do {
            let store = try project.writer()
            for row in ["train-1-1", "train-1-2"] { try deletion(store, row: row) }
            try store.database.execute("UPDATE requests SET cell = (SELECT cell FROM requests WHERE number = 1) WHERE number = 2")
        }
        let error = #expect(throws: Failure.self) { _ = try project.inspector().requests() }
        #expect(
            error == Failure(
                .damaged, "the catalogue's entry of request 2 cannot be opened; run 'unlearn check' and restore the project from a backup"))
    }
}
