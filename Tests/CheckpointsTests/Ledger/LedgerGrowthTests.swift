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
            try store.transaction { for _ in 0..<(round % 3 + 1) { try store.append(LedgerEntry(.audited, request: round)) } }
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
        try store.transaction { try store.set("key", to: "value") }
        #expect(throws: Stop.self) {
            try store.transaction {
                try store.append(LedgerEntry(.audited))
                throw Stop()
            }
        }
        try store.transaction { try store.set("key", to: "another") }
        #expect(try store.treeHeads() == heads)
        #expect(try store.ledger().map(\.bytes) == entries)
    }

    @Test("An entry comes back as it was put in, from JSON whose keys are sorted")
    func entries() throws {
        var entry = LedgerEntry(.deletionClosed, request: 7)
        entry.rows = ["ab", "cd"]
        entry.written = [LedgerObject(.influence, 3, 100, Digest(bytes: [UInt8](repeating: 1, count: 32)))]
        entry.destroyed = []
        entry.details = .object(["a/b": .array([.null, .bool(true), .integer(.max), .number(0.5), .string("größe \"x\"")])])
        let bytes = try entry.encoded()
        #expect(try LedgerEntry(decoding: bytes) == entry)
        #expect(entry.request == "R7")
        #expect(try entry.encoded() == bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains(#""a/b":["#))
        let keys = ["destroyed", "details", "event", "program", "request", "rows", "time", "written"]
        let places = try keys.map { try #require(text.range(of: "\"\($0)\":")).lowerBound }
        #expect(places == places.sorted())
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
        let other = SignedEnvelope(Array("hello earth".utf8), type: "types", key: what == "another key's" ? SigningKey(seed: .random()) : key)
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
