import Checkpoints
import Files
import Foundation

/// What a statement is about, by a digest.
package struct StatementSubject: Codable, Sendable, Equatable {
    package let name: String
    /// By algorithm, hexadecimal.
    package let digest: [String: String]

    package init(name: String, digest: [String: String]) { (self.name, self.digest) = (name, digest) }
}

/// Signed claims that follow from entries of a project's ledger: an in-toto Statement (in-toto.io/Statement/v1) in a DSSE envelope.
/// The entries come with proofs that they are in the signed ledger, so that all of it can be checked without the project.
package struct LedgerStatement<Claims: Codable>: Codable {
    private let _type: String
    package let subject: [StatementSubject]
    private let predicateType: String
    package let predicate: Predicate

    package struct Predicate: Codable {
        package let project: String
        package let issued: String
        package let publicKey: String
        package let claims: Claims
        fileprivate let ledger: LedgerProof
    }

    package var treeHead: TreeHead { predicate.ledger.treeHead }

    // MARK: - Issuing

    /// Issues a statement, as JSON. Inside one view of the store.
    /// - Parameters:
    ///   - entries: that the claims follow from.
    ///   - subjects: beside the ledger itself.
    ///   - disclosing: what is shown of an entry.
    /// - Throws: kind `damaged` where the ledger is not what was signed.
    /// - Complexity: O(entries · log entries) hashes.
    package static func issue(
        _ claims: Claims, _ type: StatementType, entries: [StoredLedgerEntry], subjects: [StatementSubject], of store: Store,
        disclosing: (LedgerEntry) -> [Disclosure] = \.disclosuresForOthers
    ) throws -> [UInt8] {
        let tree = try store.ledgerTree()
        guard let head = try store.treeHeads().last, head.size == tree.leaves.count else {
            throw Failure(.damaged, "the ledger is not signed to its end; run 'unlearn check'")
        }
        let proof = LedgerProof(
            treeHead: head,
            entries: entries.map { entry in
                .init(
                    position: entry.position, entry: Data(entry.bytes).base64EncodedString(),
                    disclosures: disclosing(entry.entry).map(\.text),
                    inclusionProof: tree.inclusionProof(of: entry.position, size: head.size).map { Hexadecimal.encode($0.bytes) })
            })
        let statement = LedgerStatement(
            _type: statementType, subject: subjects + [.init(name: "ledger of project \(store.projectID)", digest: ["sha256": head.root])],
            predicateType: type.rawValue,
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

    // MARK: - Verifying

    /// A statement whose signatures and proofs hold. Whether its claims are what the entries say is for those to see who know them.
    package struct Verified {
        package let statement: LedgerStatement
        package let entries: [LedgerEntry]
        package let key: PublicKey

        package var predicate: Predicate { statement.predicate }
        package var treeHead: TreeHead { statement.treeHead }
    }

    /// Verifies the signature, and that the entries are in the signed ledger.
    /// - Parameters:
    ///   - key: the project's public key; nil: the one that the statement names.
    ///   - project: the id of the project that it must be of; nil: any that the key signs for.
    /// - Throws: kind `input` where the file is no statement, `refused` where it is one that does not hold.
    package static func verify(_ bytes: [UInt8], _ type: StatementType, path: String, key: PublicKey?, project: String?) throws -> Verified {
        func refuse(_ what: String) -> Failure { type.refusal(path, what) }
        guard let envelope = try? StrictJSON.decode(SignedEnvelope.self, from: bytes), envelope.payloadType == SignedEnvelope.inTotoType else {
            throw Failure(.input, "\(path) is no certificate in a DSSE envelope; give the file that 'unlearn certificate' or 'unlearn value' wrote")
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
        guard let statement = try? StrictJSON.decode(LedgerStatement.self, from: content, with: decoder), statement._type == statementType,
            statement.predicateType == type.rawValue
        else { throw refuse("it is signed, but is no \(type.name) that this program knows") }
        let predicate = statement.predicate, head = statement.treeHead
        guard predicate.publicKey == trusted.description, head.project == predicate.project, head.isSigned(by: trusted) else {
            throw refuse("its tree head is not signed by the key \(trusted)")
        }
        guard project == nil || project == predicate.project else { throw refuse("it is of project \(predicate.project), not of \(project!)") }
        guard statement.subject.contains(where: { $0.digest == ["sha256": head.root] }) else { throw refuse("its subject is not the ledger that its entries are in") }
        return Verified(statement: statement, entries: try predicate.ledger.verifiedEntries(refuse), key: trusted)
    }
}

/// The kinds of statements that there are, by the type of their predicate.
package enum StatementType: String, CaseIterable, Sendable {
    case erasure = "urn:unlearn:erasure-certificate:3"
    case values = "urn:unlearn:value-statement:1"

    package var name: String {
        switch self {
        case .erasure: "erasure certificate"
        case .values: "statement of values"
        }
    }

    package func refusal(_ path: String, _ what: String) -> Failure {
        Failure(.refused, "\(path): \(what); do not rely on this \(self == .erasure ? "certificate" : "statement")")
    }

    /// What a file says of itself, whoever signed it: to choose among verifiers. A certificate where it says nothing that is known.
    package init(claimedBy bytes: [UInt8]) {
        struct Head: Decodable { let predicateType: String }
        let envelope = try? StrictJSON.decode(SignedEnvelope.self, from: bytes)
        let content = envelope.flatMap { StrictJSON.bytes(base64: $0.payload) }
        self = content.flatMap { try? StrictJSON.decode(Head.self, from: $0) }.flatMap { StatementType(rawValue: $0.predicateType) } ?? .erasure
    }

    package func expectProject(_ project: String, is store: Store, path: String) throws {
        guard project == store.projectID else {
            throw Failure(.input, "\(path) is the \(self == .erasure ? "certificate" : "statement") of another project, \(project); this one is \(store.projectID)")
        }
    }

    /// Verifies that a project's ledger still begins as it was when a statement was issued.
    package func expectContinued(project: String, size: Int, root: String, by store: Store, path: String) throws {
        try expectProject(project, is: store, path: path)
        let tree = try store.ledgerTree()
        guard size <= tree.leaves.count, Hexadecimal.encode(tree.root(size: size).bytes) == root else {
            throw Failure(
                .damaged,
                "the ledger does not continue the one that \(path) was issued from: "
                    + "entries were cut off or changed, or an older copy of the project was put back")
        }
    }
}

private let statementType = "https://in-toto.io/Statement/v1"

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

    /// - Throws: what `refuse` makes of the first entry that is not readable or not in the ledger.
    func verifiedEntries(_ refuse: (String) -> Failure) throws -> [LedgerEntry] {
        guard zip(entries, entries.dropFirst()).allSatisfy({ $0.position < $1.position }) else { throw refuse("its entries are not in the ledger's order") }
        return try entries.map { proof in
            guard let bytes = StrictJSON.bytes(base64: proof.entry) else { throw refuse("entry \(proof.position) of the ledger is not readable") }
            let path = proof.inclusionProof.compactMap { text in
                Hexadecimal.decode(text).flatMap { $0.count == SHA256.length && Hexadecimal.encode($0) == text ? SHA256(bytes: $0) : nil }
            }
            let root = path.count == proof.inclusionProof.count
                ? MerkleTree.root(from: MerkleTree.leaf(bytes), index: proof.position, size: treeHead.size, proof: path) : nil
            guard let root, Hexadecimal.encode(root.bytes) == treeHead.root else { throw refuse("entry \(proof.position) is not in the signed ledger") }
            guard let entry = try? LedgerEntry(decoding: bytes, disclosures: proof.disclosures.map { (.lasting, $0) }) else {
                throw refuse("entry \(proof.position) of the ledger is not readable, or did not commit to what is said to be in it")
            }
            return entry
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
