import Checkpoints
import Files
import Unlearn

/// Signed evidence of what a valuation found: its values, how they came about, and that the project's ledger says the same. Made as a
/// certificate is (`LedgerStatement`), and checked without the project.
public enum ValueStatement {
    private typealias Statement = LedgerStatement<ValueClaims>

    /// A file that the statement names by its digest.
    public struct NamedFile: Encodable, Sendable, Equatable {
        /// What lies under its name in the statement's folder.
        public enum Beside: String, Encodable, Sendable { case same, changed, absent }

        public let name: String
        public let sha256: String
        /// Nil: nobody looked.
        public fileprivate(set) var beside: Beside?
    }

    public struct Player: Encodable, Sendable, Equatable {
        public let player: String
        public let rows: Int
        public let value: Double
        public let low: Double?
        public let high: Double?
        public let share: Double
        public let amount: Double?
        public let rank: Int
    }

    /// What a verified statement says.
    public struct Verified: Encodable, Sendable, Equatable {
        public let project: String
        public let issued: String
        /// When the values were recorded.
        public let valued: String
        public let source: String
        public let stateDigest: String
        /// Of the same model as it is served (`ServingDigest`); nil where the values were recorded by a version that did not say.
        public let servingDigest: String?
        public let playerKind: String
        public let estimator: String
        public let utility: String
        public let metric: String
        public let none: ValueReport.NoneModel
        public let orders: Int
        public let confidence: Double
        public let noInterval: String?
        public let vAll: Double
        public let vEmpty: Double
        public let pool: Double?
        public let players: [Player]
        /// Tables that were written with it.
        public fileprivate(set) var files: [NamedFile]
        public let publicKey: String
        /// Whether the key was given from outside, and not taken from the statement itself.
        public let keyGiven: Bool
        public let ledgerSize: Int
        public let ledgerRoot: String
    }

    /// Issues the statement of the valuation that an entry of the ledger records, as JSON.
    /// - Parameter files: that belong to it, each named by its digest.
    package static func issue(at position: Int, of store: Store, files: [ReportTable]) throws -> [UInt8] {
        try store.snapshot {
            if let fault = try store.ledgerFaults().first { throw Failure(.damaged, "\(fault); run 'unlearn check'") }
            let ledger = try store.ledger()
            guard ledger.indices.contains(position), let claims = ValueClaims(ledger[position].entry) else {
                throw Failure(.locked, "rows were deleted since the values were recorded; value the players again")
            }
            let subjects = [StatementSubject(name: "model valued", digest: ["blake2b-256": try claims.readFigures().stateDigest])]
                + files.map { StatementSubject(name: $0.name, digest: ["sha256": Hexadecimal.encode(SHA256(of: $0.bytes).bytes)]) }
            return try Statement.issue(claims, .values, entries: [ledger[position]], subjects: subjects, of: store)
        }
    }

    /// Verifies a statement without the project: the signature, that its entry is in the signed ledger, that the claims are what the
    /// entry says, and that ranks, shares and amounts follow from the values. It does not value the rows again.
    /// - Parameters:
    ///   - key: the project's public key; nil: the one that the statement names.
    ///   - project: the id of the project that it must be of; nil: any that the key signs for.
    /// - Throws: kind `input` where the file is no statement, `refused` where it is one that does not hold.
    public static func verify(_ bytes: [UInt8], path: String, key: PublicKey?, project: String? = nil) throws -> Verified {
        func refuse(_ what: String) -> Failure { StatementType.values.refusal(path, what) }
        let verified = try Statement.verify(bytes, .values, path: path, key: key, project: project)
        let predicate = verified.predicate, head = verified.treeHead
        guard verified.entries.count == 1, let claims = ValueClaims(verified.entries[0]), claims == predicate.claims else {
            throw refuse("its claims are not what the ledger's entry says")
        }
        guard let method = try? claims.readMethod(), let figures = try? claims.readFigures() else { throw refuse("its values are not readable") }
        if let fault = figures.fault { throw refuse(fault) }
        let subjects = verified.statement.subject
        guard subjects.contains(where: { $0.digest == ["blake2b-256": figures.stateDigest] }) else {
            throw refuse("its subject is not the model that the ledger's entry names")
        }
        let files = try ReportFolder.tables.map { name in
            let named = subjects.filter { $0.name == name }
            guard named.count == 1, named[0].digest.count == 1, let digest = named[0].digest["sha256"], Self.isSHA256(digest) else {
                throw refuse("it does not name \(name) once, by a SHA-256 digest")
            }
            return NamedFile(name: name, sha256: digest)
        }
        return Verified(
            project: predicate.project, issued: predicate.issued, valued: claims.valued, source: method.source, stateDigest: figures.stateDigest, servingDigest: figures.servingDigest,
            playerKind: method.playerKind, estimator: method.estimator, utility: method.utility, metric: method.metric, none: method.none,
            orders: method.orders, confidence: method.confidence, noInterval: figures.noInterval, vAll: figures.vAll, vEmpty: figures.vEmpty,
            pool: figures.pool,
            players: figures.players.map {
                Player(player: $0.player, rows: $0.rows, value: $0.value, low: $0.low, high: $0.high, share: $0.share, amount: $0.amount, rank: $0.rank)
            },
            files: files, publicKey: verified.key.description, keyGiven: key != nil, ledgerSize: head.size, ledgerRoot: head.root)
    }

    /// Whether a text is 64 hexadecimal digits in lower case: in another spelling two readers might compare it differently.
    private static func isSHA256(_ text: String) -> Bool {
        Hexadecimal.decode(text).map { $0.count == SHA256.length && Hexadecimal.encode($0) == text } ?? false
    }

    /// Compares the tables that a statement names with the files of their names in a folder, or what links of these names lead to.
    /// - Throws: kind `refused` where one is another: it was changed since the statement was signed; and where what has its name is no file
    ///   that can be read: nobody is to take it for the table.
    public static func compareFiles(of verified: Verified, in folder: String) throws -> Verified {
        var verified = verified
        for (index, file) in verified.files.enumerated() {
            let path = folder + "/" + file.name
            guard FileSystem.exists(path) else {
                verified.files[index].beside = .absent
                continue
            }
            func notCompared(_ why: String) -> Failure {
                Failure(.refused, "\(path) lies beside the statement and was not compared with it: \(why); do not rely on it")
            }
            // A pipe would be waited for, and a link may lead nowhere.
            guard FileSystem.isFile(path) else { throw notCompared("it is no regular file, nor a link to one") }
            let bytes: [UInt8]
            do {
                bytes = try FileSystem.read(input: path, "the table beside the statement", most: longestTable)
            } catch let error as any DescribedError where error.kind != .interrupted {
                throw notCompared(error.description)
            }
            guard Hexadecimal.encode(SHA256(of: bytes).bytes) == file.sha256 else {
                throw Failure(.refused, "\(path) is not the table that the statement was signed with: it was changed since; do not rely on it")
            }
            verified.files[index].beside = .same
        }
        return verified
    }

    private static let longestTable = 1 << 30

    /// Verifies that a project's ledger still begins as it was when a statement was issued.
    public static func verify(_ bytes: [UInt8], path: String, isContinuedBy store: Store) throws {
        try StatementType.values.expectProject(try verify(bytes, path: path, key: nil).project, is: store, path: path)
        let verified = try verify(bytes, path: path, key: store.publicKey)
        try StatementType.values.expectContinued(project: verified.project, size: verified.ledgerSize, root: verified.ledgerRoot, by: store, path: path)
    }
}
