import Foundation
import Glibc
import ProgramSupport
import TestSupport
import Testing

@Suite("Limits of the system", .timeLimit(.minutes(60)))
struct LimitTests {
    private let shell: Shell
    init() throws { shell = try Shell.withTable() }

    private static let shim = URL(fileURLWithPath: Program.path).deletingLastPathComponent().appendingPathComponent("libFaultShim.so").path

    @Test("A limit on the size of files is one line that names it, wherever it strikes", arguments: [1, 4, 10, 20, 40, 60])
    func fileSize(limit: Int) throws {
        let result = try shell.run("ulimit -f \(limit); exec $U -C lim init --data csv:full.csv $A")
        #expect(result.status == 1, "\(result.status): \(result.errors)")
        #expect(result.errors.filter { $0 == "\n" }.count == 1 && result.errors.contains("ulimit -f"), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: shell.folder.file("lim")))
    }

    @Test("A result that reaches the limit is one line, and leaves nothing")
    func largeResult() throws {
        #expect(try shell.run("$U -C p init --data csv:full.csv --id-column id --label-column y --model mlp --hidden 512,64 --blocks 2 --assignment-seed 1 --quiet && $U -C p train --quiet").status == 0)
        let result = try shell.run("ulimit -f 50; $U -C p export --out model.npz; code=$?; ls -A; exit $code")
        #expect(result.status == 1 && result.errors.contains("model.npz: File too large; raise the limit"), "\(result.errors)")
        #expect(result.output == "full.csv\np\n", "\(result.output)")
    }

    /// What only reads, and what it must say.
    private static let readers = ["status", "check --read-data", "export --out ../elsewhere.npz --force", "where --ids ids", "log", "evaluate", "certificate R1 --out ../R1.json --force"]

    /// A project with a deletion, trained, in work/project.
    private func makeProject() throws {
        let made = try shell.run("""
            set -e
            mkdir work; cd work; echo u3 > ids
            $U -C project init --data csv:../full.csv $A --quiet; $U -C project train --quiet
            $U -C project delete --ids ids --method exact --quiet
            """)
        #expect(made.status == 0, "\(made.errors)")
    }

    /// Whether this machine lets the tests mount a small file system.
    private static let canMount: Bool = {
        guard geteuid() == 0, let shell = try? Shell() else { return false }
        return (try? shell.run("mkdir m && mount -t tmpfs -o size=1m none m && umount m"))?.status == 0
    }()

    @Test("Readers read where nothing can be written for want of space")
    func fullBySimulation() throws {
        try makeProject()
        for reader in Self.readers {
            let result = try shell.run("""
                cd work; export LD_PRELOAD='\(Self.shim)' FAULT_SHIM_FOLDER=$PWD/project FAULT_SHIM_KIND=enospc FAULT_SHIM_AT=1 FAULT_SHIM_LASTS=1 FAULT_SHIM_PAGE=$PWD/page
                exec $U -C project \(reader)
                """)
            #expect(result.status == 0, "\(reader): \(result.errors)")
        }
        let page = try Data(contentsOf: URL(fileURLWithPath: shell.folder.file("work/page")))
        #expect(page.prefix(8).contains { $0 != 0 }, "the shim saw operations")
    }

    @Test("Readers read on a file system that is full", .enabled(if: canMount, "only root can mount a small file system, and not everywhere"))
    func full() throws {
        try makeProject()
        let mounted = try shell.run("cd work && mkdir small && mount -t tmpfs -o size=4m none small && cp -r project small/ && (dd if=/dev/zero of=small/fill bs=4k 2>/dev/null; true)")
        try #require(mounted.status == 0, "\(mounted.errors)")
        defer { _ = try? shell.run("umount work/small") }
        for reader in Self.readers {
            let result = try shell.run("cd work; exec $U -C small/project \(reader.replacingOccurrences(of: "../", with: ""))")
            #expect(result.status == 0, "\(reader): \(result.errors)")
        }
        let writer = try shell.run("cd work; exec $U -C small/project delete --ids <(echo u9)")
        #expect(writer.status == 1 && writer.errors.contains("make space") && writer.errors.filter { $0 == "\n" }.count == 1, "\(writer.errors)")
    }

    @Test("Where the system gives no thread, the same bits come of one")
    func noThreads() throws {
        let make = "--data csv:full.csv --id-column id --label-column y --model mlp --hidden 256 --blocks 4 --batch-size 100 --assignment-seed 1 --quiet"
        var digests: [Any?] = []
        #expect(try shell.run("$U -C many init \(make) && cp -r many none").status == 0)
        for name in ["many", "none"] {
            let environment = name == "none" ? "export LD_PRELOAD='\(Self.shim)' FAULT_SHIM_NO_THREADS=1;" : ""
            let trained = try shell.run("\(environment) timeout 60 $U -C \(name) train --threads 4 --json")
            #expect(trained.status == 0, "\(trained.errors)")
            digests.append(try trained.json()["state_digest"])
            let reduced = try shell.run("\(environment) timeout 60 $U -C \(name) reduce --keep 20 --threads 4 --out \(name).ids")
            #expect(reduced.status == 0, "\(reduced.errors)")
            let valued = try shell.run("\(environment) timeout 60 $U -C \(name) value --players blocks --estimator exact --metric loss --threads 4 --json")
            #expect(valued.status == 0, "\(valued.errors)")
        }
        #expect(digests[0] as? String == digests[1] as? String && digests[0] is String)
        #expect(try shell.run("cmp many.ids none.ids").status == 0)
    }
}
