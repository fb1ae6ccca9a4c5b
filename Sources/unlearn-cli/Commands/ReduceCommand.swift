import Checkpoints
import Files
import Reduction
import Unlearn

extension CommandSpec {
    static let reduce = CommandSpec(
        name: "reduce", summary: "the training rows that share the least information with each other (DRMI); changes nothing",
        example: "unlearn -C demo reduce --keep 1% --per-class --out kept.ids",
        options: [
            OptionSpec("keep", "N|P%", "how many training rows to keep, or what share of them"),
            OptionSpec("levels", "L", "levels that features are cut to (default 16)"),
            OptionSpec("restarts", "R|all", "start rows, drawn from the seed; the best result counts (default 1)"),
            OptionSpec("per-class", nil, "select as many from every class, each class by itself"),
            .choice("measure", InformationMeasure.self, "information (default), or normalised: divided by the root of both rows' entropies"),
            OptionSpec("out", "FILE", "write the ids, for init --only FILE"),
            OptionSpec("seed", "S", "decides start rows and the random rows compared with (default 0)"),
            .force, .threads,
        ],
        run: runReduce)

    private static func runReduce(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        var plan = ReductionPlan(keep: try keep(invocation))
        plan.levels = try invocation.integer("levels", in: 2...256) ?? 16
        plan.restarts = invocation.text("restarts") == "all" ? nil : try invocation.integer("restarts", in: 1...1_000_000) ?? 1
        plan.perClass = invocation.flag("per-class")
        plan.measure = try invocation.choice("measure") ?? .information
        plan.seed = UInt64(try invocation.integer("seed", in: 0...Int.max) ?? 0)
        let threads = try invocation.threads
        let out = invocation.text("out")
        if let out { try Store.expectOutput(out, besideProject: invocation.folder, replacing: invocation.flag("force")) }
        let project = try Project(opening: invocation.folder, .read, threads: threads)
        let bar = console.progress("rows")
        let report = try ReduceRows(project, plan: plan, threads: threads, control: Interrupt.control) { what, done, total in
            bar.update(what, done, of: total)
        }.run()
        bar.finish()
        if let out { try report.write(to: out, replacing: invocation.flag("force")) }
        try console.result(report, describe(report, out: out))
        return 0
    }

    private static func keep(_ invocation: Invocation) throws -> ReductionPlan.Keep {
        let text = try invocation.required("keep", "N|P%")
        if text.hasSuffix("%") {
            guard let percent = Double(text.dropLast()), percent > 0, percent <= 100 else {
                throw Failure(.input, "--keep takes a share above 0 % and up to 100 %, not '\(text.prefix(80))'")
            }
            return .share(percent / 100)
        }
        guard let count = Int(text), count > 0 else {
            throw Failure(.input, "--keep takes a number of rows from 1 on, or a share such as 5%, not '\(text.prefix(80))'")
        }
        return .rows(count)
    }

    private static func describe(_ report: ReductionReport, out: String?) -> String {
        let classes = report.keptByClass.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
        let pairs = Double(max(1, report.pairsKept))
        let unit = report.measure == .information ? " bits" : ""
        return """
            kept \(report.kept) of \(counted(report.rows, "row"))\(out.map { ", ids in \($0)" } ?? "; give --out FILE for their ids")
            information that two of them share\(report.perClass ? " (of one class)" : ""): \(fixed(report.objective / pairs, 4))\(unit); \
            two random rows: \(fixed(report.objectiveRandom / pairs, 4))\(unit)
            in all \(fixed(report.objective, 1))\(unit), \(fixed(report.objectiveGreedy, 1)) before \(counted(report.replacements, "replacement")); \
            random rows \(fixed(report.objectiveRandom, 1))
            entropy of a kept row \(fixed(report.entropy)) bits, of a random one \(fixed(report.entropyRandom))
            by class \(classes)
            rows that are unlike each other; on images a model learns more from as many random ones (Documentation/Reduction.md)
            \(fixed(report.seconds, 1)) s, \(fixed(report.pairsPerSecond / 1e6, 1)) million pairs a second
            """
    }
}
