import Checkpoints
import Files
import Foundation
import Testing
import Training

@testable import Unlearn
@testable import Valuation

@Suite("Statements of values")
struct ValueStatementTests {
    private let project: ValuationProject

    init() throws { project = try ValuationProject() }

    private static let tables = ["values.csv", "utilities.csv"].map { ReportTable(name: $0, bytes: Array("a table".utf8)) }

    /// Values of the providers, recorded; two tables beside it.
    private func record(_ access: Store.Access = .write, pool: Pool? = Pool(cents: 1_000_001)) throws -> (report: ValueReport, statement: [UInt8]) {
        let opened = try project.open(access)
        var options = ValuationOptions(estimator: .exact)
        options.metric = .loss
        var outcome = try Valuation(opened, players: PlayerSet(.groups, of: opened), options: options, threads: 1, control: TrainingControl()) { _, _, _ in }
            .run(fidelity: [], withCurves: false)
        if let pool { outcome.report.share(pool) }
        let statement = try outcome.record(in: opened, files: Self.tables)
        return (outcome.report, statement)
    }

    private func verify(_ bytes: [UInt8], key: PublicKey? = nil, project: String? = nil) throws -> ValueStatement.Verified {
        try ValueStatement.verify(bytes, path: "F", key: key, project: project)
    }

    private func refusal(_ bytes: [UInt8], key: PublicKey? = nil) -> Failure? { #expect(throws: Failure.self) { try verify(bytes, key: key) } }

    private func entries() throws -> [LedgerEntry] { try project.open(.read).store.ledger().map(\.entry) }

    @Test("It says what was found, to the bit, and verifies without the project")
    func verifies() throws {
        let (report, statement) = try record()
        let store = try project.open(.read).store, verified = try verify(statement, key: store.publicKey)
        #expect(verified.players.map(\.value) == report.players.map(\.value) && verified.players.map(\.player) == report.players.map(\.player))
        #expect(verified.players.map(\.amount) == report.players.map(\.amount) && verified.pool == 10_000.01)
        #expect(verified.project == store.projectID && verified.stateDigest == report.stateDigest && verified.source == "generated" && verified.none == .baseRate)
        #expect(verified.keyGiven && verified.files == Self.tables.map { .init(name: $0.name, sha256: Hexadecimal.encode(SHA256(of: $0.bytes).bytes)) })
        #expect(report.ledgerEntry == verified.ledgerSize - 1)
        #expect(try !verify(statement).keyGiven)
        try ValueStatement.verify(statement, path: "F", isContinuedBy: store)
    }

    @Test("The ledger keeps how values came about, and loses the figures with the next deletion")
    func lifetime() throws {
        let (report, statement) = try record()
        let before = try #require(try entries().last)
        #expect(before.event == .valued && before.request == nil && before.disclosures.map(\.lifetime) == [.lasting, .untilDeletion])
        // What stays names no player, no value and no state.
        let lasting = String(decoding: try JSONEncoder().encode(try #require(before.details)), as: UTF8.self)
        #expect(lasting.contains("\"metric\":\"loss\"") && !lasting.contains("p0") && !lasting.contains(report.stateDigest))
        try project.delete(["3"])
        let after = try #require(try entries().first { $0.event == .valued })
        #expect(after.details == before.details && after["figures"] == nil)
        #expect(ValueClaims(after) == nil)
        // What somebody keeps of it still holds, and the ledger still continues it.
        let store = try project.open(.read).store
        #expect(try verify(statement, key: store.publicKey).stateDigest == report.stateDigest)
        try ValueStatement.verify(statement, path: "F", isContinuedBy: store)
        #expect(try project.open(.inspect).check(readData: false) { _, _ in }.errors == [])
    }

    @Test("A project that is open for reading is opened for writing for the entry alone; rows deleted since are no values' to record")
    func readers() throws {
        let reader = try project.open(.read)
        var options = ValuationOptions(estimator: .loo)
        options.metric = .loss
        func outcome() throws -> ValuationOutcome {
            try Valuation(reader, players: PlayerSet(.groups, of: reader), options: options, threads: 1, control: TrainingControl()) { _, _, _ in }
                .run(fidelity: [], withCurves: false)
        }
        var first = try outcome(), second = try outcome()
        #expect(try verify(first.record(in: reader, files: Self.tables)).players.count == 4)
        // Another writer holds it.
        do {
            let writer = try project.open()
            #expect { try second.record(in: reader, files: Self.tables) } throws: { ($0 as? any DescribedError)?.kind == .locked }
            withExtendedLifetime(writer) {}
        }
        try project.delete(["3"])
        #expect { try second.record(in: reader, files: Self.tables) } throws: { ($0 as? any DescribedError)?.kind == .locked && "\($0)".contains("rows were deleted since") }
        #expect(try entries().count { $0.event == .valued } == 1)
    }

    @Test("Figures that do not go together are refused even where the project signs them and its ledger says the same")
    func falseFigures() throws {
        let (report, _) = try record()
        /// A statement of figures that are in the ledger, whatever they say.
        func statement(_ change: (inout ValueReport) -> Void) throws -> [UInt8] {
            var report = report
            change(&report)
            let store = try project.open().store
            let entry = try LedgerEntry(.valued, details: try JSONValue(ValueMethod(report)), untilDeletion: ["figures": try JSONValue(ValueFigures(report))])
            try store.transaction { change in try change.append(entry) }
            return try ValueStatement.issue(at: store.ledger().count - 1, of: store, files: Self.tables)
        }
        #expect(throws: Never.self) { try verify(statement { _ in }) }
        for (words, change) in [
            ("amounts do not follow", { $0.players[0].amount! += 0.01 }), ("amounts do not follow", { $0.players[0].amount = nil }),
            ("amounts do not follow", { $0.pool = 1.005 }), ("amounts do not follow", { $0.pool = 0 }), ("amounts of no pool", { $0.pool = nil }),
            ("shares do not follow", { $0.players[1].share += 1e-9 }), ("ranks do not follow", { $0.players[0].rank += 1 }),
            ("ranks do not follow", { $0.players[2].value = 1e6 }), ("not readable", { $0.players[3].rows = -1 }),
        ] as [(String, (inout ValueReport) -> Void)] {
            let failure = refusal(try statement(change))
            #expect(failure?.kind == .refused && failure?.description.contains(words) == true && failure?.description.hasSuffix("do not rely on this statement") == true, "\(words): \(failure as Any)")
        }
    }

    @Test("Claims that the entry does not make, other keys, other projects and other files are refused")
    func falseClaims() throws {
        let (report, statement) = try record()
        let store = try project.open(.read).store
        let envelope = try JSONDecoder().decode(SignedEnvelope.self, from: Data(statement))
        let content = String(decoding: try #require(envelope.content(verifiedBy: store.publicKey)), as: UTF8.self)
        func resigned(_ from: String, _ to: String) throws -> [UInt8] {
            try #require(content.contains(from), "\(from)")
            return [UInt8](try JSONEncoder().encode(store.signed(Array(content.replacingOccurrences(of: from, with: to).utf8), type: envelope.payloadType)))
        }
        #expect(throws: Never.self) { try verify(resigned("\"issued\"", "\"issued\""), key: store.publicKey) }
        for (from, to) in [
            ("\"pool\":10000.01", "\"pool\":10000.02"), ("\"metric\":\"loss\"", "\"metric\":\"accuracy\""), ("\"name\":\"model valued\"", "\"name\":\"x\",\"y\":1,\"y\":2"),
            ("\"blake2b-256\":\"\(report.stateDigest)\"", "\"blake2b-256\":\"\(String(repeating: "0", count: 64))\""), ("\"position\":2", "\"position\":1"),
            ("value-statement:1", "value-statement:2"), ("value-statement:1", "erasure-certificate:3"),
        ] { #expect(refusal(try resigned(from, to), key: store.publicKey)?.kind == .refused, "\(from)") }
        #expect(refusal(Array("{}".utf8))?.kind == .input && refusal(Array(statement.dropLast(40)))?.kind == .input)
        let stranger = try ValuationProject(providers: 2, rows: 40, trained: false).open(.read).store
        #expect(refusal(statement, key: stranger.publicKey)?.kind == .refused)
        #expect { try verify(statement, project: stranger.projectID) } throws: { ($0 as? Failure)?.kind == .refused }
        #expect { try ValueStatement.verify(statement, path: "F", isContinuedBy: stranger) } throws: { ($0 as? Failure)?.kind != nil }
        // Each verifier knows its own.
        #expect(StatementType(claimedBy: statement) == .values && StatementType(claimedBy: Array("{}".utf8)) == .erasure)
        #expect { try ErasureCertificate.verify(statement, path: "F", key: nil) } throws: { "\($0)".contains("is no erasure certificate") }
    }

    @Test("Each table is named once, by 64 hexadecimal digits in lower case, and by nothing else")
    func tables() throws {
        let (_, statement) = try record()
        let store = try project.open(.read).store
        let envelope = try JSONDecoder().decode(SignedEnvelope.self, from: Data(statement))
        let content = String(decoding: try #require(envelope.content(verifiedBy: store.publicKey)), as: UTF8.self)
        let digest = Hexadecimal.encode(SHA256(of: Self.tables[0].bytes).bytes)
        let subject = #"{"digest":{"sha256":"\#(digest)"},"name":"utilities.csv"}"#
        try #require(content.contains(subject))
        func found(_ other: String) throws -> [UInt8] {
            [UInt8](try JSONEncoder().encode(store.signed(Array(content.replacingOccurrences(of: subject, with: other).utf8), type: envelope.payloadType)))
        }
        #expect(throws: Never.self) { try verify(found(subject)) }
        for other in [
            #"{"digest":{},"name":"utilities.csv"}"#, #"{"digest":{"sha256":"x"},"name":"utilities.csv"}"#, #"{"digest":{"sha256":"\#(digest.uppercased())"},"name":"utilities.csv"}"#,
            #"{"digest":{"sha256":"\#(digest.dropLast(2))"},"name":"utilities.csv"}"#, #"{"digest":{"sha256":""},"name":"utilities.csv"}"#, subject + "," + subject,
            #"{"digest":{"blake2b-256":"\#(digest)","sha256":"\#(digest)"},"name":"utilities.csv"}"#, #"{"digest":{"sha256":"\#(digest)"},"name":"other.csv"}"#,
        ] {
            let failure = refusal(try found(other))
            #expect(failure?.kind == .refused && failure?.description.contains("it does not name utilities.csv once, by a SHA-256 digest") == true, "\(other): \(failure as Any)")
        }
    }

    @Test("Infinite ends of intervals and values without a pool have their place in it")
    func unknowns() throws {
        let (_, statement) = try record(pool: nil)
        let verified = try verify(statement)
        #expect(verified.pool == nil && verified.players.allSatisfy { $0.amount == nil && $0.low == $0.value })
        var report = SampleReport.fewOrders()
        (report.players[0].low, report.players[0].high) = (-.infinity, .infinity)
        let figures = ValueFigures(report)
        #expect(figures.players[0].low == nil && figures.players[0].high == nil && figures.noInterval == report.noInterval)
    }
}
