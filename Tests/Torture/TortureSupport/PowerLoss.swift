import Files
import Glibc
import TestSupport

enum OpenFlags { static let truncate = O_TRUNC }

/// Writes down what a project's life does to the disk and builds the disk as it may be after power failed at any point.
public enum PowerLoss {
    private struct Case: Sendable {
        let name: String
        let stage: Stage
        let acknowledged: Bool
        let image: Disk.Image
    }

    public static func run(_ settings: Settings) throws -> Outcome { try run(settings, syncing: true) }

    /// - Parameter syncing: if false, what the program asks to be synced is not: the experiment must notice.
    static func run(_ settings: Settings, syncing: Bool) throws -> Outcome {
        let tally = Tally("power-loss", settings)
        let workplace = try WorkFolder()
        let sample = try Sample(rows: 60, testRows: 12, blocks: 6, branches: settings.branches, in: workplace)
        let stages = try Stage.life(settings.program, sample, in: workplace)
        let (root, changes) = try trace(stages, settings, sample, in: workplace)
        var disk = Disk(root: root)
        var stage = 0
        var seen: Set<[String]> = []
        var cases: [Case] = []
        func flush() {
            tally.each(cases) { one in
                tally.run(one.name, in: workplace) { folder in
                    try Disk.write(one.image, to: folder)
                    let subject = Subject(settings.program, folder + "/project", sample)
                    try Aftermath(subject: subject, stage: one.stage).judge(acknowledged: one.acknowledged)
                }
            }
            cases = []
        }
        for (cut, change) in changes.enumerated() {
            if syncing || change.kind != .sync { try disk.apply(change) }
            let acknowledged = change.kind == .mark
            if cut % settings.stride == 0 || acknowledged {
                let variants: [(String, Disk.Survival)] = [("nothing", .nothing), ("everything", .everything)] + (1...4).map { ("part \($0)", .something) }
                for (index, variant) in variants.enumerated() {
                    var random = SeededGenerator(settings.seed &* 1_000_003 &+ UInt64(cut * 8 + index))
                    let image = try disk.survivors(variant.1, using: &random)
                    // Most changes are of something that is not synced yet: the same disk is left again and again.
                    guard seen.insert(["\(stage) \(acknowledged)"] + image.map { "\($0) \(digest($1))" }.sorted()).inserted else { continue }
                    let name = "\(stages[stage].operation.name) cut \(cut), unsynced: \(variant.0)"
                    cases.append(Case(name: name, stage: stages[stage], acknowledged: acknowledged, image: image))
                }
            }
            if acknowledged {
                stage += 1
                // The moment after the acknowledgement was the hardest; now each command is held to what it does itself.
                disk.settle()
            }
            if cases.count >= 100 { flush() }
        }
        flush()
        return tally.outcome
    }

    /// Lives a whole life under the shim, with a mark behind each command.
    static func trace(
        _ stages: [Stage], _ settings: Settings, _ sample: Sample, in workplace: WorkFolder
    ) throws -> (root: String, changes: [Change]) {
        let root = try workplace.folder()
        let path = workplace.file("trace")
        let subject = Subject(settings.program, root + "/project", sample)
        for stage in stages {
            let result = try subject.call(stage.operation, with: FaultPage.environment(folder: root, trace: path))
            guard result.status == 0 else { throw Finding("\(stage.operation.name) fails when traced: \(result.errors)") }
            let trace = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
            defer { close(trace) }
            guard Glibc.write(trace, Trace.mark, Trace.mark.count) == Trace.mark.count else { throw Finding("no trace was written") }
        }
        guard try subject.standing() == stages.last?.after else { throw Finding("a traced life leads elsewhere than an undisturbed one") }
        return (root, try Trace.decode(Tree.read(path)))
    }

    private static func digest(_ bytes: [UInt8]?) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes)
        return hasher.finalize()
    }
}
