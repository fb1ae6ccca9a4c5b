import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Jobs for clusters")
struct JobsTests {
    private let folder: TemporaryFolder
    private let table: String

    init() throws {
        folder = try TemporaryFolder()
        var random = SeededGenerator(11)
        let rows = (0..<240).map { row in
            let kind = row % 3, numbers = (0..<4).map { _ in String(format: "%.3f", Float.random(in: -1...1, using: &random) + Float(kind)) }
            return "p\(row),\(numbers.joined(separator: ",")),\("xyz".map(String.init)[kind]),clinic \(row % 4)\n"
        }
        table = try folder.write("name,a,b,c,d,kind,from\n" + rows.joined(), to: "rows.csv")
    }

    private func project(_ name: String, _ more: String...) throws -> Program {
        let program = Program(folder: folder.file(name))
        let made = try program.run(["init", "--data", "csv:\(table)", "--id-column", "name", "--label-column", "kind", "--group-column", "from", "--model", "mlp", "--hidden", "8", "--epochs", "2"] + more)
        #expect(made.status == 0, "\(made.errors)")
        return program
    }

    private func names(_ path: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }

    @Test("Branches that are trained by jobs, in any order, have the bits of one process, and nothing is left of the copy", arguments: ["--model mlp --hidden 8", "--model logistic", "program"])
    func branches(model: String) throws {
        let isProgram = model == "program"
        func project(_ name: String, _ more: String...) throws -> Program {
            let program = Program(folder: folder.file(name)), trainer = isProgram ? ["--trainer", TestPrograms.trainer("--with-counter")] : model.split(separator: " ").map(String.init)
            let made = try program.run(["init", "--data", "csv:\(table)", "--id-column", "name", "--label-column", "kind", "--group-column", "from", "--epochs", "2"] + trainer + more)
            #expect(made.status == 0, "\(made.errors)")
            return program
        }
        let one = try project("one", "--branches", "3", "--blocks", "12"), two = try project("two", "--like", one.folder!)
        let digest = try one.json("train")["state_digest"] as? String, jobs = folder.file("jobs")
        let planned = try two.json("jobs", "plan", "branches", "--out", jobs)
        #expect(planned["jobs"] as? Int == 3)
        let list = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: jobs + "/plan.json"))) as? [String: Any])
        #expect((list["jobs"] as? [[String: Any]])?.map { $0["command"] as? String } == (1...3).map { "unlearn jobs run \($0) --in \(jobs)" })
        #expect(try two.json("status")["working_copies"] as? [String] == [jobs])
        for job in ["3", "1"] { #expect(try Program().json("jobs", "run", job, "--in", jobs)["computed"] as? [Int] == [Int(job)!]) }
        // The same bytes whenever they are computed, and a job that is done is left alone.
        let result = jobs + "/results/job-1", bytes = FileManager.default.contents(atPath: result)
        #expect(try Program().json("jobs", "run", "1", "--in", jobs)["computed"] as? [Int] == [])
        try FileManager.default.removeItem(atPath: result)
        #expect(try Program().json("jobs", "run", "all", "--in", jobs)["computed"] as? [Int] == [1, 2])
        #expect(FileManager.default.contents(atPath: result) == bytes)
        let collected = try two.json("jobs", "collect", "--in", jobs)
        #expect(collected["state_digest"] as? String == digest && collected["removed"] as? Bool == true)
        #expect(!FileManager.default.fileExists(atPath: jobs))
        let status = try two.json("status")
        #expect(status["state_digest"] as? String == digest && status["working_copies"] as? [String] == [] && status["exact"] as? Bool == true)
        #expect(try two.run("check", "--read-data").status == 0)
        #expect(try two.json(["delete", "--group", "clinic 2"])["exact"] as? Bool == true)
        #expect(try two.json("audit")["verdict"] as? String == "exact")
    }

    @Test("Some branches can be collected before the others, and train goes on with what is missing")
    func halves() throws {
        let one = try project("one", "--branches", "3", "--blocks", "12"), two = try project("two", "--like", one.folder!), jobs = folder.file("jobs")
        let digest = try one.json("train")["state_digest"] as? String
        try two.json("jobs", "plan", "branches", "--out", jobs)
        try Program().json("jobs", "run", "2", "--in", jobs)
        let half = try two.json("jobs", "collect", "--in", jobs)
        #expect(half["done"] as? Int == 1 && half["state_digest"] == nil && half["removed"] as? Bool == false)
        #expect(try two.json("train")["state_digest"] as? String == digest)
        // What was trained meanwhile is not taken in again.
        try Program().json("jobs", "run", "all", "--in", jobs)
        #expect(try two.run("jobs", "collect", "--in", jobs).output.contains("0 blocks taken in; all branches are trained"))
    }

    @Test("A deletion between planning and collecting is told of the copy, and what learnt from the rows is refused")
    func deletion() throws {
        let program = try project("one", "--branches", "3", "--blocks", "12"), jobs = folder.file("jobs")
        try program.json("jobs", "plan", "branches", "--out", jobs)
        try Program().json("jobs", "run", "all", "--in", jobs)
        let rows = try #require(try program.json(["where", "--ids", "-"], input: (0..<240).map { "p\($0)" }.joined(separator: "\n"))["rows"] as? [[String: Any]])
        let ofBranch = try #require(rows.first { $0["part"] as? String == "train" && $0["block"] as! Int > 9 }), id = try #require(ofBranch["id"] as? String)
        let deleted = try program.run(["delete", "--ids", "-", "--yes"], input: id)
        #expect(deleted.status == 0 && deleted.output.contains("NOT reached: the working copy in \(jobs)"), "\(deleted.output)\(deleted.errors)")
        let collected = try program.json("jobs", "collect", "--in", jobs)
        #expect(collected["refused"] as? [Int] == [3] && collected["state_digest"] == nil && !FileManager.default.fileExists(atPath: jobs))
        let twin = try project("twin", "--like", program.folder!, "--exclude", folder.write(id, to: "excluded"))
        #expect(try program.json("train")["state_digest"] as? String == (try twin.json("train")["state_digest"] as? String))
        #expect(try program.json("status")["working_copies"] as? [String] == [])
    }

    @Test("Reference models that learnt from rows deleted meanwhile are refused, and nobody deletes from a copy")
    func stale() throws {
        let program = try project("one", "--blocks", "4"), jobs = folder.file("jobs")
        try program.json("train")
        let rows = try #require(try program.json(["where", "--ids", "-"], input: (0..<240).map { "p\($0)" }.joined(separator: "\n"))["rows"] as? [[String: Any]])
        let ids = rows.filter { $0["part"] as? String == "train" }.map { $0["id"] as! String }
        try program.json("jobs", "plan", "references", "--cases", folder.write(ids[0], to: "cases"), "--out", jobs)
        let write = try Program(folder: jobs + "/copy").run(["delete", "--ids", "-", "--yes"], input: ids[1])
        #expect(write.status == 2 && write.errors.contains("is a working copy for jobs, which nobody writes to"), "\(write.errors)")
        try Program().json("jobs", "run", "all", "--in", jobs)
        try program.json(["delete", "--ids", "-"], input: ids[1])
        let page = folder.file("page.html")
        try program.json("report", "--request", "1", "--out", page)
        #expect(try String(contentsOfFile: page, encoding: .utf8).contains("Collect the jobs of the working copy"))
        let collected = try program.run("jobs", "collect", "--in", jobs)
        #expect(collected.status == 2 && collected.errors.contains("rows were deleted since the jobs of"), "\(collected.errors)")
    }

    @Test("Copies that were moved, lost or cut off are cleared, and nobody else's folder is touched")
    func leftovers() throws {
        let files = FileManager.default, program = try project("one", "--branches", "2", "--blocks", "4"), other = try project("other", "--branches", "2", "--blocks", "4")
        func copies() throws -> [String]? { try program.json("status")["working_copies"] as? [String] }
        func plan(_ name: String) throws -> String {
            try program.json("jobs", "plan", "branches", "--out", folder.file(name))
            return folder.file(name)
        }
        // Moved: it is known by what lies in it.
        let moved = try plan("moved")
        try files.moveItem(atPath: moved, toPath: folder.file("elsewhere"))
        #expect(try other.run("jobs", "remove", "--in", folder.file("elsewhere")).errors.contains("collect where the jobs were planned"))
        try program.json("jobs", "remove", "--in", folder.file("elsewhere"))
        #expect(try copies() == [] && !files.fileExists(atPath: folder.file("elsewhere")))
        // Lost, and cut off while it was destroyed: the project lists it.
        let lost = try plan("lost")
        try files.removeItem(atPath: lost)
        #expect(try copies() == [lost])
        #expect(try program.json("jobs", "remove", "--in", folder.file("./lost/"))["removed"] as? Bool == false)
        // A duplicate that is removed leaves the other one listed.
        let planned = try plan("planned")
        try files.copyItem(atPath: planned, toPath: folder.file("duplicate"))
        #expect(try program.json("jobs", "remove", "--in", folder.file("duplicate"))["removed"] as? Bool == true)
        #expect(try copies() == [planned])
        try program.json("jobs", "remove", "--in", planned)
        let cut = try plan("cut")
        try files.removeItem(atPath: cut + "/copy/catalogue.sqlite")
        try program.json("jobs", "remove", "--in", cut)
        #expect(try copies() == [] && !files.fileExists(atPath: cut))
        // A project in a folder of that name is no copy.
        try files.createDirectory(atPath: folder.file("backup"), withIntermediateDirectories: true)
        try files.copyItem(atPath: program.folder!, toPath: folder.file("backup/copy"))
        for force in [[], ["--force"]] {
            #expect(try program.run(["jobs", "remove", "--in", folder.file("backup")] + force).errors.contains("is a project, and no working copy"))
        }
        #expect(try Program(folder: folder.file("backup/copy")).run("check").status == 0)
        #expect(try program.run("jobs", "plan", "branches", "--out", program.folder! + "/jobs").errors.contains("lies in the project in"))
        // Without its project only who insists destroys it.
        let orphan = try plan("orphan")
        #expect(try Program(folder: folder.file("nowhere")).run("jobs", "remove", "--in", orphan).status == 10)
        #expect(try Program(folder: folder.file("nowhere")).run("jobs", "remove", "--in", orphan, "--force").status == 0)
        #expect(!files.fileExists(atPath: orphan))
    }

    @Test("Values of a valuation that jobs share are those of one process", arguments: ["groups", "players.csv"])
    func values(players: String) throws {
        let program = try project("one", "--blocks", "4"), jobs = folder.file("jobs"), report = folder.file("report")
        try program.json("train")
        let named = players == "groups" ? players : try folder.write("player,id\n" + (0..<30).map { "team \($0 % 3),p\($0)\n" }.joined(), to: players)
        // Not all of these are training rows: those of tests are nobody's to value.
        let rows = try #require(try program.json(["where", "--ids", "-"], input: (0..<240).map { "p\($0)" }.joined(separator: "\n"))["rows"] as? [[String: Any]])
        if named != "groups" {
            let training = rows.filter { $0["part"] as? String == "train" }.prefix(30).enumerated().map { "team \($0 % 3),\($1["id"]!)\n" }
            _ = try folder.write("player,id\n" + training.joined(), to: players)
        }
        func values(_ report: [String: Any]) throws -> [Double] { try #require(report["players"] as? [[String: Any]]).map { $0["value"] as! Double } }
        try program.json("jobs", "plan", "values", "--players", named, "--jobs", "3", "--out", jobs)
        for job in ["2", "3", "1"] { try Program().json("jobs", "run", job, "--in", jobs) }
        let collected = try program.json("jobs", "collect", "--in", jobs, "--out", report, "--pool", "100")
        let alone = try program.json("value", "--players", named)
        #expect(try values(collected) == values(alone) && collected["v_all"] as? Double == alone["v_all"] as? Double)
        #expect(try names(report).contains("statement.json") && !FileManager.default.fileExists(atPath: jobs))
    }

    @Test("Reference models that jobs train are those of projects that never saw the rows")
    func references() throws {
        let program = try project("one", "--blocks", "4", "--assignment-seed", "3"), jobs = folder.file("jobs"), out = folder.file("models")
        try program.json("train")
        let rows = try #require(try program.json(["where", "--ids", "-"], input: (0..<240).map { "p\($0)" }.joined(separator: "\n"))["rows"] as? [[String: Any]])
        let ids = rows.filter { $0["part"] as? String == "train" }.map { $0["id"] as! String }
        try program.json("jobs", "plan", "references", "--cases", folder.write("\(ids[0])\t\(ids[9])\n\(ids[20])\n", to: "cases"), "--out", jobs)
        try Program().json("jobs", "run", "all", "--in", jobs)
        // Models that are written nowhere are not destroyed.
        #expect(try program.json("jobs", "collect", "--in", jobs)["removed"] as? Bool == false && FileManager.default.fileExists(atPath: jobs))
        let references = try #require(try program.json("jobs", "collect", "--in", jobs, "--out", out)["references"] as? [[String: Any]])
        let twin = try project("twin", "--like", program.folder!, "--exclude", folder.write("\(ids[0])\n\(ids[9])\n", to: "excluded"))
        #expect(try twin.json("train")["state_digest"] as? String == references[0]["state_digest"] as? String)
        #expect(try names(out) == ["reference-1.safetensors", "reference-2.safetensors"])
        let own = try #require(try program.json("status")["state_digest"] as? String), second = try #require(references[1]["state_digest"] as? String)
        #expect(own != second)
    }

    @Test("What is wrong is one line, and nothing is lost", arguments: [
        (["jobs"], "needs one of plan, run, collect, remove"), (["jobs", "steal"], "takes plan, run, collect or remove, not 'steal'"), (["jobs", "plan", "branch", "--out", "OUT"], "did you mean 'branches'?"), (["jobs", "plan", "branches"], "--out"),
        (["jobs", "plan", "references", "--out", "OUT"], "--cases"), (["jobs", "plan", "branches", "--cases", "x", "--out", "OUT"], "is for 'jobs plan references'"),
        (["jobs", "plan", "branches", "--players", "blocks", "--out", "OUT"], "is for 'jobs plan values'"), (["jobs", "plan", "values", "--orders", "2", "--out", "OUT"], "leave out --orders"),
        (["jobs", "run", "1", "--in", "NOWHERE"], "no jobs in"), (["jobs", "run", "4", "--in", "JOBS"], "has jobs 1 to 3"), (["jobs", "run", "0", "--in", "JOBS"], "takes a job's number"),
        (["jobs", "run", "1", "2", "--in", "JOBS"], "the number of one job"), (["jobs", "collect", "--in", "JOBS", "--pool", "9"], "--pool is for jobs of a valuation"),
        (["jobs", "plan", "branches", "--out", "JOBS"], "holds something already"), (["jobs", "collect", "--in", "JOBS", "--out", "OUT"], "--out is for reports"),
        (["jobs", "remove", "--in", "NOWHERE"], "no jobs in"), (["jobs", "collect", "--in", "JOBS", "--out", "JOBS/results"], "--out is for reports"), (["jobs", "run", "1", "--out", "OUT", "--in", "JOBS"], "leave it out of 'jobs run'"),
    ])
    func wrong(words: [String], message: String) throws {
        let shared = try Self.planned.get()
        let names = ["JOBS": shared.jobs, "OUT": folder.file("out"), "NOWHERE": folder.file("nowhere")]
        let result = try Program(folder: shared.program).run(words.map { names[$0] ?? $0 })
        #expect(result.status == 2 && result.errors.contains(message), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
    }

    /// A project with planned jobs, made once and only read.
    nonisolated(unsafe) private static let planned = Result {
        let tests = try JobsTests(), program = try tests.project("planned", "--branches", "3", "--blocks", "12"), jobs = tests.folder.file("jobs")
        try program.json("jobs", "plan", "branches", "--out", jobs)
        return (folder: tests.folder, program: program.folder!, jobs: jobs)
    }

    @Test("A result or a plan that somebody changed is noticed, and a chain has no branches to spread")
    func tampering() throws {
        let program = try project("one", "--branches", "2", "--blocks", "4"), jobs = folder.file("jobs")
        try program.json("jobs", "plan", "branches", "--out", jobs)
        try Program().json("jobs", "run", "all", "--in", jobs)
        let first = jobs + "/results/job-1", second = jobs + "/results/job-2"
        try FileManager.default.removeItem(atPath: first)
        try FileManager.default.copyItem(atPath: second, toPath: first)
        let collected = try program.run("jobs", "collect", "--in", jobs)
        #expect(collected.status == 4 && collected.errors.contains("is not what job 1 of this folder wrote"), "\(collected.errors)")
        let other = try project("other", "--branches", "2", "--blocks", "4")
        #expect(try other.run("jobs", "collect", "--in", jobs).errors.contains("collect where the jobs were planned"))
        let chain = try project("chain", "--blocks", "3").run("jobs", "plan", "branches", "--out", folder.file("more"))
        #expect(chain.status == 2 && chain.errors.contains("the project is a chain"), "\(chain.errors)")
    }
}
