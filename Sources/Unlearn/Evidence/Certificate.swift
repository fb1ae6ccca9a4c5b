import Checkpoints
import Files
import Foundation

/// Signed evidence of one deletion: an in-toto Statement (in-toto.io/Statement/v1) in a DSSE envelope. It carries the
/// ledger's entries with proofs that they are in the signed ledger, so that it can be checked without the project.
public enum ErasureCertificate {
    public static let predicateType = "urn:unlearn:erasure-certificate:3"
    private static let statementType = "https://in-toto.io/Statement/v1"

    private struct Statement: Codable {
        struct Subject: Codable {
            let name: String
            let digest: [String: String]
        }
        let _type: String
        let subject: [Subject]
        let predicateType: String
        let predicate: Predicate
    }

    private struct Predicate: Codable {
        let project: String
        let issued: String
        let publicKey: String
        let claims: ErasureClaims
        let ledger: LedgerProof
    }

    /// Entries of the ledger and what proves that they are in it.
    private struct LedgerProof: Codable {
        struct Entry: Codable {
            let position: Int
            /// The bytes of the entry, base64.
            let entry: String
            /// What opens the entry's commitments (`Disclosure`), as far as the project still has it.
            let disclosures: [String]
            /// Audit path (RFC 6962), hexadecimal, from the leaf up.
            let inclusionProof: [String]
        }
        let treeHead: TreeHead
        let entries: [Entry]
    }

    /// What a verified certificate says.
    public struct Verified: Encodable, Sendable, Equatable {
        public let request: String
        public let project: String
        public let issued: String
        public let closed: String
        public let rowsErased: Int
        /// Rows that the request named and earlier ones had erased.
        public let rowsErasedBefore: Int
        public let checkpointsErased: Int
        /// Samples of earlier models that earlier deletions had left.
        public let evidenceErased: Int
        /// Whether what was erased lay encrypted, so that its keys went with it.
        public let encrypted: Bool
        public let method: String
        /// Whether any trained block had held the rows.
        public let hadInfluence: Bool
        /// What was done, in words.
        public let meaning: String
        /// Extrapolation of the L1 distance to exact replay, which bounds nothing; nil where the method is exact or nothing is extrapolated.
        public let extrapolatedDistance: Double?
        public let stateDigest: String?
        public let publicKey: String
        /// Whether the key was given from outside, and not taken from the certificate itself.
        public let keyGiven: Bool
        public let ledgerSize: Int
        public let ledgerRoot: String
        public let notReached: [String]
    }

    /// Issues the certificate of a closed request, as JSON.
    /// - Throws: kind `input` where there is nothing to certify, `damaged` where the ledger is not what was signed.
    /// - Complexity: O(entries · log entries) hashes.
    public static func issue(_ number: Int, of store: Store) throws -> [UInt8] {
        try store.snapshot { try issueInOneView(number, of: store) }
    }

    private static func issueInOneView(_ number: Int, of store: Store) throws -> [UInt8] {
        if let fault = try store.ledgerFaults().first { throw Failure(.damaged, "\(fault); run 'unlearn check'") }
        let name = Store.requestName(number), all = try store.ledger()
        let entries = all.filter { $0.entry.request == name }
        guard let request = try store.request(number) else {
            throw Failure(.input, "no request \(name); 'unlearn log' lists them")
        }
        guard request.state == .closed, let claims = ErasureClaims(entries.map(\.entry)) else {
            throw Failure(.input, "\(name) was not carried out; there is nothing to certify ('unlearn log --request \(name)' says why)")
        }
        guard let head = try store.treeHeads().last, head.size == all.count else {
            throw Failure(.damaged, "the ledger is not signed to its end; run 'unlearn check'")
        }
        let tree = try store.ledgerTree()
        let proof = LedgerProof(
            treeHead: head,
            entries: entries.map { entry in
                .init(
                    position: entry.position, entry: Data(entry.bytes).base64EncodedString(),
                    disclosures: entry.entry.disclosures.map(\.disclosure.text),
                    inclusionProof: tree.inclusionProof(of: entry.position, size: head.size).map { Hexadecimal.encode($0.bytes) })
            })
        var subject = [Statement.Subject(name: "ledger of project \(store.projectID)", digest: ["sha256": head.root])]
        if let digest = claims.influenceRemoved.report["state_digest"]?.text {
            subject.insert(.init(name: "model after \(name)", digest: ["blake2b-256": digest]), at: 0)
        }
        let statement = Statement(
            _type: statementType, subject: subject, predicateType: predicateType,
            predicate: Predicate(
                project: store.projectID, issued: Date.now.formatted(.iso8601), publicKey: store.publicKey.description, claims: claims, ledger: proof))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .custom(snakeCaseUnlessInToto)
        let envelope = store.signed([UInt8](try encoder.encode(statement)), type: SignedEnvelope.inTotoType)
        let envelopeEncoder = JSONEncoder()
        envelopeEncoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return [UInt8](try envelopeEncoder.encode(envelope)) + [10]
    }

    /// Verifies a certificate without the project: the signature, that the entries are in the signed ledger, and that the
    /// claims are what the entries say.
    /// - Parameters:
    ///   - key: the project's public key; nil: the one that the certificate names.
    ///   - project: the id of the project that it must be of; nil: any that the key signs for.
    /// - Throws: kind `input` where the file is no certificate, `refused` where it is one that does not hold.
    public static func verify(_ bytes: [UInt8], path: String, key: PublicKey?, project: String? = nil) throws -> Verified {
        func refuse(_ what: String) -> Failure { Failure(.refused, "\(path): \(what); do not rely on this certificate") }
        guard let envelope = try? StrictJSON.decode(SignedEnvelope.self, from: bytes), envelope.payloadType == SignedEnvelope.inTotoType else {
            throw Failure(.input, "\(path) is no certificate in a DSSE envelope; give the file that 'unlearn certificate' wrote")
        }
        guard let trusted = key ?? envelope.namedKey else { throw refuse("it names no key") }
        if let key, let named = envelope.namedKey, key.isSecret(behind: named) {
            throw Failure(
                .input, "what was given as the public key is a secret key, not a public one; give the project's signing-key.pem, "
                    + "and keep the secret one to yourself")
        }
        guard let content = envelope.content(verifiedBy: trusted) else {
            // The key that was given is not repeated: nobody knows that it is a public one.
            throw refuse("its signature is not that of the key that \(key == nil ? "it names" : "was given")")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom(camelCaseUnlessInToto)
        guard let statement = try? StrictJSON.decode(Statement.self, from: content, with: decoder), statement._type == statementType,
            statement.predicateType == predicateType
        else { throw refuse("it is signed, but is no erasure certificate that this program knows") }
        let predicate = statement.predicate, head = predicate.ledger.treeHead
        guard predicate.publicKey == trusted.description, head.project == predicate.project, head.isSigned(by: trusted) else {
            throw refuse("its tree head is not signed by the key \(trusted)")
        }
        guard project == nil || project == predicate.project else { throw refuse("it is of project \(predicate.project), not of \(project!)") }
        var entries: [LedgerEntry] = []
        for proof in predicate.ledger.entries {
            guard let bytes = StrictJSON.bytes(base64: proof.entry) else {
                throw refuse("entry \(proof.position) of the ledger is not readable")
            }
            let path = proof.inclusionProof.compactMap { text in
                Hexadecimal.decode(text).flatMap { $0.count == SHA256.length && Hexadecimal.encode($0) == text ? SHA256(bytes: $0) : nil }
            }
            let root = path.count == proof.inclusionProof.count
                ? MerkleTree.root(from: MerkleTree.leaf(bytes), index: proof.position, size: head.size, proof: path) : nil
            guard let root, Hexadecimal.encode(root.bytes) == head.root else { throw refuse("entry \(proof.position) is not in the signed ledger") }
            guard let entry = try? LedgerEntry(decoding: bytes, disclosures: proof.disclosures.map { (.lasting, $0) }) else {
                throw refuse("entry \(proof.position) of the ledger is not readable, or did not commit to what is said to be in it")
            }
            entries.append(entry)
        }
        guard let claims = ErasureClaims(entries), claims == predicate.claims else { throw refuse("its claims are not what the ledger's entries say") }
        let stateDigest = claims.influenceRemoved.report["state_digest"]?.text
        guard statement.subject.contains(where: { $0.digest["sha256"] == head.root }),
            stateDigest == nil || statement.subject.contains(where: { $0.digest["blake2b-256"] == stateDigest })
        else { throw refuse("its subject is not the model that the ledger's entries name") }
        let rowsErasedBefore = if case .integer(let count)? = claims.influenceRemoved.report["rows_deleted_before"] { count } else { 0 }
        return Verified(
            request: claims.request, project: predicate.project, issued: predicate.issued, closed: claims.closed, rowsErased: claims.rowsErased.count,
            rowsErasedBefore: rowsErasedBefore, checkpointsErased: claims.checkpointsErased.count,
            evidenceErased: claims.checkpointsErased.evidence, encrypted: ErasureClaims.isEncrypted(claims.encryption),
            method: claims.influenceRemoved.method.text ?? "?", hadInfluence: !ErasureClaims.retrainedNothing(claims.influenceRemoved.report),
            meaning: claims.influenceRemoved.meaning,
            extrapolatedDistance: claims.influenceRemoved.extrapolation.double, stateDigest: stateDigest,
            publicKey: trusted.description, keyGiven: key != nil, ledgerSize: head.size, ledgerRoot: head.root,
            notReached: claims.notReached.map { $0.what + ($0.place.map { " (\($0))" } ?? "") })
    }

    /// Verifies that a project's ledger still begins as it was when a certificate was issued.
    public static func verify(_ bytes: [UInt8], path: String, isContinuedBy store: Store) throws {
        let verified = try verify(bytes, path: path, key: store.publicKey)
        guard verified.project == store.projectID else { throw Failure(.input, "\(path) is the certificate of another project") }
        let tree = try store.ledgerTree()
        guard verified.ledgerSize <= tree.leaves.count, Hexadecimal.encode(tree.root(size: verified.ledgerSize).bytes) == verified.ledgerRoot else {
            throw Failure(
                .damaged,
                "the ledger does not continue the one that \(path) was issued from: "
                    + "entries were cut off or changed, or an older copy of the project was put back")
        }
    }
}

/// in-toto fixes the spelling of its own keys; the predicate follows the program's JSON.
private let inTotoKeys: Set<String> = ["_type", "predicateType"]

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

@Sendable private func snakeCaseUnlessInToto(_ path: [any CodingKey]) -> any CodingKey {
    let key = path.last!.stringValue
    guard !inTotoKeys.contains(key) else { return path.last! }
    return AnyKey(stringValue: key.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) })
}

@Sendable private func camelCaseUnlessInToto(_ path: [any CodingKey]) -> any CodingKey {
    let key = path.last!.stringValue
    guard !inTotoKeys.contains(key) else { return path.last! }
    // Only one spelling is a key: what is in the other already names nothing.
    guard !key.contains(where: \.isUppercase) else { return AnyKey(stringValue: "_" + key) }
    guard key.contains("_") else { return path.last! }
    let words = key.split(separator: "_", omittingEmptySubsequences: false)
    return AnyKey(stringValue: String(words[0]) + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined())
}
