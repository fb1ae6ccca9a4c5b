import Foundation
import ProgramSupport
import TestSupport
import Testing

/// The limit is for a call that waits for ever, not for a loaded machine.
@Suite("Paths that are no files", .timeLimit(.minutes(60)))
struct HostilePathTests {
    private let data: SmallData
    private let program: Program
    /// Whatever can stand where a file is expected.
    private let paths: [String]

    init() throws {
        data = try SmallData()
        program = try data.initialise()
        let folder = data.folder
        let pipe = folder.file("pipe"), loop = folder.file("loop"), toPipe = folder.file("to-pipe"), dangling = folder.file("dangling")
        #expect(mkfifo(pipe, 0o600) == 0)
        for (target, link) in [(loop, loop), (pipe, toPipe), (folder.file("absent"), dangling)] { #expect(symlink(target, link) == 0) }
        paths = [
            pipe, toPipe, loop, dangling, folder.path, "/dev/zero", "/dev/null", "/dev/stdin", folder.file("images") + "/below", "/proc/self/mem",
            folder.file("two\nlines \u{1B}[31mred\u{9B}2J\u{202E}"), folder.file(String(repeating: "n", count: 300)), "",
        ]
    }

    /// One line on standard error that no terminal obeys, nothing on standard output, exit code 2.
    private func expectRefusal(_ result: Program.Result, _ words: [String]) {
        let call = words.joined(separator: " ").debugDescription
        #expect(result.status == 2 && result.output == "", "\(call): \(result.status), \(result.errors)")
        #expect(result.errors.hasPrefix("unlearn: ") && result.errors.filter { $0 == "\n" }.count == 1, "\(call): \(result.errors.debugDescription)")
        let steering = result.errors.dropLast().unicodeScalars.filter { $0.properties.generalCategory == .control || $0 == "\u{202E}" }
        #expect(steering.isEmpty, "\(call): \(result.errors.debugDescription)")
    }

    @Test("Every option that takes a file refuses what is none, at once and without a trace")
    func everyOption() throws {
        let images = data.folder.file("images"), labels = data.folder.file("labels"), before = try contents(of: data.folder.file("project"))
        let fresh = Program(folder: data.folder.file("fresh"))
        for path in paths {
            for (spec, more) in [
                ("idx:\(path),\(labels)", []), ("idx:\(images),\(path)", []), ("csv:\(path)", ["--label-column", "l"]), ("npz:\(path)", []),
                ("cifar10:\(path)", []), ("libsvm:\(path)", []),
            ] {
                let words = ["init", "--model", "logistic", "--data", spec] + more
                expectRefusal(try fresh.run(words), words)
            }
            let sound = ["init", "--model", "logistic", "--blocks", "2", "--data", data.spec]
            for option in ["--exclude", "--only", "--groups"] { expectRefusal(try fresh.run(sound + [option, path]), [option, path]) }
            expectRefusal(try fresh.run(sound + ["--test", "idx:\(path),\(path)"]), ["--test", path])
            for words in [["where", "--ids", path], ["delete", "--ids", path], ["evaluate", "--on", path]] { expectRefusal(try program.run(words), words) }
        }
        #expect(!FileManager.default.fileExists(atPath: data.folder.file("fresh")))
        #expect(try contents(of: data.folder.file("project")) == before)
    }

    @Test("A model kept from before that is no file is refused")
    func modelBefore() throws {
        try program.run("train")
        try program.json("delete", "--ids", "-", "--on-no-decay", "exact", input: "5\n")
        for path in paths { expectRefusal(try program.run(["audit", "--before", path]), ["--before", path]) }
    }

    @Test("Results are written to no folder, and to none that is not there")
    func outputs() throws {
        try program.run("train")
        try FileManager.default.createDirectory(atPath: data.folder.file("folder.npz"), withIntermediateDirectories: false)
        for path in [data.folder.file("folder.npz"), data.folder.file("none/x.npz"), data.folder.file("images/x.safetensors")] {
            let words = ["export", "--out", path]
            expectRefusal(try program.run(words), words)
        }
    }

    @Test("Standard input that is no list is refused", arguments: ["", "\u{0}\u{0}", "\u{FEFF}\n#\n"])
    func standardInput(text: String) throws {
        expectRefusal(try program.run("where", "--ids", "-", input: text), ["-"])
    }

    @Test("A line of eight megabytes is one wrong id, named in short")
    func longLines() throws {
        let path = try data.folder.write([UInt8](repeating: 0x61, count: 8 << 20), to: "long")
        let fresh = Program(folder: data.folder.file("fresh")), sound = ["init", "--model", "logistic", "--blocks", "2", "--data", data.spec]
        for result in [
            try program.run("where", "--ids", path), try program.run("delete", "--ids", path), try program.run("evaluate", "--on", path),
            try fresh.run(sound + ["--only", path]), try fresh.run(sound + ["--exclude", path]), try fresh.run(sound + ["--groups", path]),
        ] {
            expectRefusal(result, ["--ids", path])
            #expect(result.errors.utf8.count < 1000)
        }
    }

    @Test("No spelling of an output reaches the project's own files, nor a key that is kept elsewhere")
    func ownFiles() throws {
        let folder = data.folder, key = folder.file("kept.key")
        var other = Program(folder: folder.file("kept"))
        other.environment["UNLEARN_KEY_FILE"] = key
        try other.json("init", "--data", data.spec, "--model", "logistic", "--blocks", "2")
        try other.json("train")
        let before = try Data(contentsOf: URL(fileURLWithPath: key))
        let name = try #require(folder.path.split(separator: "/").last)
        try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: folder.file("kept"))
        try FileManager.default.createDirectory(atPath: folder.file("kept/objects/below"), withIntermediateDirectories: true)
        for out in ["\(folder.path)/../\(name)/kept.key", "\(folder.path)//kept.key", folder.file("link/objects/below/ids"), folder.file("kept/catalogue.sqlite-journal")] {
            let refused = try other.run("reduce", "--keep", "5", "--out", out)
            #expect(refused.status == 2 && refused.errors.contains("one of the project's own files"), "\(out): \(refused.errors)")
        }
        for out in [folder.file("kept/catalogue.sqlite-journal"), folder.file("kept/objects/report"), folder.file("link/objects/below")] {
            let refused = try other.run("value", "--players", "blocks", "--out", out)
            #expect(refused.status == 2 && refused.errors.contains("one of the project's own files"), "\(out): \(refused.errors)")
        }
        for out in ["", "/proc/self/x", folder.file(String(repeating: "n", count: 256))] {
            #expect(try other.run("reduce", "--keep", "5", "--out=\(out)").status == 2, "\(out)")
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: key)) == before)
        try? FileManager.default.removeItem(atPath: folder.file("kept/objects/below"))
        #expect(try other.run("check").status == 0)
    }

    @Test("Ids that hold terminal escapes reach no terminal as text, and come unchanged as JSON")
    func escapes() throws {
        let id = "a\u{1B}[31mb\u{9B}c"
        let rows = (0..<40).map { "row\($0),\($0),\($0 % 2 == 0 ? "u" : "v")\n" }.joined() + "\(id),1,u\n"
        let table = try data.folder.write("id,x,label\n" + rows, to: "escapes.csv")
        let other = Program(folder: data.folder.file("escapes"))
        try other.json("init", "--data", "csv:\(table)", "--label-column", "label", "--id-column", "id", "--model", "logistic", "--blocks", "2")
        let text = try other.run("where", "--ids", "-", input: id + "\n").output
        #expect(text.contains("a\u{FFFD}[31mb\u{FFFD}c") && !text.contains("\u{1B}"), "\(text.debugDescription)")
        let json = try other.json("where", "--ids", "-", input: id + "\n")
        #expect((json["rows"] as? [[String: Any]])?.first?["id"] as? String == id)
    }
}
