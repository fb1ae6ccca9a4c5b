import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("The queue of requests: added when a letter comes, carried out in one run")
struct RequestTests {
    private let folder: TemporaryFolder
    private let program: Program

    init() throws {
        folder = try TemporaryFolder(copying: Self.prepared.get())
        program = Program(folder: folder.file("project"))
    }

    nonisolated(unsafe) private static let prepared = Result {
        let folder = try TemporaryFolder()
        _ = try project(in: folder, "project")
        return folder
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
        expect(try program.run("certificate", "R4"), 2, "R4 erased nothing: when it came, the project had no live row")
        expect(try program.run(["opening", "R4", "--ids", "-"], input: "row-4"), 2, "R4 erased nothing, and has no certificate to open")
        #expect(try program.json("audit")["verdict"] as? String == "exact" && program.json("audit", "--request", "R2")["verdict"] as? String == "exact")
        // An audit is of the run, and stands on the page of each of its requests.
        let audited = try #require(try program.json("report", "--all")["requests"] as? [[String: Any]]).map { ($0["audits"] as? [Any])?.count }
        #expect(audited == [2, 2, 2, 0])
        // What audits found stands in the certificate, in words.
        let words = try program.run("verify-certificate", certificate("R1").path, "--public-key", folder.file("project/signing-key.pem")).output
        #expect(words.contains("audited since: the model is, bit for bit, the one that training without the deleted rows gives"), "\(words)")
        #expect(try program.run("check", "--read-data").status == 0)
        #expect((try program.json("report", "--all", "--out", folder.file("pages"))["requests"] as? [[String: Any]])?.map { $0["outcome"] as? String } == ["exact", "exact", "exact", "superseded"])
    }

    @Test("What was closed behind its due day, and what exactness it owes or has been paid, is said of a request that is looked at")
    func ending() throws {
        let (program, row) = try longChain("late"), early = try row(4)
        func shown() throws -> [String: Any] {
            let requests = try #require(try program.json("request", "show", "R1")["requests"] as? [[String: Any]])
            return try #require(requests.first?["ending"] as? [String: Any])
        }
        try program.json(["request", "add", "--ids", "-", "--received", "2026-01-01", "--due", "2026-02-01"], input: early)
        try program.json(["request", "run"] + Self.stitching)
        let ending = try shown(), late = try #require(ending["days_late"] as? Int)
        #expect(late > 300 && ending["exactness_owed"] as? Bool == true && ending["settled_by"] as? String == nil)
        let words = try program.run("request", "show", "R1").output
        #expect(words.contains("closed \(late) days after it was due") && words.contains("exactness is owed: 'unlearn replay' pays it"), "\(words)")
        try program.json("replay")
        let paid = try shown()
        #expect(paid["exactness_owed"] as? Bool == false && paid["settled_by"] as? String == "R2")
        expect(try program.run("report", "--request", "R1", "--out", "-"), 2, "'-' is no file to write")
        expect(try program.run(["delete", "--ids", "-", "--events", "-"], input: early), 2, "'-' is no file to write")
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
        expect(try program.run("certificate", "R3"), 2, "R3 waits, and erased nothing yet; 'unlearn request run R3' carries it out")
        expect(try program.run("audit", "--request", "R3"), 2, "R3 was not carried out; the project has 3 deletions from R1 to R4")
        let last = try program.json("request", "run")
        #expect(last["outcome"] as? String == "nothing-to-do" && (last["plan"] as? [String: Any])?["superseded"] as? [String] == ["R3"])
        #expect(try state("R3") == "superseded")
        #expect(try program.run("request", "show", "R3").output.contains("erased by others while it waited: 1 row by R1, 1 row by R2"))
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

    /// 900 rows in 30 blocks, and an id of a live row of a block of it; nil of test rows.
    private func longChain(_ name: String) throws -> (program: Program, row: (Int?) throws -> String) {
        let program = Program(folder: folder.file(name))
        let rows = (0..<900).map { "row-\($0),\(Double(($0 * 37) % 101) / 50 - 1),\(Double(($0 * 53) % 97) / 48 - 1),\(($0 * 37) % 101 > 50 ? "a" : "b")\n" }
        let table = try folder.write("id,x,y,label\n" + rows.joined(), to: "many.csv")
        try program.json(["init", "--data", "csv:\(table)", "--id-column", "id", "--label-column", "label", "--model", "logistic", "--blocks", "30", "--assignment-seed", "1"])
        try program.json("train")
        let places = try #require(try program.json(["where", "--ids", "-"], input: (0..<900).map { "row-\($0)" }.joined(separator: "\n"))["rows"] as? [[String: Any]])
        return (program, { block in
            try #require(places.first { ($0["part"] as? String == "test") == (block == nil) && (block == nil || $0["block"] as? Int == block) }?["id"] as? String)
        })
    }

    private static let stitching = ["--on-no-decay", "stitch", "--epsilon", "1000"]

    @Test("What others erased while a request waited is neither called untouched nor exact before it is")
    func erasedMeanwhile() throws {
        let (program, row) = try longChain("meanwhile"), early = try row(4)
        try program.json(["request", "add", "--ids", "-"], input: "\(early)\n\(row(nil))")
        try program.json(["request", "add", "--ids", "-"], input: early)
        #expect(try program.json(["request", "run", "R2"] + Self.stitching)["outcome"] as? String == "owed")
        let told = try program.json(["request", "run", "R1"])
        #expect(told["outcome"] as? String == "owed" && told["exactness_owed"] as? Bool == true)
        func record() throws -> [String: Any] { try #require((try program.json("report", "--request", "R1")["requests"] as? [[String: Any]])?.first) }
        #expect(try record()["outcome"] as? String == "owed" && record()["owed_before"] as? [String] == ["R2"])
        let path = folder.file("meanwhile.json"), key = folder.file("meanwhile/signing-key.pem")
        try program.json("certificate", "R1", "--out", path)
        let words = try program.run("verify-certificate", path, "--public-key", key).output
        #expect(words.contains("(a) 2 rows erased, 1 of them by other requests while this one waited"), "\(words)")
        #expect(words.contains("(c) no trained block held the rows that it erased itself") && words.contains("of those that R2 erased while it waited, that request's certificate tells"))
        #expect(words.contains("what R2 may have left of the rows that it erased while this request waited") && !words.contains("the model is untouched"))
        // Nothing is kept of the model before, but what knew the row is replayed and compared.
        let audit = try program.run("audit", "--request", "R1", "--json")
        let compared = try audit.json()
        #expect(audit.status == 3 && compared["verdict"] as? String == "undecided" && compared["blocks_replayed"] as? Int == 27)
        try program.json("replay", "--due")
        let settled = try record()
        #expect(settled["outcome"] as? String == "settled" && settled["settled_by"] as? String == "R3" && settled["approximate_since"] as? String != nil)
    }

    @Test("Each request of a run that stitched is told of by its own rows: who was stitched, who was retrained to the end, and what was measured on nobody else's")
    func ownRows() throws {
        let (program, row) = try longChain("own"), rows = try [row(3), row(30), row(nil)]
        for id in rows { try program.json(["request", "add", "--ids", "-"], input: id) }
        let told = try program.json(["request", "run"] + Self.stitching)
        let reports = try #require(told["reports"] as? [[String: Any]])
        #expect(reports.map { $0["method"] as? String } == ["stitch", "retraining", "exact"] && reports.map { $0["stitches"] as? Int } == [1, 0, 0])
        #expect(reports.allSatisfy { ($0["residual"] as? [Any])?.isEmpty == true && $0["row_memory"] is NSNull && $0["margin"] is NSNull })
        #expect(((reports[1]["segments"] as? [[String: Any]])?.map { $0["first"] as? Int }) == [30] && reports[1]["earlier_stitches"] as? [String] == ["R1"])
        #expect(try program.json("status")["requests_owed"] as? [String] == ["R1"])
        #expect((told["residual"] as? [Any])?.isEmpty == false)
        let outcomes = try #require(try program.json("report", "--all")["requests"] as? [[String: Any]]).map { $0["outcome"] as? String }
        #expect(outcomes == ["owed", "retrained", "no-influence"])
        // The next one finds the stitch of the first alone.
        let next = try program.json(["delete", "--ids", "-"] + Self.stitching, input: row(20))
        #expect(next["earlier_stitches"] as? [String] == ["R1"])
        let naive = Program(folder: folder.file("naive"))
        try naive.json(
            "init", "--data", "csv:\(folder.file("many.csv"))", "--id-column", "id", "--label-column", "label", "--model", "logistic", "--blocks", "30", "--assignment-seed", "1",
            "--exclude", try folder.write((rows + [row(20)]).joined(separator: "\n"), to: "gone"))
        try naive.json("train")
        #expect(try program.json("replay")["state_digest"] as? String == (try naive.json("status")["state_digest"] as? String))
    }

    @Test("Rows that come while a request for their person waits stay, and it is said", arguments: [("--persons", "person 12"), ("--group", "south")])
    func cameLater(way: String, name: String) throws {
        if way == "--group" { try program.json("request", "add", way, name) } else { try add(name, by: way) }
        let more = try folder.write("id,x,y,label,who,person\nlate-1,1,1,a,south,person 12\nlate-2,2,1,b,south,person 13\n", to: "more.csv")
        try program.json("append", "--data", "csv:\(more)")
        try program.json("train")
        let later = way == "--group" ? 2 : 1
        #expect((try program.json("request", "run", "--plan")["plan"] as? [String: Any])?["came_later"] as? [String: Int] == ["R1": later])
        let told = try program.run("request", "run")
        #expect(told.output.contains("R1: \(later) row\(later == 1 ? "" : "s") of whom it names came later and stay"), "\(told.output)")
        let rows = try #require(try program.json(["where", "--ids", "-"], input: "late-1\nlate-2")["rows"] as? [[String: Any]])
        #expect(rows.allSatisfy { $0["deleted"] as? Bool == false })
        let page = folder.file("R1.html")
        try program.json("report", "--request", "R1", "--out", page)
        #expect(try String(contentsOfFile: page, encoding: .utf8).contains(", as they were when it was recorded"))
    }

    @Test("A provider whom nobody knows is a name that was not found")
    func unknownProvider() throws {
        let told = try program.json("request", "add", "--group", "east", "--ignore-unknown")
        #expect(told["not_found"] as? [String] == ["east"] && (told["requests"] as? [[String: Any]])?.first?["not_found"] as? Int == 1)
        #expect(try program.run("request", "run").output.contains("no row is left to erase, as other requests erased it or none was found"))
        let page = folder.file("R1.html")
        try program.json("report", "--request", "R1", "--out", page)
        let words = try String(contentsOfFile: page, encoding: .utf8)
        #expect(words.contains("the provider has no row in the project") && words.contains("Clarify the name") && words.contains("no live row by any of the names"))
    }

    @Test("Exactness is owed to each request of a run that stitched, and to none whose rows nothing had learned from")
    func owed() throws {
        let (program, row) = try longChain("stitched")
        let early = try [row(2), row(4)], test = try row(nil)
        for id in early + [test] { try program.json(["request", "add", "--ids", "-"], input: id) }
        let told = try program.json(["request", "run"] + Self.stitching)
        #expect(told["method"] as? String == "stitch" && told["outcome"] as? String == "owed")
        #expect(try program.json("status")["requests_owed"] as? [String] == ["R1", "R2"])
        #expect((told["reports"] as? [[String: Any]])?.map { $0["method"] as? String } == ["stitch", "stitch", "exact"])
        let record = try #require((try program.json("report", "--request", "R3")["requests"] as? [[String: Any]])?.first)
        #expect(record["outcome"] as? String == "no-influence")
        // A stitch on the same chain names those whose stitches lie there.
        let another = try program.json(["delete", "--ids", "-"] + Self.stitching, input: row(20))
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
        #expect((try program.json("request", "withdraw", "R1")["requests"] as? [[String: Any]])?.first?["state"] as? String == "withdrawn")
        expect(try program.run("request", "withdraw", "R1"), 2, "R1 cannot be withdrawn: it is withdrawn")
        expect(try program.run("request", "run", "R1"), 2, "R1 cannot be carried out: it is withdrawn")
        expect(try program.run("request", "withdraw", "R7"), 2, "no request R7; 'unlearn request list' lists them")
        #expect(try program.json("request", "run")["rows_deleted"] as? Int == 1)
        expect(try program.run("request", "withdraw", "R2"), 2, "R2 cannot be withdrawn: it was carried out already; what is erased does not come back")
        expect(try program.run("request", "run", "R1", "R2"), 2, "R1 cannot be carried out")
        #expect(try program.run("log", "--request", "R1").output.contains("\nwithdrawn 20"))
        let page = folder.file("R1.html")
        try program.json("report", "--request", "R1", "--out", page)
        let words = try String(contentsOfFile: page, encoding: .utf8)
        #expect(words.contains("The request was taken back on") && !words.contains("Repeat the request"))
        expect(try program.run(["opening", "R1", "--ids", "-"], input: "row-4"), 2, "R1 was not carried out")
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

    @Test("Each step is a line of JSON for whoever watches, with the fields of CloudEvents; no row and no ticket is named")
    func events() throws {
        let path = folder.file("events.jsonl")
        try add("row-4\n", "--ticket", "secret-7", "--events", path)
        try add("row-9\n", "--events", path)
        try program.json("request", "withdraw", "R2", "--events", path)
        try program.json("request", "run", "--events", path)
        try program.json(["delete", "--ids", "-", "--events", path, "--interim", folder.file("meanwhile.npz")], input: "row-24")
        try program.json("replay", "--due", "--events", path)
        #expect(try program.run(["delete", "--ids", "-", "--events", path], input: "row-999").status == 2)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let events = try text.split(separator: "\n").map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
        #expect(events.map { ($0["type"] as? String)?.replacing("org.unlearn.", with: "") } == [
            "request.received", "request.received", "request.withdrawn", "run.begun", "run.retrained", "run.closed", "interim.written", "run.begun", "run.retrained", "run.closed",
            "run.closed", "run.failed",
        ])
        let fields = Set(["specversion", "id", "source", "type", "time", "datacontenttype", "data"])
        #expect(events.allSatisfy { Set($0.keys) == fields && $0["specversion"] as? String == "1.0" } && Set(events.compactMap { $0["id"] as? String }).count == events.count)
        let closed = try #require(events[9]["data"] as? [String: Any])
        #expect(closed["requests"] as? [String] == ["R3"] && closed["outcome"] as? String == "done")
        #expect(try closed["state_digest"] as? String == program.json("status")["state_digest"] as? String)
        #expect(!text.contains("row-4") && !text.contains("row-24") && !text.contains("row-999") && !text.contains("secret-7"))
        expect(try program.run(["request", "run", "--events", folder.file("project/catalogue.sqlite")]), 2, "is one of the project's own files")
        expect(try program.run(["request", "run", "--events", folder.file("no/such/folder")]), 2, "name another file")
    }

    @Test("Stitches add up, and above their budget a deletion replays exactly, for all that was owed; whoever asks for none is stitched on")
    func budget() throws {
        let (program, _) = try longChain("budget")
        let places = try #require(try program.json(["where", "--ids", "-"], input: (0..<900).map { "row-\($0)" }.joined(separator: "\n"))["rows"] as? [[String: Any]])
        func rows(_ block: Int) -> String { places.filter { $0["part"] as? String == "train" && $0["block"] as? Int == block }.prefix(20).compactMap { $0["id"] as? String }.joined(separator: "\n") }
        // As small as can be: the first row that a stitch changes is one too many.
        var spent = 0.0, replays = 0
        for block in [3, 6, 9, 12, 15] {
            let told = try program.json(["delete", "--ids", "-", "--patience", "0", "--budget", "0.001"], input: rows(block))
            let budget = told["budget"] as? [String: Any]
            if told["exact"] as? Bool == true, told["method"] as? String == "exact" {
                replays += 1
                spent = 0
                #expect(budget == nil && (told["fallback"] as? String)?.contains("their budget is 0.10 %") != false)
            } else {
                let change = 1 - (try #require(told["agreement_before"] as? Double))
                spent = (spent * spent + change * change).squareRoot()
                #expect(budget?["limit"] as? Double == 0.001 && abs((budget?["spent"] as? Double ?? -1) - spent) < 1e-12 && spent <= 0.001)
            }
            #expect(abs((try #require(try program.json("status")["budget_spent"] as? Double)) - spent) < 1e-12)
        }
        #expect(replays > 0)
        // What the ledger says of it for good is that, and no figure.
        let log = try #require(try program.json("log")["requests"] as? [[String: Any]])
        #expect(log.contains { ($0["report"] as? [String: Any])?["fallback"] as? String == "the budget of stitches was used up" })
        let unlimited = try program.json(["delete", "--ids", "-", "--patience", "0", "--budget", "none"], input: rows(18))
        #expect(unlimited["method"] as? String == "stitch" && (unlimited["budget"] as? [String: Any])?["limit"] is NSNull)
        expect(try program.run(["delete", "--ids", "-", "--method", "exact", "--budget", "0.1"], input: rows(21)), 2, "--budget is for stitches")
        expect(try program.run(["delete", "--ids", "-", "--budget", "2"], input: rows(21)), 2, "--budget takes a number from 0 to 1")
    }

    @Test("What was settled of a row that another erased does not settle what a request itself owes")
    func owedThoughOthersAreSettled() throws {
        let (program, row) = try longChain("owes"), first = try row(3)
        try program.json(["request", "add", "--ids", "-"], input: "\(first)\n\(row(6))")
        try program.json(["delete", "--ids", "-"] + Self.stitching, input: first)
        try program.json("replay")
        #expect(try program.json(["request", "run", "R1"] + Self.stitching)["outcome"] as? String == "owed")
        func record() throws -> [String: Any] { try #require((try program.json("report", "--request", "R1")["requests"] as? [[String: Any]])?.first) }
        #expect(try record()["outcome"] as? String == "owed" && program.json("status")["requests_owed"] as? [String] == ["R1"])
        try program.json("replay", "--due")
        #expect(try record()["outcome"] as? String == "settled" && record()["settled_by"] as? String == "R4")
    }

    @Test("Whoever exchanges the names of two requests in the ledger has nobody's rows erased")
    func exchangedNames() throws {
        try add("row-4")
        try add("row-9")
        let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); rows = c.execute('SELECT position, entry FROM ledger').fetchall()\n"
            + "for p, e in rows:\n  t = e.decode()\n  c.execute('UPDATE ledger SET entry = ? WHERE position = ?', (t.replace('\"R1\"', '\"X\"').replace('\"R2\"', '\"R1\"').replace('\"X\"', '\"R2\"').encode(), p))\nc.commit()"
        try TestPrograms.runPython(script, folder.file("project/catalogue.sqlite"))
        expect(try program.run("request", "run", "R1"), 4, "is not the one that was signed")
        let rows = try #require(try program.json(["where", "--ids", "-"], input: "row-4\nrow-9")["rows"] as? [[String: Any]])
        #expect(rows.allSatisfy { $0["deleted"] as? Bool == false })
    }

    @Test("A stitched request is certified exact by whatever replayed it, also by a request that had been recorded before", arguments: [("R1", "R2"), ("R2", "R1")])
    func settledByOneThatWaited(stitched: String, settler: String) throws {
        let (program, row) = try longChain("waited")
        for block in [3, 6] { try program.json(["request", "add", "--ids", "-"], input: row(block)) }
        #expect(try program.json(["request", "run", stitched] + Self.stitching)["outcome"] as? String == "owed")
        #expect(try program.json("request", "run", settler, "--method", "exact")["requests_settled"] as? [String] == [stitched])
        let path = folder.file("stitched.json"), key = folder.file("waited/signing-key.pem")
        try program.json("certificate", stitched, "--out", path)
        #expect(try program.json("verify-certificate", path, "--public-key", key)["settled_by"] as? String == settler)
        // And it speaks of the row whose it is.
        let id = try row(stitched == "R1" ? 3 : 6)
        let opening = try #require((try program.json(["opening", stitched, "--ids", "-"], input: id)["openings"] as? [[String: String]])?.first?["opening"])
        #expect(try program.run("verify-certificate", path, "--public-key", key, "--id", id, "--opening", opening).status == 0)
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let words = try TestPrograms.runPython([root.appendingPathComponent("Scripts/verify-certificate").path, path, key, "--id", id, "--opening", opening])
        #expect(words.contains("made exact by \(settler)"), "\(words)")
    }

    @Test("Closing a request as superseded does not deny what is owed to whoever erased its rows")
    func supersededAndOwed() throws {
        let (program, row) = try longChain("denied"), id = try row(3)
        try program.json(["request", "add", "--ids", "-"], input: id)
        try program.json(["delete", "--ids", "-"] + Self.stitching, input: id)
        let told = try program.json("request", "run")
        #expect(told["outcome"] as? String == "owed" && told["exactness_owed"] as? Bool == true && (told["plan"] as? [String: Any])?["superseded"] as? [String] == ["R1"])
    }

    @Test("How far stitches have led is not known any more behind the deletion of a test row, and the next one is exact")
    func budgetBehindATestRow() throws {
        let (program, row) = try longChain("unknown")
        try program.json(["delete", "--ids", "-"] + Self.stitching, input: row(3))
        #expect(try program.json("status")["budget_spent"] as? Double != nil)
        try program.json(["delete", "--ids", "-"], input: row(nil))
        #expect(try program.json("status")["budget_spent"] is NSNull)
        let plan = try #require(try { try program.json(["request", "add", "--ids", "-"], input: row(9)); return try program.json("request", "run", "--plan", "--patience", "0")["plan"] as? [String: Any] }())
        #expect(plan["method"] as? String == "exact")
        let told = try program.json("request", "run", "--patience", "0")
        #expect(told["method"] as? String == "exact" && (told["fallback"] as? String)?.contains("is not known any more, as test rows were deleted") == true)
        #expect(told["blocks_retrained"] as? Int == plan["blocks_retrained"] as? Int)
    }

    @Test("Events are written to no link, no key and nothing of a project's own, and not into the list that is read", arguments: ["link", "second name", "key", "list"])
    func eventsElsewhere(kind: String) throws {
        let key = folder.file("project/project.key"), before = try Data(contentsOf: URL(fileURLWithPath: key))
        let list = try folder.write("row-4\n", to: "list.txt"), path = folder.file("events")
        switch kind {
        case "link": try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: key)
        case "second name": try FileManager.default.linkItem(atPath: key, toPath: path)
        default: break
        }
        let result = try program.run("delete", "--yes", "--ids", list, "--events", kind == "key" ? key : kind == "list" ? list : path)
        #expect(result.status == 2, "\(result.errors)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: key)) == before && String(contentsOfFile: list, encoding: .utf8) == "row-4\n")
        #expect(try program.json("status")["requests"] as? Int == 0)
    }
}
