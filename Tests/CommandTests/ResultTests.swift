import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("What commands say and write")
struct ResultTests {
    @Test("Exports are their owner's alone in both formats, whatever the umask allows")
    func exportMode() throws {
        let data = try SmallData()
        let program = try data.initialise()
        try program.run("train")
        var careless = program
        careless.umask = "000"
        for name in ["model.npz", "model.safetensors"] {
            let path = data.folder.file(name)
            // Also where a file that others may read is replaced.
            for _ in 0..<2 {
                #expect(try careless.run("export", "--out", path, "--force").status == 0)
                #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600, "\(name)")
                try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            }
            #expect(!FileManager.default.fileExists(atPath: path + ".part"))
        }
    }

    @Test("compact tells the size that the closed project has on disk")
    func compact() throws {
        let data = try SmallData()
        let program = try data.initialise()
        try program.run("train")
        try program.run("delete", "--ids", "-", "--method", "stitch", input: "3\n")
        let bytes = try program.json("compact")["bytes"] as? Int
        let files = try FileManager.default.subpathsOfDirectory(atPath: #require(program.folder))
        let sizes = try files.map { name in
            let attributes = try FileManager.default.attributesOfItem(atPath: #require(program.folder) + "/" + name)
            return attributes[.type] as? FileAttributeType == .typeRegular ? attributes[.size] as? Int ?? 0 : 0
        }
        #expect(bytes == sizes.reduce(0, +), "\(files)")
    }

    @Test("Numbers come with the right words: one epoch, records that are larger than the few parameters in them")
    func words() throws {
        let folder = try TemporaryFolder()
        let table = try folder.write("a,label\n" + (0..<40).map { "\($0 % 7),\($0 % 2)\n" }.joined(), to: "table.csv")
        let program = Program(folder: folder.file("project"))
        let made = try program.run(
            "init", "--data", "csv:\(table)", "--label-column", "label", "--model", "logistic", "--blocks", "2", "--epochs", "1")
        #expect(made.output.contains(" 1 epoch a block,"), "\(made.output)")
        let trained = try program.run("train")
        let told = trained.output.contains(/checkpoints \d+\.\d kB, the start and every block, each with its head and padding: the model's 4 parameters alone take 16 bytes in fp32\n/)
        #expect(told, "\(trained.output)")
    }

    @Test("delete says what a damped stitch leaves, and nothing of it where it leaves none", arguments: ["0", "0.25", "1"])
    func remainder(damping: String) throws {
        let data = try SmallData()
        let program = try data.initialise()
        try program.run("train")
        let places = try program.json("where", "--ids", "-", input: (0..<100).map { "\($0)\n" }.joined())["rows"] as? [[String: Any]] ?? []
        // Early enough that a stitch comes before the end of the chain.
        let id = try #require(places.first { $0["block"] as? Int ?? 30 < 15 }?["id"] as? String)
        let result = try program.run(
            "delete", "--ids", "-", "--on-no-decay", "stitch", "--epsilon", "1e9", "--damping", damping, input: id + "\n")
        try #require(result.status == 0 && result.output.contains("stitched the rest back on"), "\(result)")
        let line = "\(damping == "0" ? "100.00" : "75.00") % of the gap that was removed stays in the chain; --damping 1 or --method exact leaves none\n"
        #expect(result.output.contains(line) == (damping != "1") && result.output.contains("stays in the chain") == (damping != "1"), "\(result.output)")
    }

    @Test("A dry run says what would become of the deleted rows, beside doing nothing and exact replay", arguments: ["auto", "l1"])
    func rowsInDryRun(damping: String) throws {
        let data = try SmallData()
        let program = try data.initialise()
        try program.run("train")
        let arguments = ["delete", "--ids", "-", "--dry-run", "--on-no-decay", "stitch", "--epsilon", "1e9", "--damping", damping]
        let report = try program.run(arguments + ["--json"], input: "5\n").json()
        let margin = try #require(report["margin"] as? [String: Any]), memory = try #require(report["row_memory"] as? [Double])
        #expect(memory.count == ((report["residual"] as? [Double])?.count ?? 0) + 1 && margin["before"] is Double && margin["after"] is Double)
        let text = try program.run(arguments, input: "5\n").output
        #expect(text.contains("on the deleted rows: log-odds of their label ") && text.contains("; doing nothing "), "\(text)")
    }

    @Test("Where nothing was retrained, audit, log and certificate say that there was no influence to remove")
    func noInfluence() throws {
        let data = try SmallData()
        let program = try data.initialise(in: "project", "--no-encryption")
        try program.run("train")
        try program.run("delete", "--ids", "-", input: "test:3\n")
        let audit = try program.json("audit")
        #expect(audit["verdict"] as? String == "no-influence" && audit["agreement_exact"] is NSNull && audit["accuracy"] is [String: Any])
        #expect(try program.run("audit").output == "R1: no trained block held the rows; there was no influence to remove, and nothing is compared\n")
        for words in [["log"], ["log", "--request", "R1"]] {
            let log = try program.run(words).output
            #expect(log.contains("no influence to remove") && log.contains("no-influence") && !log.contains("keys"), "\(log)")
        }
        let certificate = data.folder.file("R1.json")
        try program.run("certificate", "R1", "--out", certificate)
        let verified = try program.run("verify-certificate", certificate).output
        #expect(verified.contains("(b) 0 superseded checkpoints erased\n(c) no influence to remove: no trained block held the rows; model "), "\(verified)")
        #expect(!verified.contains("encrypted") && !verified.contains("its key\n"), "\(verified)")
    }

    @Test("What an earlier deletion is compared with is gone after the next, and audit says so")
    func laterDeletion() throws {
        let data = try SmallData()
        let program = try data.initialise()
        try program.run("train")
        for id in ["3", "4"] { try program.run("delete", "--ids", "-", "--method", "stitch", input: id + "\n") }
        let refused = try program.run("audit", "--request", "R1")
        #expect(refused.status == 2 && refused.errors.contains("a later deletion or replay destroyed what R1 is compared with"), "\(refused.errors)")
    }
}
