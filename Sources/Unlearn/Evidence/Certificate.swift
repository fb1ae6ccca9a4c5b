import Checkpoints
import Files

/// Signed evidence of one deletion, with the ledger's entries of the request: what `LedgerStatement` makes of its claims.
public enum ErasureCertificate {
    public static let predicateType = StatementType.erasure.rawValue
    private typealias Statement = LedgerStatement<ErasureClaims>

    /// What a verified certificate says.
    public struct Verified: Encodable, Sendable, Equatable {
        public let request: String
        public let project: String
        public let issued: String
        public let closed: String
        public let rowsErased: Int
        /// Rows that the request named and earlier ones had erased.
        public let rowsErasedBefore: Int
        /// Of `rowsErased`, those that other requests had erased while this one waited.
        public let rowsErasedMeanwhile: Int
        /// Other requests that the same run carried out.
        public let sharedWith: [String]
        /// Where the rows were the trainer's alone: what became of their erasure, in words. Nil: they lay in the project.
        public let erasureOrdered: String?
        public let checkpointsErased: Int
        /// Samples of earlier models that earlier deletions had left.
        public let evidenceErased: Int
        /// Whether what was erased lay encrypted, so that its keys went with it.
        public let encrypted: Bool
        public let method: String
        /// Whether the deletion itself gave the bits of a training without the rows.
        public let exact: Bool
        /// Whether an exact replay was owed when the certificate was issued.
        public let exactnessOwed: Bool
        /// Whether a stitch of this deletion lies in what it made.
        public let stitched: Bool
        /// Whether any trained block had held the rows.
        public let hadInfluence: Bool
        /// What was done, in words.
        public let meaning: String
        /// Extrapolation of the L1 distance to exact replay, which bounds nothing; nil where the method is exact or nothing is extrapolated.
        public let extrapolatedDistance: Double?
        public let stateDigest: String?
        /// Of the same model as it is served (`ServingDigest`); nil where the deletion was done by a version that did not say.
        public let servingDigest: String?
        /// Of the interim model, where one was made and no deletion has come since.
        public let interimDigest: String?
        public let interimServingDigest: String?
        public let publicKey: String
        /// Whether the key was given from outside, and not taken from the certificate itself.
        public let keyGiven: Bool
        public let ledgerSize: Int
        public let ledgerRoot: String
        public let notReached: [String]
        /// What comparisons with exact replay found since, in the order in which they were made; those whose figures are gone are left out.
        public let audits: [AuditReport.Verdict]
        /// The request that made the model exact where this one had not, and when that was closed.
        public let settledBy: String?
        public let settledAt: String?
        /// Commitments to the names that were asked for; nil where an earlier version carried the request out.
        let names: [String]?
        let hasNames: Bool

        private enum CodingKeys: CodingKey {
            case request, project, issued, closed, rowsErased, rowsErasedBefore, rowsErasedMeanwhile, sharedWith, erasureOrdered, checkpointsErased, evidenceErased, encrypted, method, exact, exactnessOwed, stitched, hadInfluence, meaning
            case extrapolatedDistance, stateDigest, servingDigest, interimDigest, interimServingDigest, publicKey, keyGiven, ledgerSize, ledgerRoot, notReached, audits, settledBy, settledAt
        }

        /// Throws where a name is none of those whose rows were erased, or the opening is another's.
        public func expectSpeaks(of name: String, opening: NameOpening, path: String) throws {
            guard names != nil || !hasNames else { throw StatementType.erasure.refusal(path, "its names are not readable") }
            guard let names else { throw Failure(.input, "\(path) names nobody in any form: an earlier version carried \(request) out; ask the project's owner to look the name up") }
            guard names.contains(opening.commitment(to: IDList.canonical(name))) else {
                throw Failure(.refused, "\(path) is valid, but does not speak of '\(name.prefix(80))', or the opening is that of another name or request; check both")
            }
        }
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
        var entries = all.filter { $0.entry.request == name }
        guard let request = try store.request(number) else {
            throw Failure(.input, "no request \(name); 'unlearn log' lists them")
        }
        if let gone = entries.last(where: { $0.entry.event == .requestSuperseded }) {
            let others = erasedMeanwhile(gone.entry).keys.inOrderOfRequests
            guard let first = others.first else { throw Failure(.input, "\(name) erased nothing: when it came, the project had no live row by the names that it asked for; there is nothing to certify") }
            throw Failure(
                .input, "\(name) erased nothing: \(others.joined(separator: ", ")) had erased its rows; the certificate of \(first) speaks of them, and 'unlearn opening \(first) --ids FILE' of each row's id")
        }
        if request.state == .received { throw Failure(.input, "\(name) waits, and erased nothing yet; 'unlearn request run \(name)' carries it out") }
        guard request.state == .closed, var claims = ErasureClaims(entries.map(\.entry)) else {
            throw Failure(.input, "\(name) was not carried out; there is nothing to certify ('unlearn log --request \(name)' says why)")
        }
        if claims.owesExactness, let settling = try store.owedAndSettled().settlements[number].map(Store.requestName) {
            let events: [LedgerEvent] = [.deletionRequested, .deletionPublished, .deletionClosed]
            let both = (entries + all.filter { $0.entry.request == settling && events.contains($0.entry.event) }).sorted { $0.position < $1.position }
            // What an earlier version recorded of it may tell less than a certificate must show.
            if let settled = ErasureClaims(both.map(\.entry), of: name) { (claims, entries) = (settled, both) }
        }
        var subjects: [StatementSubject] = []
        if let digest = claims.influenceRemoved.report["state_digest"]?.text {
            subjects.append(StatementSubject(name: "model after \(name)", digest: ["blake2b-256": digest]))
        }
        return try Statement.issue(claims, .erasure, entries: entries, subjects: subjects, of: store) {
            $0.request == name ? $0.disclosuresForOthers : $0.disclosuresOfSettlement
        }
    }

    /// Verifies a certificate without the project: the signature, that the entries are in the signed ledger, and that the
    /// claims are what the entries say.
    /// - Parameters:
    ///   - key: the project's public key; nil: the one that the certificate names.
    ///   - project: the id of the project that it must be of; nil: any that the key signs for.
    /// - Throws: kind `input` where the file is no certificate, `refused` where it is one that does not hold.
    public static func verify(_ bytes: [UInt8], path: String, key: PublicKey?, project: String? = nil) throws -> Verified {
        func refuse(_ what: String) -> Failure { StatementType.erasure.refusal(path, what) }
        let verified = try Statement.verify(bytes, .erasure, path: path, key: key, project: project)
        let predicate = verified.predicate, head = verified.treeHead
        guard let claims = ErasureClaims(verified.entries, of: predicate.claims.request), claims == predicate.claims else { throw refuse("its claims are not what the ledger's entries say") }
        let stateDigest = claims.influenceRemoved.report["state_digest"]?.text
        guard stateDigest == nil || verified.statement.subject.contains(where: { $0.digest == ["blake2b-256": stateDigest] }) else {
            throw refuse("its subject is not the model that the ledger's entries name")
        }
        let rowsErasedBefore = if case .integer(let count)? = claims.influenceRemoved.report["rows_deleted_before"] { count } else { 0 }
        // Its own, not that of what settled it, which may stand before.
        let requested = verified.entries.first { $0.event == .deletionRequested && $0.request == claims.request }
        let sharedWith = if case .array(let others)? = claims.influenceRemoved.report["shared_with"] { others.compactMap(\.text) } else { [String]() }
        return Verified(
            request: claims.request, project: predicate.project, issued: predicate.issued, closed: claims.closed, rowsErased: claims.rowsErased.count,
            rowsErasedBefore: rowsErasedBefore, rowsErasedMeanwhile: erasedMeanwhile(verified.entries.first { $0.event == .deletionPublished }).values.reduce(0, +),
            sharedWith: sharedWith, erasureOrdered: claims.rowsErased.ordered?.meaning, checkpointsErased: claims.checkpointsErased.count,
            evidenceErased: claims.checkpointsErased.evidence, encrypted: ErasureClaims.isEncrypted(claims.encryption),
            method: claims.influenceRemoved.method.text ?? "?", exact: claims.influenceRemoved.report["exact"] == .bool(true), exactnessOwed: claims.owesExactness, stitched: ErasureClaims.madeStitch(claims.influenceRemoved.report), hadInfluence: !ErasureClaims.retrainedNothing(claims.influenceRemoved.report),
            meaning: claims.influenceRemoved.meaning,
            extrapolatedDistance: claims.influenceRemoved.extrapolation.double, stateDigest: stateDigest,
            servingDigest: claims.influenceRemoved.report["serving"]?["model"]?.text, interimDigest: claims.influenceRemoved.report["interim"]?["state_digest"]?.text,
            interimServingDigest: claims.influenceRemoved.report["serving"]?["interim"]?.text,
            publicKey: verified.key.description, keyGiven: key != nil, ledgerSize: head.size, ledgerRoot: head.root,
            notReached: claims.notReached.map { $0.what + ($0.place.map { " (\($0))" } ?? "") },
            audits: claims.influenceRemoved.audits.compactMap { $0["verdict"]?.text.flatMap(AuditReport.Verdict.init) },
            settledBy: claims.settled?.request, settledAt: claims.settled?.closed,
            names: requested?.names, hasNames: requested?["names"] != nil)
    }

    /// Verifies that a project's ledger still begins as it was when a certificate was issued.
    public static func verify(_ bytes: [UInt8], path: String, isContinuedBy store: Store) throws {
        // Of whom it claims to be, before a signature is asked of this project's key.
        try StatementType.erasure.expectProject(try verify(bytes, path: path, key: nil).project, is: store, path: path)
        let verified = try verify(bytes, path: path, key: store.publicKey)
        try StatementType.erasure.expectContinued(project: verified.project, size: verified.ledgerSize, root: verified.ledgerRoot, by: store, path: path)
    }
}
