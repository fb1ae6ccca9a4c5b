import Files
import Glibc
import TestSupport

/// Kills commands before any of the changes that they make to files, and at any moment, round after round on the same
/// project, and holds it to what was acknowledged.
public enum Kills {
    public static func run(_ settings: Settings) throws -> Outcome {
        let tally = Tally("kills", settings)
        let workplace = try WorkFolder()
        let sample = try Sample(rows: 240, testRows: 24, blocks: 12, branches: settings.branches, in: workplace)
        let plan = KillPlan(seed: settings.seed, rounds: settings.rounds, compacts: try settings.program.knows("compact"),
            queues: try settings.program.knows("request"))
        tally.each(Array(plan.lives.enumerated())) { index, rounds in
            let subject = Subject(settings.program, workplace.file("project-\(index)"), sample)
            var life = Life(tally: tally, subject: subject, name: "life \(index)")
            life.live(rounds)
            try? FileSystem.removeTree(subject.folder)
        }
        if !settings.isQuiet { for (name, hits) in tally.outcome.hits.sorted(by: { $0.key < $1.key }) { say("\(name) killed: \(hits.description)") } }
        return tally.outcome
    }

    /// One project from `init` through all rounds, or until something is wrong with it.
    private struct Life {
        let tally: Tally
        let subject: Subject
        let name: String
        /// What was acknowledged so far.
        private var standing: Standing?
        /// Rows of requests that wait.
        private var waiting: [String] = []
        private var round = 0

        init(tally: Tally, subject: Subject, name: String) {
            self.tally = tally
            self.subject = subject
            self.name = name
        }

        mutating func live(_ rounds: [KillRound]) {
            for (number, round) in rounds.enumerated() {
                self.round = number
                let operation = operation(of: round)
                guard disturb(operation, round.cuts) else { return }
                switch operation.name {
                case "request add": waiting += operation.input.split(separator: "\n").map(String.init)
                case "request run": waiting = []
                default: break
                }
                // Whoever clears up after `init` trains, too; training is killed in a project that has none.
                if round.kind == .initialise, !startAnew() { return }
            }
        }

        private mutating func startAnew() -> Bool {
            tally.round("\(name), init", keeping: subject.folder) {
                try FileSystem.removeTree(subject.folder)
                try subject.succeed(.initialise(subject.sample), "undisturbed")
                standing = try subject.standing()
            }
        }

        private func operation(of round: KillRound) -> Operation {
            var random = SeededGenerator(round.seed)
            let deleted = standing?.deleted ?? []
            let live = subject.sample.ids.filter { !deleted.contains($0) }.shuffled(using: &random)
            let ids = Array(live.prefix(Int.random(in: 1...4, using: &random)))
            switch round.kind {
            case .initialise: return .initialise(subject.sample)
            case .train: return .train
            case .exact: return .delete(ids, "--method", "exact")
            // Behind an exact replay that is given up at once: what it wrote goes first.
            case .stitch: return .delete(ids, "--method", "auto", "--patience", "1e-9", "--on-no-decay", "stitch")
            case .add: return .add(ids)
            case .run: return standing?.waiting == 0 ? .add(ids) : .run(Set(waiting).subtracting(deleted).sorted())
            case .compact: return .compact
            }
        }

        /// Kills one operation by one cut after another, the rubbish of the one before still there, until it is done; gives
        /// whether the project is still sound.
        private mutating func disturb(_ operation: Operation, _ cuts: [Cut]) -> Bool {
            var known: Stage?
            let isKnown = tally.round("\(name), round \(round), \(operation.name) undisturbed", keeping: subject.folder) { known = try rehearse(operation) }
            guard isKnown, let stage = known else { return false }
            let aftermath = Aftermath(subject: subject, stage: stage)
            var isDone = false
            for (number, cut) in cuts.enumerated() where !isDone {
                let passed = tally.round("\(name), round \(round), \(operation.name), kill \(number + 1): \(cut)", keeping: subject.folder) {
                    let written = try content()
                    let result = try kill(operation, at: cut)
                    let acknowledged = result.end == .exit(0)
                    guard acknowledged || result.end == .killed || result.end == .signal(SIGKILL) else { throw Finding("\(result.end): \(result.errors)") }
                    if acknowledged, operation.effect == .deletes, !operation.ids.isEmpty, !result.output.contains(stage.after.stateDigest ?? "?") {
                        throw Finding("it reported another state than \(stage.after.stateDigest ?? "?"): \(result.output)")
                    }
                    let found = try aftermath.standing(acknowledged: acknowledged), isAsAfter = found == stage.after && found != stage.before
                    tally.hit(operation.name, acknowledged ? \.missed : isAsAfter ? \.behind : try content() == written ? \.before : \.within)
                    isDone = acknowledged || isAsAfter
                    if isDone || number == cuts.count - 1 { try aftermath.judge(acknowledged: acknowledged) }
                }
                guard passed else { return false }
            }
            standing = stage.trained
            return true
        }

        private func kill(_ operation: Operation, at cut: Cut) throws -> Program.Result {
            let arguments = ["-C", subject.folder] + operation.arguments
            // On a copy first: how long it takes, and how many changes it makes, as the project is now.
            let (seconds, changes) = try onCopy { twin in
                let page = twin.folder + ".page"
                defer { try? FileSystem.removeTree(page) }
                let result = try twin.call(operation, with: FaultPage.environment(folder: twin.folder, kind: "kill", page: page))
                guard result.status == 0 else { throw Finding("\(operation.name) after a kill exited \(result.status ?? -1): \(result.errors)") }
                return (result.seconds, try FaultPage(reading: page).counted)
            }
            let at: Int
            switch cut {
            case .moment(let share): return try subject.program.run(arguments, input: operation.input, killAfter: share * seconds)
            case .change(let share): at = 1 + Int(share * Double(changes))
            // Names and digests are random, and so how many pages the catalogue has: a run makes a few changes more or less.
            case .end(let left): at = max(1, changes - left - 4)
            }
            let page = subject.folder + ".page"
            defer { try? FileSystem.removeTree(page) }
            let environment = FaultPage.environment(folder: subject.folder, kind: "kill", at: at, page: page)
            return try subject.program.run(arguments, input: operation.input, with: environment)
        }

        private func onCopy<Result>(_ body: (Subject) throws -> Result) throws -> Result {
            let twin = subject.moved(to: subject.folder + "-twin")
            try? FileSystem.removeTree(twin.folder)
            if FileSystem.exists(subject.folder) { try Tree.copy(subject.folder, to: twin.folder) }
            defer { try? FileSystem.removeTree(twin.folder) }
            return try body(twin)
        }

        /// All bytes of the project that say anything: no lock, no index of the log, no empty file.
        private func content() throws -> [String: [UInt8]] {
            guard FileSystem.isFolder(subject.folder) else { return [:] }
            let names = try Tree.files(in: subject.folder).filter { $0 != "unlearn.lock" && !$0.hasSuffix("-shm") }
            return try Dictionary(uniqueKeysWithValues: names.map { ($0, try Tree.read(subject.folder + "/" + $0)) }).filter { !$0.value.isEmpty }
        }

        /// Runs the operation on a copy of the project: what it leads to.
        private func rehearse(_ operation: Operation) throws -> Stage {
            try onCopy { twin in
                let before = try twin.standing()
                guard before == standing else { throw Finding("what was acknowledged is gone: \(before?.description ?? "there is no project")") }
                try twin.succeed(operation, "on a copy")
                let after = try Stage.effect(of: operation, on: twin, before: before)
                let isEarly = operation.effect == .creates || operation.effect == .trains
                if operation.effect == .creates { try twin.succeed(.train, "on a copy") }
                guard let trained = try twin.standing() else { throw Finding("train left no project") }
                let weights = isEarly ? try (0...twin.sample.blocks).map { try twin.weights(block: $0) } : []
                return Stage(operation: operation, snapshot: nil, before: before, after: after, trained: trained, weights: weights)
            }
        }
    }
}
