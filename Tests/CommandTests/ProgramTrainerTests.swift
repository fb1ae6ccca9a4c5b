import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("A program of the user's trains")
struct ProgramTrainerTests {
    private let folder: TemporaryFolder
    private let table: String

    init() throws {
        folder = try TemporaryFolder()
        var random = SeededGenerator(7)
        let rows = (0..<240).map { row in
            let kind = row % 3, numbers = (0..<4).map { _ in String(format: "%.3f", Float.random(in: -1...1, using: &random) + Float(kind)) }
            return "p\(row),\(numbers.joined(separator: ",")),\("xyz".map(String.init)[kind])\n"
        }
        table = try folder.write("name,a,b,c,d,kind\n" + rows.joined(), to: "rows.csv")
    }

    private func initialise(_ program: Program, _ trainer: String, _ more: String...) throws -> Program.Result {
        try program.run(["init", "--data", "csv:\(table)", "--id-column", "name", "--label-column", "kind", "--trainer", trainer, "--blocks", "12"] + more)
    }

    /// A trained project, made once and only read: copies of it fail in their own ways.
    nonisolated(unsafe) private static let trained = Result {
        let tests = try ProgramTrainerTests(), program = try tests.project("trained")
        try program.json("train")
        let victim = try #require(try tests.rows(program)[1]?.first)
        return (folder: tests.folder, program: program.folder!, victim: victim, digest: try program.json("status")["state_digest"] as? String)
    }

    private func project(_ name: String, _ options: String = "", _ more: String...) throws -> Program {
        let program = Program(folder: folder.file(name))
        let made = try program.run(["init", "--data", "csv:\(table)", "--id-column", "name", "--label-column", "kind", "--trainer", TestPrograms.trainer(options), "--blocks", "12"] + more)
        #expect(made.status == 0, "\(made.errors)")
        return program
    }

    /// Ids of live training rows, by block.
    private func rows(_ program: Program) throws -> [Int: [String]] {
        let rows = try #require(try program.json(["where", "--ids", "-"], input: (0..<240).map { "p\($0)" }.joined(separator: "\n"))["rows"] as? [[String: Any]])
        return Dictionary(grouping: rows.filter { $0["part"] as? String == "train" }, by: { $0["block"] as! Int }).mapValues { $0.map { $0["id"] as! String } }
    }

    @Test("Deleted rows are forgotten with the bits of a training that never saw them, and all evidence says so")
    func life() throws {
        let program = try project("whole"), trained = try program.json("train")
        #expect(trained["parameters"] as? Int == 15 && (trained["test_accuracy"] as? Double ?? 0) > 0.6)
        let victims = try rows(program).filter { [3, 7].contains($0.key) }.values.map { $0[0] }.sorted()
        let deleted = try program.json(["delete", "--ids", "-"], input: victims.joined(separator: "\n"))
        #expect(deleted["method"] as? String == "exact" && deleted["blocks_retrained"] as? Int == 10)
        let twin = try project("twin", "", "--like", program.folder!, "--exclude", folder.write(victims.joined(separator: "\n"), to: "victims"))
        #expect(try twin.json("train")["state_digest"] as? String == deleted["state_digest"] as? String)
        #expect(try program.json("audit")["verdict"] as? String == "exact")
        let certificate = folder.file("certificate.json"), model = folder.file("model.safetensors")
        try program.json("certificate", "1", "--out", certificate)
        try program.json("export", "--out", model)
        let verified = try Program().run("verify-certificate", certificate, "--model", model)
        #expect(verified.status == 0 && verified.output.contains("is the model right after the request"), "\(verified.errors)")
        #expect(try program.run("check", "--read-data").status == 0)
        let predictions = try program.run("predict", "--data", "csv:\(table)", "--id-column", "name")
        #expect(predictions.status == 0 && predictions.output.split(separator: "\n").count == 241, "\(predictions.errors)")
        // Nobody else can score with it.
        let alone = try Program().run("predict", "--data", "csv:\(table)", "--model", model)
        #expect(alone.status == 2 && alone.errors.contains("is of the program 'softmax', which alone can score with it"))
    }

    @Test("Branches are trained side by side by several processes, with the same bits, and deleted from at once")
    func branches() throws {
        let one = try project("one", "--with-counter", "--branches", "4", "--stem", "0.34")
        let two = try project("two", "--with-counter", "--like", one.folder!)
        let digest = try one.json("train")["state_digest"] as? String
        #expect(try two.json("train", "--workers", "3")["state_digest"] as? String == digest)
        let victim = try #require(try rows(one)[12]?.first)
        let deleted = try one.json(["delete", "--ids", "-", "--interim", folder.file("interim.safetensors")], input: victim)
        #expect(deleted["exact_by_construction"] as? Bool == true && deleted["branches_touched"] as? [Int] == [4] && (deleted["blocks_retrained"] as? Int ?? 9) <= 2)
        let values = try two.json("value", "--players", "blocks", "--estimator", "loo", "--workers", "2")
        #expect((values["players"] as? [Any])?.count == 12)
    }

    @Test("Numbers of every type are trained on, and replayed with the same bits", arguments: ["BF16", "F16", "F64"])
    func types(dtype: String) throws {
        let program = try project("typed", "--dtype \(dtype) --with-counter"), trained = try program.json("train")
        #expect((trained["test_accuracy"] as? Double ?? 0) > 0.6)
        let victim = try #require(try rows(program)[5]?.first)
        let deleted = try program.json(["delete", "--ids", "-", "--method", "exact"], input: victim)
        #expect(deleted["exact"] as? Bool == true)
        #expect(try program.json("audit")["agreement_exact"] as? Double == 1)
        let model = folder.file("model.safetensors")
        try program.json("export", "--out", model)
        let header = String(decoding: try #require(FileManager.default.contents(atPath: model)).prefix(3000), as: UTF8.self)
        #expect(header.contains(#""dtype":"\#(dtype)""#) && header.contains(#""dtype":"I64""#))
    }

    @Test("A model without classes is scored by its loss")
    func losses() throws {
        let program = try project("loss", "--fault loss")
        let trained = try program.run("train", "--json")
        #expect((try trained.json()["test_loss"] as? Double ?? 9) < 1)
        // Another process, which asks the program for no scores, says the same.
        for trained in [try trained.json(), try program.json("train")] { #expect(trained["test_accuracy"] is NSNull) }
        #expect(try program.run("train").output.contains("(the model has no classes)"))
        let deleted = try program.json("delete", "--ids", "-", "--dry-run", "--ignore-missing", "--ignore-unknown", input: "0\n1\n2")
        #expect(deleted["test_accuracy"] is NSNull && deleted["test_accuracy_before"] is NSNull)
        #expect(try program.run("evaluate").output.contains("of a model that has no classes"))
    }

    @Test("What a program does wrong before anything is made is one line, and leaves nothing", arguments: [
        ("crash@hello", 1, "it said last: out of luck"), ("kill@describe", 1, "signal 9"), ("garbage@hello", 1, "no message of the protocol"), ("turn@describe", 1, "answered request 3"),
        ("error@describe", 1, "cannot describe its tensors: no memory left"), ("fork@hello", 1, "ended (status 0)"), ("protocol", 2, "version 9"), ("hang@hello", 1, "no sign of life"),
    ])
    func badStart(fault: String, status: Int, words: String) throws {
        let program = Program(folder: folder.file("bad"), environment: ["UNLEARN_TRAINER_PATIENCE": fault.hasPrefix("hang") ? "1" : "60"])
        let result = try initialise(program, TestPrograms.trainer("--fault \(fault)"))
        #expect(result.status == status && result.errors.contains(words), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: program.folder! + "/catalogue.sqlite"))
    }

    @Test("What it does wrong later changes nothing, and the same command with a sound one goes on", arguments: [
        ("kill@train", "signal 9"), ("kill@score", "signal 9"), ("kill@describe", "signal 9"), ("kill@hello", "signal 9"), ("crash@train", "out of luck"), ("garbage@score", "no message of the protocol"),
        ("error@train", "cannot train block"), ("nothing@train", "no file was written"), ("extra", "a tensor 'more' that was not described"), ("nan", "tensor 'weight' holds nan"),
        ("frozen", "left tensor 'weight' as it was"), ("scores", "which must be F32"), ("layout", "is not the one that the project was made with"), ("hang@train", "no sign of life"),
    ])
    func badLater(fault: String, words: String) throws {
        let trained = try Self.trained.get(), victim = trained.victim
        var program = Program(folder: folder.file("later"))
        try FileManager.default.copyItem(atPath: trained.program, toPath: program.folder!)
        program.environment = ["UNLEARN_TRAINER": TestPrograms.trainer("--fault \(fault)"), "UNLEARN_TRAINER_PATIENCE": fault.hasPrefix("hang") ? "1" : "60"]
        let failed = try program.run(["delete", "--ids", "-", "--json"], input: victim)
        #expect(failed.status == (fault == "layout" ? 2 : 1) && failed.errors.contains(words), "\(failed.errors)")
        program.environment = [:]
        #expect(try program.json("status")["state_digest"] as? String == trained.digest)
        #expect(try program.json(["delete", "--ids", "-"], input: victim)["method"] as? String == "exact")
    }

    @Test("A program that gives other bits the second time is found out, and what it retrains is never called exact", arguments: ["random", "memory"])
    func unrepeatable(fault: String) throws {
        let program = try project("dice", "--fault \(fault)")
        try program.json("train")
        #expect(try program.run("status").output.contains("does not give the same bits twice"))
        let victim = try #require(try rows(program)[4]?.first), result = try program.run(["delete", "--ids", "-"], input: victim)
        #expect(result.status == 0 && result.output.contains("retrained 9 of 12 blocks by your program, which does not give the same bits twice"), "\(result.output)")
        #expect(!result.output.contains("forgotten exactly"))
        let certificate = folder.file("dice.json")
        try program.json("certificate", "1", "--out", certificate)
        let verified = try Program().run("verify-certificate", certificate)
        #expect(verified.status == 0 && verified.output.contains("by a program that does not give the same bits twice: as by a training without the rows"), "\(verified.output)")
        let probed = try program.run("probe", "--points", "1", "--determinism", "--json"), isDeterministic = try probed.json()["deterministic"] as? Bool
        #expect(probed.status == 3 && isDeterministic == false)
    }

    @Test("Workers that are not alike do not work side by side")
    func otherWorkers() throws {
        let program = try project("workers", "--fault worker", "--branches", "4"), result = try program.run("train", "--workers", "2")
        #expect(result.status == 3 && result.errors.contains("worker 1 would give other bits than the first one: arithmetic is '1' here and was '0'"), "\(result.errors)")
        #expect(try program.run("train").status == 0)
    }

    @Test("Files that a command names are watched, however they are named")
    func watchedFiles() throws {
        let file = try folder.write("1", to: "some settings.json")
        let program = Program(folder: folder.file("watched"))
        #expect(try program.run(["init", "--data", "csv:\(table)", "--label-column", "kind", "--ignore-columns", "name", "--trainer", "env SETTINGS='\(file)' \(TestPrograms.trainer())", "--blocks", "4"]).status == 0)
        try program.json("train")
        try FileManager.default.removeItem(atPath: file)
        try folder.write("2", to: "some settings.json")
        let changed = try program.run(["delete", "--ids", "-"], input: "3")
        #expect(changed.status == 3 && changed.errors.contains("file some settings.json is"), "\(changed.errors)")
    }

    @Test("Ctrl-C is heard though the program never stops talking")
    func flood() throws {
        var program = try project("flood")
        let sign = folder.file("talks")
        program.environment = ["UNLEARN_TRAINER": TestPrograms.trainer("--fault flood@train"), "TRAINER_TALKS": sign]
        let process = try program.start("train")
        while !FileManager.default.fileExists(atPath: sign), process.isRunning { usleep(10_000) }
        process.interrupt()
        process.waitUntilExit()
        #expect(process.terminationStatus == 130)
    }

    @Test("An exported file whose numbers lie between two steps, or with bytes behind them, is not the model that was certified")
    func alteredModels() throws {
        let program = try project("altered")
        try program.json("train")
        try program.json(["delete", "--ids", "-"], input: try #require(try rows(program)[4]?.first))
        let certificate = folder.file("certificate.json"), model = folder.file("model.safetensors")
        try program.json("certificate", "1", "--out", certificate)
        try program.json("export", "--out", model)
        let bytes = try #require(FileManager.default.contents(atPath: model))
        var low = bytes
        low[low.count - 4] ^= 1
        for (name, altered) in [("low.safetensors", low), ("long.safetensors", bytes + [0, 0, 0, 0])] {
            let path = folder.file(name)
            try altered.write(to: URL(fileURLWithPath: path))
            let verified = try Program().run("verify-certificate", certificate, "--model", path)
            #expect(verified.status == 2 && verified.errors.contains("it is not this project's model"), "\(verified.errors)")
        }
        #expect(try Program().run("verify-certificate", certificate, "--model", model).status == 0)
    }

    @Test("One whose facts have changed since is asked for no bits that it cannot give")
    func otherFacts() throws {
        var program = try project("facts")
        try program.json("train")
        let victim = try #require(try rows(program)[2]?.first)
        program.environment = ["UNLEARN_TRAINER": TestPrograms.trainer("--fault facts")]
        let refused = try program.run(["delete", "--ids", "-"], input: victim)
        #expect(refused.status == 3 && refused.errors.contains("arithmetic is '2' here and was '1'") && refused.errors.contains("start the program as it was"), "\(refused.errors)")
        let done = try program.json(["delete", "--ids", "-", "--approximate"], input: victim)
        #expect(done["exact"] as? Bool == false)
    }

    @Test("Options of built-in networks are not for it, and one of the two is trained")
    func options() throws {
        for (more, words) in [(["--momentum", "0.9"], "--momentum is for built-in networks"), (["--model", "mlp"], "give one of them")] {
            let result = try Program(folder: folder.file("options")).run(
                ["init", "--data", "csv:\(table)", "--label-column", "kind", "--trainer", TestPrograms.trainer()] + more)
            #expect(result.status == 2 && result.errors.contains(words), "\(result.errors)")
        }
        let empty = try initialise(Program(folder: folder.file("empty")), "  ")
        #expect(empty.status == 2 && empty.errors.contains("--trainer is empty"))
    }

    @Test("What passes between the two lies in memory, and is gone with them, however they end")
    func leftovers() throws {
        // A folder that is in no memory is not used: rows would reach the drive.
        let refused = try initialise(Program(folder: folder.file("drive"), environment: ["UNLEARN_MEMORY": "/proc"]), TestPrograms.trainer())
        #expect(refused.status == 2 && refused.errors.contains("no file system in memory can be written to (/proc)"), "\(refused.errors)")
        // One of its own, in which no other test's projects are trained.
        let memory = "/dev/shm/unlearn-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: memory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: memory) }
        func left() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: memory) }
        var program = Program(folder: folder.file("memory"), environment: ["UNLEARN_MEMORY": memory])
        #expect(try initialise(program, TestPrograms.trainer()).status == 0 && left() == [])
        #expect(try program.run("train").status == 0 && left() == [])
        program.environment["UNLEARN_TRAINER"] = TestPrograms.trainer("--fault kill@score")
        #expect(try program.run("evaluate").status == 1 && left() == [])
        let sign = folder.file("talks")
        program.environment["UNLEARN_TRAINER"] = TestPrograms.trainer("--fault flood@score")
        program.environment["TRAINER_TALKS"] = sign
        for signal in [SIGINT, SIGKILL] {
            try? FileManager.default.removeItem(atPath: sign)
            let process = try program.start("evaluate")
            while !FileManager.default.fileExists(atPath: sign), process.isRunning { usleep(10_000) }
            kill(process.processIdentifier, signal)
            process.waitUntilExit()
            #expect(try signal == SIGKILL || (process.terminationStatus == 130 && left() == []))
        }
        // What a killed one left goes with the next command on the project, whether or not it trains.
        #expect(try program.run("status").status == 0 && left() == [])
    }
}
