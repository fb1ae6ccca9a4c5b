import Checkpoints
import Files
import Unlearn

extension CommandSpec {
    static let evaluate = CommandSpec(
        name: "evaluate", summary: "score the current model", example: "unlearn -C demo evaluate --on test",
        options: [OptionSpec("on", "test|train|FILE", "test rows (default), training rows, or the rows whose ids a file lists"), .idColumn, .threads],
        run: runEvaluate)

    private static func runEvaluate(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let project = try Project(opening: invocation.folder, .read, threads: try invocation.threads)
        let state = try project.model()
        let on = invocation.text("on") ?? "test"
        let score: Score
        switch on {
        case "test", "train":
            guard let decisions = try project.decide(state, on: on == "test" ? .test : .train) else {
                throw Failure(.input, "no \(on) rows are left to score on")
            }
            score = decisions.score
        default: score = try project.score(state, on: try IDList(reading: on, column: invocation.text("id-column")))
        }
        try console.result(score, "accuracy \(percent(score.accuracy)), loss \(fixed(score.loss, 4)) on \(counted(score.rows, "row"))")
        return 0
    }
}
