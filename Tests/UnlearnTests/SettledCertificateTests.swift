import Checkpoints
import Files
import Foundation
import TestSupport
import Testing

@testable import Unlearn

@Suite("Certificates of requests that were owed exactness and are settled")
struct SettledCertificateTests {
    private let project: SmallProject

    init() throws {
        project = try SmallProject(recipe: SmallProject.recipe)
        try project.train()
        for block in [3, 9] {
            let report = try project.delete([try project.ids(inBlock: block)[0]]) { ($0.replay.onNoDecay, $0.replay.damping, $0.replay.decayGuard.epsilon) = (.stitch, .fixed(0.5), 1e9) }
            try #require(report.isExactnessOwed)
        }
    }

    private func issue(_ number: Int) throws -> [UInt8] { try ErasureCertificate.issue(number, of: project.open(.read).store) }

    private func verify(_ bytes: [UInt8]) throws -> ErasureCertificate.Verified { try ErasureCertificate.verify(bytes, path: "F", key: project.open(.read).store.publicKey) }

    @Test("A certificate that is issued behind the exact replay names it, and lists no more what it took away; the one from before stays valid")
    func settled() throws {
        let before = try issue(1)
        #expect(try verify(before).settledBy == nil && verify(before).notReached.contains { $0.contains("influences of the blocks") })
        // The next stitch pays nothing.
        #expect(try verify(try issue(2)).settledBy == nil)
        try project.delete(.chain) { $0.replay.method = .exact }
        for number in [1, 2] {
            let verified = try verify(try issue(number))
            #expect(verified.settledBy == "R3" && verified.settledAt != nil && verified.request == "R\(number)")
            #expect(!verified.notReached.contains { $0.contains("influences of the blocks") || $0.contains("damped stitch") || $0.contains("sparse sample") }, "\(verified.notReached)")
        }
        #expect(try verify(before).settledBy == nil)
        #expect(try verify(try issue(3)).settledBy == nil)
        let reader = try project.open(.read)
        #expect(try reader.records(ofRequest: nil, reader.status()).map(\.outcome) == [.settled, .settled, .replay])
    }

    @Test("No certificate passes that claims to be settled by a request that settled nothing, or that came before")
    func forged() throws {
        try project.delete([try project.ids(inBlock: 20)[0]]) { ($0.replay.onNoDecay, $0.replay.damping, $0.replay.decayGuard.epsilon) = (.stitch, .fixed(0.5), 1e9) }
        let store = try project.open(.read).store, all = try store.ledger()
        func entries(_ requests: [Int]) -> [LedgerEntry] { all.map(\.entry).filter { entry in requests.contains { entry.request == Store.requestName($0) } } }
        // Another stitch is no settlement, and none is owed anything by a request before it.
        #expect(ErasureClaims(entries([1])) != nil && ErasureClaims(entries([1, 2])) == nil && ErasureClaims(entries([1, 2, 3])) == nil)
        try project.delete(.chain) { $0.replay.method = .exact }
        let after = try project.open(.read).store.ledger().map(\.entry), own = after.filter { $0.request == "R2" }, payer = after.filter { $0.request == "R4" }
        #expect(ErasureClaims(own + payer)?.settled?.request == "R4")
        #expect(ErasureClaims(Array(own.dropLast()) + payer + own.suffix(1)) == nil)
        #expect(ErasureClaims(own + payer.dropLast()) == nil && ErasureClaims(own + payer.dropFirst()) == nil)
        // Each of its entries once, and none undone.
        let undone = try LedgerEntry(.deletionUndone, request: 4), undoneOwn = try LedgerEntry(.deletionUndone, request: 2)
        for entries in [payer + payer.suffix(1), [payer[0], payer[1], payer[1], payer[2]], [payer[0], payer[1], undone, payer[2]], payer + [undone], [undone] + payer] {
            #expect(ErasureClaims(own + entries) == nil, "\(entries.map(\.event))")
        }
        #expect(ErasureClaims(own + [undoneOwn] + payer) == nil && ErasureClaims(own + own.suffix(1)) == nil && ErasureClaims(own + [undoneOwn]) == nil)
        // The replay owes nothing itself.
        try project.delete([try project.ids(inBlock: 25)[0]]) { $0.replay.method = .exact }
        let last = try project.open(.read).store.ledger().map(\.entry)
        #expect(ErasureClaims(payer + last.filter { $0.request == "R5" }) == nil)
    }

    @Test("Entries in another order than the ledger's are refused, though each is proven")
    func order() throws {
        try project.delete(.chain) { $0.replay.method = .exact }
        let store = try project.open(.read).store, envelope = try JSONDecoder().decode(SignedEnvelope.self, from: Data(try issue(1)))
        let signed = try #require(envelope.content(verifiedBy: store.publicKey))
        var statement = try #require(JSONSerialization.jsonObject(with: Data(signed)) as? [String: Any])
        var predicate = try #require(statement["predicate"] as? [String: Any]), ledger = try #require(predicate["ledger"] as? [String: Any])
        ledger["entries"] = Array(try #require(ledger["entries"] as? [[String: Any]]).reversed())
        predicate["ledger"] = ledger
        statement["predicate"] = predicate
        let content = try JSONSerialization.data(withJSONObject: statement)
        let forged = [UInt8](try JSONEncoder().encode(store.signed([UInt8](content), type: envelope.payloadType)))
        #expect { _ = try verify(forged) } throws: { "\($0)".contains("not in the ledger's order") }
    }
}
