import Checkpoints
import Files
import Foundation
import Testing

@testable import Unlearn

@Suite("Times of the ledger")
struct LedgerTimesTests {
    @Test("Times that run backwards are remarked, each beside the latest before it")
    func remarks() {
        let times = ["2026-01-02T00:00:00Z", "2026-01-01T23:59:59Z", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"]
        let remarks = LedgerTimes.remarks(times.enumerated().map { ($0.offset, $0.element) })
        #expect(remarks.count == 2 && remarks[0] == "remark: entry 1 of the ledger is dated 2026-01-01T23:59:59Z, before entry 0 (2026-01-02T00:00:00Z): a clock was set back, or was ahead")
        #expect(remarks[1].contains("entry 3 ") && remarks[1].contains("before entry 2 "))
        #expect(LedgerTimes.remarks([(0, "2026-01-01T00:00:00Z"), (1, "2026-01-01T00:00:00Z")]).isEmpty)
        #expect(LedgerTimes.remarks([(0, "yesterday")]).count == 1)
        let many = LedgerTimes.remarks((0..<40).map { ($0, $0 == 0 ? "2026-01-01T00:00:00Z" : "2025-01-01T00:00:00Z") })
        #expect(many.count == 11 && many[10].contains("29 more"))
    }

    @Test("log and check remark a clock that was set back, and find no fault in it")
    func setBack() throws {
        let project = try SmallProject()
        try project.train()
        do {
            let store = try project.open().store
            let bytes = Array(#"{"event":"trained","program":"1","time":"2999-01-01T00:00:00Z","sealed":[]}"#.utf8)
            try store.transaction { change in try change.append(try LedgerEntry(decoding: bytes, disclosures: [])) }
        }
        #expect(try LogReport(of: project.open(.read).store, request: nil).remarks.isEmpty)
        try project.delete([try project.ids(inBlock: 30)[0]])
        let opened = try project.open(.read)
        let log = try LogReport(of: opened.store, request: nil), check = try opened.check(readData: false) { _, _ in }
        #expect(log.remarks.count == 3 && log.remarks.allSatisfy { $0.contains("before entry 2 (2999-01-01T00:00:00Z)") }, "\(log.remarks)")
        #expect(check.remarks == log.remarks && check.errors.isEmpty)
    }
}
