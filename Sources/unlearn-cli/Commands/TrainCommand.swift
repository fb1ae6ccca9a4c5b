import Unlearn

extension CommandSpec {
    static let train = CommandSpec(
        name: "train", summary: "train the blocks not yet trained (resumes where it stopped)", example: "unlearn -C demo train",
        options: [.threads, .workers, .approximate], run: runTrain)

    private static func runTrain(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let project = try Project(opening: invocation.folder, .write, threads: try invocation.threads, workers: try invocation.workers)
        let bar = console.progress("blocks"), lineage = project.settings.recipe.plan.lineage
        let report = try console.tellingOpening(project.store) {
            try project.train(allowingOtherNumerics: invocation.flag("approximate"), control: Interrupt.control) { done, total in
                bar.update(lineage.isChain ? "training" : done < lineage.stem ? "training the stem" : "training \(lineage.branches) branches", done, of: total)
            }
        }
        bar.finish()
        if let warning = warning(report, project.settings) { console.message("warning: \(warning)") }
        let work =
            report.blocksTrained == 0
            ? "all \(report.blocks) blocks were trained already"
            : "\(counted(report.blocksTrained, "block")) trained in \(pace(report))"
        try console.result(
            report,
            """
            \(work)
            \(testScore(report))
            checkpoints \(checkpoints(report))
            state \(report.stateDigest)
            """)
        return 0
    }

    static func testScore(_ report: TrainingReport) -> String {
        if let accuracy = report.testAccuracy { return "test accuracy \(percent(accuracy))" }
        return report.testLoss.map { "test loss \(fixed($0, 4)) (the model has no classes)" } ?? "test accuracy - (no test rows)"
    }

    /// Of a moment's work the clock tells no pace.
    private static func pace(_ report: TrainingReport) -> String {
        report.seconds < 0.05 ? "less than 0.1 s" : "\(fixed(report.seconds, 1)) s (\(Int(report.rowsPerSecond)) rows/s)"
    }

    /// Records have heads and padding of their own: beside the parameters of a model of a few kilobytes these count for much, and a ratio
    /// would tell of them.
    private static func checkpoints(_ report: TrainingReport) -> String {
        guard report.compressionRatio < 1 else { return "\(megabytes(report.storeBytes)), \(besideSinglePrecision(report.compressionRatio))" }
        return "\(megabytes(report.storeBytes)), the start and every block, each with its head and padding: the model's \(counted(report.parameters, "parameter")) alone take \(megabytes(report.parameters * 4)) in fp32"
    }

    /// A model that has learnt nothing must not look like one that has.
    private static func warning(_ report: TrainingReport, _ settings: ProjectSettings) -> String? {
        guard let base = report.baseRate, let accuracy = report.testAccuracy, let loss = report.testLoss else { return nil }
        let figures = "accuracy \(percent(accuracy)) and loss \(fixed(loss, 4)), where the classes' frequencies alone have \(percent(base.accuracy)) and \(fixed(base.loss, 4))"
        guard loss >= base.loss else { return nil }
        // Branches that have gone far apart, or have nothing in common, average badly.
        let branches = settings.recipe.plan.branches == nil ? "" : ", a larger --stem or a lower --branch-learning-rate; a chain (no --branches) shows what branches cost"
        return accuracy > base.accuracy
            ? "the model names classes better than their frequencies do, and its probabilities are worse than none: \(figures); fewer --blocks, more --epochs or a lower --learning-rate may help\(branches)"
            : "the model has learnt nothing that shows on the test rows: \(figures); give it more rows, more --epochs\(settings.table == nil ? "" : " or other columns")\(branches)"
    }
}
