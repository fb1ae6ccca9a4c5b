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
    /// Nil: a chain.
    public let lineage: LineageShape?
}

/// Blocks of a stem, branches, and blocks of each branch, where a project is no chain.
public struct LineageShape: Codable, Sendable, Equatable {
    public let stem: Int
    public let branches: Int
    public let length: Int

    /// Nil for a chain.
    init?(_ lineage: Lineage) {
        guard !lineage.isChain else { return nil }
        (stem, branches, length) = (lineage.stem, lineage.branches, lineage.length)
    }
}

extension Project {
    public func status() throws -> Status {
        let lineage = try lineage(), shape = lineage.shape
        let stored = try store.storedBytes()
        return Status(
            model: settings.recipe.trainer.model.rawValue, source: settings.source, blocksTrained: lineage.trainedBlocks, blocks: settings.recipe.plan.blocks,
            rowsLive: try store.rowCount(.train, deleted: false),
            rowsDeleted: try store.rowCount(.train, deleted: true) + store.rowCount(.test, deleted: true),
            testRowsLive: try store.rowCount(.test, deleted: false), requests: try store.requestNumbers().count, exact: lineage.isExact,
            firstInexactBlock: lineage.firstInexact, fingerprint: settings.fingerprint, fingerprintDifference: fingerprintDifference,
            storeBytes: stored.records, rowBytes: stored.rows,
            stateDigest: lineage.isEmpty ? nil : Digest(of: try lineage.model()).description, project: store.projectID,
            encryption: store.encryption.name, publicKey: store.publicKey.description, ledger: try store.treeHeads().last, lineage: LineageShape(shape))
    }
}
