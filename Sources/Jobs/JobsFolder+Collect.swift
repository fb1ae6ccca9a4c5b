import Checkpoints
import Files
import Tensors
import Training
import Unlearn
import Valuation

extension JobsFolder {
    /// Jobs whose results are there, in order.
    public var done: [Int] { (1...jobs).filter(isDone) }

    /// Throws where the folder is of another project.
    func expect(_ project: Project) throws {
        guard plan.project == project.store.projectID else {
            throw Failure(.input, "\(path) is of project \(plan.project), and this is \(project.store.projectID); collect where the jobs were planned (-C DIR)")
        }
    }

    /// Throws where a deletion, or a training, has changed what jobs begin with.
    private func expectSame(_ state: LatticeVector, in project: Project) throws {
        guard Digest(of: state).description == plan.stateDigest else {
            throw Failure(.input, "the project has changed since the jobs of \(path) were planned: its state is another; plan them anew, and destroy these with 'unlearn -C \(project.store.folder) jobs remove --in \(path)'")
        }
    }

    /// Takes in the branches that are trained by now and not in the project yet, as `train` would have trained them.
    /// - Returns: what was done, and jobs that learnt from rows which were deleted since: their branches are left to `train`.
    public func collectBranches(into project: Project) throws -> (report: TrainingReport, refused: [Int]) {
        guard case .branches(let branches) = plan.task else { preconditionFailure("jobs of branches") }
        try expect(project)
        let lineage = try project.lineage(), shape = lineage.shape
        try expectSame(lineage.state(shape.stem), in: project)
        let changed = try plan.blocksChanged(in: project)
        var ready: [(branch: Int, influences: [LatticeVector])] = [], repeats: [Bool] = [], refused: [Int] = []
        for (index, branch) in branches.enumerated() where lineage.tip(ofBranch: branch) == shape.stem {
            guard let trained = try trainedBranch(branch, job: index + 1) else { continue }
            guard changed.isDisjoint(with: shape.blocks(ofBranch: branch)) else {
                refused.append(index + 1)
                continue
            }
            ready.append((branch, trained.influences))
            repeats += [trained.repeats].compactMap { $0 }
        }
        return (try project.takeIn(ready, repeats: repeats.isEmpty ? nil : !repeats.contains(false)), refused)
    }

    /// The reference models that are trained by now, by job.
    public func collectReferences(of project: Project) throws -> [(job: Int, state: LatticeVector)] {
        try expect(project)
        guard try plan.blocksChanged(in: project).isEmpty else {
            throw Failure(.input, "rows were deleted since the jobs of \(path) were planned, and the models learnt from them; plan them anew, and destroy these with 'unlearn -C \(project.store.folder) jobs remove --in \(path)'")
        }
        try expectSame(project.model(), in: project)
        return try done.compactMap { job in try reference(job).map { (job, $0) } }
    }

    /// The valuation that one process would have made.
    /// - Throws: kind `input` where a job has not ended, or the model is another by now.
    public func collectValues(of project: Project, threads: Int, control: TrainingControl, progress: @escaping Progress) throws -> ValuationOutcome {
        guard case .values(let task) = plan.task else { preconditionFailure("jobs of a valuation") }
        try expect(project)
        try expectSame(project.model(), in: project)
        let folder = try MemoryFolder()
        return try withExtendedLifetime(folder) {
            let paths = try (1...jobs).map { job in
                let path = "\(folder.path)/share-\(job)"
                guard let share = try result(job) else { throw Failure(.input, "job \(job) of \(path) is not done; run 'unlearn jobs run \(job) --in \(path)'") }
                _ = try share.withUnsafeBytes { try FileSystem.publish(output: $0, at: path, replacing: false) }
                return path
            }
            do {
                return try Valuation.merge(paths, of: project, players: task.playerSet(of: project), threads: threads, control: control, progress: progress)
            } catch let failure as Failure where failure.kind == .input {
                // It names files that are gone by the time that anybody reads it.
                throw Failure(.input, failure.description.replacing("\(folder.path)/share-", with: "the result of job "))
            }
        }
    }

    /// Players of a valuation, as they are named in its report.
    public func players(of project: Project) throws -> [String] {
        guard case .values(let task) = plan.task else { return [] }
        return try task.playerSet(of: project).players.map(\.name)
    }
}
