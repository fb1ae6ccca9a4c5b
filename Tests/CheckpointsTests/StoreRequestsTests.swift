import TestSupport
import Testing

@testable import Checkpoints

@Suite("Requests in the store")
struct StoreRequestsTests {
    private func stored(_ requests: [StoredRequest]) throws -> Store {
        let project = try SampleProject()
        do {
            let store = try project.writer()
            try store.transaction { for request in requests { try store.insert(request) } }
        }
        return try project.reader()
    }

    @Test("A request comes back with its report, sample and classes", arguments: [0, 1, 3, 10_000])
    func comesBack(count: Int) throws {
        var random = SeededGenerator(UInt64(count))
        let sample = random.integers(count, in: .min ... .max), classes = random.integers(count, in: 0...9)
        let report = #"{"why": "größe 🧠 'quoted'", "lines": "a\nb"}"#
        let found = try #require(try stored([StoredRequest(number: 7, report: report, sample: sample, classes: classes)]).request(7))
        #expect(found.number == 7)
        #expect(found.report == report)
        #expect(found.sample == sample)
        #expect(found.classes == classes)
    }

    @Test("The outermost integers come back")
    func extremes() throws {
        let edges: [Int32] = [.min, -1, 0, 1, .max]
        let found = try stored([StoredRequest(number: 1, report: "", sample: edges, classes: edges.reversed())]).request(1)
        #expect(found?.sample == edges)
        #expect(found?.classes == edges.reversed())
    }

    @Test("Numbers come sorted, and an unknown one is nothing")
    func numbers() throws {
        let store = try stored([10, 2, 33].map { StoredRequest(number: $0, report: "\($0)", sample: [], classes: []) })
        #expect(try store.requestNumbers() == [2, 10, 33])
        #expect(try store.request(33)?.report == "33")
        #expect(try store.request(3) == nil)
    }

    @Test("A number that was used before is refused, and the first request stays")
    func usedNumber() throws {
        let project = try SampleProject()
        let store = try project.writer()
        try store.transaction { try store.insert(StoredRequest(number: 1, report: "first", sample: [], classes: [])) }
        #expect(throws: DatabaseError.self) {
            try store.transaction { try store.insert(StoredRequest(number: 1, report: "second", sample: [], classes: [])) }
        }
        #expect(try store.request(1)?.report == "first")
    }
}
