import Foundation
import ProgramSupport
import Testing

@Suite struct ReduceTests {
    @Test func `Selected rows are live, and their list makes a project`() throws {
        let data = try SmallData()
        let program = try data.initialise()
        let list = data.folder.file("kept.ids")
        try program.run("train")
        let before = try program.json("reduce", "--keep", "5%", "--out", list)
        #expect(before["kept"] as? Int == 30 && before["rows"] as? Int == 600)
        #expect(try #require(before["objective"] as? Double) < #require(before["objective_random"] as? Double))
        let lines = try String(contentsOfFile: list, encoding: .utf8).split(separator: "\n")
        #expect(lines[0].hasPrefix("#") && lines.count == 31)

        // Deleted rows take no part any more.
        let first = String(lines[1])
        try program.json("delete", "--ids", "-", "--method", "exact", input: first + "\n")
        for more in [[], ["--per-class", "--restarts", "2", "--levels", "8"], ["--measure", "normalised"]] {
            let after = try program.run(["reduce", "--keep", "40", "--out", list, "--force", "--json", "--threads", "2"] + more)
            #expect(after.status == 0, "\(after.errors)")
            let report = try after.json()
            #expect(report["rows"] as? Int == 599 && report["kept"] as? Int == 40 && report["seconds"] is Double)
            let ids = try String(contentsOfFile: list, encoding: .utf8).split(separator: "\n").dropFirst().map(String.init)
            #expect(Set(ids).count == 40 && !ids.contains(first))
        }
        let small = Program(folder: data.folder.file("small"))
        let made = try small.json("init", "--data", data.spec, "--test", data.testSpec, "--model", "logistic", "--blocks", "2", "--only", list)
        #expect(made["rows"] as? Int == 40)
    }

    @Test func `A table's columns are cut to levels, and spreading rows over other blocks selects the same`() throws {
        let data = try SmallData()
        let rows = (0..<200).map { "r\($0),\(Double(($0 * 37) % 101) / 7),\($0 % 9),\(($0 * $0) % 23),\($0 % 2 == 0 ? "u" : "v")\n" }
        let table = try data.folder.write("id,x,y,z,label\n" + rows.joined(), to: "table.csv")
        var lists: [String] = []
        for blocks in ["2", "7"] {
            let program = Program(folder: data.folder.file("table\(blocks)"))
            let list = data.folder.file("table\(blocks).ids")
            try program.json("init", "--data", "csv:\(table)", "--id-column", "id", "--label-column", "label", "--model", "logistic", "--blocks", blocks,
                "--assignment-seed", "1")
            #expect(try program.json("reduce", "--keep", "9", "--out", list)["kept"] as? Int == 9)
            lists.append(try String(contentsOfFile: list, encoding: .utf8))
        }
        #expect(lists[0] == lists[1])
    }

    @Test func `Wrong options are one line, and nothing is written`() throws {
        let data = try SmallData()
        let program = try data.initialise()
        let folder = try #require(program.folder)
        let catalogue = folder + "/catalogue.sqlite"
        for (words, part) in [
            (["--keep", "0"], "--keep takes a number of rows from 1 on"), (["--keep", "601"], "--keep 601 of 600 live training rows; choose 1 to 600"),
            (["--keep", "many"], "not 'many'"), (["--keep", "0%"], "above 0 % and up to 100 %"), (["--keep", "101%"], "not '101%'"),
            (["--keep", "nan%"], "not 'nan%'"), ([], "needs --keep N|P%"), (["--keep", "5", "--levels", "1"], "--levels takes a whole number from 2 to 256"),
            (["--keep", "5", "--levels", "257"], "--levels"), (["--keep", "5", "--restarts", "0"], "--restarts"),
            (["--keep", "5", "--out", catalogue], "is one of the project's own files"), (["--keep", "5", "--out", folder], "is a folder"),
            (["--keep", "5", "--measure", "best"], "--measure takes information, normalised"),
        ] {
            let result = try program.run(["reduce"] + words)
            #expect(result.status == 2 && result.output == "" && result.errors.contains(part), "\(words): \(result.errors)")
            #expect(result.errors.filter { $0 == "\n" }.count == 1)
        }
        #expect(try Program(folder: data.folder.file("nowhere")).run("reduce", "--keep", "5").status == 10)
        #expect(try program.run("check").status == 0)
    }
}
