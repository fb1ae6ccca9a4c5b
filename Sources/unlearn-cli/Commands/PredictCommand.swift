import Checkpoints
import Files
import Training
import Unlearn

extension CommandSpec {
    static let predict = CommandSpec(
        name: "predict", summary: "class and probabilities of each row, from the project or an exported file alone",
        example: "unlearn predict --model model.safetensors --data csv:new.csv --out predictions.csv",
        options: [
            OptionSpec("data", "SPEC", "rows of the kind that the model was trained on (see init); a table's labels may be absent"),
            OptionSpec("model", "FILE", "a .safetensors or .npz file that 'unlearn export' wrote, instead of the project"),
            OptionSpec("out", "FILE", "the table of predictions (default: standard output)"),
            OptionSpec("force", nil, "replace a file that is there"),
            .threads,
        ] + OptionSpec.tableReading.filter { ["id-column", "decimal-comma", "encoding"].contains($0.name) },
        run: runPredict)

    private struct Result: Encodable {
        let rows: Int
        let out: String
        let stateDigest: String
        /// Rows whose ids were deleted from the project; nil where a file alone predicted.
        let rowsDeletedBefore: Int?
        /// What the model had no room for, and what its user may want to know.
        let remarks: [String]
    }

    private static func runPredict(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation), spec = try DataSpec(invocation.required("data", "SPEC"))
        let out = invocation.text("out"), force = invocation.flag("force")
        guard out != nil || !invocation.wantsJSON else { throw Failure(.input, "--json and the predictions both go to standard output; name a file for these with --out FILE") }
        let threads = try invocation.threads, file = invocation.text("model")
        if let out { try OutputFile.expect(out, besideProject: file == nil ? invocation.folder : FileSystem.parent(of: out), replacing: force) }
        let project = try file == nil ? Project(opening: invocation.folder, .read, threads: threads) : nil
        let model = try file.map { try ServedModel(file: $0, threads: threads) } ?? ServedModel(of: project!)
        let source = try source(spec, model.description, invocation)
        let hasIDs: Bool
        if let table = source as? TableSource { hasIDs = try table.hasIDs } else {
            let survey = try source.survey()
            try model.expectFit(survey)
            hasIDs = survey.hasIDs
        }
        var deleted = try hasIDs ? project.flatMap { try DeletedAmongPredicted(of: $0) } : nil
        let table = PredictionTable(classNames: model.description.classNames, hasIDs: hasIDs)
        let bar = console.progress("rows")
        var rows = 0
        func write(_ piece: (_ bytes: [UInt8]) throws -> Void) throws {
            // Behind the first rows: what is wrong with these leaves no table that looks whole.
            var isBegun = false
            func begin() throws {
                if !isBegun { try piece(table.header) }
                isBegun = true
            }
            rows = try model.predict(source) { ids, probabilities in
                try StopRequest.check()
                try begin()
                try piece(table.lines(ids, probabilities))
                deleted?.add(ids)
                rows += ids.count
                bar.count("predicting", rows)
            }
            try begin()
        }
        if let out {
            try FileSystem.publish(outputAt: out, replacing: force) { file in
                var end = 0
                try write { bytes in
                    try bytes.withUnsafeBytes { try file.write($0, at: end) }
                    end += bytes.count
                }
            }
        } else {
            try write { try Console.output(bytes: $0) }
        }
        bar.finish()
        let remarks = source.remarks + (deleted?.remark.map { [$0] } ?? [])
        for remark in remarks { console.message(remark) }
        if let out {
            try console.result(
                Result(rows: rows, out: PathText.printable(out), stateDigest: model.description.stateDigest, rowsDeletedBefore: project.map { _ in deleted?.count ?? 0 }, remarks: remarks),
                "\(out): \(counted(rows, "row")) predicted by state \(model.description.stateDigest.prefix(16))…")
        }
        return 0
    }

    /// Rows as the model reads them.
    private static func source(_ spec: DataSpec, _ model: ModelDescription, _ invocation: Invocation) throws -> any RowSource {
        guard let encoding = model.table else {
            guard !spec.isTable else { throw Failure(.input, "the model was not trained on a table, and its features have no names; give rows of the kind that it was trained on") }
            return try spec.source(table: nil, test: true, like: model.survey)
        }
        guard spec.isTable else { throw Failure(.input, "the model was trained on a table; give a table (csv:FILE) with the same columns") }
        var options = try invocation.tableOptions(spec, defaults: model.tableNames ?? TableNames(TableOptions(labelColumn: "")))!
        options.mayLackColumns = !invocation.flag("id-column")
        return try spec.source(table: options, test: true, encoding: encoding, like: model.survey)
    }
}
