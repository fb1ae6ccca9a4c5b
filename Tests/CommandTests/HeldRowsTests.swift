import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Rows that only the trainer holds")
struct HeldRowsTests {
    private let folder: TemporaryFolder
    private let store: String

    init() throws {
        folder = try TemporaryFolder()
        store = folder.file("held")
        try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
    }

    private static let labels = "xyz".map(String.init)

    /// Rows as files of numbers, and the manifest that names them.
    private func manifest(_ rows: Range<Int> = 0..<120, labelled: Bool = true, to name: String = "manifest.csv") throws -> String {
        var random = SeededGenerator(UInt64(rows.lowerBound))
        let lines = try rows.map { row in
            let numbers = (0..<4).map { _ in String(format: "%.3f", Float.random(in: -1...1, using: &random) + Float(row % 3)) }
            _ = try folder.write(numbers.joined(separator: " "), to: "held/row-\(row).txt")
            return "person \(row)\(labelled ? ",\(Self.labels[row % 3])" : ""),provider \(row % 4),row-\(row).txt\n"
        }
        return try folder.write("id\(labelled ? ",label" : ""),group,locator\n" + lines.joined(), to: name)
    }

    private func trainer(_ fault: String = "") -> String { TestPrograms.trainer("--holding \(store)\(fault.isEmpty ? "" : " --fault \(fault)")") }

    private func project(_ name: String, _ manifest: String, _ more: String..., fault: String = "") throws -> Program {
        let program = Program(folder: folder.file(name))
        let made = try program.run(["init", "--data", "manifest:\(manifest)", "--trainer", trainer(fault), "--blocks", "6", "--assignment-seed", "1"] + more)
        #expect(made.status == 0, "\(made.errors)")
        return program
    }

    /// Ids of live training rows, in order.
    private func trained(_ program: Program) throws -> [String] {
        let rows = try #require(try program.json(["where", "--ids", "-"], input: (0..<120).map { "person \($0)" }.joined(separator: "\n"))["rows"] as? [[String: Any]])
        return rows.filter { $0["part"] as? String == "train" }.map { $0["id"] as! String }
    }

    private func isHeld(_ id: String) -> Bool { FileManager.default.fileExists(atPath: "\(store)/row-\(id.split(separator: " ")[1]).txt") }

    @Test("A deletion orders the trainer to erase the rows, and evidence says ordered and acknowledged, never erased here")
    func life() throws {
        let program = try project("whole", manifest()), ids = try trained(program), victims = [ids[3], ids[40]]
        let twin = try project("twin", folder.file("manifest.csv"), "--exclude", folder.write(victims.joined(separator: "\n"), to: "victims"))
        try program.json("train")
        #expect(try program.run("status").output.contains("rows that the trainer alone holds"))
        let digest = try twin.json("train")["state_digest"] as? String
        #expect(victims.allSatisfy(isHeld))
        let deleted = try program.json(["delete", "--ids", "-", "--method", "exact"], input: victims.joined(separator: "\n"))
        #expect(deleted["state_digest"] as? String == digest && deleted["outcome"] as? String == "done")
        #expect((deleted["erasure_orders"] as? [String: Any])?["acknowledged"] as? [String] == ["R1"])
        #expect(!victims.contains(where: isHeld) && isHeld(ids[4]))
        #expect(try program.json("audit")["verdict"] as? String == "exact")

        let certificate = folder.file("certificate.json"), model = folder.file("model.safetensors"), page = folder.file("page.html")
        try program.json("certificate", "1", "--out", certificate)
        try program.json("export", "--out", model)
        let verified = try Program().run("verify-certificate", certificate, "--model", model)
        #expect(verified.status == 0 && verified.output.contains("2 rows were ordered to be erased, and are forgotten exactly, by R1"), "\(verified.output)\(verified.errors)")
        #expect(verified.output.contains("(a) 2 rows: erasure ordered of the trainer, acknowledged at 2") && verified.output.contains("is the model right after the request"))
        let claims = try Program().json("verify-certificate", certificate)
        #expect((claims["erasure_ordered"] as? String)?.contains("acknowledged at") == true)
        try program.json("report", "--request", "1", "--out", page)
        let text = try String(contentsOfFile: page, encoding: .utf8)
        #expect(text.contains("was ordered of the trainer, which alone holds them, and acknowledged on") && text.contains("the program has the trainer’s word") && !text.contains("rows were erased"))
        #expect(try program.run("log", "--request", "1").output.contains("the trainer said that it had erased the rows"))
        #expect(try program.run("check", "--read-data").status == 0)
        let predictions = try program.run("predict", "--data", "manifest:\(manifest(200..<210, to: "new.csv"))")
        #expect(predictions.status == 0 && predictions.output.split(separator: "\n").count == 11, "\(predictions.errors)")
        let refused = try program.run("reduce", "--keep", "10", "--out", folder.file("subset"))
        #expect(refused.status == 2 && refused.errors.contains("its trainer's alone"), "\(refused.errors)")
    }

    @Test("What the trainer does not acknowledge stays ordered, is told of, and is ordered again", arguments: ["error@forget", "kill@forget"])
    func unacknowledged(fault: String) throws {
        let program = try project("sound", manifest()), ids = try trained(program)
        try program.json("train")
        let faulty = Program(folder: program.folder!, environment: ["UNLEARN_TRAINER": trainer(fault)])
        let deleted = try faulty.json(["delete", "--ids", "-"], input: ids[3])
        let orders = try #require(deleted["erasure_orders"] as? [String: Any])
        #expect(deleted["outcome"] as? String == "owed" && orders["pending"] as? [String] == ["R1"] && (orders["reason"] as? String)?.isEmpty == false)
        #expect(isHeld(ids[3]))
        #expect(try program.json("status")["requests_to_acknowledge"] as? [String] == ["R1"])
        #expect(try (program.json("request", "list")["requests"] as? [[String: Any]])?.first?["erasure_pending"] as? Bool == true)
        #expect(try program.run("request", "list").output.contains("closed, erasure not acknowledged"))
        #expect(try program.run("request", "show", "R1").output.contains("the trainer has not acknowledged that it erased the rows"))
        let certificate = folder.file("early.json"), page = folder.file("early.html")
        try program.json("certificate", "1", "--out", certificate)
        #expect(try Program().run("verify-certificate", certificate).output.contains("not acknowledged yet"))
        try program.json("report", "--request", "1", "--out", page)
        #expect(try String(contentsOfFile: page, encoding: .utf8).contains("The rows are not erased yet, as far as is known."))
        let pages = folder.file("pages")
        try program.json("report", "--all", "--out", pages)
        let index = try String(contentsOfFile: pages + "/index.html", encoding: .utf8)
        #expect(index.contains("The trainer has not acknowledged that it erased the rows of R1") && index.contains("erasure ordered, NOT acknowledged") && !index.contains("Every request was carried out"))
        // Whoever names rows that are deleted has the order repeated, and so does a job at night.
        let again = try program.run("replay", "--due")
        #expect(again.status == 0 && again.output.contains("the trainer acknowledged that it has erased the rows of R1"), "\(again.output)\(again.errors)")
        #expect(!isHeld(ids[3]))
        #expect(try program.json("status")["requests_to_acknowledge"] as? [String] == [])
        #expect(try !program.run("request", "list").output.contains("not acknowledged"))
        #expect(try program.json("replay", "--due")["outcome"] as? String == "nothing-to-do")
        // The early certificate is still one of this ledger.
        #expect(try program.run("verify-certificate", certificate).status == 0)
    }

    @Test("Requests of one run, and rows of tests, are ordered to be erased one by one")
    func requests() throws {
        let program = try project("queue", manifest()), ids = try trained(program)
        try program.json("train")
        let test = try #require((0..<120).map { "person \($0)" }.first { !ids.contains($0) })
        try program.json(["request", "add", "--ids", "-"], input: "\(ids[5])\n\(test)")
        try program.json(["request", "add", "--ids", "-"], input: "\(ids[5])\n\(ids[6])")
        let run = try program.json("request", "run")
        #expect((run["erasure_orders"] as? [String: Any])?["acknowledged"] as? [String] == ["R1", "R2"])
        #expect(![ids[5], ids[6], test].contains(where: isHeld))
        for request in ["1", "2"] {
            let certificate = folder.file("R\(request).json")
            try program.json("certificate", request, "--out", certificate)
            #expect(try Program().run("verify-certificate", certificate).output.contains("(a) 2 rows: erasure ordered of the trainer, acknowledged at"))
        }
    }

    @Test("Rows without labels are scored by their loss, and more come later")
    func unlabelled() throws {
        let program = try project("loss", manifest(labelled: false), fault: "loss")
        try program.json("train")
        #expect(try program.run("evaluate").output.contains("of a model that has no classes"))
        let more = try program.json("append", "--data", "manifest:\(manifest(200..<240, labelled: false, to: "more.csv"))")
        #expect(more["rows"] as? Int == 40)
        try program.json("train")
        let deleted = try program.json(["delete", "--group", "provider 2"])
        #expect(deleted["rows_deleted"] as? Int == 40 && (0..<240).filter { $0 % 4 == 2 }.allSatisfy { !isHeld("person \($0)") })
    }

    @Test("A manifest that cannot be is refused by its line", arguments: [
        ("id,colour\na,red\n", "the column 'colour'"), ("group\na\n", "has no column 'id'"), ("id,id\na,b\n", "two columns 'id'"), ("id,label\na,x\nb\n", "line 3 has 1 fields, the header 2"),
        ("id,label\na,x\nb,\n", "line 3 has no label"), ("id,label\na,x\nb,x\n", "one label only"), ("id\n", "names no rows"), ("", "is empty"), ("id,label\na,x\n,y\n", "line 3 has no id"),
        ("id,label\na,x\na,y\nb,x\nc,y\nd,x\ne,y\nf,x\ng,y\nh,x\ni,y\n", "the id 'a' occurs twice"),
        ("id,locator\na,\(String(repeating: "l", count: 5000))\n", "has a locator of 5000 bytes"),
    ])
    func bad(text: String, words: String) throws {
        let program = Program(folder: folder.file("bad"))
        let result = try program.run("init", "--data", "manifest:\(folder.write(text, to: "bad.csv"))", "--trainer", trainer(), "--blocks", "2", "--holdout", "0.2")
        #expect(result.status == 2 && result.errors.contains(words), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: program.folder! + "/catalogue.sqlite"))
    }

    @Test("A built-in network cannot train what it does not have, and longer locators find no room")
    func misfits() throws {
        let network = try Program(folder: folder.file("network")).run("init", "--data", "manifest:\(manifest())", "--model", "mlp")
        #expect(network.status == 2 && network.errors.contains("names rows that only your trainer holds"), "\(network.errors)")
        let program = try project("held", folder.file("manifest.csv"))
        let long = try folder.write("id,label,locator\nnew,x,\(String(repeating: "l", count: 65))\n", to: "long.csv")
        let append = try program.run("append", "--data", "manifest:\(long)")
        #expect(append.status == 2 && append.errors.contains("a locator of 65 bytes, and rows of this project have room for 64"), "\(append.errors)")
        let array = try program.run("append", "--data", "libsvm:\(folder.write("1 1:2\n2 1:3\n", to: "rows.libsvm"))")
        #expect(array.status == 2, "\(array.errors)")
    }
}
