import Checkpoints
import Foundation
import Testing

@testable import Unlearn
@testable import unlearn_cli

@Suite("Lists as JSON")
struct ListOutputTests {
    private func request(_ number: Int, _ ticket: String?, _ state: RequestState, due: Int?, pending: Bool = false) -> ListedRequest {
        let receipt = Receipt(received: due.map { $0 - 86_400 }, due: due, found: number, notFound: 2, deletedBefore: 0, ticket: ticket)
        return ListedRequest(StoredReceipt(number: number, state: state, receipt: receipt), now: Date(timeIntervalSince1970: 1e9), pending: pending ? [number] : [])
    }

    @Test("Written by hand, a list of requests is what an encoder makes of it")
    func requests() throws {
        let controls = String(String.UnicodeScalarView((0..<0x30).compactMap(Unicode.Scalar.init)))
        let list = [
            request(1, nil, .received, due: 1_100_000_000), request(2, "A-1/2", .closed, due: 900_000_000, pending: true),
            request(3, "]\n  }, [\"\\ \u{7F}\u{85}\u{2028}größe \u{1F469}\u{200D}\u{1F4BB}", .withdrawn, due: nil), request(4, controls, .superseded, due: 1_000_000_000),
        ]
        for count in 1...4 {
            let part = Array(list.prefix(count))
            #expect(Console.json(part, named: "requests") == (try Console.json(["requests": part])))
        }
        #expect(Console.json([ListedRequest](), named: "requests") == nil)
        var ended = list[1]
        ended.ending = .init(closed: "2026-01-01T00:00:00Z", daysLate: 0, exactnessOwed: false, settledBy: nil)
        #expect(Console.json([ended], named: "requests") == nil)
    }
}
