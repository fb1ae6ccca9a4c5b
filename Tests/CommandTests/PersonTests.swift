import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("People who have several rows", .timeLimit(.minutes(60)))
struct PersonTests {
    private let folder: TemporaryFolder
    private static let columns = ["--id-column", "id", "--label-column", "label", "--person-column", "who", "--assignment-seed", "4"]
    private static let header = "id,x,colour,label,who\n"

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(Self.header + Self.lines(0..<360), to: "rows.csv")
    }

    /// Persons p0, p1, … of five rows each; every tenth row is nobody's.
    private static func lines(_ rows: Range<Int>) -> String {
        rows.map { row in
            "r\(row),\(row * 7919 % 1009),\(["red", "green", "blue"][row % 3]),\(row * 7919 % 1009 > 500 ? "yes" : "no"),\(row % 10 == 3 ? "" : "p\(row / 5)")\n"
        }.joined()
    }

    private func project(_ shape: [String]) throws -> Program {
        let program = Program(folder: folder.file("project"))
        try program.json(["init", "--data", "csv:\(folder.file("rows.csv"))", "--model", "logistic"] + Self.columns + shape)
        try program.json("train")
        return program
    }

    private func state(_ program: Program) throws -> String { try #require(try program.json("status")["state_digest"] as? String) }

    private func places(_ program: Program, _ people: String) throws -> [[String: Any]] {
        try #require(try program.json("where", "--persons", "-", input: people)["rows"] as? [[String: Any]])
    }

    @Test("Each person's rows lie in one block, on one side of the split, and are found by the person", arguments: [["--blocks", "6"], ["--branches", "3", "--blocks", "6"]])
    func together(_ shape: [String]) throws {
        let program = Program(folder: folder.file("project"))
        let made = try program.json(["init", "--data", "csv:\(folder.file("rows.csv"))", "--model", "logistic"] + Self.columns + shape)
        let remarks = try #require(made["remarks"] as? [String])
        #expect(remarks.contains("the rows belong to 72 people") && remarks.contains("36 rows have no person"), "\(made)")
        #expect(((made["columns"] as? [[String: Any]])?.first { $0["name"] as? String == "who" })?["kind"] as? String == "person")
        var tested = 0
        for person in 0..<72 {
            let rows = try places(program, "p\(person)\n"), ids = (0..<5).map { person * 5 + $0 }.filter { $0 % 10 != 3 }
            #expect(Set(rows.compactMap { $0["id"] as? String }) == Set(ids.map { "r\($0)" }))
            #expect(Set(rows.map { "\($0["part"]!) \($0["block"]!)" }).count == 1, "\(rows)")
            if rows.first?["part"] as? String == "test" { tested += rows.count }
        }
        #expect((30...38).contains(tested), "\(tested) of 36 test rows")
    }

    @Test("A deletion by persons is the deletion of their rows, is proved like any, and is remembered", arguments: [["--blocks", "6"], ["--branches", "3", "--blocks", "6"]])
    func delete(_ shape: [String]) throws {
        let program = try project(shape)
        let people = try folder.write("p7\np30\n", to: "people.txt"), ids = try places(program, "p7\np30\n").compactMap { $0["id"] as? String }
        #expect(ids.count == 9)
        let report = try program.json("delete", "--persons", people, "--method", "exact")
        #expect(report["rows_deleted"] as? Int == 9)
        let list = try folder.write(ids.map { $0 + "\n" }.joined(), to: "ids.txt")
        let twin = Program(folder: folder.file("twin"))
        try twin.json(
            // Model, recipe and columns are those of the other project.
            ["init", "--data", "csv:\(folder.file("rows.csv"))", "--like", folder.file("project"), "--exclude", list])
        try twin.json("train")
        #expect(try state(program) == state(twin))
        try program.json("certificate", "R1", "--out", folder.file("R1.json"))
        #expect(try program.run("check", "--read-data", "--certificate", folder.file("R1.json")).status == 0)

        // Asked again, by the whole and by one who is still there.
        let again = try program.run("delete", "--persons", people)
        #expect(again.status == 2 && again.errors.contains("each of 'p7' (line 1), 'p30' (line 2) is deleted already (R1)"), "\(again.errors)")
        let forgiven = try program.run("delete", "--persons", people, "--ignore-missing")
        #expect(forgiven.status == 0 && forgiven.output.contains("9 rows were deleted before (R1"), "\(forgiven)")
        let typing = try program.run("delete", "--persons", "-", input: "p8\nP7\n")
        #expect(typing.status == 2 && typing.errors.contains("'P7' (line 2) has no row in the project"), "\(typing.errors)")
        let gone = try program.run("where", "--persons", people)
        #expect(gone.status == 0 && gone.errors.contains("9 rows of theirs were deleted before (R1"), "\(gone)")
    }

    @Test("A replay that people are named for puts digests of their rows on record, none of their names")
    func replayed() throws {
        let program = try project(["--blocks", "30"])
        let everybody = try places(program, (0..<72).map { "p\($0)\n" }.joined())
        let early = try #require(everybody.first { $0["part"] as? String == "train" && ($0["block"] as? Int ?? 0) < 6 }?["id"] as? String)
        let person = "p\(try #require(Int(early.dropFirst())) / 5)\n", ids = try places(program, person).compactMap { $0["id"] as? String }
        try program.json("delete", "--persons", "-", "--method", "stitch", "--on-no-decay", "stitch", "--epsilon", "1e9", input: person)
        try program.json("certificate", "R1", "--out", folder.file("R1.json"))
        let report = try program.json("delete", "--persons", "-", "--method", "exact", input: person)
        #expect(report["request"] as? String == "R2" && report["rows_deleted_before"] as? Int == ids.count)
        try program.json("certificate", "R2", "--out", folder.file("R2.json"))
        func payload(_ name: String) throws -> String { try Shell().run("jq -r '.payload | @base64d' \(folder.file(name))").output }
        let first = try #require(try JSONSerialization.jsonObject(with: Data(payload("R1.json").utf8)) as? [String: Any])
        let claims = (first["predicate"] as? [String: Any])?["claims"] as? [String: Any]
        let erased = try #require((claims?["rows_erased"] as? [String: Any])?["rows"] as? [String]), text = try payload("R2.json")
        #expect(erased.count == ids.count && erased.allSatisfy(text.contains))
    }

    @Test("A deletion by persons that was killed behind its publication is finished by the same command, which says so")
    func interrupted() throws {
        let program = try project(["--blocks", "6"])
        try program.json("delete", "--ids", "-", "--method", "exact", input: "r40\n")
        let people = try folder.write("p8\n", to: "people.txt"), arguments = ["delete", "--persons", people, "--method", "exact"]
        func deletion(_ name: String, killedAt number: Int?) throws -> (program: Program, changes: Int) {
            let copy = folder.file(name), shim = KillShim(folder: copy, page: folder.file(name + "-page"))
            try FileManager.default.copyItem(atPath: folder.file("project"), toPath: copy)
            _ = try Program(folder: copy, environment: shim.environment(at: number)).run(arguments)
            return (Program(folder: copy), try shim.changes())
        }
        let changes = try deletion("whole", killedAt: nil).changes
        var finished = 0
        for number in stride(from: changes, to: 0, by: -1) where finished == 0 {
            // Killed behind its last step it is done, and asked for twice.
            let again = try deletion("killed\(number)", killedAt: number).program.run(arguments + ["--json"])
            guard again.status == 0, (try again.json()["finished"] as? [String])?.isEmpty == false else { continue }
            finished += 1
            #expect(try again.json()["request"] as? String == "R2" && again.json()["rows_deleted"] as? Int == 3, "\(again)")
        }
        #expect(finished == 1)
    }

    @Test("People go whole into the stem that a list names one row of, and into the branches by the likeliest of their rows")
    func lineages() throws {
        let list = try folder.write("r35\nr100\n" + (40..<52).map { "r\($0 * 5)\n" }.joined(), to: "stem.txt"), risk = try folder.write("r60,0.9\nr205,0.5\n", to: "risk.csv")
        let program = try project(["--branches", "2", "--stem", "0.5", "--blocks", "4", "--stem-rows", list])
        #expect(Set(try places(program, "p7\np20\n").map { $0["place"] as? String ?? "test" }).isSubset(of: ["stem", "test"]))
        let likely = Program(folder: folder.file("likely"))
        try likely.json(["init", "--data", "csv:\(folder.file("rows.csv"))", "--model", "logistic", "--branches", "2", "--stem", "0.5", "--blocks", "8", "--risk", risk] + Self.columns)
        for person in 0..<72 { #expect(Set(try places(likely, "p\(person)\n").map { "\($0["part"]!) \($0["block"]!)" }).count == 1, "p\(person)") }
        #expect(try places(likely, "p12\n").allSatisfy { $0["place"] as? String == "branch 2" || $0["part"] as? String == "test" })
    }

    @Test("Rows left out by --limit, --exclude or for want of a label, and people written in two ways")
    func fewer() throws {
        let rows = Self.header + Self.lines(0..<100).replacingOccurrences(of: ",p9\n", with: ",P3\n").replacingOccurrences(of: "r12,", with: "r12,5,red,,p2\nx12,")
        let table = try folder.write(rows + "odd,1,red,yes,#17\n", to: "odd.csv"), all = try folder.write("r15\nr16\nr17\nr18\nr19\n", to: "p3.txt")
        let program = Program(folder: folder.file("project"))
        let made = try program.json(
            ["init", "--data", "csv:\(table)", "--model", "logistic", "--limit", "100", "--exclude", all, "--drop-unlabelled", "--holdout", "0.2"] + Self.columns)
        #expect((made["remarks"] as? [String])?.contains { $0.contains("the people 'p3' and 'P3' may be one") } == true, "\(made["remarks"] ?? "")")
        // Whoever is asked for in one spelling hears of the other, also where there is none of the first.
        #expect(try program.run("where", "--persons", "-", input: "p2\np3\n").errors.contains("5 more rows belong to people whose names differ from 'p3' in case"))
        let unknown = try program.run("delete", "--persons", "-", "--dry-run", input: "P 3.0\n")
        let numbers = try folder.write("id,x,label,who\n" + (0..<60).map { "n\($0),\($0 % 7),\($0 % 2),\($0 < 30 ? "00" : "")\($0 % 30 / 5 + 1)\n" }.joined(), to: "numbers.csv")
        let numbered = Program(folder: folder.file("numbers")), zeros = try numbered.json(["init", "--data", "csv:\(numbers)", "--model", "logistic"] + Self.columns)
        #expect((zeros["remarks"] as? [String])?.contains { $0.contains("the people '001' and '1', and 5 more pairs,") } == true, "\(zeros["remarks"] ?? "")")
        #expect(try numbered.run("where", "--persons", "-", input: "2.0\n").errors.contains("10 more rows belong to people whose names differ from '2.0' in case, blanks, zeros in front"))
        #expect(unknown.status == 2 && unknown.errors.contains("has no row in the project"), "\(unknown.errors)")
        let other = try program.json("where", "--persons", "-", input: "P3\n")
        #expect((other["rows"] as? [Any])?.count == 5 && !(other["alike"] is [Any]))
        #expect(Set(try places(program, "p2\n").compactMap { $0["id"] as? String }) == ["r10", "r11", "x12", "r14"])
        let gone = try program.run("delete", "--persons", "-", input: "p3\n")
        #expect(gone.status == 2 && gone.errors.contains("is deleted already (left out when the project was made)"), "\(gone.errors)")
        try program.json("train")
        #expect(try program.run("check", "--read-data").status == 0)
    }

    @Test("One row of a person deleted by its id, the others by the person: no fault")
    func partly() throws {
        let program = try project([])
        try program.json("delete", "--ids", "-", "--method", "exact", input: "r40\n")
        let report = try program.json("delete", "--persons", "-", "--method", "exact", input: "p8\n")
        #expect(report["rows_deleted"] as? Int == 3)
        #expect((report["deleted_before"] as? [[String: Any]])?.map { $0["id"] as? String } == ["p8"])
    }

    @Test("Nothing in the folder holds a person's name, and an interim model, a dry run and a list that is a table take people, too")
    func unnamed() throws {
        let rows = try folder.write(
            Self.header + Self.lines(0..<360).replacingOccurrences(of: "p31\n", with: "Rumpelstilzchen\n"), to: "named.csv")
        let program = Program(folder: folder.file("project"))
        try program.json(["init", "--data", "csv:\(rows)", "--model", "logistic", "--branches", "4", "--stem", "0", "--blocks", "8", "--no-encryption"] + Self.columns)
        try program.json("train")
        let name = Data("Rumpelstilzchen".utf8)
        #expect(try contents(of: folder.file("project")).values.allSatisfy { Data($0).range(of: name) == nil })
        let table = try folder.write("name,ticket\nRumpelstilzchen,17\n", to: "people.csv")
        #expect(try program.json("delete", "--persons", table, "--id-column", "name", "--dry-run")["rows_deleted"] as? Int == 5)
        try program.json("export", "--interim", "--persons", table, "--id-column", "name", "--out", folder.file("interim.safetensors"))
        #expect(FileManager.default.fileExists(atPath: folder.file("interim.safetensors")))
        #expect(try program.json("delete", "--persons", table, "--id-column", "name", "--interim", folder.file("at-once.safetensors"))["exact"] as? Bool == true)
    }

    @Test("New rows bring their people; those who are known already are said")
    func append() throws {
        let program = try project(["--blocks", "6"])
        let more = try folder.write(Self.header + Self.lines(355..<420).replacingOccurrences(of: "r35", with: "n35"), to: "more.csv")
        let report = try program.json("append", "--data", "csv:\(more)", "--blocks", "3")
        let known = try #require((report["remarks"] as? [String])?.first { $0.contains("1 person of these rows has") })
        #expect(known.contains("rows in earlier blocks") || known.contains("test rows in the project"))
        try program.json("train")
        #expect(Set(try places(program, "p80\n").map { $0["block"] as? Int }).count == 1)
        #expect(try places(program, "p71\n").count == 10)
        #expect(try program.json("delete", "--persons", "-", "--method", "exact", input: "p71\np80\n")["rows_deleted"] as? Int == 14)
        #expect(try program.run("check", "--read-data").status == 0)
    }

    @Test("What goes with no persons is refused, and changes nothing")
    func refused() throws {
        let plain = Program(folder: folder.file("plain"))
        let rows = folder.file("rows.csv"), few = ["--data", "csv:\(rows)", "--id-column", "id", "--label-column", "label", "--model", "logistic"]
        try plain.json(["init", "--ignore-columns", "who"] + few)
        let grouped = try folder.write(Self.header + Self.lines(0..<360).replacingOccurrences(of: ",p1\n", with: ",#1\n"), to: "strange.csv")
        for (program, words, message) in [
            (plain, ["delete", "--persons", rows], "imported without persons"), (plain, ["where", "--persons", rows], "imported without persons"),
            (plain, ["append", "--data", "csv:\(rows)", "--person-column", "who"], "imported without persons"),
            (plain, ["delete", "--persons", rows, "--ids", rows], "--ids and --persons name rows in two ways"),
            (plain, ["delete", "--method", "exact", "--id-column", "who"], "the list that --ids or --persons gives"),
            (Program(folder: folder.file("new")), ["init", "--person-column", "whom"] + few, "no column 'whom' (--person-column)"),
            (Program(folder: folder.file("new")), ["init", "--person-column", "who", "--blocks", "200"] + few, "people (a row of nobody counts as one), whose rows stay together"),
            (Program(folder: folder.file("new")), ["init", "--person-column", "who", "--group-column", "colour", "--blocks-by", "group"] + few, "are of several groups"),
            (Program(folder: folder.file("new")), ["init"] + Self.columns + ["--data", "csv:\(grouped)"], "whom no list can name"),
        ] {
            let result = try program.run(words)
            #expect(result.status == 2 && result.errors.contains(message), "\(words): \(result)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("new")))
    }

    @Test("Test rows of people who are trained on are said, and are deleted with them")
    func bothSides() throws {
        let lines = Self.lines(0..<30).split(separator: "\n").map { "t" + $0 + "\n" }.joined()
        let test = try folder.write(Self.header + lines, to: "test.csv"), program = Program(folder: folder.file("project"))
        let made = try program.json(["init", "--data", "csv:\(folder.file("rows.csv"))", "--test", "csv:\(test)", "--model", "logistic"] + Self.columns)
        #expect((made["remarks"] as? [String])?.contains { $0.hasPrefix("6 people have training rows and test rows") } == true, "\(made["remarks"] ?? "")")
        try program.json("train")
        let report = try program.json("delete", "--persons", "-", "--method", "exact", input: "p2\n")
        #expect(report["rows_deleted"] as? Int == 8 && report["test_rows_deleted"] as? Int == 4)
    }
}
