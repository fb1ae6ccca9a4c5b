import Checkpoints
import Files
import Unlearn

extension ValuationOutcome {
    /// Puts the values into the ledger of the project that they are of: how they came about for good, the figures until the next deletion.
    /// A project that is open for reading is opened for writing for this moment alone.
    /// - Parameter files: the tables that the statement names; a statement without them is one that no verifier takes.
    /// - Returns: a signed statement of the values.
    /// - Throws: kind `locked` where another process holds the project, or rows were deleted since the valuation began.
    public mutating func record(in project: Project, files: [ReportTable]) throws -> [UInt8] {
        let head = try project.store.treeHeads().last
        let store = project.store.isWritable ? project.store : try Store(opening: project.store.folder, .write)
        guard store.projectID == project.store.projectID, try store.treeHeads().contains(where: { $0.root == head?.root }) else {
            throw Failure(.locked, "another project is in \(PathText.printable(store.folder)) now; value the players again")
        }
        guard try store.requestNumbers() == requests else { throw Failure(.locked, "rows were deleted since; value the players again") }
        // Of the model that was valued, and of no other that was trained since.
        let served = try project.servingDigest(), serving = served.state.description == report.stateDigest ? served.serving.description : nil
        let entry = try LedgerEntry(
            .valued, details: try JSONValue(ValueMethod(report)), untilDeletion: ["figures": try JSONValue(ValueFigures(report, servingDigest: serving))])
        let position = try store.transaction { change in
            try change.append(entry)
            return try store.ledgerTree().leaves.count - 1
        }
        report.ledgerEntry = position
        return try ValueStatement.issue(at: position, of: store, files: files)
    }
}
