import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// What opens the commitments of entries, and the lists of what was destroyed.
extension LedgerTests {
    private func context(_ position: Int, _ store: Store) -> [UInt8] { Array("unlearn disclosures \(position)".utf8) + store.keys.projectID }

    /// Puts a list of disclosures in an entry's place, sealed as the program does, and gives what reading the ledger ends with.
    private func disclosing(_ texts: [(DisclosureLifetime, String)], lasting: Bool, at position: Int) throws -> Failure? {
        let store = try project.inspector()
        let list = try texts.map { lifetime, text in "[\(lifetime.rawValue),\(String(decoding: try JSONEncoder().encode(text), as: UTF8.self))]" }
        let content = Array(("[" + list.joined(separator: ",") + "]").utf8)
        let cell = content.withUnsafeBytes { (lasting ? store.keys.ledger : store.keyring).seal($0, context: context(position, store)) }
        try project.database().run(
            "UPDATE disclosures SET \(lasting ? "lasting" : "perishable") = ? WHERE position = ?", .blob(cell), .integer(position))
        expectRefused()
        do {
            #expect(try project.inspector().ledgerFaults() == [])
            return nil
        } catch {
            return error as? Failure
        }
    }

    /// The texts of an entry's disclosures, with their lifetimes.
    private func texts(_ position: Int) throws -> [(DisclosureLifetime, String)] {
        try project.inspector().ledger()[position].entry.disclosures.map { ($0.lifetime, $0.disclosure.text) }
    }

    private func foreign(_ position: Int) -> Failure {
        Failure(
            .damaged, "what the catalogue discloses of the ledger's entry \(position) is not what the entry committed to; "
                + "run 'unlearn check' and restore the project from a backup")
    }

    @Test("What an entry disclosed may be missing, and is nothing else than what it committed to", arguments: [true, false])
    func foreignDisclosure(lasting: Bool) throws {
        let own = try texts(2).filter { ($0.0 == .lasting) == lasting }
        try #require(own.count == 2)
        // The same again, and less of it, open what the entry committed to.
        #expect(try disclosing(own, lasting: lasting, at: 2) == nil)
        #expect(try disclosing([own[0]], lasting: lasting, at: 2) == nil)
        #expect(try disclosing([], lasting: lasting, at: 2) == nil)
        let other = try Disclosure("details", .string("what was not done"))
        for texts in [[(own[0].0, other.text)], own + [(own[0].0, other.text)], [own[0], own[0]], [(own[0].0, own[0].1 + " ")], try texts(1)] {
            #expect(try disclosing(texts, lasting: lasting, at: 2) == foreign(2))
        }
        for text in ["", "[]", "{}", #"["salt","details"]"#, #"["salt",1,"value"]"#] {
            #expect(try disclosing([(own[0].0, text)], lasting: lasting, at: 2) == foreign(2))
        }
    }

    @Test("A cell of disclosures is worth nothing at another entry, in the other column, or changed", arguments: ["lasting", "perishable"])
    func movedDisclosures(column: String) throws {
        let whole = try FileSystem.read(project.catalogue), other = column == "lasting" ? "perishable" : "lasting"
        let changes = [
            "\(column) = (SELECT \(column) FROM disclosures WHERE position = 1)", "\(column) = \(other)", "\(column) = x''",
            "\(column) = zeroblob(42)",
        ]
        for change in changes {
            try project.database().execute("UPDATE disclosures SET \(change) WHERE position = 2")
            let error = #expect(throws: Failure.self) { _ = try project.inspector().ledger() }
            #expect(
                error == Failure(
                    .damaged, "what the catalogue discloses of the ledger's entry 2 cannot be opened; "
                        + "run 'unlearn check' and restore the project from a backup"),
                "\(change)")
            try project.putBack(whole)
        }
    }

    @Test("What a deletion destroys of disclosures is in no file, and the entry verifies as before", arguments: [false, true])
    func destroyedDisclosures(stitches: Bool) throws {
        let before = try project.reader().ledger()
        // The texts are sealed; it is their cells that must go, and the keys that opened them.
        let store = try project.writer(), keyring = store.keyring
        let cells = try store.database.rows("SELECT perishable FROM disclosures") { $0.blob(0) }
        func found() throws -> Int { try rawFiles(project.path).count { file in cells.contains { file.bytes.contains($0) } } }
        #expect(try found() > 0)
        let number = try store.beginRequest(ids: ["train-1-1"], details: .null)
        try store.transaction { change in
            try change.markDeleted(["train-1-1"], request: number)
            try change.destroyPerishableDisclosures(ofStitches: stitches)
            try change.publishRequest(number, .init(report: "{}", details: .null), written: [], evidence: nil)
        }
        for reopened in [store, try project.reader()] {
            let after = try reopened.ledger()
            #expect(after.prefix(5).map(\.bytes) == before.map(\.bytes))
            #expect(before[2].entry["state"] == .string("digest of the model") && after[2].entry["state"] == nil)
            #expect(after[2].entry["measured"] == (stitches ? nil : .string("figures of the stitch")))
            #expect(after[2].entry.details == .string("what was done") && after[2].entry.written == before[2].entry.written)
            #expect(after[1].entry.rows == before[1].entry.rows && after[1].entry.rows?.count == 1)
            #expect(before[2].entry.disclosures.count - after[2].entry.disclosures.count == (stitches ? 2 : 1))
            #expect(try reopened.ledgerFaults() == [])
            try reopened.checkCatalogue()
        }
        // The entry commits to what was destroyed without showing it.
        let text = try #require(before[2].entry.disclosures.first { $0.disclosure.name == "state" }).disclosure
        #expect(before[2].bytes.contains(text.commitment) && !before[2].bytes.contains("digest of the model"))
        #expect(try found() == 0)
        #expect(store.keyring.exposed != keyring.exposed)
        for (position, cell) in try store.database.rows("SELECT perishable FROM disclosures ORDER BY position", map: { $0.blob(0) }).enumerated() {
            #expect(cell.withUnsafeBytes { keyring.open($0, context: context(position, store)) } == nil)
        }
    }

    // MARK: - What was destroyed

    /// Puts a list of what R1 destroyed in the place of the one that is there, sealed as the program does.
    private func listing(_ change: ([ListedObject]) -> [ListedObject]) throws -> [String] {
        let store = try project.inspector(), objects = try store.destroyedObjects(by: 1)
        try #require(objects.count == 1 && objects[0].kind == .keyframe)
        let context = Array("unlearn destroyed 1".utf8) + store.keys.projectID
        let cell = change(objects).flatMap(\.encoded).withUnsafeBytes { store.keys.ledger.seal($0, context: context) }
        return try faults { try $0.run("UPDATE destroyed SET cell = ? WHERE request = 1", .blob(cell)) }
    }

    @Test("A list of what was destroyed that is not what the closing entry says is found")
    func changedList() throws {
        #expect(try listing { $0 } == [])
        let fault = ["\(name): what R1 destroyed is not what its closing entry says"]
        #expect(try listing { $0 + $0 } == fault)
    }

    @Test("A list of what was destroyed with less, more or another object in it is found", arguments: ["none", "another", "one more", "removed"])
    func otherList(change: String) throws {
        let other = try ListedObject(#require(try project.inspector().index.object(.keyframe, 0)))
        let found = try change == "removed" ? faults { try $0.execute("DELETE FROM destroyed") } : listing { objects in
            switch change {
            case "none": []
            case "another": [other]
            default: objects + [other]
            }
        }
        #expect(found == ["\(name): what R1 destroyed is not what its closing entry says"])
    }

    @Test("A list of what was destroyed that cannot be opened is damage", arguments: ["x''", "zeroblob(100)", "CAST('x' AS BLOB)", "substr(cell, 2)"])
    func unreadableList(cell: String) throws {
        try project.database().execute("UPDATE destroyed SET cell = \(cell)")
        let error = #expect(throws: Failure.self) { _ = try project.reader().ledgerFaults() }
        #expect(
            error == Failure(
                .damaged, "\(project.catalogue): the list of what R1 destroyed cannot be opened; "
                    + "run 'unlearn check' and restore the project from a backup"))
    }

    @Test("Bytes that are no list of objects are none, and a list comes back")
    func lists() throws {
        let objects = try project.inspector().objects().map(ListedObject.init), bytes = objects.flatMap(\.encoded)
        #expect(bytes.count == 8 * (16 + 1 + 4 + 32))
        #expect(ListedObject.decode(bytes) == objects && ListedObject.decode([]) == [])
        for length in 1..<53 { #expect(ListedObject.decode(Array(bytes[..<length])) == nil) }
        var unknown = bytes
        unknown[16] = 8
        #expect(ListedObject.decode(unknown) == nil)
        // A summary is of the whole list in its order.
        let summary = ObjectSummary(objects)
        #expect(summary.count == 8 && summary.kinds == ["influence": 3, "keyframe": 1, "rows": 3, "test-rows": 1])
        #expect(ObjectSummary(objects.reversed()).root != summary.root && ObjectSummary(Array(objects.dropLast())) != summary)
        #expect(ObjectSummary(try JSONValue(summary)) == summary)
        #expect(summary.count(where: \.isRows) == 4 && summary.count(where: \.isCheckpoint) == 4 && summary.count { $0 == .evidence } == 0)
        for value: JSONValue in [
            .null, .object([:]), .object(["count": .integer(-1), "kinds": .object([:]), "root": .string("")]),
            .object(["count": .integer(2), "kinds": .object(["rows": .integer(1)]), "root": .string("")]),
            .object(["count": .integer(0), "kinds": .object(["rows": .integer(1), "x": .integer(-1)]), "root": .string("")]),
            .object(["count": .string("1"), "kinds": .object(["rows": .integer(1)]), "root": .string("")]),
        ] {
            #expect(ObjectSummary(value) == nil)
        }
    }
}
