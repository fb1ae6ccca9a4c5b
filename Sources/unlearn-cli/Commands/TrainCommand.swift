import Checkpoints
import Unlearn

extension CommandSpec {
    static let train = CommandSpec(
        name: "train", summary: "train the blocks not yet trained (resumes where it stopped)", example: "unlearn -C demo train",
        options: [.threads, .approximate], run: runTrain)

    private struct Result: Encodable {
        let blocks: Int
        let blocksTrained: Int
        let rows: Int
        let parameters: Int
        let seconds: Double
        let rowsPerSecond: Double
        let testAccuracy: Double?
        let stateDigest: String
        let storeBytes: Int
        let rawCheckpointBytes: Int
        let compressionRatio: Double
    }

    private static func runTrain(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation)
        let project = try Project(opening: invocation.folder, .write, threads: try invocation.threads)
        let bar = console.progress("blocks")
        let summary = try project.train(allowingOtherNumerics: invocation.flag("approximate"), control: Interrupt.control) { done, total, _ in
            bar.update("training", done, of: total)
        }
        bar.finish()
        let blocks = project.settings.recipe.blocks
        let score = try project.decide(summary.state, on: .test)?.score
        let bytes = try project.store.storedBytes().records
        let raw = blocks * project.parameterCount * 4
        let result = Result(
            blocks: blocks, blocksTrained: summary.blocksTrained, rows: try project.store.rowCount(.train, deleted: false),
            parameters: project.parameterCount, seconds: summary.seconds, rowsPerSecond: summary.rowsPerSecond, testAccuracy: score?.accuracy,
            stateDigest: Digest(of: summary.state).description, storeBytes: bytes, rawCheckpointBytes: raw,
            compressionRatio: Double(raw) / Double(bytes))
        let work =
            summary.blocksTrained == 0
            ? "all \(blocks) blocks were trained already"
            : "\(counted(summary.blocksTrained, "block")) trained in \(fixed(summary.seconds, 1)) s (\(Int(summary.rowsPerSecond)) rows/s)"
        try console.result(
            result,
            """
            \(work)
            test accuracy \(score.map { percent($0.accuracy) } ?? "- (no test rows)")
            checkpoints \(megabytes(bytes)), \(fixed(result.compressionRatio)) times smaller than fp32
            state \(result.stateDigest)
            """)
        return 0
    }
}
