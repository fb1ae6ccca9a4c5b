import Files
import TestSupport
import Testing

@testable import Checkpoints

@Suite("The ledger")
struct LedgerTests {
    let project: SampleProject
    var name: String { "the ledger in \(project.catalogue)" }

    /// Entries 0 created, 1 requested, 2 published, 3 closed, 4 audited, each with a tree head.
    init() throws {
        project = try SampleProject()
        let store = try project.writer()
        let number = try store.beginRequest(ids: ["train-2-1"], details: .null)
        try store.transaction { change in
            try change.markDeleted(["train-2-1"], request: number)
            try change.removeKeyframes { $0 >= 2 }
            var publication = Store.Publication(report: "{}", details: .string("what was done"))
            publication.untilDeletion = ["state": .string("digest of the model")]
            publication.whileStitched = ["measured": .string("figures of the stitch")]
            try change.publishRequest(number, publication, written: [], evidence: nil)
        }
        try store.transaction { change in try change.append(LedgerEntry(.audited, request: number)) }
        try #require(try store.ledger().map(\.entry.event) == [.created, .deletionRequested, .deletionPublished, .deletionClosed, .audited])
    }

    /// The faults after a change by another hand.
    func faults(_ access: Store.Access = .read, _ change: (Database) throws -> Void) throws -> [String] {
        do { try change(try project.database()) }
        return try Store(opening: project.path, access).ledgerFaults()
    }

    private func changed(_ entry: Int) -> String { "\(name): entry \(entry) was changed" }
    private func notSigned(_ size: Int) -> String { "\(name): its first \(size) entries are not those that were signed" }

    func expectRefused() {
        for access in [Store.Access.read, .write] {
            let error = #expect(throws: Failure.self) { _ = try takingLock { try Store(opening: project.path, access) } }
            #expect(
                error == Failure(
                    .damaged, "\(project.catalogue) was changed by something other than unlearn; run 'unlearn check' and restore the project from a backup"))
        }
    }

    @Test("A ledger that nobody touched has no faults")
    func control() throws { #expect(try faults { _ in } == []) }

    @Test("A changed entry is named, and every tree head over it says so", arguments: 0..<5)
    func changedEntry(position: Int) throws {
        let found = try faults {
            // Every entry names its event.
            try $0.run("UPDATE ledger SET entry = CAST(replace(CAST(entry AS TEXT), '\"event\"', '\"evenT\"') AS BLOB) WHERE position = ?", .integer(position))
        }
        #expect(found == [changed(position)] + (position + 1...5).map(notSigned))
    }

    @Test("An entry changed together with its leaf is found by the tree heads over it", arguments: 0..<5)
    func changedEntryAndLeaf(position: Int) throws {
        let bytes = try LedgerEntry(.audited).encoded()
        let found = try faults {
            try $0.run("UPDATE ledger SET entry = ?, leaf = ? WHERE position = ?", .blob(bytes), .blob(MerkleTree.leaf(bytes).bytes), .integer(position))
        }
        #expect(found == (position + 1...5).map(notSigned))
    }

    @Test("A changed leaf is named", arguments: ["x''", "zeroblob(32)", "leaf || x'00'"])
    func changedLeaf(leaf: String) throws {
        #expect(try faults { try $0.execute("UPDATE ledger SET leaf = \(leaf) WHERE position = 2") } == [changed(2)])
    }

    @Test("A removed entry is named; one whose place was filled up is found by the tree heads")
    func removed() throws {
        let found = try faults { try $0.execute("DELETE FROM ledger WHERE position = 1") }
        #expect(found.first == "\(name): entry 1 is missing")
        let closed = try faults { try $0.execute("UPDATE ledger SET position = position - 1 WHERE position > 1") }
        #expect(
            closed == (2...4).map(notSigned) + [
                "\(name) has 4 entries, and a signed tree head says 5: its end was cut off", "\(name) has 4 entries, of which 5 are signed for",
            ])
    }

    @Test("Entries in another order are found")
    func reordered() throws {
        let found = try faults {
            for (from, to) in [(1, 100), (2, 1), (100, 2)] {
                try $0.run("UPDATE ledger SET position = ? WHERE position = ?", .integer(to), .integer(from))
            }
        }
        #expect(found == (2...5).map(notSigned))
    }

    @Test("An end that was cut off is found")
    func cutOff() throws {
        let found = try faults { try $0.execute("DELETE FROM ledger WHERE position = 4") }
        #expect(
            found == ["\(name) has 4 entries, and a signed tree head says 5: its end was cut off", "\(name) has 4 entries, of which 5 are signed for"])
    }

    @Test("An end cut off together with its tree heads is refused on opening, and a request without its closing entry is named")
    func cutOffWithHeads() throws {
        let found = try faults(.inspect) {
            try $0.execute("DELETE FROM ledger WHERE position >= 3")
            try $0.execute("DELETE FROM tree_heads WHERE size > 3")
        }
        #expect(found == ["\(name) has no closing entry of R1"])
        expectRefused()
    }

    @Test("A whole ledger taken away is refused on opening, and found")
    func emptied() throws {
        let found = try faults(.inspect) { try $0.execute("DELETE FROM ledger; DELETE FROM tree_heads") }
        #expect(found == ["\(name) has no closing entry of R1"])
        expectRefused()
    }

    @Test("An entry that another hand added is not signed for")
    func added() throws {
        let bytes = try LedgerEntry(.audited).encoded()
        let found = try faults { try $0.run("INSERT INTO ledger VALUES (5, ?, ?)", .blob(bytes), .blob(MerkleTree.leaf(bytes).bytes)) }
        #expect(found == ["\(name) has 6 entries, of which 5 are signed for"])
    }

    @Test("An entry that is no JSON is found, and cannot be read")
    func unreadable() throws {
        let found = try faults { try $0.execute("UPDATE ledger SET entry = x'7B' WHERE position = 3") }
        #expect(found.first == changed(3))
        let error = #expect(throws: Failure.self) { _ = try project.reader().ledger() }
        #expect(error?.description.hasPrefix("entry 3 of the ledger is not readable; ") == true)
        #expect(error?.kind == .damaged)
    }

    @Test("A ledger full of faults tells the first ones")
    func manyFaults() throws {
        do {
            let store = try project.writer()
            try store.transaction { change in for _ in 0..<100 { try change.append(LedgerEntry(.audited)) } }
        }
        let found = try faults { try $0.execute("UPDATE ledger SET leaf = zeroblob(32)") }
        #expect(found.first == changed(0))
        #expect((2..<20).contains(found.count))
    }

    // MARK: - Tree heads

    private func headFaults(_ change: (Store, Database) throws -> Void) throws -> [String] {
        let keys = try project.inspector()
        let found = try faults(.inspect) { try change(keys, $0) }
        expectRefused()
        return found
    }

    private let unsigned = "the tree head of size 5 is not signed with the project's key"

    @Test("A tree head with a changed root, time or signature is not signed", arguments: ["root", "time", "signature"])
    func changedHead(column: String) throws {
        // Roots and signatures are random: only the first digit is there for sure.
        let other = "CASE substr(\(column), 1, 1) WHEN '0' THEN '1' ELSE '0' END || substr(\(column), 2)"
        let found = try headFaults { try $1.execute("UPDATE tree_heads SET \(column) = \(other) WHERE size = 5") }
        #expect(found == ["\(name): \(unsigned)"])
    }

    @Test("A tree head whose signature is no signature is not signed", arguments: ["", "00", "zz", "é"])
    func malformedSignature(signature: String) throws {
        let found = try headFaults { try $1.run("UPDATE tree_heads SET signature = ? WHERE size = 5", .text(signature)) }
        #expect(found == ["\(name): \(unsigned)"])
    }

    @Test("A tree head signed by another key is not signed")
    func otherKey() throws {
        let found = try headFaults { store, database in
            let head = TreeHead(project: store.projectID, tree: try store.ledgerTree(), time: "2000-01-01T00:00:00Z", key: SigningKey(seed: .another))
            #expect(!head.isSigned(by: store.publicKey))
            try database.run(
                "UPDATE tree_heads SET root = ?, time = ?, signature = ? WHERE size = 5", .text(head.root), .text(head.time), .text(head.signature))
        }
        #expect(found == ["\(name): \(unsigned)"])
    }

    @Test("A tree head of another project that has the same key is not signed")
    func otherProject() throws {
        let found = try headFaults { store, database in
            let head = TreeHead(project: String(repeating: "0", count: 32), tree: try store.ledgerTree(), time: "2000-01-01T00:00:00Z", key: store.signingKey)
            #expect(head.isSigned(by: store.publicKey))
            try database.run(
                "UPDATE tree_heads SET root = ?, time = ?, signature = ? WHERE size = 5", .text(head.root), .text(head.time), .text(head.signature))
        }
        #expect(found == ["\(name): \(unsigned)"])
    }

    @Test("A tree head of an impossible size is a fault and no crash", arguments: [-1, .min, .max, 1 << 40])
    func impossibleSize(size: Int) throws {
        let found = try headFaults { try $1.run("UPDATE tree_heads SET size = ? WHERE size = 5", .integer(size)) }
        #expect(found.first == "\(name): the tree head of size \(size) is not signed with the project's key")
    }
}
