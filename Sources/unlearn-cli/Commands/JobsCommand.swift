import Checkpoints
import Files
import Foundation
import Jobs
import Training
import Unlearn
import Valuation

/// What `jobs` does.
private enum JobsAction: String, CommandAction {
    case plan, run, collect, remove

    /// The options of each.
    var options: [OptionSpec] {
        switch self {
        case .plan: [.jobsOut, .jobCount, .cases] + OptionSpec.valuing + [.threads, .workers]
        case .run: [.jobsIn, .threads, .workers]
        case .collect: [.jobsIn, .jobsOut, .pool, .keep, .force, .threads, .workers]
        case .remove: [.jobsIn, .force]
        }
    }
}

extension OptionSpec {
    fileprivate static let jobsOut = OptionSpec("out", "DIR", "plan: a new folder for the jobs; collect: where the report of values, or the reference models, are written")
    fileprivate static let jobsIn = OptionSpec("in", "DIR", "the folder that 'jobs plan' made")
    fileprivate static let jobCount = OptionSpec("jobs", "N", "plan values: jobs that the coalitions are shared out among (default 8)")
    fileprivate static let cases = OptionSpec("cases", "FILE", "plan references: a line for each model, with the ids of the rows that it never sees, separated by tabs")
    fileprivate static let keep = OptionSpec("keep", nil, "collect: leave the folder as it is; else it is destroyed with its copy of the rows when all is collected")
    fileprivate static let pool = OptionSpec("pool", "AMOUNT", "collect: money to share out by value, as 'unlearn value' does")
}

extension CommandSpec {
    static let jobs = CommandSpec(
        name: "jobs", summary: "independent pieces of a long task for any cluster: branches to train, reference models, shares of a valuation",
        example: "unlearn -C demo jobs plan branches --out jobs",
        operand: .any("plan branches|references|values, run N|all, collect, or remove"),
        options: JobsAction.allOptions(),
        run: runJobs)

    private static func runJobs(_ invocation: Invocation) throws -> Int32 {
        let action = try JobsAction(of: invocation), word = action.rawValue
        let words = Array(invocation.operands.dropFirst()), takesWord = action == .plan || action == .run
        guard words.count == (takesWord ? 1 : 0) else {
            throw Failure(.input, "'unlearn jobs \(word)' takes \(action == .plan ? "one task: branches, references or values" : action == .run ? "the number of one job, or all" : "no further word"); see 'unlearn jobs --help'")
        }
        let console = Console(invocation: invocation)
        switch action {
        case .plan: try plan(words[0], invocation, console)
        case .run: try run(words[0], invocation, console)
        case .collect: return try collect(invocation, console)
        case .remove: try remove(invocation, console)
        }
        return 0
    }

    /// A folder as the user names it, without slashes at its end.
    private static func folder(_ invocation: Invocation, _ option: String) throws -> String {
        var path = try invocation.required(option, "DIR")
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    // MARK: - Planning

    private struct Planned: Encodable {
        let task: String
        let jobs: Int
        let folder: String
        let stateDigest: String
    }

    private static func plan(_ word: String, _ invocation: Invocation, _ console: Console) throws {
        guard let task = JobPlan.Task.Name(rawValue: word) else {
            let nearest = nearestWord(to: word, among: JobPlan.Task.Name.allCases.map(\.rawValue))
            throw Failure(.input, "'unlearn jobs plan' takes branches, references or values, not '\(word.prefix(80))'" + (nearest.map { "; did you mean '\($0)'?" } ?? ""))
        }
        for name in ["cases"] + OptionSpec.valuing.map(\.name) + ["jobs"] where invocation.flag(name) && (task != .references || name != "cases") && (task != .values || name == "cases") {
            throw Failure(.input, "--\(name) is for 'jobs plan \(name == "cases" ? "references" : "values")'; leave it out of 'jobs plan \(word)'")
        }
        let path = try folder(invocation, "out")
        try JobsFolder.expectNew(path, besideProject: invocation.folder)
        let cases = task == .references ? try BenchmarkCases(reading: invocation.required("cases", "FILE")) : nil
        let project = try Project(opening: invocation.folder, .write, threads: try invocation.threads, workers: try invocation.workers)
        let bar = console.progress("blocks")
        let plan: JobPlan = try console.tellingOpening(project.store) {
            switch task {
            case .branches: return try .branches(of: project, control: Interrupt.control) { bar.update("training the stem", $0, of: $1) }
            case .references: return try .references(of: project, cases!)
            case .values:
                let source = playerSource(invocation), players = try PlayerSet(source, of: project).count
                let task = try JobPlan.ValueTask(source, valuationOptions(invocation, players: players, project), shares: invocation.integer("jobs", in: 1...ShardFile.mostShards) ?? defaultShares)
                return try .values(of: project, task, threads: try invocation.threads)
            }
        }
        bar.finish()
        try JobsFolder.make(path, plan, of: project)
        let jobs = plan.task.jobs
        try console.result(
            Planned(task: word, jobs: jobs, folder: PathText.printable(path), stateDigest: plan.stateDigest),
            """
            \(counted(jobs, "job")) in \(path), with a copy of all \(project.rowsAreTheTrainers ? "that is known of the rows, which the trainer must have where jobs run" : "rows"), sealed under a key of its own (\(path)/copy/project.key): keep the folder as you keep the project
            next: unlearn jobs run N --in \(path) for N from 1 to \(jobs), in any order, on any machines; then unlearn -C \(invocation.folder) jobs collect --in \(path)
            """)
    }

    private static let defaultShares = 8

    // MARK: - Running

    private struct Ran: Encodable {
        /// Jobs that were computed now.
        let computed: [Int]
        let jobs: Int
        let done: Int
    }

    private static func run(_ word: String, _ invocation: Invocation, _ console: Console) throws {
        let number = Int(word)
        guard word == "all" || number.map({ $0 > 0 }) == true else { throw Failure(.input, "'unlearn jobs run' takes a job's number, from 1, or all, not '\(word.prefix(80))'") }
        let path = try folder(invocation, "in"), threads = try invocation.threads
        let folder = try JobsFolder(opening: path, threads: threads, workers: try invocation.workers)
        let bar = console.progress("steps")
        var computed: [Int] = []
        for job in number.map({ [$0] }) ?? Array(1...folder.jobs) {
            if try folder.run(job, threads: threads, control: Interrupt.control, progress: { bar.update("job \(job): \($0)", $1, of: $2) }) { computed.append(job) }
        }
        bar.finish()
        let done = folder.done.count
        try console.result(
            Ran(computed: computed, jobs: folder.jobs, done: done),
            (computed.isEmpty ? "\(number.map { "job \($0) was" } ?? "all jobs were") done already" : "\(computed.count == 1 ? "job \(computed[0]) is" : "\(computed.count) jobs are") done")
                + "; \(done) of \(folder.jobs) in \(path)")
    }

    // MARK: - Collecting

    private struct Collected: Encodable {
        struct Reference: Encodable {
            let job: Int
            let stateDigest: String
            let testAccuracy: Double?
            let out: String?
        }

        let task: String
        let jobs: Int
        let done: Int
        /// Jobs that learnt from rows which were deleted since: their branches are left to `train`.
        var refused: [Int] = []
        /// Of the project's model, when all branches are in it.
        let stateDigest: String?
        let testAccuracy: Double?
        let references: [Reference]?
        /// Whether the folder was destroyed, with its copy of the rows.
        let removed: Bool
    }

    private static func collect(_ invocation: Invocation, _ console: Console) throws -> Int32 {
        let path = try folder(invocation, "in"), threads = try invocation.threads
        let folder = try JobsFolder(opening: path, threads: threads), name = folder.plan.task.name, done = folder.done.count
        if invocation.flag("pool"), name != .values { throw Failure(.input, "--pool is for jobs of a valuation; leave it out") }
        if invocation.flag("out"), name == .branches { throw Failure(.input, "--out is for reports of values and for reference models; branches go into the project") }
        if let out = invocation.text("out"), let place = FileSystem.place(of: out), let own = FileSystem.realPath(path), (place + "/").hasPrefix(own + "/") {
            throw Failure(.input, "--out \(out) lies in \(path), which is destroyed when all is collected; name a folder elsewhere")
        }
        let isWhole = done == folder.jobs
        let harvest = Harvest(
            folder: folder, done: done, missing: isWhole ? [] : ["\(done) of \(folder.jobs) jobs are done; run the others: unlearn jobs run N --in \(path)"],
            // Models that were written nowhere are not destroyed: whoever looks at their digests may want them.
            removes: isWhole && !invocation.flag("keep") && (name != .references || invocation.flag("out")))
        switch name {
        case .branches: return try collectBranches(harvest, invocation, console)
        case .references: return try collectReferences(harvest, invocation, console)
        case .values: return try collectValues(harvest, invocation, console)
        }
    }

    /// What there is to collect.
    private struct Harvest {
        let folder: JobsFolder
        let done: Int
        /// A line about jobs that are not done, where there are any.
        let missing: [String]
        /// Whether the folder is destroyed when all of it is collected.
        let removes: Bool

        /// A line about the folder that is destroyed, where it is.
        var gone: [String] { removes ? ["\(folder.path) is destroyed, with the copy in it"] : [] }

        func collected(refused: [Int] = [], _ model: TrainingReport? = nil, references: [Collected.Reference]? = nil) -> Collected {
            Collected(
                task: folder.plan.task.name.rawValue, jobs: folder.jobs, done: done, refused: refused, stateDigest: model?.stateDigest, testAccuracy: model?.testAccuracy,
                references: references, removed: removes)
        }
    }

    private static func collectBranches(_ harvest: Harvest, _ invocation: Invocation, _ console: Console) throws -> Int32 {
        let project = try Project(opening: invocation.folder, .write, threads: try invocation.threads, workers: try invocation.workers)
        let (report, refused) = try console.tellingOpening(project.store) { try harvest.folder.collectBranches(into: project) }, isTrained = try project.lineage().isWhole
        if harvest.removes { try harvest.folder.remove(from: project) }
        var lines = ["\(counted(report.blocksTrained, "block")) taken in" + (isTrained ? "; all branches are trained" : "")] + harvest.missing
        if !refused.isEmpty {
            lines.append("refused: \(refused.count == 1 ? "job" : "jobs") \(refused.map(String.init).joined(separator: ", ")), which learnt from rows that were deleted since; next: unlearn -C \(invocation.folder) train")
        }
        if isTrained { lines += [testScore(report), "state \(report.stateDigest)"] }
        try console.result(harvest.collected(refused: refused, isTrained ? report : nil), (lines + harvest.gone).joined(separator: "\n"))
        return 0
    }

    private static func collectReferences(_ harvest: Harvest, _ invocation: Invocation, _ console: Console) throws -> Int32 {
        let project = try Project(opening: invocation.folder, .write, threads: try invocation.threads, workers: try invocation.workers)
        let out = try invocation.text("out").map { path in
            try OutputFile.makeFolder(path, for: (1...harvest.folder.jobs).map { "reference-\($0).safetensors" }, besideProject: invocation.folder, replacing: invocation.flag("force"))
        }
        let references = try harvest.folder.collectReferences(of: project).map { job, state in
            let file = out.map { "\($0)/reference-\(job).safetensors" }
            if let file { _ = try project.export(state, to: file, replacing: invocation.flag("force")) }
            return Collected.Reference(
                job: job, stateDigest: Digest(of: state).description, testAccuracy: try project.decide(state, on: .test)?.score.accuracy, out: file.map(PathText.printable))
        }
        if harvest.removes { try harvest.folder.remove(from: project) }
        let rows = [["reference", "test accuracy", "state"]] + references.map { ["\($0.job)", $0.testAccuracy.map { percent($0) } ?? "-", $0.stateDigest] }
        let kept = out == nil ? ["the models are kept in \(harvest.folder.path), with the copy; --out DIR writes them"] : []
        try console.result(harvest.collected(references: references), ([table(rows)] + harvest.missing + kept + harvest.gone).joined(separator: "\n"))
        return 0
    }

    private static func collectValues(_ harvest: Harvest, _ invocation: Invocation, _ console: Console) throws -> Int32 {
        guard harvest.missing.isEmpty else {
            try console.result(harvest.collected(), harvest.missing.joined())
            return 0
        }
        let folder = harvest.folder, threads = try invocation.threads, pool = try invocation.text("pool").map { try Pool($0) }
        let project = try Project(opening: invocation.folder, .read, threads: threads, workers: try invocation.workers)
        let report = try invocation.text("out").map { try ReportFolder($0, players: folder.players(of: project), besideProject: invocation.folder, replacing: invocation.flag("force")) }
        let bar = console.progress("steps")
        var outcome = try folder.collectValues(of: project, threads: threads, control: Interrupt.control) { bar.update($0, $1, of: $2) }
        bar.finish()
        let status = try finish(&outcome, pool, of: project, report, console)
        if harvest.removes {
            try folder.remove(from: Project(opening: invocation.folder, .write, threads: threads))
            for line in harvest.gone { console.message(line) }
        }
        return status
    }

    private struct Removed: Encodable {
        let folder: String
        /// False where nothing lay there: what was moved lives on.
        let removed: Bool
    }

    private static func remove(_ invocation: Invocation, _ console: Console) throws {
        let path = try folder(invocation, "in")
        let threads = try invocation.threads, isProject = Store.exists(in: invocation.folder)
        guard isProject || invocation.flag("force") else {
            throw Failure(.noProject, "no project in \(invocation.folder) to know the jobs by; name it with -C DIR, or destroy them all the same with --force")
        }
        let wasThere = try JobsFolder.remove(path, from: isProject ? Project(opening: invocation.folder, .write, threads: threads) : nil, threads: threads)
        try console.result(
            Removed(folder: PathText.printable(path), removed: wasThere),
            wasThere ? "the copy and all results in \(path) are destroyed"
                : "nothing lies in \(path), which is listed no longer; if it was moved, its copy lives on: 'jobs remove' destroys it where it lies")
    }
}
