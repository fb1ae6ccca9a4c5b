import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Interruption and locking")
struct ResumeTests {
    /// Objects in the project's folder, committed or not.
    private func objects(_ folder: String) throws -> Int { try FileManager.default.contentsOfDirectory(atPath: folder + "/objects").count }

    @Test("Training killed or interrupted anywhere and run again gives the digest of an undisturbed run")
    func killedTraining() throws {
        let data = try SmallData(rows: 3000)
        let options = ["--epochs", "60", "--seed", "4"]
        func project(_ name: String) throws -> Program { try data.initialise(in: name, options[0], options[1], options[2], options[3]) }
        let undisturbed = try project("undisturbed")
        let digest = try #require(try undisturbed.json("train")["state_digest"] as? String)
        /// Lets training go on until three more blocks are finished, and ends it; gives how many are committed then.
        func end(_ program: Program, having blocks: Int, _ how: (Process) -> Void) throws -> (blocks: Int, status: Int32) {
            let folder = try #require(program.folder), before = try objects(folder), process = try program.start("train")
            // Beside influences, one object more when training begins: the initial state.
            let isSeen = try wait { try objects(folder) - before >= min(30 - blocks, 4) || !process.isRunning }
            if isSeen { how(process) } else { kill(process.processIdentifier, SIGKILL) }
            process.waitUntilExit()
            #expect(isSeen, "training makes no progress")
            return (try #require(try program.json("status")["blocks_trained"] as? Int), process.terminationStatus)
        }
        // Where training was done before it could be ended, that proves nothing: then it is begun anew.
        var isKilledMidway = false
        for life in 1...50 where !isKilledMidway {
            let program = try project("life\(life)")
            // Ctrl-C asks, and what is finished is committed.
            let asked = try end(program, having: 0) { $0.interrupt() }
            guard asked.blocks < 30 else { continue }
            #expect(asked.status == 130 && asked.blocks >= 3)
            // A kill comes without a word, behind that commit and with files of its own that no commit names.
            let killed = try end(program, having: asked.blocks) { kill($0.processIdentifier, SIGKILL) }
            #expect(killed.blocks >= asked.blocks, "a finished block was lost")
            isKilledMidway = killed.status == SIGKILL && killed.blocks < 30
            let resumed = try program.json("train")
            #expect(resumed["state_digest"] as? String == digest, "killed behind \(killed.blocks) blocks")
            #expect(try program.run("check", "--read-data").status == 0)
        }
        #expect(isKilledMidway)
    }

    @Test("A killed deletion leaves the old state or the new one, and the next command clears up")
    func killedDeletion() throws {
        let data = try SmallData(rows: 3000)
        let program = try data.initialise(in: "project", "--epochs", "10")
        let folder = try #require(program.folder)
        let digest = try #require(try program.json("train")["state_digest"] as? String)
        let ids = try data.folder.write((0..<20).map(String.init).joined(separator: "\n"), to: "ids")
        let expected = try #require(try program.json("delete", "--ids", ids, "--method", "exact", "--dry-run")["state_digest"] as? String)
        #expect(expected != digest)
        let before = try contents(of: folder)
        /// Deletes in a copy of the project, to its end or killed before the change of that number.
        func delete(_ name: String, killedAt number: Int?) throws -> (program: Program, status: Int32, changes: Int) {
            let copy = data.folder.file(name), shim = KillShim(folder: data.folder.file(name), page: data.folder.file(name + "-page"))
            try FileManager.default.copyItem(atPath: folder, toPath: copy)
            let result = try Program(folder: copy, environment: shim.environment(at: number)).run("delete", "--ids", ids, "--method", "exact")
            return (Program(folder: copy), result.status, try shim.changes())
        }
        let whole = try delete("whole", killedAt: nil)
        #expect(whole.status == 0 && whole.changes > 20)
        #expect(try whole.program.json("status")["state_digest"] as? String == expected)
        // Before anything is written, in the middle of the new records, and behind the commit, where old ones are destroyed.
        for (number, state) in [(1, digest), (whole.changes / 4, digest), (whole.changes / 2, nil), (whole.changes * 19 / 20, expected)] {
            let (program, status, _) = try delete("killed\(number)", killedAt: number)
            #expect(status == SIGKILL, "not killed before change \(number) of \(whole.changes)")
            let found = try #require(try program.json("status")["state_digest"] as? String)
            #expect([digest, expected].contains(found) && (state == nil || found == state), "killed before change \(number) of \(whole.changes)")
            // A command that writes clears what was left behind; then nothing is out of place, and the deletion can be had.
            try program.run("train")
            let check = try program.run("check", "--read-data")
            #expect(check.status == 0, "\(check.output)")
            if number == 1 { #expect(try contents(of: #require(program.folder)).keys.sorted() == before.keys.sorted()) }
            if found == digest { try program.json("delete", "--ids", ids, "--method", "exact") }
            #expect(try program.json("status")["state_digest"] as? String == expected)
        }
    }

    @Test("A second writer is refused with exit code 5; readers are not")
    func locking() throws {
        let data = try SmallData(rows: 6000, side: 16)
        // Longer than anybody waits: it is interrupted below.
        let program = try data.initialise(in: "project", "--epochs", "100000")
        let training = try program.start("train")
        defer {
            if training.isRunning { kill(training.processIdentifier, SIGKILL) }
            training.waitUntilExit()
        }
        // Whoever holds the lock has written its number into it.
        let lock = data.folder.file("project/unlearn.lock"), number = Data("\(training.processIdentifier)".utf8)
        try #require(wait { FileManager.default.contents(atPath: lock) == number || !training.isRunning })
        let second = try program.run("train", "--quiet")
        #expect(second.status == 5 && second.errors.contains("in use by process \(training.processIdentifier)"), "\(second)")
        #expect(try program.run("status").status == 0)
        training.interrupt()
        training.waitUntilExit()
        #expect(training.terminationStatus == 130)
        #expect(try program.run("check").status == 0)
    }
}
