import TestSupport
import Testing

@testable import TortureSupport

/// Samples of what `make torture` does in full. One after the other: each uses all cores.
@Suite("Torture", .serialized)
struct ExperimentTests {
    private func settings(stride: Int = 1, rounds: Int = 1) -> Settings {
        var settings = Settings()
        settings.seed = 7
        settings.stride = stride
        settings.rounds = rounds
        return settings
    }

    private func expect(_ outcome: Outcome, atLeast cases: Int) {
        for failure in outcome.failures { Issue.record("\(outcome.experiment): \(failure.name): \(failure.what)") }
        #expect(outcome.cases >= cases)
    }

    @Test("A command whose N-th file operation fails is done or says so, and nothing is lost")
    func faults() throws { expect(try Faults.run(settings(stride: 120)), atLeast: 50) }

    @Test("A command that is killed has done all or nothing, and what was acknowledged stays")
    func kills() throws { expect(try Kills.run(settings(rounds: 25)), atLeast: 25) }

    @Test("Power failure leaves the project as before or as after, and what was acknowledged stays")
    func powerLoss() throws { expect(try PowerLoss.run(settings(stride: 60)), atLeast: 40) }

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

    @Test("A program that only pretends to delete is found out")
    func pretendedDeletion() throws {
        var settings = quiet(rounds: 8)
        let folder = try TemporaryFolder()
        settings.program = try liar(folder, "delete", "exec \"$program\" \"$@\" --dry-run")
        let failures = try Kills.run(settings).failures
        #expect(failures.contains { $0.what.contains("other rows are deleted than were asked for") })
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
