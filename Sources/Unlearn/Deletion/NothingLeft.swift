import Checkpoints
import Files
import Training

extension Project {
    /// What is told where nothing is left to do: the report of the request that this command finished, where it was for these
    /// very rows; else one that tells of the model as it is.
    func nothingLeft(_ selection: RowSelection, _ lineage: StoredLineage, _ options: DeletionOptions) throws -> DeletionResult {
        let finished = store.finishedOnOpening
        let numbers = Set(selection.deleted.map(\.number)).intersection(finished)
        let result = { DeletionResult(report: $0, list: selection.findings, finished: finished.map(Store.requestName)) }
        if let number = numbers.first, numbers.count == 1, let request = try store.request(number) {
            return result(try DeletionReport(json: request.report))
        }
        var report = DeletionReport(request: nil, rows: 0, epsilon: options.replay.decayGuard.epsilon)
        report.blocksTotal = lineage.trainedBlocks
        (report.exact, report.exactBefore, report.dryRun) = (lineage.isExact, lineage.isExact, options.dryRun)
        report.stateDigest = lineage.isEmpty ? nil : Digest(of: try lineage.model()).description
        report.stateDigestBefore = report.stateDigest
        report.earlierStitches = try earlierStitches(behind: report)
        return result(report)
    }
}
