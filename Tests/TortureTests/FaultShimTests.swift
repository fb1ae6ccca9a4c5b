import Files
import Glibc
import TestSupport
import Testing

@testable import TortureSupport

@Suite("Fault shim")
struct FaultShimTests {
    private let workplace: WorkFolder

    init() throws { workplace = try WorkFolder() }

    private func fault(_ kind: String, _ at: Int?, lasts: Bool = false, _ program: String, _ arguments: [String], input: String = "") throws
        -> (result: Program.Result, page: FaultPage)
    {
        // Counts go on where an earlier program's ended.
        let page = try workplace.folder() + "/page"
        var environment = FaultPage.environment(folder: workplace.file("below"), kind: kind, at: at, lasts: lasts, page: page)
        // Other programs speak the user's language.
        environment["LC_ALL"] = "C"
        let result = try Program(path: program).run(arguments, input: input, with: environment)
        return (result, try FaultPage(reading: page))
    }

    /// Copies standard input: opens its target, and writes.
    private func copy(_ kind: String, _ at: Int?, lasts: Bool = false, to file: String) throws -> (result: Program.Result, page: FaultPage) {
        try fault(kind, at, lasts: lasts, "/usr/bin/cp", ["--sparse=never", "/dev/stdin", file], input: "0123456789")
    }

    @Test("The operation that was asked for fails, and only that one")
    func fails() throws {
        let file = try workplace.folder("below") + "/file"
        #expect(try copy("enospc", nil, to: file).page.counted == 2, "it creates and writes")
        #expect(try copy("enospc", nil, to: file).page.counted == 1, "it writes only")
        let failing = try copy("enospc", 1, to: file)
        #expect(failing.result.errors.contains("No space left on device") && failing.result.status == 1)
        #expect(failing.page.fired == 1 && failing.page.operation == "write \(file)")
        let behind = try copy("enospc", 2, to: file)
        #expect(behind.page.fired == 0 && behind.result.status == 0)
    }

    @Test("A short write writes less, and whoever goes on writes the rest")
    func short() throws {
        let file = try workplace.folder("below") + "/file"
        let once = try copy("short", 1, to: file)
        #expect(once.page.fired == 1 && once.result.status == 0)
        let lasting = try copy("short", 1, lasts: true, to: file)
        #expect(lasting.page.fired == 4, "10 bytes go as 5, 2, 1, 1 and 1; one byte alone cannot be short")
        #expect(try Tree.read(file) == Array("0123456789".utf8))
    }

    @Test("A kill comes before the change that was asked for, and what was changed before stays")
    func kill() throws {
        let below = try workplace.folder("below")
        #expect(try copy("kill", nil, to: below + "/all").page.counted == 2, "it creates and writes")
        let first = try copy("kill", 1, to: below + "/first")
        #expect(first.result.end == .signal(SIGKILL) && first.page.fired == 1 && !FileSystem.exists(below + "/first"))
        let second = try copy("kill", 2, to: below + "/second")
        #expect(second.result.end == .signal(SIGKILL) && second.page.operation == "write \(below)/second")
        #expect(try Tree.read(below + "/second") == [])
        #expect(try copy("kill", 3, to: below + "/third").result.status == 0)
    }

    @Test("Files elsewhere are left alone")
    func elsewhere() throws {
        _ = try workplace.folder("below")
        let lasting = try copy("eio", 1, lasts: true, to: try workplace.folder("below-not") + "/file")
        #expect(lasting.result.status == 0 && lasting.page.counted == 0)
    }

    @Test("The trace tells what changed, in order")
    func trace() throws {
        let below = try workplace.folder("below"), trace = workplace.file("trace")
        let environment = FaultPage.environment(folder: below, trace: trace)
        for (program, arguments) in [
            ("cp", ["--sparse=never", "/dev/stdin", below + "/a"]), ("truncate", ["-s", "2", below + "/a"]), ("sync", [below + "/a"]), ("mv", [below + "/a", below + "/b"]),
            ("mkdir", [below + "/c"]), ("rmdir", [below + "/c"]), ("rm", [below + "/b"]),
        ] {
            let result = try Program(path: "/usr/bin/" + program).run(arguments, input: "text", with: environment)
            #expect(result.status == 0, "\(program): \(result.errors)")
        }
        let changes = try Trace.decode(Tree.read(trace)).filter { ![.process, .open, .close].contains($0.kind) }
        #expect(changes.map(\.kind) == [.write, .truncate, .sync, .rename, .makeFolder, .removeFolder, .unlink])
        #expect(changes[0].payload == Array("text".utf8) && changes[1].offset == 2)
        #expect(changes[3].paths == (below + "/a", below + "/b"))
    }
}
