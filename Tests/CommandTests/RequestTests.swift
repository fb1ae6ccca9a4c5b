import Foundation
import TestSupport
import Testing

@Suite("The queue of requests: added when a letter comes, carried out in one run")
struct RequestTests {
    private let folder: TemporaryFolder
    private let program: Program

    init() throws {
        folder = try TemporaryFolder()
        program = try Self.project(in: folder, "project")
    }

    /// 160 rows in 4 blocks; of each of two providers half of them, of each of 40 people four.
    private static func project(in folder: TemporaryFolder, _ name: String, _ more: String...) throws -> Program {
        let program = Program(folder: folder.file(name))
        let rows = (0..<160).map { "row-\($0),\($0 % 7),\($0 % 4),\($0 % 7 > 3 ? "a" : "b"),\(["north", "south"][$0 % 2]),person \($0 / 4)\n" }
        let table = try folder.write("id,x,y,label,who,person\n" + rows.joined(), to: "table.csv")
        try program.json(
            ["init", "--data", "csv:\(table)", "--id-column", "id", "--label-column", "label", "--group-column", "who", "--person-column", "person", "--model", "logistic",
            "--blocks", "4", "--assignment-seed", "1"] + more)
        try program.json("train")
        return program
    }

    @discardableResult
    private func add(_ names: String, by way: String = "--ids", _ more: String...) throws -> [String: Any] {
        let told = try program.json(["request", "add", way, "-"] + more, input: names)
        return try #require((told["requests"] as? [[String: Any]])?.first)
    }

    private func state(_ request: String) throws -> String? { try one(request)["state"] as? String }

    private func one(_ request: String) throws -> [String: Any] {
        try #require((try program.json("request", "show", request)["requests"] as? [[String: Any]])?.first)
    }

    private func certificate(_ request: String) throws -> (json: [String: Any], path: String) {
        let path = folder.file(request + ".json")
        try program.json("certificate", request, "--out", path, "--force")
        return (try program.json("verify-certificate", path, "--public-key", folder.file("project/signing-key.pem")), path)
    }

    private func expect(_ result: Program.Result, _ status: Int32, _ words: String) {
        #expect(result.status == status && result.errors.contains(words), "\(result.status): \(result.errors)")
    }

    @Test("A request waits, is listed until it is due, and changes nothing before it is carried out")
    func waits() throws {
        let before = try program.json("status")
        let added = try add("row-4\nrow-5\nrow-5\n", "--ticket", "2026-114", "--received", "2026-11-12", "--due", "2099-01-31")
        #expect(added["request"] as? String == "R1" && added["state"] as? String == "received" && added["found"] as? Int == 2)
        #expect(added["received"] as? String == "2026-11-12T00:00:00Z" && added["due"] as? String == "2099-01-31" && added["ticket"] as? String == "2026-114")
        let after = try program.json("status")
        #expect(after["requests_waiting"] as? Int == 1 && after["next_due"] as? String == "2099-01-31" && after["requests"] as? Int == 0)
        #expect(after["rows_live"] as? Int == before["rows_live"] as? Int && after["state_digest"] as? String == before["state_digest"] as? String)
        #expect((try program.json("request", "list", "--due-within", "7d")["requests"] as? [Any])?.isEmpty == true)
        #expect((try program.json("request", "list", "--due-within", "36500")["requests"] as? [Any])?.count == 1)
        #expect(try program.run("status").output.contains("1 request waits, due 2099-01-31: 'unlearn request run' carries it out"))
        // Its own page says so, too.
        let page = folder.file("R1.html")
        try program.json("report", "--request", "R1", "--out", page)
        #expect(try String(contentsOfFile: page, encoding: .utf8).contains("Not carried out yet."))
        let row = try #require((try program.json(["where", "--ids", "-"], input: "row-4")["rows"] as? [[String: Any]])?.first)
        #expect(row["deleted"] as? Bool == false)
    }

    @Test("A month after it came a request is due by default, on the month's last day where it has no such day", arguments: [("2026-01-31", "2026-02-28"), ("2024-01-30", "2024-02-29"), ("2025-12-15", "2026-01-15")])
    func due(received: String, due: String) throws { #expect(try add("row-4", "--received", received)["due"] as? String == due) }

    @Test("One run carries out all that wait: the model is the one that one deletion of all their rows gives, and each has a certificate of its own")
    func run() throws {
        try add("row-4\nrow-9\n")
        try add("row-9\nrow-30\n", "--ticket", "B")
        try add("person 12", by: "--persons")
        // Nobody's.
        try program.json("request", "add", "--group", "east", "--ignore-unknown")
        let plan = try #require(try program.json("request", "run", "--plan")["plan"] as? [String: Any])
        #expect(plan["requests"] as? [String] == ["R1", "R2", "R3"] && plan["superseded"] as? [String] == ["R4"] && plan["rows"] as? Int == 7)
        #expect(try state("R1") == "received")

        let told = try program.json("request", "run")
        #expect(told["blocks_retrained"] as? Int == plan["blocks_retrained"] as? Int && plan["method"] as? String == told["method"] as? String)
        #expect((told["requests"] as? [[String: Any]])?.compactMap { $0["state"] as? String } == ["closed", "closed", "closed", "superseded"])
        #expect(told["outcome"] as? String == "done" && told["rows_deleted"] as? Int == 7)
        let reports = try #require(told["reports"] as? [[String: Any]])
        #expect(reports.map { $0["rows_deleted"] as? Int } == [2, 2, 4] && reports[1]["shared_with"] as? [String] == ["R1", "R3"])

        // Beside a deletion of the same rows at once, and a training that never saw them.
        let rows = ["row-4", "row-9", "row-30"] + (48..<52).map { "row-\($0)" }
        let other = try Self.project(in: folder, "other")
        let deleted = try other.json(["delete", "--ids", "-"], input: rows.joined(separator: "\n"))
        #expect(told["state_digest"] as? String == deleted["state_digest"] as? String)
        let naive = try Self.project(in: folder, "naive", "--exclude", try folder.write(rows.joined(separator: "\n"), to: "excluded"))
        #expect(told["state_digest"] as? String == (try naive.json("status")["state_digest"] as? String))

        for (request, name, count) in [("R1", "row-9", 2), ("R2", "row-9", 2), ("R3", "person 12", 4)] {
            let (verified, path) = try certificate(request)
            #expect(verified["rows_erased"] as? Int == count && verified["method"] as? String == "exact" && verified["state_digest"] as? String == told["state_digest"] as? String)
            let opened = try #require((try program.json(["opening", request, "--ids", "-"], input: name)["openings"] as? [[String: String]])?.first)
            let speaks = try program.run("verify-certificate", path, "--public-key", folder.file("project/signing-key.pem"), "--id", name, "--opening", try #require(opened["opening"]))
            #expect(speaks.status == 0, "\(speaks.errors)")
            // Of nobody else's.
            #expect(try program.run(["opening", request, "--ids", "-"], input: request == "R1" ? "row-30" : "row-4").status == 2)
        }
        expect(try program.run("certificate", "R4"), 2, "R4 erased nothing")
        #expect(try program.json("audit")["verdict"] as? String == "exact" && program.json("audit", "--request", "R2")["verdict"] as? String == "exact")
        #expect(try program.run("check", "--read-data").status == 0)
        #expect((try program.json("report", "--all", "--out", folder.file("pages"))["requests"] as? [[String: Any]])?.map { $0["outcome"] as? String } == ["exact", "exact", "exact", "superseded"])
    }

    @Test("Requests are carried out in any order, and what others erased meanwhile is said, row by row")
    func anyOrder() throws {
        try add("row-4\nrow-5\n")
        try add("row-5\nrow-6\n")
        try add("row-4\nrow-6\n")
        #expect(try program.json("request", "run", "R2")["rows_deleted"] as? Int == 2)
        #expect(try program.json(["delete", "--ids", "-"], input: "row-70")["request"] as? String == "R4")
        let later = try program.json("request", "run", "R1")
        #expect(later["rows_deleted"] as? Int == 1 && ((later["reports"] as? [[String: Any]])?.first?["erased_meanwhile"] as? [String: Int]) == ["R2": 1])
        let last = try program.json("request", "run")
        #expect(last["outcome"] as? String == "nothing-to-do" && (last["plan"] as? [String: Any])?["superseded"] as? [String] == ["R3"])
        #expect(try state("R3") == "superseded")
        #expect(try certificate("R1").json["rows_erased"] as? Int == 2)
        // The latest is the one that was carried out last, not the one that came last.
        let audit = try program.json("audit")
        #expect(audit["request"] as? String == "R1" && audit["later_requests"] as? Int == 0 && audit["verdict"] as? String == "exact")
        let records = try #require(try program.json("report", "--all")["requests"] as? [[String: Any]])
        #expect(records.map { $0["later_requests"] as? Int } == [0, 2, 0, 1])
        #expect(records[2]["erased_meanwhile"] as? [String: Int] == ["R1": 1, "R2": 1])
        let naive = try Self.project(in: folder, "naive", "--exclude", try folder.write("row-4\nrow-5\nrow-6\nrow-70\n", to: "excluded"))
        #expect(later["state_digest"] as? String == (try naive.json("status")["state_digest"] as? String))
        let nothing = try program.json("request", "run")
        #expect(nothing["outcome"] as? String == "nothing-to-do")
    }

    @Test("Exactness is owed to each request of a run that stitched, and to none whose rows nothing had learned from")
    func owed() throws {
        let program = Program(folder: folder.file("stitched"))
        let rows = (0..<900).map { "row-\($0),\(Double(($0 * 37) % 101) / 50 - 1),\(Double(($0 * 53) % 97) / 48 - 1),\(($0 * 37) % 101 > 50 ? "a" : "b")\n" }
        let table = try folder.write("id,x,y,label\n" + rows.joined(), to: "many.csv")
        try program.json(["init", "--data", "csv:\(table)", "--id-column", "id", "--label-column", "label", "--model", "logistic", "--blocks", "30", "--assignment-seed", "1"])
        try program.json("train")
        let places = try #require(try program.json(["where", "--ids", "-"], input: (0..<900).map { "row-\($0)" }.joined(separator: "\n"))["rows"] as? [[String: Any]])
        let early = try #require(places.filter { $0["part"] as? String == "train" && ($0["block"] as? Int ?? 0) <= 4 }.prefix(2).map { $0["id"] as? String })
        let test = try #require(places.first { $0["part"] as? String == "test" }?["id"] as? String)
        for id in early.compactMap({ $0 }) + [test] { try program.json(["request", "add", "--ids", "-"], input: id) }
        let told = try program.json("request", "run", "--on-no-decay", "stitch", "--epsilon", "1000")
        #expect(told["method"] as? String == "stitch" && told["outcome"] as? String == "owed")
        #expect(try program.json("status")["requests_owed"] as? [String] == ["R1", "R2"])
        #expect((told["reports"] as? [[String: Any]])?.map { $0["method"] as? String } == ["stitch", "stitch", "exact"])
        let record = try #require((try program.json("report", "--request", "R3")["requests"] as? [[String: Any]])?.first)
        #expect(record["outcome"] as? String == "no-influence")
        // A stitch on the same chain names those whose stitches lie there.
        let another = try program.json(["delete", "--ids", "-", "--on-no-decay", "stitch", "--epsilon", "1000"], input: try #require(places.first { $0["block"] as? Int == 20 && $0["part"] as? String == "train" }?["id"] as? String))
        #expect(another["earlier_stitches"] as? [String] == ["R1", "R2"])
        let replayed = try program.json("replay", "--due")
        #expect(replayed["requests_settled"] as? [String] == ["R1", "R2", "R4"] && replayed["outcome"] as? String == "done")
        #expect(try program.json("replay", "--due")["outcome"] as? String == "nothing-to-do")
        let path = folder.file("settled.json")
        try program.json("certificate", "R1", "--out", path)
        #expect(try program.json("verify-certificate", path)["settled_by"] as? String == "R5")
    }

    @Test("A request that waits can be withdrawn, and nothing else can")
    func withdrawn() throws {
        try add("row-4")
        try add("row-5")
        #expect((try program.json("request", "withdraw", "R1")["requests"] as? [[String: Any]])?.first?["state"] as? String == "undone")
        expect(try program.run("request", "withdraw", "R1"), 2, "R1 cannot be withdrawn: it was withdrawn, or undone")
        expect(try program.run("request", "run", "R1"), 2, "R1 cannot be carried out: it was withdrawn, or undone")
        expect(try program.run("request", "withdraw", "R7"), 2, "no request R7; 'unlearn request list' lists them")
        #expect(try program.json("request", "run")["rows_deleted"] as? Int == 1)
        expect(try program.run("request", "withdraw", "R2"), 2, "R2 cannot be withdrawn: it was carried out already; what is erased does not come back")
        expect(try program.run("request", "run", "R1", "R2"), 2, "R1 cannot be carried out")
        #expect(try program.run("log", "--request", "R1").output.contains("undone: withdrawn"))
        let row = try #require((try program.json(["where", "--ids", "-"], input: "row-4")["rows"] as? [[String: Any]])?.first)
        #expect(row["deleted"] as? Bool == false)
    }

    @Test(
        "What cannot be meant is refused in one line, and nothing is recorded",
        arguments: [
            (["request"], "needs one of add, list, show, withdraw, run"), (["request", "ad"], "did you mean 'add'?"),
            (["request", "add"], "needs --ids FILE or --persons FILE"), (["request", "add", "--group", "east"], "no live row has the group 'east'"),
            (["request", "add", "--group", "north", "--due", "2026-02-30"], "--due takes a day such as 2026-11-30"),
            (["request", "add", "--group", "north", "--received", "2099-01-01"], "--received 2099-01-01 lies ahead"),
            (["request", "add", "--group", "north", "--received", "2026-11-12", "--due", "2026-11-11"], "--due 2026-11-11 lies before the day on which the request came, 2026-11-12"),
            (["request", "add", "--group", "north", "--ticket", "a\u{7}b"], "--ticket takes a reference of one line"),
            (["request", "add", "--group", "north", "--method", "exact"], "--method is for 'request run'; leave it out of 'request add'"),
            (["request", "add", "R1", "--group", "north"], "'unlearn request add' takes no request's name"),
            (["request", "list", "--due-within", "soon"], "--due-within takes a number of days"), (["request", "show"], "takes the name of one request"),
            (["request", "show", "R1"], "no request R1"), (["request", "run", "R1"], "no request R1"), (["request", "run", "x"], "'x' is no request's name"),
            (["request", "run", "--plan", "--interim", "m.npz"], "--interim writes a file"),
        ])
    func refused(arguments: [String], words: String) throws {
        expect(try program.run(arguments), 2, words)
        #expect((try program.json("request", "list")["requests"] as? [Any])?.isEmpty == true)
    }

    @Test("A list is read as that of a deletion is: a name that is unknown or gone is an error until it is forgiven, and is counted")
    func findings() throws {
        try program.json(["delete", "--ids", "-"], input: "row-4")
        expect(try program.run(["request", "add", "--ids", "-"], input: "row-4\nrow-999\nrow-7\n"), 2, "'row-999' (line 2) is not in the project")
        let told = try program.json(["request", "add", "--ids", "-", "--ignore-missing", "--ignore-unknown"], input: "row-4\nrow-999\nrow-7\n")
        let request = try #require((told["requests"] as? [[String: Any]])?.first)
        #expect([request["found"], request["not_found"], request["deleted_before"]].map { $0 as? Int } == [1, 1, 1] && told["not_found"] as? [String] == ["row-999"])
        try program.json("request", "run")
        let page = folder.file("R2.html")
        try program.json("report", "--request", "R2", "--out", page)
        let text = try String(contentsOfFile: page, encoding: .utf8)
        #expect(text.contains("1 of these names has no row in the project") && text.contains("1 row by R1"))
    }

    @Test("A run that is refused or interrupted leaves its requests waiting")
    func refusal() throws {
        try add("row-4")
        let result = try program.run("request", "run", "--on-no-decay", "fail", "--json")
        // Where a stitch was sound after all, there is nothing to see here.
        guard result.status == 3 else { return #expect(result.status == 0) }
        #expect(try result.json()["outcome"] as? String == "refused" && state("R1") == "received")
        #expect(try program.json("request", "run")["outcome"] as? String == "done")
    }
}
