import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Lists of rows on the command line")
struct RowListTests {
    private let data: SmallData
    private let program: Program

    init() throws {
        data = try SmallData()
        program = try data.initialise()
        try program.run("train")
    }

    @Test("where prints what it knows, names the rest, and ends with 2 only where it knows nothing")
    func places() throws {
        let found = try program.run("where", "--ids", "-", input: "5\nnobody\n6\n")
        #expect(found.status == 0 && found.output.split(separator: "\n").count == 3)
        #expect(found.errors == "standard input: 'nobody' (line 2) is not in the project\n")
        let json = try program.json("where", "--ids", "-", input: "5\nnobody\n5\n")
        #expect(json["not_found"] as? [String] == ["nobody"] && json["repeated"] as? [String] == ["5"] && (json["rows"] as? [Any])?.count == 1)
        let unknown = try program.run("where", "--ids", "-", input: "nobody\n")
        #expect(unknown.status == 2 && unknown.output == "")
        try program.json("delete", "--ids", "-", "--on-no-decay", "exact", input: "5\n")
        let row = try #require((try program.json("where", "--ids", "-", input: "5\n")["rows"] as? [[String: Any]])?.first)
        #expect(row["deleted"] as? Bool == true && row["request"] as? String == "R1" && (row["time"] as? String)?.hasSuffix("Z") == true)
        #expect(try program.run("where", "--ids", "-", input: "5\n").output.contains("R1, \(try #require(row["time"] as? String))"))
    }

    @Test("A second deletion of the same rows ends with 0 and the words that they were deleted before")
    func again() throws {
        let first = try program.json("delete", "--ids", "-", "--method", "exact", input: "5\n")
        let time = try #require(first["time"] as? String)
        let again = try program.run("delete", "--ids", "-", "--ignore-missing", input: "5\n5\n")
        #expect(again.status == 0 && again.output.hasPrefix("1 row was deleted before (R1, \(time))\n"), "\(again)")
        let json = try program.json("delete", "--ids", "-", "--ignore-missing", input: "5\n")
        #expect(json["request"] is NSNull && json["rows_deleted"] as? Int == 0 && json["not_found"] as? [String] == [])
        #expect((json["deleted_before"] as? [[String: Any]])?.first?["request"] as? String == "R1")
        #expect(json["extrapolated_distance"] as? Double == json["tail_bound"] as? Double)
        #expect(try program.run("delete", "--ids", "-", input: "5\n").status == 2)
        let exact = try program.run("delete", "--method", "exact")
        #expect(exact.status == 0 && exact.output == "the model is exact already; nothing was changed\n")
    }

    @Test("A list may be a column of a table, and come through /dev/stdin")
    func tables() throws {
        let list = try data.folder.write("name,who\n\"x, y\",5\nz,6\n", to: "people.csv")
        #expect((try program.json("where", "--ids", list, "--id-column", "who")["rows"] as? [[String: Any]])?.compactMap { $0["id"] as? String } == ["5", "6"])
        #expect((try program.json("where", "--ids", "/dev/stdin", input: "7\n8\n")["rows"] as? [Any])?.count == 2)
        #expect(try program.json("evaluate", "--on", list, "--id-column", "who")["rows"] as? Int == 2)
        #expect(try program.json("delete", "--ids", "-", "--id-column", "who", "--dry-run", input: "who\n5\n")["rows_deleted"] as? Int == 1)
        let without = try program.run("where", "--ids", list, "--id-column", "id")
        #expect(without.status == 2 && without.errors.contains("has no column 'id'; its columns are 'name', 'who'"), "\(without.errors)")
        let twin = Program(folder: data.folder.file("twin"))
        let made = try twin.json(
            "init", "--data", data.spec, "--test", data.testSpec, "--model", "logistic", "--blocks", "5", "--exclude", list, "--list-id-column", "who")
        #expect(made["excluded"] as? Int == 2)
    }

    @Test("A provider's rows are named by --group; two ways at once are refused")
    func groups() throws {
        let groups = try data.folder.write("id,group\n" + (0..<600).map { "\($0),\($0 < 4 ? "north" : "south")\n" }.joined(), to: "groups.csv")
        let other = try data.initialise(in: "other", "--groups", groups)
        try other.run("train")
        #expect((try other.json("where", "--group", "north")["rows"] as? [Any])?.count == 4)
        let near = try other.run("delete", "--group", "nort")
        #expect(near.status == 2 && near.errors.contains("did you mean 'north'?"), "\(near.errors)")
        #expect(try other.json("delete", "--group", "north", "--on-no-decay", "exact")["rows_deleted"] as? Int == 4)
        #expect(try other.run("where", "--group", "north").status == 2)
        let both = try other.run("delete", "--group", "south", "--ids", "-", input: "5\n")
        #expect(both.status == 2 && both.errors.contains("name rows in two ways"), "\(both.errors)")
    }
}
