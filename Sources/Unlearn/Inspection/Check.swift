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
    public var objects = 0
    public var bytes = 0
    /// Whether rows were read and compared with the catalogue, too.
    public var readData: Bool
}

extension Project {
    /// Verifies the catalogue, every object's bytes and digest, and that all records add up; with `readData` also every
    /// row against the catalogue.
    public func check(readData: Bool, progress: (_ done: Int, _ total: Int) throws -> Void) throws -> CheckReport {
        var report = CheckReport(readData: readData)
        func attempt(_ body: () throws -> Void) throws {
            do { try body() } catch let error as any DescribedError { report.errors.append(error.description) }
        }
        try attempt { try store.checkCatalogue() }
        let objects = try store.objects()
        for (index, object) in objects.enumerated() {
            try progress(index, objects.count)
            report.objects += 1
            report.bytes += object.bytes
            try attempt { _ = try store.contents(of: object) }
        }
        try attempt {
            let chain = try chain()
            // Walks record by record past every keyframe: what the influences add up to must be what keyframes hold.
            guard var state = try store.keyframe(0, latticeBits: latticeBits, count: parameterCount) else {
                guard chain.length > 0 else { return }
                throw StoredChain.initialisationMissing
            }
            for block in 1..<max(1, chain.length + 1) {
                state = try state.adding(chain.influence(block))
                if let correction = try chain.correction(block) { state = try state.adding(correction) }
                if let keyframe = try store.keyframe(block, latticeBits: latticeBits, count: parameterCount), keyframe != state {
                    report.errors.append("the keyframe of block \(block) is not the sum of the influences before it; restore the project from a backup")
                }
            }
        }
        if report.errors.isEmpty, readData {
            for part in Part.allCases {
                for block in try store.rowBlocks(part) {
                    try attempt {
                        let record = try storedRows(block)
                        let live = record.labels.indices.filter { record.labels[$0] != RowsRecord.emptySlot }
                        guard try store.liveSlots(block) == live else {
                            throw Failure(.damaged, "the rows stored for block \(block.block) are not those that the catalogue lists as live")
                        }
                        for slot in record.labels.indices where record.labels[slot] == RowsRecord.emptySlot {
                            guard record.features[slot * record.rowBytes..<(slot + 1) * record.rowBytes].allSatisfy({ $0 == 0 }) else {
                                throw Failure(.damaged, "slot \(slot) of block \(block.block) is empty but still holds features")
                            }
                        }
                    }
                }
            }
        }
        for file in try store.unerasedFiles() {
            report.errors.append("\(store.folder)/objects/\(file) was superseded and is not erased yet; the next command that writes erases it")
        }
        report.strayFiles = try store.strayFiles()
        try progress(objects.count, objects.count)
        return report
    }
}
