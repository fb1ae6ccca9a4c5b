import Files
import Training
import Unlearn

extension CommandSpec {
    static let append = CommandSpec(
        name: "append", summary: "take new rows in, into new blocks behind the last or new branches; 'train' then trains these alone",
        example: "unlearn -C demo append --data csv:new.csv",
        options: [
            OptionSpec("data", "SPEC", "rows of the kind that the project was made of (see init); a table is read as the first one was"),
            OptionSpec("blocks", "B", "blocks for them (default: as many as keep the size of blocks)"),
            OptionSpec("dry-run", nil, "say what would be made of the rows, and take nothing in"),
            OptionSpec("assignment-seed", "N", "draw rows' places from N, reproducibly: for tests and tours"),
            .threads,
        ] + OptionSpec.tableReading,
        run: runAppend)

    private static func runAppend(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation), name = try invocation.required("data", "SPEC"), spec = try DataSpec(name)
        let blocks = try invocation.integer("blocks", in: Recipe.allowedBlocks), seed = try invocation.seed("assignment-seed")
        let project = try Project(opening: invocation.folder, .write, threads: try invocation.threads), settings = project.settings
        guard spec.isTable == (settings.table != nil) else {
            throw Failure(.input, "the project's rows are \(settings.table == nil ? "no table; give rows of the kind that it was made of" : "a table; give a table (csv:FILE) with the same columns")")
        }
        let options = try invocation.tableOptions(spec, defaults: settings.tableNames)
        let source = try spec.source(table: options, test: false, encoding: settings.table, like: settings.survey)
        let bar = console.progress("rows")
        let report = try console.tellingOpening(project.store) {
            try project.append(
                source, sourceName: PathText.printable(name), blocks: blocks, assignmentSeed: seed, dryRun: invocation.flag("dry-run")
            ) { done, total in
                try StopRequest.check()
                bar.update("importing", done, of: total)
            }
        }
        bar.finish()
        let place = report.branches > 0 ? "\(counted(report.branches, "new branch", "new branches")) (\(counted(report.blocks, "block")))" : counted(report.blocks, "new block")
        try console.result(
            report,
            """
            \(counted(report.rows, "row")) in \(place); \(counted(report.blocksTotal, "block")) \(report.dryRun ? "then" : "now")\(report.remarks.map { "\n" + Console.printable($0, keeping: []) }.joined())
            \(report.dryRun ? "nothing was taken in; leave out --dry-run to do it" : "the model knows nothing of them yet; next: unlearn -C \(invocation.folder) train")
            """)
        return 0
    }
}
