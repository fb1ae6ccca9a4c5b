import Checkpoints
import Files
import Foundation
import TestSupport
import Testing

@testable import Unlearn

@Suite("Certificates")
struct CertificateTests {
    private let project: SmallProject

    init() throws {
        project = try SmallProject()
        try project.train()
        try project.delete([try project.ids(inBlock: 25)[0], "test:3"])
    }

    private func issue(_ number: Int = 1) throws -> [UInt8] { try ErasureCertificate.issue(number, of: try project.open(.read).store) }

    private func verify(_ bytes: [UInt8], key: PublicKey? = nil) throws -> ErasureCertificate.Verified {
        try ErasureCertificate.verify(bytes, path: "F", key: key)
    }

    private func refusal(_ bytes: [UInt8], key: PublicKey? = nil) -> FailureKind? {
        do {
            _ = try verify(bytes, key: key)
            return nil
        } catch {
            return (error as? Failure)?.kind
        }
    }

    @Test("A certificate says what was erased and verifies without the project")
    func verifies() throws {
        let store = try project.open(.read).store
        let verified = try verify(try issue(), key: store.publicKey)
        #expect(verified.request == "R1" && verified.rowsErased == 2 && verified.checkpointsErased > 0 && verified.keyGiven)
        #expect(verified.stateDigest == (try project.open(.read).status().stateDigest))
        #expect(verified.notReached.contains { $0.contains("generated") }, "the source is named")
        #expect(try !verify(try issue()).keyGiven)
    }

    @Test("It stays valid when the ledger grows, and pins what the ledger was")
    func pins() throws {
        let first = try issue()
        try project.delete([try project.ids(inBlock: 28)[0]])
        let store = try project.open(.read).store
        try ErasureCertificate.verify(first, path: "F", isContinuedBy: store)
        #expect(try verify(first, key: store.publicKey).ledgerSize < verify(try issue(2), key: store.publicKey).ledgerSize)
    }

    @Test("An older copy of the project does not pass for the one that a certificate was issued from")
    func rollback() throws {
        let copy = project.folder.file("copy")
        try FileManager.default.copyItem(atPath: project.path, toPath: copy)
        try project.delete([try project.ids(inBlock: 28)[0]])
        let later = try issue(2)
        let old = try Store(opening: copy, .inspect)
        #expect { try ErasureCertificate.verify(later, path: "F", isContinuedBy: old) } throws: { ($0 as? Failure)?.kind == .damaged }
    }

    @Test("A changed bit anywhere in the envelope is noticed, or changes nothing of what it says")
    func tampered() throws {
        let store = try project.open(.read).store
        let bytes = try issue()
        let original = try verify(bytes, key: store.publicKey)
        var accepted = 0
        for place in stride(from: 0, to: bytes.count, by: 97) {
            var changed = bytes
            changed[place] ^= 1
            guard let verified = try? verify(changed, key: store.publicKey) else { continue }
            #expect(verified == original, "byte \(place)")
            accepted += 1
        }
        // White space and the hint which key to try.
        #expect(accepted <= 3)
    }

    @Test("A certificate can be held to one project")
    func pinnedProject() throws {
        let store = try project.open(.read).store, bytes = try issue()
        #expect(try ErasureCertificate.verify(bytes, path: "F", key: nil, project: store.projectID).project == store.projectID)
        #expect { try ErasureCertificate.verify(bytes, path: "F", key: nil, project: String(repeating: "0", count: 32)) } throws: {
            ($0 as? Failure)?.kind == .refused && "\($0)".contains("it is of project \(store.projectID), not of 000")
        }
    }

    @Test("Another key's certificate, and files that are none, are refused")
    func otherKey() throws {
        let stranger = try SmallProject(rows: 300)
        let key = try stranger.open(.read).store.publicKey
        #expect(refusal(try issue(), key: key) == .refused)
        #expect(refusal(Array("{}".utf8)) == .input)
        #expect(refusal([]) == .input)
        #expect(refusal(Array(try issue().dropLast(40))) == .input)
    }

    @Test("Claims that the ledger's entries do not make are refused even when they are signed")
    func falseClaims() throws {
        let store = try project.open(.read).store
        let envelope = try JSONDecoder().decode(SignedEnvelope.self, from: Data(try issue()))
        let content = String(decoding: try #require(envelope.content(verifiedBy: store.publicKey)), as: UTF8.self)
        func resigned(_ from: String, _ to: String) throws -> [UInt8] {
            try #require(content.contains(from), "\(from)")
            return [UInt8](try JSONEncoder().encode(store.signed(Array(content.replacingOccurrences(of: from, with: to).utf8), type: envelope.payloadType)))
        }
        #expect(refusal(try resigned("\"issued\"", "\"issued\""), key: store.publicKey) == nil, "signing again alone changes nothing")
        #expect(refusal(try resigned("\"count\":2", "\"count\":3"), key: store.publicKey) == .refused)
        #expect(refusal(try resigned("\"request\":\"R1\"", "\"request\":\"R2\""), key: store.publicKey) == .refused)
        #expect(refusal(try resigned("\"position\":2", "\"position\":3"), key: store.publicKey) == .refused)
        #expect(refusal(try resigned("\"test_rows\":1", "\"test_rows\":0"), key: store.publicKey) == .refused)
    }

    @Test("A certificate holds no id of a row")
    func noIDs() throws {
        let store = try project.open(.read).store
        let envelope = try JSONDecoder().decode(SignedEnvelope.self, from: Data(try issue()))
        let text = String(decoding: try #require(envelope.content(verifiedBy: store.publicKey)), as: UTF8.self)
        #expect(!text.contains("test:3") && text.contains(store.rowDigest("test:3")))
    }

    @Test("Requests that were not carried out have none")
    func notCarriedOut() throws {
        #expect { _ = try issue(2) } throws: { ($0 as? Failure)?.kind == .input }
        let number = try project.open().store.beginRequest(ids: ["1"], details: .null)
        #expect { _ = try issue(number) } throws: { "\($0)".contains("was not carried out") }
        // The next writer undoes what was begun and cut off.
        _ = try project.open()
        #expect(try project.open(.read).store.requests().map(\.state) == [.closed, .undone])
        #expect { _ = try issue(number) } throws: { "\($0)".contains("was not carried out") }
    }

    @Test("What was not reached names every gap that a damped stitch left, the whole gap of damping 0 too", arguments: [0, 0.25, 1])
    func dampedStitches(damping: Double) throws {
        try project.delete([try project.ids(inBlock: 4)[0], try project.ids(inBlock: 18)[0]]) {
            $0.replay.onNoDecay = .stitch
            $0.replay.decayGuard.epsilon = 1e9
            $0.replay.damping = .fixed(damping)
        }
        let left = try verify(try issue(2)).notReached.filter { $0.contains("damped stitch") }
        #expect(left.count == (damping == 1 ? 0 : 2) && left.allSatisfy { $0.contains("\(1 - damping) of it") }, "\(left)")
    }

    @Test("What a stitch leaves is said to go with an exact deletion, not to be gone; former words of it mean the same")
    func remedy() throws {
        try project.delete([try project.ids(inBlock: 5)[0]]) {
            $0.replay.onNoDecay = .stitch
            $0.replay.decayGuard.epsilon = 1e9
        }
        let left = try #require(try verify(try issue(2)).notReached.first { $0.hasPrefix("influences of the blocks that were not retrained") })
        #expect(left.hasSuffix("; an exact deletion afterwards takes them away"))
        let former = left.replacing("afterwards takes", with: "since then has taken")
        let decoded = try JSONDecoder().decode(ErasureClaims.NotReached.self, from: JSONEncoder().encode(["what": former]))
        #expect(former != left && decoded == ErasureClaims.NotReached(what: left, place: nil))
    }

    @Test("Deleting test rows alone claims no influence that was removed")
    func testRowsAlone() throws {
        try project.delete([try project.ids(inBlock: 5)[0]]) {
            $0.replay.onNoDecay = .stitch
            $0.replay.decayGuard.epsilon = 1e9
        }
        try project.delete(["test:9"])
        let store = try project.open(.read).store
        let claims = try #require(ErasureClaims(store.ledger().map(\.entry).filter { $0.request == "R3" }))
        #expect(claims.influenceRemoved.meaning.contains("untouched") && claims.influenceRemoved.bound == .integer(0))
        #expect(claims.rowsErased.testRows == 1 && claims.checkpointsErased.count == 0)
        #expect(claims.checkpointsErased.evidence == 1, "the sample that R2 had left")
        let verified = try verify(try issue(3))
        #expect(!verified.hadInfluence && verified.evidenceErased == 1 && !verified.notReached.contains { $0.contains("sparse sample") })
        #expect(try LogReport(of: store, request: 3).requests[0].hadNoInfluence)
    }

    @Test("Keys and encryption are claimed only where something was encrypted, samples only where one was left", arguments: [Encryption.none, .xchacha20poly1305])
    func encryption(encryption: Encryption) throws {
        let project = try SmallProject(encryption: encryption)
        try project.delete([try project.ids(inBlock: 2)[0]])
        let untrained = try ErasureCertificate.verify(ErasureCertificate.issue(1, of: project.open(.read).store), path: "F", key: nil)
        #expect(!untrained.hadInfluence && !untrained.notReached.contains { $0.contains("sample") })
        try project.train()
        try project.delete([try project.ids(inBlock: 28)[0]])
        let exact = try ErasureCertificate.verify(ErasureCertificate.issue(2, of: project.open(.read).store), path: "F", key: nil)
        #expect(exact.method == "exact" && exact.hadInfluence && !exact.notReached.contains { $0.contains("sample") })
        try project.delete([try project.ids(inBlock: 5)[0]]) {
            $0.replay.onNoDecay = .stitch
            $0.replay.decayGuard.epsilon = 1e9
        }
        let verified = try ErasureCertificate.verify(ErasureCertificate.issue(3, of: project.open(.read).store), path: "F", key: nil)
        #expect(verified.encrypted == (encryption != .none) && verified.hadInfluence)
        #expect(verified.notReached.filter { $0.contains("sample") }.count == 1)
        #expect(verified.notReached.contains { $0.contains("encrypted") || $0.contains("key") } == (encryption != .none))
    }

    @Test("A ledger that somebody changed is neither certified nor signed anew")
    func tamperedLedger() throws {
        let catalogue = project.path + "/catalogue.sqlite"
        let entry = try #require(try project.open(.read).store.ledger().first { $0.entry.event == .deletionClosed })
        // Digests are random: what every entry holds is the name of its event.
        let forged = Array(String(decoding: entry.bytes, as: UTF8.self).replacing("\"event\":\"", with: "\"event\":\"x").utf8)
        try #require(forged != entry.bytes)
        let leaf = Hexadecimal.encode(MerkleTree.leaf(forged).bytes)
        let sql = "UPDATE ledger SET entry = x'\(Hexadecimal.encode(forged))', leaf = x'\(leaf)' WHERE position = \(entry.position)"
        try TestPrograms.runPython("import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()", catalogue, sql)
        #expect { _ = try issue() } throws: { ($0 as? Failure)?.kind == .damaged }
        #expect { _ = try LogReport(of: project.open(.read).store, request: nil) } throws: {
            ($0 as? Failure)?.kind == .damaged && "\($0)".contains("its first") && "\($0)".contains("are not those that were signed")
        }
        #expect { try project.delete([try project.ids(inBlock: 28)[0]]) } throws: { "\($0)".contains("not the one that was signed") }
        #expect(try !project.open(.inspect).check(readData: false) { _, _ in }.errors.isEmpty)
    }

    @Test("An audit is recorded and goes into the certificate")
    func audits() throws {
        let opened = try project.open(.read)
        let report = try opened.audit(request: 1, before: nil, allowingOtherNumerics: false, control: .init()) { _, _ in }
        try opened.record(report)
        let store = try project.open(.read).store
        let envelope = try JSONDecoder().decode(SignedEnvelope.self, from: Data(try issue()))
        let statement = try JSONDecoder().decode(JSONValue.self, from: Data(try #require(envelope.content(verifiedBy: store.publicKey))))
        guard case .array(let audits)? = statement["predicate"]?["claims"]?["influence_removed"]?["audits"] else {
            Issue.record("the claims list no audits")
            return
        }
        #expect(audits.count == 1 && audits[0]["verdict"] == .string(report.verdict.rawValue))
    }
}
