import Checkpoints
import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Bad input")
struct BadInputTests {
    /// One line on standard error, nothing on standard output, the exit code of the contract.
    private func expect(_ result: Program.Result, _ status: Int32, _ parts: String...) {
        #expect(result.status == status, "\(result.errors)")
        #expect(result.output == "")
        #expect(result.errors.hasPrefix("unlearn: ") && result.errors.filter { $0 == "\n" }.count == 1, "\(result.errors)")
        for part in parts { #expect(result.errors.contains(part), "\(result.errors)") }
    }

    @Test("No project is exit code 10 for every command that needs one")
    func noProject() throws {
        let folder = try TemporaryFolder()
        let ids = try folder.write("1\n", to: "ids")
        let program = Program(folder: folder.path)
        for command in [
            ["train"], ["evaluate"], ["delete", "--ids", ids], ["audit"], ["bench"], ["status"], ["check"], ["where", "--ids", ids],
            ["export", "--out", folder.file("x.npz")],
        ] {
            expect(try program.run(command), 10, "no project in \(folder.path)", "unlearn init")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["ids"])
    }

    @Test("Files that are wrong make no project")
    func wrongFiles() throws {
        let data = try SmallData()
        let folder = data.folder
        let images = folder.file("images"), labels = folder.file("labels")
        let compressed = folder.file("images.gz")
        try Process.run(URL(fileURLWithPath: "/bin/sh"), arguments: ["-c", "gzip -c '\(images)' > '\(compressed)'"]).waitUntilExit()
        let whole = try Data(contentsOf: URL(fileURLWithPath: compressed))
        let truncated = try folder.write([UInt8](whole.prefix(whole.count / 2)), to: "truncated.gz")
        let short = try folder.write(SampleFiles.idx([599], [UInt8](repeating: 0, count: 599)), to: "short-labels")
        let ragged = try folder.write("id,x,label\na,1,u\nb,2,v\nc,3\n", to: "ragged.csv")
        let twice = try folder.write("id,x,label\na,1,u\nb,2,v\na,3,u\nc,3,u\n", to: "twice.csv")
        let list = try folder.write("0\nnobody\n", to: "list")
        let program = data.program
        let logistic = ["--model", "logistic", "--blocks", "2"]
        func attempt(_ words: [String]) throws -> Program.Result { try program.run(["init"] + words) }
        expect(try attempt(["--data", "idx:\(truncated),\(labels)"] + logistic), 2, "truncated.gz", "ends inside the compressed data")
        expect(try attempt(["--data", "idx:\(images),\(short)"] + logistic), 2, "600 images", "599 labels")
        expect(try attempt(["--data", "idx:\(images)"] + logistic), 2, "idx:IMAGES,LABELS")
        expect(try attempt(["--data", "idx:\(images),\(folder.file("none"))"] + logistic), 2, "no file")
        expect(try attempt(["--data", "csv:\(ragged)", "--label-column", "label"] + logistic), 2, "line 4 has 2 fields where the header has 3")
        expect(try attempt(["--data", "csv:\(ragged)", "--label-column", "lable"] + logistic), 2, "no column 'lable'")
        expect(try attempt(["--data", "csv:\(twice)", "--label-column", "label", "--id-column", "id", "--test", "csv:\(ragged)"] + logistic), 2, "line 4")
        expect(
            try attempt(["--data", "csv:\(twice)", "--label-column", "label", "--id-column", "id", "--holdout", "0.3"] + logistic), 2,
            "has the id 'a' of line 2")
        expect(try attempt(["--data", data.spec, "--exclude", list] + logistic), 2, "'nobody' (line 2)")
        expect(try attempt(["--data", data.spec, "--only", list] + logistic), 2, "'nobody' (line 2)")
        let groups = try folder.write("id,group\n0,a\nnobody,b\n", to: "groups.csv")
        expect(try attempt(["--data", data.spec, "--groups", groups] + logistic), 2, "groups.csv: 'nobody' (line 3) is no row's id", "id,group")
        expect(try attempt(["--data", data.spec, "--gradient-clip", "1e-300"] + logistic), 2, "--gradient-clip takes 0 (no limit)")
        expect(try attempt(["--data", "mnist"] + logistic), 2, "unknown data 'mnist'")
        expect(try attempt(["--data", data.spec, "--model", "vgg"]), 2, "--model takes logistic, mlp, lenet5")
        expect(try attempt(["--data", data.spec, "--model", "logistic", "--hidden", "3"]), 2, "--hidden is for mlp")
        expect(try attempt(["--data", data.spec, "--model", "logistic", "--blocks", "601"]), 2, "601 blocks do not fit")
        expect(try attempt(["--data", data.spec, "--model", "logistic", "--lattice-bits", "30"]), 2, "12 to 24")
        expect(try attempt(["--model", "logistic"]), 2, "needs --data SPEC")
        #expect(!FileManager.default.fileExists(atPath: folder.file("project")), "no trace is left")
        try data.initialise()
        expect(try attempt(["--data", data.spec] + logistic), 2, "already holds a project")
    }

    @Test("Wrong ids change nothing")
    func wrongIDs() throws {
        let data = try SmallData()
        let program = try data.initialise()
        try program.run("train")
        let folder = data.folder
        let before = try contents(of: folder.file("project"))
        let unknown = try folder.write("# people\n5\nnobody\n\nsomebody\n", to: "unknown")
        let empty = try folder.write("# nobody\n\n", to: "empty")
        expect(try program.run("delete", "--ids", unknown), 2, "'nobody' (line 3), 'somebody' (line 5) is not in the project", "--ignore-unknown")
        expect(try program.run("delete", "--ids", empty), 2, "names no ids")
        expect(try program.run("delete", "--ids", folder.file("none")), 2, "no file")
        expect(try program.run("delete", "--ids", "-", input: "\n"), 2, "standard input names no ids")
        expect(try program.run("delete"), 2, "needs --ids FILE")
        expect(try program.run("delete", "--ids", unknown, "--epsilon", "-1"), 2, "--epsilon")
        expect(try program.run("delete", "--ids", unknown, "--damping", "2"), 2, "--damping takes auto, l1 or a number from 0 to 1")
        expect(try program.run("audit"), 2, "nothing was deleted yet")
        expect(try program.run("export", "--out", folder.file("model.pt")), 2, ".safetensors, .npz or .onnx")
        expect(try program.run("export", "--out", folder.file("x.npz"), "--block", "31"), 2, "states 0 to 30")
        expect(try program.run("bench", "--positions", "31"), 2, "no block 31")
        expect(try program.run("bench", "--cases", folder.file("none")), 2, "no file")
        expect(try program.run("bench", "--cases", empty), 2, "has no case; write one a line, ids separated by tabs")
        expect(try program.run("bench", "--cases", unknown, "--positions", "3"), 2, "--cases names the deletions itself; give it without --positions")
        expect(try program.run("bench", "--codec", "--positions", "31"), 2, "no block 31")
        #expect(try contents(of: folder.file("project")) == before)
        let first = try program.json("delete", "--ids", "-", "--on-no-decay", "exact", input: "5\n5\n")
        #expect(first["rows_deleted"] as? Int == 1)
        let after = try contents(of: folder.file("project"))
        expect(try program.run("delete", "--ids", "-", input: "6\n5\n"), 2, "'5' (line 2) is deleted already (R1)", "--ignore-missing")
        #expect(try contents(of: folder.file("project")) == after)
        let list = try folder.write("6\n5\n", to: "list")
        let scored = try program.run("evaluate", "--on", list)
        expect(scored, 2, "'5' (line 2) is deleted already; correct the list")
        #expect(!scored.errors.contains("--ignore-missing"), "evaluate has no such option")
        let second = try program.json("delete", "--ids", "-", "--ignore-missing", "--ignore-unknown", input: "6\n5\nnobody\n")
        #expect(second["rows_deleted"] as? Int == 1 && second["request"] as? String == "R2")
        expect(try program.run("audit", "--request", "R7"), 2, "no deletion R7; the project has R1 to R2")
    }

    /// The file of an object that belongs to a block.
    private static func object(_ kind: String, _ block: Int, _ program: Program) throws -> String {
        let store = try Store(opening: try #require(program.folder), .read)
        return try #require(try store.objects().first { $0.kind.name == kind && $0.block == block }).file
    }

    @Test("A damaged checkpoint is found by whoever reads it")
    func damage() throws {
        let data = try SmallData()
        let program = try data.initialise()
        try program.run("train")
        let objects = data.folder.file("project/objects")
        let name = try Self.object("influence", 7, program)
        let url = URL(fileURLWithPath: objects + "/" + name)
        let whole = try Data(contentsOf: url)
        var flipped = whole
        flipped[whole.count / 2] ^= 4
        try flipped.write(to: url)
        let check = try program.run("check", "--json")
        #expect(check.status == 4)
        let errors = try #require(try check.json()["errors"] as? [String])
        #expect(!errors.isEmpty && errors.allSatisfy { $0.contains(name) && !$0.contains("run 'unlearn check'") }, "\(errors)")
        expect(try program.run("evaluate"), 4, name)
        try whole.dropLast().write(to: url)
        #expect(try program.run("check").status == 4)
        try FileManager.default.removeItem(at: url)
        expect(try program.run("evaluate"), 4, name, "is missing")
        try whole.write(to: url)
        #expect(try program.run("check", "--read-data").status == 0)
        // The same bytes in another valid place.
        let other = try Self.object("influence", 8, program)
        try FileManager.default.removeItem(atPath: objects + "/" + other)
        try whole.write(to: URL(fileURLWithPath: objects + "/" + other))
        #expect(try program.run("check").status == 4)
    }

    @Test("A catalogue that another program changed is damaged, for readers and for training")
    func changedCatalogue() throws {
        let data = try SmallData()
        let program = try data.initialise()
        try program.run("train")
        try TestPrograms.runPython(
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('DELETE FROM objects WHERE name = (SELECT min(name) FROM objects)'); c.commit()",
            data.folder.file("project/catalogue.sqlite"))
        for command in ["evaluate", "train", "status"] { expect(try program.run(command), 4, "changed by something other than unlearn") }
        #expect(try program.run("check").status == 4)
    }

    @Test("init leaves folders of other people alone")
    func foreignFolder() throws {
        let data = try SmallData()
        try FileManager.default.createDirectory(atPath: data.folder.file("repository/objects"), withIntermediateDirectories: true)
        try data.folder.write("precious", to: "repository/objects/mine")
        let program = Program(folder: data.folder.file("repository"))
        expect(try program.run("init", "--data", data.spec, "--model", "logistic"), 2, "no project's")
        #expect(try contents(of: data.folder.file("repository")).keys.sorted() == ["objects/mine"])
        expect(try Program(folder: data.folder.file("none/below")).run("init", "--data", data.spec, "--model", "logistic"), 2, "none/below")
        expect(try Program().run("-C", "", "status"), 2, "-C needs a folder")
    }

    @Test("Ids that no list can name are refused; spellings of one id are one", arguments: ["#hash", "\"new\nline\""])
    func unnamableIDs(id: String) throws {
        let data = try SmallData()
        let rows = (0..<40).map { "row\($0),\($0),\($0 % 2 == 0 ? "u" : "v")\n" }.joined()
        let table = try data.folder.write("id,x,label\n" + rows + "\(id),1,u\n", to: "table.csv")
        let words = ["init", "--data", "csv:\(table)", "--label-column", "label", "--id-column", "id", "--model", "logistic", "--blocks", "2"]
        expect(try data.program.run(words), 2, "which no id list can name")
        // Blanks around an id are no part of it, in a table as in a list.
        let blanks = try data.folder.write("id,x,label\n" + rows + " both ,1,u\n", to: "blanks.csv"), trimmed = Program(folder: data.folder.file("blanks"))
        try trimmed.run(["init", "--data", "csv:\(blanks)"] + words[3...])
        #expect((try trimmed.json("where", "--ids", "-", input: "both\n")["rows"] as? [Any])?.count == 1)
        let twoSpellings = try data.folder.write("id,x,label\n" + rows + "caf\u{E9},1,u\n", to: "accents.csv")
        let program = Program(folder: data.folder.file("accents"))
        try program.run(["init", "--data", "csv:\(twoSpellings)"] + words[3...])
        let place = try program.json("where", "--ids", "-", input: "\u{FEFF}cafe\u{301}\n")
        #expect((place["rows"] as? [Any])?.count == 1)
    }

    @Test("A result that cannot be written is a failure, a message that cannot be is none")
    func fullDevices() throws {
        let data = try SmallData()
        let program = try data.initialise()
        func shell(_ line: String) throws -> Int32 {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", line]
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus
        }
        let folder = try #require(program.folder)
        #expect(try shell("'\(Program.path)' -C '\(folder)' status --json > /dev/full 2> /dev/null") == 1)
        #expect(try shell("'\(Program.path)' --help > /dev/full 2> /dev/null") == 1)
        #expect(try shell("'\(Program.path)' bogus 2> /dev/full") == 2)
        #expect(try shell("'\(Program.path)' bogus 2>&-") == 2)
    }

    @Test("A missing key is wrong input for every command, and check does not advise itself")
    func missingKey() throws {
        let data = try SmallData()
        let program = try data.initialise()
        let folder = try #require(program.folder)
        try FileManager.default.moveItem(atPath: folder + "/project.key", toPath: data.folder.file("elsewhere.key"))
        for command in [["status"], ["train"], ["check"], ["delete", "--ids", try data.folder.write("7", to: "list")]] {
            expect(try program.run(command), 2, folder + "/project.key", "put the file back", "set UNLEARN_KEY_FILE")
        }
        let told = Program(folder: folder, environment: ["UNLEARN_KEY_FILE": data.folder.file("elsewhere.key")])
        #expect(try told.run("check", "--read-data").status == 0)
        try FileManager.default.moveItem(atPath: data.folder.file("elsewhere.key"), toPath: folder + "/project.key")
        try FileManager.default.removeItem(atPath: folder + "/objects")
        let check = try program.run("check")
        #expect(check.status == 4 && !(check.errors + check.output).contains("unlearn check"), "\(check.errors)")
    }

    @Test("A catalogue of another version is refused, and one that is none is damage")
    func otherVersions() throws {
        let data = try SmallData()
        let program = try data.initialise()
        let catalogue = data.folder.file("project/catalogue.sqlite")
        let whole = try Data(contentsOf: URL(fileURLWithPath: catalogue))
        // SQLite keeps user_version as a big-endian integer at offset 60.
        var newer = whole
        newer[63] = 9
        try newer.write(to: URL(fileURLWithPath: catalogue))
        expect(try program.run("train"), 2, "was made by a newer version (format 9", "update unlearn")
        try Data(repeating: 65, count: 4096).write(to: URL(fileURLWithPath: catalogue))
        expect(try program.run("status"), 4, "catalogue")
        try whole.write(to: URL(fileURLWithPath: catalogue))
        #expect(try program.run("status").status == 0)
    }

    @Test("With standard input closed no file of the project is read as a list of ids")
    func closedInput() throws {
        let data = try SmallData()
        let program = try data.initialise()
        let folder = try #require(program.folder)
        for id in 0..<4 {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", "exec '\(Program.path)' -C '\(folder)' delete --ids - \(["<&-", "<&- >&-", "<&- 2>&-", "<&- >&- 2>&-"][id])"]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 2)
        }
        #expect(try program.json("status")["rows_deleted"] as? Int == 0)
    }

    @Test("A result is written over nothing of the project's own, and over no device", arguments: ["export", "certificate"])
    func outputs(command: String) throws {
        let data = try SmallData()
        let program = try data.initialise()
        let folder = try #require(program.folder)
        try program.run("train")
        try program.run("delete", "--ids", "-", input: "3\n")
        let object = try #require(try FileManager.default.contentsOfDirectory(atPath: folder + "/objects").first)
        let before = try contents(of: folder)
        for place in ["project.key", "catalogue.sqlite", "signing-key.pem", "objects/" + object, "objects/new.npz", "../project/project.key"] {
            let out = ["--out", folder + "/" + place]
            expect(try program.run((command == "export" ? ["export"] : ["certificate", "R1"]) + out), 2, "name another", "project")
        }
        for place in ["/dev/null", "/dev/full"] {
            expect(try program.run((command == "export" ? ["export"] : ["certificate", "R1"]) + ["--out", place]), 2, "name another")
        }
        #expect(try contents(of: folder) == before)
    }

    @Test("Divergence stops with the block and the tensor, and keeps the blocks before it")
    func divergence() throws {
        let data = try SmallData()
        let program = try data.initialise(in: "hot", "--learning-rate", "900", "--activation", "relu", "--schedule", "constant", "--momentum", "0.99")
        let result = try program.run("train")
        expect(result, 1, "training diverged in block", "tensor '", "--learning-rate")
        #expect(try program.run("check", "--read-data").status == 0)
        #expect(try program.json("status")["blocks_trained"] as? Int ?? 99 < 30)
    }

    @Test("The environment names a project, and -C overrules it")
    func environment() throws {
        let data = try SmallData()
        let program = try data.initialise()
        let fromEnvironment = Program(environment: ["UNLEARN_PROJECT": data.folder.file("project")])
        #expect(try fromEnvironment.json("status")["rows_live"] as? Int == 600)
        #expect(try Program(folder: program.folder, environment: ["UNLEARN_PROJECT": "/nowhere"]).run("status").status == 0)
        #expect(try Program(environment: ["UNLEARN_PROJECT": data.folder.path]).run("status").status == 10)
    }
}
