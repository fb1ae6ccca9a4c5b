import Checkpoints
import Files
import Foundation
import Synchronization
import TestSupport
import Unlearn
import Valuation

extension FuzzTarget {
    /// A store with one request that was carried out, and what it certifies.
    private struct Issuer {
        let folder: TemporaryFolder
        let store: Store
        let certificate: [UInt8]
        /// Of a valuation that was recorded.
        let values: [UInt8]

        init() throws {
            let folder = try TemporaryFolder(), store = try Store(creating: folder.file("project"))
            let number = try store.beginRequest(ids: ["a", "b"], details: .object(["method": .string("exact")]))
            let report: JSONValue = .object([
                "method": .string("exact"), "exact": .bool(true), "test_rows_deleted": .integer(1), "damping": .number(0.5),
            ])
            try store.transaction { change in
                var publication = Store.Publication(report: "{}", details: .object(["report": report, "source": .string("csv:x")]))
                publication.untilDeletion = ["state_digest": .string(String(repeating: "0", count: 64)), "test_accuracy": .number(0.5)]
                try change.publishRequest(number, publication, written: [], evidence: nil)
            }
            certificate = try ErasureCertificate.issue(number, of: store)
            values = try Self.values(in: store)
            (self.folder, self.store) = (folder, store)
        }

        private static func values(in store: Store) throws -> [UInt8] {
            let players: [JSONValue] = [("a", 1, 0.25, 0.02), ("b", 2, 0.125, 0.01)].map { name, rank, value, amount in
                .object([
                    "player": .string(name), "rows": .integer(3), "value": .number(value), "low": .null, "high": .number(0.5), "share": .number(rank == 1 ? 2 / 3.0 : 1 / 3.0),
                    "amount": .number(amount), "rank": .integer(rank), "leave_one_out": .null,
                ])
            }
            let figures: [String: JSONValue] = [
                "state_digest": .string(String(repeating: "0", count: 64)), "v_all": .number(0.5), "all": .string("project"), "v_all_own_order": .null,
                "v_empty": .number(0.125), "evaluations": .integer(4), "no_interval": .null, "blocks": .integer(2), "training_rows": .integer(6),
                "valuation_rows": .integer(4), "final_test_rows": .integer(4), "pool": .number(0.03), "players": .array(players),
            ]
            let method: [String: JSONValue] = [
                "source": .string("csv:x"), "test_source": .null, "player_kind": .string("group"), "estimator": .string("exact"), "utility": .string("exact"),
                "metric": .string("loss"), "none": .string("base-rate"), "orders": .integer(1), "confidence": .number(0.95), "seed": .string("0"),
            ]
            try store.transaction { change in try change.append(LedgerEntry(.valued, details: .object(method), untilDeletion: ["figures": .object(figures)])) }
            return try ValueStatement.issue(at: store.ledger().count - 1, of: store, files: ["values.csv", "utilities.csv"].map { ReportTable(name: $0, bytes: Array($0.utf8)) })
        }

        func content(_ envelope: [UInt8]) throws -> [UInt8] {
            try JSONDecoder().decode(SignedEnvelope.self, from: Data(envelope)).content(verifiedBy: store.publicKey) ?? []
        }
    }

    private static let issuer = Mutex(Result { try Issuer() })

    private static let words = [
        "\"claims\"", "\"tree_head\"", "\"size\":", "\"position\":", "\"inclusion_proof\":[", "\"digest\"", "9223372036854775807", "-1", "null", "[]", "{}",
        "1e400", "\"_type\"", "\"predicateType\"", "\"entry\"", "\"sig\"", "\"keyid\"", "=", "\"\"",
    ]

    /// The envelope as somebody hands it over; once with much white space, where changes are harmless.
    static let certificate = FuzzTarget(
        "certificate",
        samples: issuer.withLock { [try? $0.get().certificate].compactMap { $0 }.flatMap { [$0, $0 + [UInt8](repeating: 32, count: 20_000)] } },
        dictionary: words
    ) { input in
        do {
            _ = try ErasureCertificate.verify(input, path: "F", key: nil)
        } catch let error as Failure where error.kind == .refused {
            throw Failure(.input, error.description)
        }
    }

    /// What it says, signed whatever was changed.
    static let signedCertificate = FuzzTarget(
        "certificate-signed", samples: issuer.withLock { [try? $0.get().content($0.get().certificate)].compactMap { $0 } }, dictionary: words
    ) { input in
        let envelope = try issuer.withLock { try JSONEncoder().encode($0.get().store.signed(input, type: SignedEnvelope.inTotoType)) }
        do {
            _ = try ErasureCertificate.verify(Array(envelope), path: "F", key: nil)
        } catch let error as Failure where error.kind == .refused {
            throw Failure(.input, error.description)
        }
    }

    /// The same of a statement of values.
    static let signedValues = FuzzTarget(
        "values-signed", samples: issuer.withLock { [try? $0.get().content($0.get().values)].compactMap { $0 } },
        dictionary: words + ["\"figures\"", "\"players\":[", "\"amount\":", "\"pool\":", "\"share\":", "0.01", "1e308", "-0.0"]
    ) { input in
        let envelope = try issuer.withLock { try JSONEncoder().encode($0.get().store.signed(input, type: SignedEnvelope.inTotoType)) }
        do {
            _ = try ValueStatement.verify(Array(envelope), path: "F", key: nil)
        } catch let error as Failure where error.kind == .refused {
            throw Failure(.input, error.description)
        }
    }

    static let publicKey = FuzzTarget(
        "public-key", samples: issuer.withLock { [try? $0.get().store.publicKey].compactMap { $0 }.flatMap { [Array($0.pem.utf8), Array($0.description.utf8)] } },
        dictionary: ["-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----", "\n", "\r\n", "=", " "]
    ) { input in
        guard let key = PublicKey(text: String(decoding: input, as: UTF8.self)) else { throw Failure(.input, "no key") }
        try expect(PublicKey(text: key.pem) == key && PublicKey(text: key.description) == key, "a key that changes when it is written and read")
    }
}
