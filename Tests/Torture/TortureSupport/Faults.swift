import Files
import TestSupport

/// Fails the N-th file operation of every command, for every N, in every way in which it can fail.
public enum Faults {
    enum Kind: String, CaseIterable, Sendable {
        case eio, enospc, emfile, eintr, short
        /// Nothing is lost: whoever tries again gets what was asked for.
        var isHarmless: Bool { self == .eintr || self == .short }
    }

    private struct Case: Sendable {
        let stage: Stage
        let kind: Kind
        let lasts: Bool
        var at: Int
        /// Goes on until a run passes in which nothing failed.
        var isBehindLast = false
        var name: String { "\(stage.operation.name) \(kind) \(lasts ? "lasting" : "once") \(at)" }
    }

    public static func run(_ settings: Settings) throws -> Outcome {
        let tally = Tally("faults", settings)
        let workplace = try WorkFolder()
        let sample = try Sample(rows: 60, testRows: 12, blocks: 6, branches: settings.branches, in: workplace)
        let experiment = Runner(settings: settings, workplace: workplace, sample: sample)
        var random = SeededGenerator(settings.seed)
        var cases: [Case] = []
        for stage in try Stage.life(settings.program, sample, in: workplace) {
            for kind in Kind.allCases {
                let total = try experiment.count(stage, kind)
                guard total > 0 else { continue }
                for lasts in [false, true] {
                    let first = Int.random(in: 1...min(settings.stride, total), using: &random)
                    cases += stride(from: first, through: total, by: settings.stride).map { Case(stage: stage, kind: kind, lasts: lasts, at: $0) }
                    // In full: until a run passes untouched, for some calls are made now and then only.
                    if settings.stride == 1 { cases.append(Case(stage: stage, kind: kind, lasts: lasts, at: total + 1, isBehindLast: true)) }
                }
            }
        }
        tally.each(cases) { one in
            var current = one
            while true {
                var fired = false
                tally.run(current.name, in: workplace) { fired = try experiment.run(current, in: $0) }
                guard fired, current.isBehindLast else { return }
                current.at += 1
            }
        }
        return tally.outcome
    }

    private struct Runner: Sendable {
        let settings: Settings
        let workplace: WorkFolder
        let sample: Sample

        /// How many calls of an undisturbed run could fail in this way.
        func count(_ stage: Stage, _ kind: Kind) throws -> Int {
            let folder = try workplace.folder()
            defer { try? FileSystem.removeTree(folder) }
            let page = folder + ".page"
            defer { try? FileSystem.removeTree(page) }
            let subject = try stage.subject(settings.program, sample, in: folder)
            let result = try subject.call(stage.operation, with: FaultPage.environment(folder: folder, kind: kind.rawValue, page: page))
            guard result.status == 0 else { throw Finding("\(stage.operation.name) fails under the shim that fails nothing: \(result.errors)") }
            return try FaultPage(reading: page).counted
        }

        /// Gives whether there was a call to fail.
        func run(_ one: Case, in folder: String) throws -> Bool {
            let page = folder + ".page"
            defer { try? FileSystem.removeTree(page) }
            let subject = try one.stage.subject(settings.program, sample, in: folder)
            var operation = "nothing"
            do {
                let result = try subject.call(
                    one.stage.operation,
                    with: FaultPage.environment(folder: folder, kind: one.kind.rawValue, at: one.at, lasts: one.lasts, page: page))
                let fault = try FaultPage(reading: page)
                operation = fault.operation
                if result.status != 0, fault.fired == 0 || (one.kind.isHarmless && !one.lasts) {
                    throw Finding("the command failed: \(result.errors)\(result.output)")
                }
                try Aftermath(subject: subject, stage: one.stage).judge(
                    acknowledged: result.status == 0, unchanged: [2, 5, 10].contains(result.status))
                return fault.fired > 0
            } catch let finding as Finding {
                let name = (try? FaultPage(reading: page).operation) ?? operation
                throw Finding("\(finding)\n  the call: \(name.replacing(folder + "/", with: ""))")
            }
        }
    }
}
