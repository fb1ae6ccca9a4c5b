import Checkpoints
import Files
import Foundation
import Unlearn

/// A folder of jobs:
///
///     plan.json     what a scheduler needs: the task, how many jobs there are, and each one's command
///     copy/         a working copy of the project, sealed under a key of its own
///     results/      what jobs have computed, one file each, sealed under the same key
///
/// The copy is read, never written, so that any number of machines may share it; each result is written whole, by renaming, and has the
/// same bytes wherever it was computed.
public struct JobsFolder {
    public let path: String
    public let plan: JobPlan
    /// The working copy.
    let copy: Project

    static let planName = "plan.json", copyName = "copy", resultsName = "results"

    /// What `plan.json` says, for schedulers: nothing is believed of it.
    private struct Listed: Encodable {
        struct Job: Encodable {
            let job: Int
            let command: String
        }

        let format = JobPlan.currentFormat
        let task: String
        let project: String
        let programVersion: String
        let jobs: [Job]
    }

    /// Makes the folder and the working copy in it. The project lists it before anybody's rows are copied: what is cut off is known, and
    /// `remove` clears it.
    public static func make(_ path: String, _ plan: JobPlan, of project: Project) throws {
        let isMade = try FileSystem.makeFolder(path), place = FileSystem.place(of: path) ?? path, shape = project.settings.recipe.plan.lineage
        var plan = plan
        let id = try project.noteWorkingCopy(in: place)
        plan.copy = id
        do {
            let jobs = (0..<plan.task.jobs).map { Listed.Job(job: $0 + 1, command: "unlearn jobs run \($0 + 1) --in \(path)") }
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let text = try encoder.encode(Listed(task: plan.task.name.rawValue, project: plan.project, programVersion: programVersion, jobs: jobs))
            _ = try text.withUnsafeBytes { try FileSystem.publish(output: $0, at: "\(path)/\(planName)", replacing: false) }
            try FileSystem.makeFolder("\(path)/\(resultsName)")
            try project.makeWorkingCopy(in: "\(path)/\(copyName)", blocks: { plan.needsRecords(of: $0, shape) }, task: plan.text)
        } catch {
            // The first error is the one to hear of; what cannot be cleared now stays listed.
            if (try? destroy(path, keepingFolder: !isMade)) != nil { try? project.forgetWorkingCopies { $0.id == id } }
            throw error
        }
    }

    /// Throws where jobs cannot be planned there: a folder that is to be made, or an empty one, in no project's.
    public static func expectNew(_ path: String, besideProject project: String) throws {
        try Store.refuseOwn(path, ofProject: project)
        try OutputFile.refuseProjects(path)
        guard !FileSystem.exists(path) || FileSystem.isFolder(path) else { throw Failure(.input, "\(path) is a file; name a folder for the jobs") }
        guard try !FileSystem.exists(path) || FileSystem.names(in: path).isEmpty else {
            throw Failure(.input, "\(path) holds something already; name a new folder for the jobs (what is left of jobs there 'unlearn jobs remove' clears)")
        }
        // Whoever copies a project, or destroys jobs, would take them along.
        var place = FileSystem.place(of: path) ?? path
        while place.unicodeScalars.count > 1 {
            place = FileSystem.parent(of: place)
            guard !Store.exists(in: place), !isThere(place) else { throw Failure(.input, "\(path) lies in \(Store.exists(in: place) ? "the project" : "the jobs") in \(place); name a folder beside it") }
        }
    }

    /// Whether a folder holds jobs.
    private static func isThere(_ path: String) -> Bool { Store.exists(in: "\(path)/\(copyName)") && FileSystem.exists("\(path)/\(planName)") }

    /// - Throws: `Failure` of kind `input` where no jobs lie there.
    public init(opening path: String, threads: Int, workers: Int = 1) throws {
        guard Store.exists(in: "\(path)/\(Self.copyName)") else { throw Failure(.input, "no jobs in \(path); 'unlearn jobs plan TASK --out \(path)' makes some") }
        self.path = path
        copy = try Project(opening: "\(path)/\(Self.copyName)", .read, threads: threads, workers: workers)
        guard let task = try copy.workingCopyTask() else { throw NoCopy(path: "\(path)/\(Self.copyName)") }
        plan = try JobPlan(text: task, path: path)
    }

    public var jobs: Int { plan.task.jobs }

    // MARK: - Results

    private func file(_ job: Int) -> String { "\(path)/\(Self.resultsName)/job-\(job)" }
    private func name(_ job: Int) -> String { "job \(job)" }
    private static let mostBytes = 1 << 40

    /// Whether a file of the job is there; whether it is what it should be is seen when it is opened.
    public func isDone(_ job: Int) -> Bool { FileSystem.exists(file(job)) }

    /// What a job computed; nil where it has not ended yet.
    /// - Throws: `Failure` of kind `damaged` where the file is not what a job of this folder wrote.
    func result(_ job: Int) throws -> [UInt8]? {
        guard isDone(job) else { return nil }
        guard let content = copy.store.openResult(try FileSystem.read(input: file(job), most: Self.mostBytes), name: name(job)) else {
            throw Failure(.damaged, "\(file(job)) is not what job \(job) of this folder wrote; remove it and run 'unlearn jobs run \(job) --in \(path)' again")
        }
        return content
    }

    func keep(_ content: [UInt8], of job: Int) throws {
        _ = try copy.store.sealResult(content, name: name(job)).withUnsafeBytes { try FileSystem.publish(output: $0, at: file(job), replacing: true) }
    }

    // MARK: - The end

    /// Overwrites and removes the copy with its key, and all results; the project lists the copy no longer, unless this was a duplicate of one
    /// that still lies where it was planned.
    public func remove(from project: Project) throws {
        let place = FileSystem.place(of: path) ?? path
        try Self.destroy(path)
        try project.forgetWorkingCopies { $0.id == plan.copy && ($0.folder == place || !Self.isThere($0.folder)) }
    }

    /// The same of whatever is left of jobs: they may have been cut off while they were planned or destroyed.
    /// - Parameter project: nil: nobody knows whose they are, and only a whole folder is destroyed.
    /// - Returns: whether anything lay there: what was moved lives on.
    /// - Throws: kind `input` where the folder is none of this project's jobs.
    public static func remove(_ path: String, from project: Project?, threads: Int) throws -> Bool {
        let place = FileSystem.place(of: path) ?? path, isListed = try project?.workingCopies().contains { $0.folder == place } ?? false
        let folder: JobsFolder
        do { folder = try JobsFolder(opening: path, threads: threads) } catch {
            // What cannot be opened is this project's where it lists the place, unless somebody put a project there.
            guard let project, isListed, (error as? NoCopy) == nil else { throw error }
            let isThere = FileSystem.isFolder(path)
            if isThere { try destroy(path) }
            try project.forgetWorkingCopies { $0.folder == place }
            return isThere
        }
        if let project {
            try folder.expect(project)
            try folder.remove(from: project)
        } else {
            try destroy(path)
        }
        return true
    }

    /// A project that lies where a working copy would.
    private struct NoCopy: DescribedError {
        let path: String
        var kind: FailureKind { .input }
        var description: String { "\(path) is a project, and no working copy; name the folder that 'jobs plan' made" }
    }

    private static func destroy(_ path: String, keepingFolder: Bool = false) throws {
        let folder = try OpenFolder(path)
        // The key first: without it the rest is noise. What is somebody else's stays.
        if folder.isFolder(copyName) { try OpenFolder(copyName, in: folder).destroy([SecretFile.name]) }
        for name in [copyName, resultsName] where folder.exists(name) { try folder.destroyTree(name) }
        try folder.remove(planName)
        if !keepingFolder { folder.removeIfEmpty() }
    }
}
