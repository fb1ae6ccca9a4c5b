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
    /// Requests that wait for a run, and the day until which the first of them is due.
    public let requestsWaiting: Int
    public let nextDue: String?
    /// Whether the chain is one that training visits without a stitch.
    public let exact: Bool
    public let firstInexactBlock: Int?
    /// Requests to which an exact replay is owed.
    public let requestsOwed: [String]
    /// Requests whose rows the trainer, which alone holds them, has not acknowledged to have erased.
    public let requestsToAcknowledge: [String]
    /// Share of test rows on which stitches may have led the model astray (`StitchBudget`); 0 where the model is exact, nil where it is not known
    /// any more.
    public let budgetSpent: Double?
    public let fingerprint: NumericsFingerprint
    /// What differs here and now, or nil: replay is bit-exact here.
    public let fingerprintDifference: String?
    /// Whether a program of the user's trains that gave other bits when it trained a block a second time.
    public let unrepeatable: Bool
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
    public let testSource: String?
    /// When the project was made, by which version, and what happened last; times are ISO 8601, UTC.
    public let created: String?
    public let programVersion: String
    public let lastEvent: String?
    public let lastTime: String?
    public let classes: [String]
    /// What a table's columns became; nil where there was no table.
    public let columns: [StatusColumn]?
    /// The table's columns that are no features; nil where there was no table, and in projects made before that was kept.
    public let tableNames: TableNames?
    /// Of a row: channels, height and width; where rows are the trainer's alone, of the text by which it finds one.
    public let shape: RowShape
    public let rowsAreTheTrainers: Bool
    /// Folders of copies that work elsewhere, in which deleted rows stay (`jobs`).
    public let workingCopies: [String]
}

/// A column of the table that a project was made of, as its encoding has it.
public struct StatusColumn: Codable, Sendable, Equatable {
    public let name: String
    /// `number`, `date`, `boolean` or `categories`.
    public let kind: String
    public let features: Int
    /// With features of their own, those whose last row was deleted included.
    public let categories: Int?

    init(_ column: TableEncoding.Column) {
        (name, features, categories) = (column.name, column.features, column.categories?.count)
        kind =
            switch column.kind {
            case .number: "number"
            case .date: "date"
            case .boolean: "boolean"
            case .categories: "categories"
            }
    }
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
        let stored = try store.storedBytes(), ends = try store.ledgerEnds(), waiting = try store.requestList().filter(\.isWaiting)
        return Status(
            model: settings.recipe.trainer.name, source: settings.source, blocksTrained: lineage.trainedBlocks, blocks: settings.recipe.plan.blocks,
            rowsLive: try store.rowCount(.train, deleted: false),
            rowsDeleted: try store.rowCount(.train, deleted: true) + store.rowCount(.test, deleted: true),
            testRowsLive: try store.rowCount(.test, deleted: false), requests: try store.requestNumbers().count, requestsWaiting: waiting.count,
            nextDue: waiting.compactMap(\.due).min(), exact: try lineage.isExact && unrepeatable == nil,
            firstInexactBlock: lineage.firstInexact, requestsOwed: try requestsOwed(lineage), requestsToAcknowledge: try requestsToAcknowledge(),
            budgetSpent: lineage.isExact ? 0 : StitchBudget(limit: nil, changes: try store.changesOfStitches()).spent, fingerprint: settings.fingerprint, fingerprintDifference: try settings.recipe.program == nil ? fingerprintDifference : unrepeatable,
            unrepeatable: try unrepeatable != nil,
            storeBytes: stored.records, rowBytes: stored.rows,
            stateDigest: lineage.isEmpty ? nil : Digest(of: try lineage.model()).description, project: store.projectID,
            encryption: store.encryption.name, publicKey: store.publicKey.description, ledger: try store.treeHeads().last, lineage: LineageShape(shape),
            testSource: settings.testSource, created: ends?.first.time, programVersion: settings.programVersion, lastEvent: ends?.last.event.rawValue, lastTime: ends?.last.time,
            classes: settings.classNames, columns: settings.table?.columns.map(StatusColumn.init), tableNames: settings.tableNames, shape: settings.shape, rowsAreTheTrainers: rowsAreTheTrainers, workingCopies: try workingCopies().map(\.folder))
    }
}
