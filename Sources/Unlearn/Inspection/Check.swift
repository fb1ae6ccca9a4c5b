import Checkpoints
import Files
import Tensors
import Training

/// What `check` found.
public struct CheckReport: Codable, Sendable {
    /// Every fault, with its file.
    public var errors: [String] = []
    /// Files of a change that did not come to its end, or is under way; the next command that writes removes them.
    public var strayFiles: [String] = []
    /// What is odd and no fault: times of the ledger that run backwards.
    public var remarks: [String] = []
    public var objects = 0
    public var bytes = 0
    /// Whether rows were read and compared with the catalogue, too.
    public var readData: Bool

    /// A fault as `check` tells it: without the advice to run what is running.
    public static func fault(_ description: String) -> String {
        PathText.printable(description).replacing("run 'unlearn check' and ", with: "")
            .replacing("; run 'unlearn check'", with: "").replacing(": run 'unlearn check'", with: "")
    }
}

extension Project {
    /// Verifies the catalogue, the ledger, every object's seal and digest, and that all records add up; with `readData`
    /// also every row against the catalogue.
    public func check(readData: Bool, progress: (_ done: Int, _ total: Int) throws -> Void) throws -> CheckReport {
        var report = CheckReport(readData: readData)
        func attempt(_ body: () throws -> Void) throws {
            do {
                try body()
            } catch let error as any DescribedError where error.kind != .locked && error.kind != .interrupted {
                report.errors.append(CheckReport.fault(error.description))
            }
        }
        report.errors += store.indexFaults.map(CheckReport.fault)
        report.objects = store.indexFaults.count
        try attempt { try store.checkCatalogue() }
        try attempt { report.errors += try store.ledgerFaults() }
        try attempt { try store.verifyWitness() }
        try attempt { report.errors += try store.keyFaults() }
        // A ledger that cannot be read is a fault above.
        report.remarks = (try? store.ledger()).map(LedgerTimes.remarks) ?? []
        try attempt { report.remarks += try store.witnessRemarks() }
        let objects = try store.objects()
        for (index, object) in objects.enumerated() {
            try progress(index, objects.count)
            report.objects += 1
            report.bytes += object.bytes
            try attempt { try store.verify(object) }
        }
        try attempt {
            for run in store.runsWithEvidence() { _ = try store.evidence(ofRun: run) }
            _ = try store.receipts()
            for run in try store.utilityRuns() { _ = try store.utilities(of: run) }
            guard try store.rowBlocks(.train).map(\.block) == Array(1...settings.recipe.plan.blocks) else {
                throw Failure(.damaged, "the catalogue does not list the rows of every block; restore the project from a backup")
            }
        }
        try attempt {
            try expectSums(of: try lineage(), &report)
        }
        if report.errors.isEmpty, readData {
            try attempt { try store.verifyRowCounts() }
            for part in Part.allCases {
                for block in try store.rowBlocks(part) {
                    try attempt {
                        try store.verify(try storedRows(block), of: block)
                    }
                }
            }
        }
        let folder = PathText.printable(store.folder)
        for file in try store.unerasedFiles() {
            report.errors.append("\(folder)/objects/\(file) was superseded and is not erased yet; the next command that writes erases it")
        }
        for request in try store.requests() where request.state == .published {
            report.errors.append(
                "\(folder): what \(Store.requestName(request.number)) replaced may still be in the log or the files; the next command that writes destroys it")
        }
        try attempt {
            for stray in try store.strayFiles() {
                guard let request = stray.destroyedBy else {
                    report.strayFiles.append(PathText.printable(stray.name))
                    continue
                }
                report.errors.append(
                    "\(folder)/objects/\(PathText.printable(stray.name)): \(Store.requestName(request)) destroyed this object, and it lies there again; "
                        + "'unlearn compact' destroys it, and whoever put it there may have more")
            }
        }
        // Beside a writer, what looks like a fault may be its work.
        if !report.errors.isEmpty { try store.expectUnchanged() }
        try progress(objects.count, objects.count)
        return report
    }

    /// Walks record by record past every keyframe: what the influences add up to must be what keyframes hold.
    private func expectSums(of lineage: StoredLineage, _ report: inout CheckReport) throws {
        guard let first = try store.keyframe(0, latticeBits: latticeBits, count: parameterCount) else {
            guard !lineage.isEmpty else { return }
            throw StoredLineage.initialisationMissing
        }
        let shape = lineage.shape
        var state = first, stemEnd = first
        for link in try store.links() {
            if !shape.isChain, shape.parent(of: link.block) == shape.stem { state = stemEnd }
            state = try state.adding(lineage.influence(link.block))
            if let correction = try lineage.correction(link.block) { state = try state.adding(correction) }
            if let keyframe = try store.keyframe(link, latticeBits: latticeBits, count: parameterCount), keyframe != state {
                report.errors.append("the keyframe of block \(link.block) is not the sum of the influences before it; restore the project from a backup")
            }
            if link.block == shape.stem { stemEnd = state }
        }
    }
}
