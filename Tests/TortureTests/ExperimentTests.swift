import TestSupport
import Testing

@testable import TortureSupport

/// Samples of what `make torture` does in full. One after the other: each uses all cores, or as many jobs as TORTURE_JOBS says.
@Suite("Torture", .serialized)
struct ExperimentTests {
    private func settings(stride: Int = 1, rounds: Int = 1, branches: Int = 0) -> Settings {
        var settings = Settings()
        settings.branches = branches
        settings.seed = 7
        settings.stride = stride
        settings.rounds = rounds
        return settings
    }

    private func expect(_ outcome: Outcome, atLeast cases: Int) {
        for failure in outcome.failures { Issue.record("\(outcome.experiment): \(failure.name): \(failure.what)") }
        #expect(outcome.cases >= cases)
    }

    @Test("A command whose N-th file operation fails is done or says so, and nothing is lost", arguments: [(0, 300, 20), (2, 600, 10)])
    func faults(branches: Int, stride: Int, cases: Int) throws { expect(try Faults.run(settings(stride: stride, branches: branches)), atLeast: cases) }

    @Test("So has one that is killed in a project with branches")
    func killsInBranches() throws {
        let outcome = try Kills.run(settings(rounds: 8, branches: 2))
        expect(outcome, atLeast: 15)
        let deletions = outcome.hits["delete"] ?? KillHits()
        #expect(deletions.within > 0, "\(deletions.description)")
    }

    @Test("A command that is killed has done all or nothing, and what was acknowledged stays")
    func kills() throws {
        let outcome = try Kills.run(settings(rounds: 20))
        // How many kills a round takes depends on where they fall.
        expect(outcome, atLeast: 50)
        // Kills that hit nothing would prove nothing.
        for name in ["request add", "request run"] {
            let hits = outcome.hits[name] ?? KillHits()
            #expect(hits.before + hits.within + hits.behind > 0, "\(name): \(hits.description)")
        }
        for name in ["init", "train", "delete"] {
            let hits = outcome.hits[name] ?? KillHits()
            #expect(hits.before + hits.within > 0 && hits.within > 0 && hits.behind > 0, "\(name): \(hits.description)")
        }
        let deletions = outcome.hits["delete"] ?? KillHits()
        #expect(deletions.within >= 6 && deletions.behind >= 6, "\(deletions.description)")
        #expect(outcome.hits["compact"]?.within ?? 0 > 0)
    }

    @Test("What is killed, and where, follows from the seed and the rounds; every operation is, however few they are", arguments: [1, 5, 8, 25, 500])
    func killPlan(rounds: Int) {
        let plan = KillPlan(seed: 7, rounds: rounds, compacts: true, queues: true), all = plan.lives.flatMap { $0 }
        #expect(plan == KillPlan(seed: 7, rounds: rounds, compacts: true, queues: true) && plan != KillPlan(seed: 8, rounds: rounds, compacts: true, queues: true))
        #expect(all.count == max(7, rounds))
        for life in plan.lives { #expect(life.map(\.kind).prefix(2) == [.initialise, .train] && Set(life.map(\.kind)).count == 7) }
        for kind in KillRound.Kind.allCases { #expect(all.count { $0.kind == kind } >= max(1, rounds / 10), "\(kind)") }
        #expect(all.allSatisfy { !$0.cuts.isEmpty })
    }

    @Test("Power failure leaves the project as before or as after, and what was acknowledged stays", arguments: [(0, 120, 20), (2, 300, 7)])
    func powerLoss(branches: Int, stride: Int, cases: Int) throws { expect(try PowerLoss.run(settings(stride: stride, branches: branches)), atLeast: cases) }

    @Test("A damaged file is reported, or harmless")
    func damage() throws { expect(try Damage.run(settings(stride: 100)), atLeast: 80) }

    // MARK: - The experiments notice what they look for

    /// The program behind a script that treats one command in its own way.
    private func liar(_ folder: TemporaryFolder, _ command: String, _ conduct: String) throws -> Program {
        let script = try folder.write(
            """
            #!/bin/sh
            program='\(Program.beside("unlearn"))'
            case " $* " in *" \(command) "*) \(conduct);; *) exec "$program" "$@";; esac
            """, to: "liar")
        try makeExecutable(script)
        return Program(path: script)
    }

    /// For cases that must fail: nobody should have to read them.
    private func quiet(stride: Int = 1, rounds: Int = 1) -> Settings {
        var settings = settings(stride: stride, rounds: rounds)
        settings.isQuiet = true
        return settings
    }

    @Test("A program that hides failed deletions is found out")
    func hiddenFailure() throws {
        var settings = quiet()
        // The disk is full from then on.
        settings.only = "delete enospc lasting 20"
        let folder = try TemporaryFolder()
        settings.program = try liar(folder, "delete", "\"$program\" \"$@\" 2>/dev/null || true")
        let outcome = try Faults.run(settings)
        #expect(outcome.cases == 1)
        #expect(outcome.failures.contains { $0.what.hasPrefix("delete said that it was done") })
    }

    @Test("A program that only pretends to delete is found out, however many work at a time", arguments: [1, 3, 16])
    func pretendedDeletion(jobs: Int) throws {
        var settings = quiet(rounds: 8)
        settings.jobs = jobs
        let folder = try TemporaryFolder()
        settings.program = try liar(folder, "delete", "exec \"$program\" \"$@\" --dry-run")
        let failures = try Kills.run(settings).failures
        #expect(failures.contains { $0.what.contains("other rows are deleted than were asked for") }, "\(failures.map(\.what))")
    }

    @Test("A program that never syncs is found out")
    func neverSynced() throws {
        let failures = try PowerLoss.run(quiet(stride: 1000), syncing: false).failures
        #expect(failures.contains { $0.what.hasPrefix("init said that it was done") })
    }

    @Test("A check that finds nothing is found out")
    func blindCheck() throws {
        var settings = quiet(stride: 400)
        let folder = try TemporaryFolder()
        settings.program = try liar(folder, "check", "exit 0")
        #expect(try !Damage.run(settings).failures.isEmpty)
    }
}
