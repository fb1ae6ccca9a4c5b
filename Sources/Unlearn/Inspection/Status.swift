import Checkpoints
import Training

/// What is in a project.
public struct Status: Codable, Sendable {
    public let model: String
    public let source: String
    public let blocksTrained: Int
    public let blocks: Int
    public let rowsLive: Int
    public let rowsDeleted: Int
    public let testRowsLive: Int
    public let requests: Int
    /// Whether the chain is one that training visits without a stitch.
    public let exact: Bool
    public let firstInexactBlock: Int?
    public let fingerprint: NumericsFingerprint
    /// What differs here and now, or nil: replay is bit-exact here.
    public let fingerprintDifference: String?
    public let storeBytes: Int
    public let rowBytes: Int
    public let stateDigest: String?
    public let project: String
    public let encryption: String
    /// What the ledger and certificates are signed with; hexadecimal.
    public let publicKey: String
    /// The ledger's signed head.
    public let ledger: TreeHead?
}

extension Project {
    public func status() throws -> Status {
        let chain = try chain()
        let stored = try store.storedBytes()
        return Status(
            model: settings.recipe.model.rawValue, source: settings.source, blocksTrained: chain.length, blocks: settings.recipe.blocks,
            rowsLive: try store.rowCount(.train, deleted: false),
            rowsDeleted: try store.rowCount(.train, deleted: true) + store.rowCount(.test, deleted: true),
            testRowsLive: try store.rowCount(.test, deleted: false), requests: try store.requestNumbers().count, exact: chain.isExact,
            firstInexactBlock: chain.firstInexact, fingerprint: settings.fingerprint, fingerprintDifference: fingerprintDifference,
            storeBytes: stored.records, rowBytes: stored.rows,
            stateDigest: chain.length > 0 ? Digest(of: try chain.state(chain.length)).description : nil, project: store.projectID,
            encryption: store.encryption.name, publicKey: store.publicKey.description, ledger: try store.treeHeads().last)
    }
}
