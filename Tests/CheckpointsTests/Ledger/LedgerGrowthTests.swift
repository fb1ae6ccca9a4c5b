import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

@Suite("What is put on record")
struct LedgerGrowthTests {
    private struct Stop: Error {}

    private let project: SampleProject

    init() throws { project = try SampleProject() }

    @Test("Appending keeps all earlier tree heads valid, and every entry is proved under each head that came after it")
    func grows() throws {
        let store = try project.writer()
        var earlier = try store.treeHeads()
        for round in 1...12 {
            try store.transaction { change in for _ in 0..<(round % 3 + 1) { try change.append(LedgerEntry(.audited, request: round)) } }
            let heads = try store.treeHeads()
            #expect(heads.count == earlier.count + 1)
            #expect(Array(heads.dropLast()) == earlier)
            earlier = heads
        }
        let tree = try store.ledgerTree(), entries = try store.ledger()
        #expect(earlier.last?.size == entries.count)
        for head in earlier {
            #expect(head.isSigned(by: store.publicKey))
            #expect(head.project == store.projectID)
            let root = try hex(head.root)
            #expect(root == tree.root(size: head.size).bytes)
            for entry in entries.prefix(head.size) {
                let proof = tree.inclusionProof(of: entry.position, size: head.size)
                #expect(MerkleTree.root(from: MerkleTree.leaf(entry.bytes), index: entry.position, size: head.size, proof: proof)?.bytes == root)
            }
        }
        #expect(try store.ledgerFaults() == [])
    }

    @Test("A transaction without entries signs nothing, and one that throws leaves no entry")
    func withoutEntries() throws {
        let store = try project.writer()
        let heads = try store.treeHeads(), entries = try store.ledger().map(\.bytes)
        try store.transaction { change in try change.set("key", to: "value") }
        #expect(throws: Stop.self) {
            try store.transaction { change in
                try change.append(LedgerEntry(.audited))
                throw Stop()
            }
        }
        try store.transaction { change in try change.set("key", to: "another") }
        #expect(try store.treeHeads() == heads)
        #expect(try store.ledger().map(\.bytes) == entries)
    }

    private static let details: JSONValue = .object(["a/b": .array([.null, .bool(true), .integer(.max), .number(0.5), .string("größe \"x\"")])])

    @Test("An entry comes back as it was put in, from JSON whose keys are sorted")
    func entries() throws {
        let entry = try LedgerEntry(
            .deletionClosed, request: 7, details: Self.details, lasting: ["rows": .array([.string("ab"), .string("cd")])],
            untilDeletion: ["state": .string("x")], whileStitched: ["measured": .integer(1)])
        #expect(entry.request == "R7")
        #expect(entry.details == Self.details && entry.rows == ["ab", "cd"] && entry["state"] == .string("x") && entry["measured"] == .integer(1))
        #expect(entry.disclosures.map(\.lifetime) == [.lasting, .lasting, .untilDeletion, .whileStitched])
        let bytes = try entry.encoded(), texts = entry.disclosures.map { ($0.lifetime, $0.disclosure.text) }
        #expect(try LedgerEntry(decoding: bytes, disclosures: texts) == entry)
        #expect(try entry.encoded() == bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        let keys = ["event", "program", "request", "sealed", "time"]
        let places = try keys.map { try #require(text.range(of: "\"\($0)\":")).lowerBound }
        #expect(places == places.sorted())
        // Nothing that it commits to stands in it.
        for name in ["rows", "details", "state", "measured", "a/b", "größe"] { #expect(!text.contains(name)) }
    }

    @Test("An entry commits to the digest of each disclosure's text, sorted, and to nothing twice")
    func commitments() throws {
        let entry = try LedgerEntry(.audited, details: Self.details, lasting: ["b": .null], untilDeletion: ["a": .null])
        let digests = entry.disclosures.map { Hexadecimal.encode(SHA256(of: Array($0.disclosure.text.utf8)).bytes) }
        #expect(Set(digests).count == 3 && Set(digests).isSubset(of: entry.sealed) && entry.sealed == Set(entry.sealed).sorted())
        // [salt, name, value], as any program can read it.
        let parts = try #require(try JSONSerialization.jsonObject(with: Data(entry.disclosures[0].disclosure.text.utf8)) as? [Any])
        #expect(parts.count == 3 && (parts[0] as? String)?.utf8.count == 32 && parts[1] as? String == "b")
        #expect(Disclosure(text: entry.disclosures[0].disclosure.text) == entry.disclosures[0].disclosure)
    }

    @Test("The same value is committed to differently each time, so that nobody can test a guess")
    func salts() throws {
        let commitments = try (0..<50).flatMap { _ in try LedgerEntry(.audited, details: .bool(true)).sealed }
        #expect(Set(commitments).count == commitments.count && commitments.count == 50 * LedgerEntry.sealedStep)
    }

    @Test("An entry verifies with any part of its disclosures, and says by the number of its commitments neither how many it had nor how many are gone")
    func partly() throws {
        let entry = try LedgerEntry(.audited, details: Self.details, lasting: ["b": .null], untilDeletion: ["a": .null])
        #expect(try entry.sealed.count == LedgerEntry.sealedStep && LedgerEntry(.audited).sealed.count == 0)
        let texts = entry.disclosures.map { ($0.lifetime, $0.disclosure.text) }, bytes = try entry.encoded()
        for kept in 0..<8 {
            let some = texts.indices.filter { kept >> $0 & 1 == 1 }.map { texts[$0] }
            let found = try LedgerEntry(decoding: bytes, disclosures: some)
            #expect(found.sealed == entry.sealed && found.disclosures.count == some.count)
            #expect((found.details == nil) == !some.contains { $0.1 == texts[1].1 })
        }
        let foreign = try Disclosure("b", .null).text
        for wrong in [[(DisclosureLifetime.lasting, foreign)], texts + [(.lasting, foreign)], [texts[0], texts[0]]] {
            #expect(throws: LedgerEntry.Invalid.foreignDisclosure) { _ = try LedgerEntry(decoding: bytes, disclosures: wrong) }
        }
        for wrong in [[], Array("{}".utf8), Array(bytes.dropLast())] {
            #expect(throws: LedgerEntry.Invalid.unreadable) { _ = try LedgerEntry(decoding: wrong, disclosures: []) }
        }
    }

    @Test("A tree head is signed over lines of text that any program can put together")
    func headBody() throws {
        let tree = MerkleTree(leaves: [MerkleTree.leaf([1])]), key = SigningKey(seed: .counting)
        let head = TreeHead(project: "00ff", tree: tree, time: "2000-01-01T00:00:00Z", key: key)
        let root = Hexadecimal.encode(tree.root(size: 1).bytes)
        #expect(String(decoding: head.body, as: UTF8.self) == "unlearn ledger 00ff\n1\n\(root)\n2000-01-01T00:00:00Z\n")
        #expect(key.publicKey.verify(try hex(head.signature), of: head.body))
    }

    // MARK: - Envelopes

    private let key = SigningKey(seed: .counting)

    @Test("An envelope is signed as its specification says")
    func preAuthentication() throws {
        // The example of DSSE's protocol.md.
        let envelope = SignedEnvelope(Array("hello world".utf8), type: "http://example.com/HelloWorld", key: key)
        #expect(envelope.payload == "aGVsbG8gd29ybGQ=")
        let signature = try #require(envelope.signatures.first)
        let bytes = Array(try #require(Data(base64Encoded: signature.sig)))
        #expect(key.publicKey.verify(bytes, of: Array("DSSEv1 29 http://example.com/HelloWorld 11 hello world".utf8)))
        #expect(envelope.content(verifiedBy: key.publicKey) == Array("hello world".utf8))
        #expect(envelope.namedKey == key.publicKey)
    }

    @Test("An envelope with anything changed is not verified", arguments: ["payload", "payloadType", "sig", "another key's"])
    func changedEnvelope(what: String) throws {
        let envelope = SignedEnvelope(Array("hello world".utf8), type: "type", key: key)
        let other = SignedEnvelope(Array("hello earth".utf8), type: "types", key: what == "another key's" ? SigningKey(seed: .another) : key)
        var fields = try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(envelope)) as? [String: Any])
        let others = try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(other)) as? [String: Any])
        func decoded() throws -> SignedEnvelope { try JSONDecoder().decode(SignedEnvelope.self, from: JSONSerialization.data(withJSONObject: fields)) }
        #expect(try decoded().content(verifiedBy: key.publicKey) != nil)
        if what == "another key's" {
            fields = others
        } else {
            let field = what == "sig" ? "signatures" : what
            fields[field] = others[field]
        }
        #expect(try decoded().content(verifiedBy: key.publicKey) == nil)
    }

    @Test("Content or signatures that are no base64, or are missing, are not verified")
    func malformedEnvelope() throws {
        func content(_ payload: String, _ signatures: String) throws -> [UInt8]? {
            let text = #"{"payloadType":"t","payload":"\#(payload)","signatures":[\#(signatures)]}"#
            return try JSONDecoder().decode(SignedEnvelope.self, from: Data(text.utf8)).content(verifiedBy: key.publicKey)
        }
        let envelope = SignedEnvelope([1], type: "t", key: key), signature = envelope.signatures[0].sig
        let entry = { (sig: String) in #"{"keyid":"","sig":"\#(sig)"}"# }
        #expect(try content("AQ==", entry(signature)) == [1])
        // One of several is enough.
        #expect(try content("AQ==", entry("AAAA") + "," + entry(signature)) == [1])
        for (payload, signatures) in [("AQ==", ""), ("AQ==", entry("")), ("AQ==", entry("*")), ("*", entry(signature)), ("", entry(signature))] {
            #expect(try content(payload, signatures) == nil)
        }
    }
}
