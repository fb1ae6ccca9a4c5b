import Foundation
import TestSupport
import Testing

@Suite("Interruption and locking")
struct ResumeTests {
    @Test("Training killed at any moment and run again gives the digest of an undisturbed run")
    func killedTraining() throws {
        let data = try SmallData(rows: 3000)
        let options = ["--epochs", "20", "--seed", "4"]
        let undisturbed = try data.initialise(in: "undisturbed", options[0], options[1], options[2], options[3])
        let digest = try #require(try undisturbed.json("train")["state_digest"] as? String)
        let program = try data.initialise(in: "killed", options[0], options[1], options[2], options[3])
        var random = SeededGenerator(77)
        var kills = 0
        var blocks = 0
        while kills < 40 {
            let process = try program.start("train")
            usleep(UInt32.random(in: 5_000...90_000, using: &random))
            // Half of them by Ctrl-C, which asks; half without a word.
            if kills % 2 == 0 { kill(process.processIdentifier, SIGKILL) } else { process.interrupt() }
            process.waitUntilExit()
            kills += 1
            let status = try program.json("status")
            let now = try #require(status["blocks_trained"] as? Int)
            #expect(now >= blocks, "a finished block was lost")
            blocks = now
            if blocks == 30 { break }
        }
        let resumed = try program.json("train")
        #expect(resumed["state_digest"] as? String == digest, "after \(kills) kills")
        #expect(try program.run("check", "--read-data").status == 0)
    }

    @Test("A killed deletion leaves the old state or the new one, and the next command clears up")
    func killedDeletion() throws {
        let data = try SmallData(rows: 3000)
        let program = try data.initialise(in: "project", "--epochs", "10")
        let digest = try #require(try program.json("train")["state_digest"] as? String)
        let ids = try data.folder.write((0..<20).map(String.init).joined(separator: "\n"), to: "ids")
        let expected = try #require(try program.json("delete", "--ids", ids, "--method", "exact", "--dry-run")["state_digest"] as? String)
        #expect(expected != digest)
        var random = SeededGenerator(78)
        var outcomes: Set<String> = []
        for _ in 0..<20 {
            let process = try program.start("delete", "--ids", ids, "--method", "exact")
            usleep(UInt32.random(in: 20_000...400_000, using: &random))
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            let state = try #require(try program.json("status")["state_digest"] as? String)
            #expect([digest, expected].contains(state))
            outcomes.insert(state)
            // A command that writes clears what was left behind; then nothing is out of place.
            try program.run("train")
            let check = try program.run("check", "--read-data")
            #expect(check.status == 0, "\(check.output)")
            if state == expected { break }
        }
        if !outcomes.contains(expected) { try program.json("delete", "--ids", ids, "--method", "exact") }
        #expect(try program.json("status")["state_digest"] as? String == expected)
    }

    @Test("A second writer is refused with exit code 5; readers are not")
    func locking() throws {
        let data = try SmallData(rows: 6000, side: 16)
        let program = try data.initialise(in: "project", "--epochs", "20000")
        let training = try program.start("train")
        defer { training.waitUntilExit() }
        // The lock is taken within the first moments.
        var refused = false
        for _ in 0..<200 where !refused {
            usleep(10_000)
            let second = try program.run("train", "--quiet")
            refused = second.status == 5
            if refused { #expect(second.errors.contains("in use by process \(training.processIdentifier)")) } else { break }
        }
        #expect(refused)
        #expect(try program.run("status").status == 0)
        training.interrupt()
        training.waitUntilExit()
        #expect(training.terminationStatus == 130)
        #expect(try program.run("check").status == 0)
    }
}
