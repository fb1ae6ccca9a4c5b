import Dispatch
import Files
import Foundation
import Synchronization

/// What an experiment is told.
public struct Settings: Sendable {
    public var program = Program.built
    public var seed: UInt64 = 1
    /// Every n-th case of those that are enumerated.
    public var stride = 1
    /// Rounds of experiments that go on for ever.
    public var rounds = 500
    /// Cases at a time. Never changes what is done, only how soon.
    public var jobs = ProcessInfo.processInfo.environment["TORTURE_JOBS"].flatMap(Int.init) ?? ProcessInfo.processInfo.activeProcessorCount
    /// Branches of the projects; 0: chains.
    public var branches = 0
    /// The one case to repeat.
    public var only: String?
    /// Where the folders of failing cases are kept.
    public var keep: String?
    /// Whether failing cases are only returned.
    public var isQuiet = false

    public init() {}
}

/// A case that failed: its name repeats it.
public struct FailedCase: Sendable {
    public let name: String
    public let what: String
}

/// What became of an experiment's cases.
public struct Outcome: Sendable {
    public let experiment: String
    public let cases: Int
    public let failures: [FailedCase]
    /// Where kills ended the commands, by their names.
    public let hits: [String: KillHits]
    public let seconds: Double

    init(experiment: String, cases: Int, failures: [FailedCase], hits: [String: KillHits] = [:], seconds: Double) {
        self.experiment = experiment
        self.cases = cases
        self.failures = failures
        self.hits = hits
        self.seconds = seconds
    }

    /// An experiment that did not get as far as its cases.
    public init(experiment: String, failure: String) {
        self.init(experiment: experiment, cases: 1, failures: [FailedCase(name: "preparation", what: failure)], seconds: 0)
    }

    /// One table of all experiments.
    public static func table(_ outcomes: [Outcome]) -> String {
        let rows =
            [["experiment", "cases", "passed", "failed", "seconds"]]
            + outcomes.map {
                [$0.experiment, "\($0.cases)", "\($0.cases - $0.failures.count)", "\($0.failures.count)", String(format: "%.1f", $0.seconds)]
            }
        let widths = (0..<5).map { column in rows.map { $0[column].count }.max()! }
        return rows.map { row in
            row[0].padding(toLength: widths[0], withPad: " ", startingAt: 0)
                + (1..<5).map { "  " + String(repeating: " ", count: widths[$0] - row[$0].count) + row[$0] }.joined()
        }.joined(separator: "\n")
    }
}

/// All there are, under their names.
public enum Experiments {
    public static let all: [(name: String, run: @Sendable (Settings) throws -> Outcome)] = [
        ("faults", Faults.run), ("kills", Kills.run), ("power-loss", PowerLoss.run), ("damage", Damage.run),
    ]
}

/// Writes a line at once: a long run must be seen while it lasts, also in a file.
public func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// Runs an experiment's cases, several at a time, and keeps count.
final class Tally: Sendable {
    private let experiment: String
    private let settings: Settings
    private let counts = Mutex<(cases: Int, failures: [FailedCase], hits: [String: KillHits])>((0, [], [:]))
    private let start = ContinuousClock.now

    init(_ experiment: String, _ settings: Settings) {
        self.experiment = experiment
        self.settings = settings
        if !settings.isQuiet { say("\(experiment): seed \(settings.seed)") }
    }

    /// Runs one case in a folder of its own, which is removed afterwards.
    func run(_ name: String, in workplace: WorkFolder, _ body: (_ folder: String) throws -> Void) {
        if let only = settings.only, only != name { return }
        counts.withLock { $0.cases += 1 }
        let folder = workplace.file(UUID().uuidString)
        do {
            try FileSystem.makeFolder(folder)
            try body(folder)
        } catch {
            fail(name, "\(error)".replacing(folder + "/", with: ""), keeping: folder)
        }
        try? FileSystem.removeTree(folder)
    }

    /// One of many rounds in one folder; gives whether it passed.
    func round(_ name: String, keeping folder: String, _ body: () throws -> Void) -> Bool {
        counts.withLock { $0.cases += 1 }
        do {
            try body()
            return true
        } catch {
            fail(name, "\(error)".replacing(folder + "/", with: ""), keeping: folder, repeating: "--rounds \(settings.rounds)")
            return false
        }
    }

    /// Where a kill ended a command.
    func hit(_ name: String, _ where: WritableKeyPath<KillHits, Int>) { counts.withLock { $0.hits[name, default: KillHits()][keyPath: `where`] += 1 } }

    private func fail(_ name: String, _ what: String, keeping folder: String?, repeating options: String? = nil) {
        if !settings.isQuiet {
            say("FAILED \(experiment): \(name)\n  \(what)\n  repeat: torture \(experiment) --seed \(settings.seed) \(options ?? "--case '\(name)'")")
        }
        counts.withLock { $0.failures.append(FailedCase(name: name, what: what)) }
        guard let keep = settings.keep, let folder else { return }
        let kept = keep + "/" + experiment + " " + name.map { $0 == "/" ? "_" : $0 }
        try? FileManager.default.createDirectory(atPath: keep, withIntermediateDirectories: true)
        try? FileManager.default.copyItem(atPath: folder, toPath: kept)
    }

    func each<Case: Sendable>(_ cases: [Case], _ body: @Sendable (Case) -> Void) {
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: max(1, settings.jobs)) { _ in
            while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < cases.count else { return }
                body(cases[index])
            }
        }
    }

    var outcome: Outcome {
        let (cases, failures, hits) = counts.withLock { $0 }
        return Outcome(experiment: experiment, cases: cases, failures: failures, hits: hits, seconds: (ContinuousClock.now - start) / .seconds(1))
    }
}
