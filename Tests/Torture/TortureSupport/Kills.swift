import Files
import TestSupport

/// Kills commands at random moments, round after round on the same project, and holds it to what was acknowledged.
public enum Kills {
    public static func run(_ settings: Settings) throws -> Outcome {
        let tally = Tally("kills", settings)
        let workplace = try WorkFolder()
        let sample = try Sample(rows: 240, testRows: 24, blocks: 12, in: workplace)
        let compacts = try settings.program.knows("compact")
        let jobs = min(settings.jobs, settings.rounds)
        tally.each(Array(0..<jobs)) { job in
            var rounds = settings.rounds / jobs + (job < settings.rounds % jobs ? 1 : 0)
            var random = SeededGenerator(settings.seed &* 1000 &+ UInt64(job))
            while rounds > 0 {
                let folder = workplace.file("project-\(job)")
                try? FileSystem.removeTree(folder)
                var life = Life(
                    tally: tally, subject: Subject(settings.program, folder, sample), name: "job \(job)", compacts: compacts, rounds: rounds,
                    random: random)
                life.live()
                (rounds, random) = (life.rounds, life.random)
            }
        }
        return tally.outcome
    }

    /// One project from `init` until too few rows are left, or until something is wrong with it.
    private struct Life {
        let tally: Tally
        let subject: Subject
        let name: String
        let compacts: Bool
        var rounds: Int
        var random: SeededGenerator
        /// What was acknowledged so far.
        private var standing: Standing?

        init(tally: Tally, subject: Subject, name: String, compacts: Bool, rounds: Int, random: SeededGenerator) {
            self.tally = tally
            self.subject = subject
            self.name = name
            self.compacts = compacts
            self.rounds = rounds
            self.random = random
        }

        mutating func live() {
            // Whoever clears up after `init` trains, too; training is killed in a project that has none.
            guard disturb(.initialise(subject.sample)), startAnew(), disturb(.train) else { return }
            while rounds > 0, let deleted = standing?.deleted, deleted.count < subject.sample.rows / 2 {
                guard disturb(nextOperation(deleted)) else { return }
            }
        }

        private mutating func startAnew() -> Bool {
            tally.round("\(name), init", keeping: subject.folder) {
                try FileSystem.removeTree(subject.folder)
                try subject.succeed(.initialise(subject.sample), "undisturbed")
                standing = try subject.standing()
            }
        }

        private mutating func nextOperation(_ deleted: Set<String>) -> Operation {
            if compacts, Int.random(in: 0..<5, using: &random) == 0 { return .compact }
            let live = subject.sample.ids.filter { !deleted.contains($0) }.shuffled(using: &random)
            let ids = Array(live.prefix(Int.random(in: 1...4, using: &random)))
            return Bool.random(using: &random) ? .delete(ids, "--method", "exact") : .delete(ids, "--on-no-decay", "stitch")
        }

        /// Kills one operation until it is done or one has seen enough; gives whether the project is still sound.
        private mutating func disturb(_ operation: Operation) -> Bool {
            var known: (stage: Stage, seconds: Double)?
            let isKnown = tally.round("\(name), \(operation.name) undisturbed", keeping: subject.folder) { known = try rehearse(operation) }
            guard isKnown, let (stage, seconds) = known else {
                rounds -= 1
                return false
            }
            let aftermath = Aftermath(subject: subject, stage: stage)
            var isDone = false
            while rounds > 0, !isDone {
                rounds -= 1
                let moment = Double.random(in: 0...seconds, using: &random)
                let settles = Bool.random(using: &random)
                let milliseconds = Int(moment * 1000)
                let passed = tally.round("\(name), \(rounds) rounds left, \(operation.name) killed after \(milliseconds) ms", keeping: subject.folder) {
                    let result = try subject.program.run(["-C", subject.folder] + operation.arguments, input: operation.input, killAfter: moment)
                    let acknowledged = result.end == .exit(0)
                    guard acknowledged || result.end == .killed else { throw Finding("\(result.end): \(result.errors)") }
                    if acknowledged, operation.effect == .deletes, !result.output.contains(stage.after.stateDigest ?? "?") {
                        throw Finding("it reported another state than \(stage.after.stateDigest ?? "?"): \(result.output)")
                    }
                    let found = try aftermath.standing(acknowledged: acknowledged)
                    isDone = acknowledged || settles || found == stage.after
                    // Otherwise it is killed again, with the rubbish of the first kill still there.
                    if isDone { try aftermath.judge(acknowledged: acknowledged) }
                }
                guard passed else { return false }
            }
            standing = stage.trained
            return isDone
        }

        /// Runs the operation on a copy of the project: what it leads to, and how long it takes.
        private func rehearse(_ operation: Operation) throws -> (stage: Stage, seconds: Double) {
            let twin = subject.moved(to: subject.folder + "-twin")
            try? FileSystem.removeTree(twin.folder)
            if FileSystem.exists(subject.folder) { try Tree.copy(subject.folder, to: twin.folder) }
            defer { try? FileSystem.removeTree(twin.folder) }
            let before = try twin.standing()
            guard before == standing else { throw Finding("what was acknowledged is gone: \(before?.description ?? "there is no project")") }
            let seconds = try twin.succeed(operation, "on a copy").seconds
            let after = try Stage.effect(of: operation, on: twin, before: before)
            let isEarly = operation.effect == .creates || operation.effect == .trains
            if operation.effect == .creates { try twin.succeed(.train, "on a copy") }
            guard let trained = try twin.standing() else { throw Finding("train left no project") }
            let weights = isEarly ? try (0...twin.sample.blocks).map { try twin.weights(block: $0) } : []
            return (Stage(operation: operation, snapshot: nil, before: before, after: after, trained: trained, weights: weights), seconds)
        }
    }
}
