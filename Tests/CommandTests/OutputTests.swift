import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Where results may be written", .timeLimit(.minutes(60)))
struct CommandOutputTests {
    private let shell: Shell

    init() throws {
        shell = try Shell.withTable()
        let made = try shell.run("""
            set -e
            for p in own other; do $U -C $p init --data csv:full.csv $A --quiet; $U -C $p train --quiet; done
            echo u1 > ids; $U -C own delete --ids ids --method exact --quiet
            """)
        #expect(made.status == 0, "\(made.errors)")
    }

    /// Commands that write a file, but for its name.
    static let commands = ["reduce --keep 5 --out", "certificate R1 --out", "value --players blocks --metric loss --shard 1/2 --out", "export --out"]

    private func everything() throws -> [String: Data] {
        try contents(of: shell.folder.path).filter { !$0.key.hasSuffix("unlearn.lock") && !$0.key.hasSuffix("-shm") && !$0.key.hasSuffix("-wal") }
    }

    @Test("A key, a catalogue and whatever else is a project's is never written over", arguments: commands, ["", "--force"])
    func projects(command: String, force: String) throws {
        let digits = String(repeating: "0123456789abcdef", count: 4)
        for name in ["bare.npz", "kept.npz"] { try shell.folder.write(digits + (name == "bare.npz" ? "" : "\n"), to: name) }
        try shell.folder.write((0..<32).map { UInt8(truncatingIfNeeded: $0 * 37 + 1) }, to: "raw.npz")
        #expect(symlink("other/objects", shell.folder.file("link")) == 0)
        let before = try everything()
        for out in [
            "other/project.key", "other/catalogue.sqlite", "other/catalogue.sqlite-wal", "other/catalogue.sqlite.part",
            "other/signing-key.pem", "other/unlearn.lock", "other/ledger-witness", "other/objects/x.npz",
            "link/x.npz", "own/project.key", "own/objects/x.npz", "new/../other/project.key", "bare.npz", "kept.npz", "raw.npz", "project.key", "elsewhere.npz",
        ] {
            let key = out == "elsewhere.npz" ? "UNLEARN_KEY_FILE=elsewhere.npz" : ""
            let result = try shell.run("\(key) $U -C own \(command) \(out) \(force)")
            #expect(result.status == 2 && result.errors.filter { $0 == "\n" }.count == 1, "\(command) \(out): \(result.status) \(result.errors)")
        }
        #expect(try everything() == before)
    }

    @Test("Another file goes only where the user says so, and none beside it", arguments: commands)
    func existing(command: String) throws {
        let files = ["out.npz", "out.npz.part"]
        for name in files { try shell.folder.write("precious\n", to: name) }
        let before = try everything()
        let refused = try shell.run("$U -C own \(command) out.npz")
        #expect(refused.status == 2, "\(refused.errors)")
        #expect(try everything() == before)
        let replaced = try shell.run("$U -C own \(command) out.npz --force")
        #expect(replaced.status == 0, "\(replaced.errors)")
        let after = try everything()
        #expect(after["out.npz"] != before["out.npz"] && after["out.npz.part"] == before["out.npz.part"])
        #expect(Set(after.keys) == Set(before.keys), "\(Set(after.keys).symmetricDifference(before.keys))")
    }

    @Test("A report goes over another with --force alone, and a shard goes on where it stopped")
    func reports() throws {
        let value = "$U -C own value --players blocks --estimator loo --metric loss"
        #expect(try shell.run("\(value) --out report").status == 0)
        let before = try everything()
        let refused = try shell.run("\(value) --out report")
        #expect(refused.status == 2 && refused.errors.contains("report/report.html is there already"), "\(refused.errors)")
        #expect(try everything() == before)
        #expect(try shell.run("\(value) --out report --force").status == 0)
        #expect(try shell.run("\(value) --out other/objects").status == 2)
        #expect(try shell.run("\(value) --out other/objects/report").status == 2)
        for _ in 0..<2 { #expect(try shell.run("\(value) --shard 1/2 --out shard").status == 0) }
        // The name of the lock beside a shard may be somebody's file.
        try shell.folder.write("precious\n", to: "shard2.lock")
        let locked = try shell.run("\(value) --shard 2/2 --out shard2 --force")
        #expect(locked.status == 2 && locked.errors.contains("shard2.lock is in the way"), "\(locked.errors)")
        #expect(try String(contentsOfFile: shell.folder.file("shard2.lock"), encoding: .utf8) == "precious\n")
    }
}
