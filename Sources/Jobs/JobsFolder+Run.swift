import Checkpoints
import Files
import Tensors
import Training
import Unlearn
import Valuation

extension JobsFolder {
    public typealias Progress = (_ what: String, _ done: Int, _ total: Int) -> Void

    /// Computes a job and keeps its result; one that is there is left as it is.
    /// - Returns: whether it was computed now.
    /// - Throws: `Failure` of kind `refused` where training here does not give the project's bits.
    public func run(_ job: Int, threads: Int, control: TrainingControl, progress: @escaping Progress) throws -> Bool {
        guard (1...jobs).contains(job) else { throw Failure(.input, "no job \(job): \(path) has jobs 1 to \(jobs)") }
        guard try result(job) == nil else { return false }
        try copy.refuseOtherNumerics("run a job", unless: nil)
        let content: [UInt8] =
            switch plan.task {
            case .branches(let branches): try trainBranch(branches[job - 1], control) { progress("branch \(branches[job - 1])", $0, $1) }
            case .references(let cases): try trainReference(cases[job - 1], control) { progress("reference model \(job)", $0, $0 + $1) }
            case .values(let task): try evaluateShare(job, task, threads, control, progress)
            }
        try keep(content, of: job)
        return true
    }

    // MARK: - Branches

    private func trainBranch(_ branch: Int, _ control: TrainingControl, _ progress: (Int, Int) -> Void) throws -> [UInt8] {
        let trained = try copy.trainBranch(branch, control: control, progress: progress)
        return try TrainedBranch(influences: trained.influences, repeats: trained.repeats).encoded(firstBlock: firstBlock(of: branch), latticeBits: copy.latticeBits)
    }

    private func firstBlock(of branch: Int) throws -> Int { try copy.lineage().shape.blocks(ofBranch: branch).lowerBound }

    /// What a job trained of a branch; nil where it has not ended.
    func trainedBranch(_ branch: Int, job: Int) throws -> TrainedBranch? {
        guard let content = try result(job) else { return nil }
        return try TrainedBranch(
            decoding: content, blocks: copy.lineage().shape.blocks(ofBranch: branch), latticeBits: copy.latticeBits, count: copy.parameterCount, file: "job \(job) of \(path)")
    }

    // MARK: - Reference models

    private func trainReference(_ without: [Int: Set<Int>], _ control: TrainingControl, _ progress: @escaping (Int, Int) -> Void) throws -> [UInt8] {
        let state = try copy.trainFromScratch(copy.lineage(), without: without, control: control, progress: progress)
        return try LatticeRecord(kind: .keyframe, block: 0, latticeBits: copy.latticeBits, vector: state).encoded()
    }

    /// The model of a job; nil where it has not ended.
    func reference(_ job: Int) throws -> LatticeVector? {
        try result(job).map {
            try LatticeRecord(decoding: $0, kind: .keyframe, block: 0, latticeBits: copy.latticeBits, count: copy.parameterCount, file: "job \(job) of \(path)").vector
        }
    }

    // MARK: - Values

    private func evaluateShare(_ job: Int, _ task: JobPlan.ValueTask, _ threads: Int, _ control: TrainingControl, _ progress: @escaping Progress) throws -> [UInt8] {
        let valuation = try Valuation(copy, players: task.playerSet(of: copy), options: task.options, threads: threads, control: control, progress: progress)
        // It names players in the open, and so lies in memory until it is sealed.
        let folder = try MemoryFolder(), path = folder.path + "/share"
        return try withExtendedLifetime(folder) {
            _ = try valuation.computeShard(ShardPlan(index: job, count: task.shares), at: path)
            return try FileSystem.read(path)
        }
    }
}

/// What training a branch elsewhere gave.
struct TrainedBranch {
    /// What each of its blocks added, in order.
    let influences: [LatticeVector]
    /// Whether the program that trained it gave the same bits twice; nil where nobody asked.
    let repeats: Bool?

    func encoded(firstBlock: Int, latticeBits: Int) throws -> [UInt8] {
        var writer = ByteWriter(capacity: 16)
        writer.append(UInt8(repeats.map { $0 ? 1 : 2 } ?? 0))
        for (place, influence) in influences.enumerated() {
            let record = try LatticeRecord(kind: .influence, block: firstBlock + place, latticeBits: latticeBits, vector: influence).encoded()
            writer.append(UInt64(record.count))
            writer.append(record)
        }
        return writer.bytes
    }

    init(influences: [LatticeVector], repeats: Bool?) { (self.influences, self.repeats) = (influences, repeats) }

    /// - Throws: kind `damaged` where the bytes hold anything but these blocks.
    init(decoding bytes: [UInt8], blocks: ClosedRange<Int>, latticeBits: Int, count: Int, file: String) throws {
        let damaged = Failure(.damaged, "\(file) holds something else than its branch; remove its result and run it again")
        (influences, repeats) = try bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            guard reader.remaining >= 1, case let flag = reader.take(UInt8.self), flag <= 2 else { throw damaged }
            let influences = try blocks.map { block in
                guard reader.remaining >= 8, let length = Int(exactly: reader.take(UInt64.self)), length <= reader.remaining else { throw damaged }
                return try LatticeRecord(decoding: Array(reader.take(count: length)), kind: .influence, block: block, latticeBits: latticeBits, count: count, file: file).vector
            }
            guard reader.remaining == 0 else { throw damaged }
            return (influences, flag == 0 ? nil : flag == 1)
        }
    }
}
