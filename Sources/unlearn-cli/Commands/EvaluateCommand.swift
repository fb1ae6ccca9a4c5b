import Checkpoints
import Files
import Unlearn

extension CommandSpec {
    static let evaluate = CommandSpec(
        name: "evaluate", summary: "how good the current model is, beside the base rate", example: "unlearn -C demo evaluate --on test",
        options: [OptionSpec("on", "test|train|FILE", "test rows (default), training rows, or the rows whose ids a file lists"), .idColumn, .threads],
        run: runEvaluate)

    private static func runEvaluate(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let project = try Project(opening: invocation.folder, .read, threads: try invocation.threads)
        let state = try project.model()
        let on = invocation.text("on") ?? "test"
        let rows: Project.ScoredRows =
            switch on {
            case "test": .part(.test)
            case "train": .part(.train)
            default: .list(try IDList(reading: on, column: invocation.text("id-column")))
            }
        let quality = try project.quality(of: state, on: rows)
        try console.result(quality, text(quality))
        return 0
    }

    /// The verdict, then the figures, then the classes.
    private static func text(_ quality: Quality) -> String {
        guard quality.hasClasses else { return "loss \(fixed(quality.loss, 4)) on \(counted(quality.rows, "row")), of a model that has no classes" }
        let base = quality.baseRate
        var lines = [
            "accuracy \(percent(quality.accuracy)), loss \(fixed(quality.loss, 4)) on \(counted(quality.rows, "row"))",
            "the classes' frequencies alone: accuracy \(percent(base.accuracy)), loss \(fixed(base.loss, 4))"
                + (quality.loss < base.loss ? "" : "; the model is no better than that"),
            "balanced accuracy \(percent(quality.balancedAccuracy)), AUC \(quality.auc.map { fixed($0, 4) } ?? "- (rows of one class alone)"), "
                + "Brier score \(fixed(quality.brierScore, 4)), calibration error \(percent(quality.calibrationError))",
        ]
        func share(_ value: Double?) -> String { value.map { percent($0) } ?? "-" }
        let rows = quality.classes.map { [$0.name, "\($0.rows)", share($0.precision), share($0.recall)] }
        lines.append(table([["class", "rows", "precision", "recall"]] + rows.prefix(mostClasses)))
        if rows.count > mostClasses { lines.append("… (\(rows.count) classes in all; --json has them)") }
        return lines.joined(separator: "\n")
    }

    private static let mostClasses = 30
}
