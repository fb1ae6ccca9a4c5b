import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("status of a project that somebody returns to")
struct StatusTests {
    private let folder: TemporaryFolder
    private let program: Program

    init() throws {
        folder = try TemporaryFolder()
        program = Program(folder: folder.file("project"))
    }

    private func make(_ more: String..., rows: Int = 400) throws -> Program.Result {
        let lines = (0..<rows).map { "r\($0),\($0 % 17),\(["red", "green"][$0 % 2]),p\($0 % 3),\($0 % 17 > 8 ? "yes" : "no")\n" }
        let table = try folder.write("id,x,colour,who,label\n" + lines.joined(), to: "table.csv")
        return try program.run(["init", "--data", "csv:\(table)", "--id-column", "id", "--label-column", "label", "--group-column", "who"] + more)
    }

    @Test("status names classes, columns, where rows came from and when, and what happened last")
    func returning() throws {
        _ = try make("--model", "logistic", "--blocks", "4")
        let json = try program.json("status"), text = try program.run("status").output
        #expect(json["classes"] as? [String] == ["no", "yes"] && json["source"] as? String == "csv:\(folder.file("table.csv"))" && json["last_event"] as? String == "created")
        let columns = try #require(json["columns"] as? [[String: Any]]), names = try #require(json["table_names"] as? [String: Any])
        #expect(columns.map { $0["name"] as? String } == ["x", "colour"] && columns.map { $0["kind"] as? String } == ["number", "categories"] && columns[1]["categories"] as? Int == 2)
        #expect(names["label"] as? String == "label" && names["id"] as? String == "id" && names["group"] as? String == "who")
        let created = try #require(json["created"] as? String)
        #expect(created.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
        for line in ["\nmade \(created) by version ", "; test rows set aside; last entry of its ledger: created \(created)\n", "\nclasses no, yes; labels 'label', ids 'id', groups 'who'\n", "\ncolumns x number, colour 2 categories\n"] {
            #expect(text.contains(line), "\(text)")
        }
        let people = Program(folder: folder.file("people"))
        let table = try folder.write("x,who,label\n" + (0..<400).map { "\($0 % 17),p\($0 / 4),\($0 % 2)\n" }.joined(), to: "people.csv")
        try people.json("init", "--data", "csv:\(table)", "--label-column", "label", "--person-column", "who", "--model", "logistic", "--blocks", "2")
        #expect(try people.run("status").output.contains("; labels 'label', ids are positions, persons 'who'\n"))
        try program.json("train")
        #expect(try program.json("status")["last_event"] as? String == "trained")
    }

    @Test("Images have no columns, and a name with the end of a line in it stays in its line")
    func others() throws {
        let data = try SmallData(), text = try data.initialise().run("status").output
        #expect(text.contains("\nclasses 0, 1, 2, 3; rows of 1×12×12 values\n") && text.contains("; test rows from idx:") && !text.contains("\ncolumns"), "\(text)")
        let table = try folder.write("\"x\ny\",label\n" + (0..<60).map { "\($0 % 17),\($0 % 2)\n" }.joined(), to: "odd.csv")
        try program.json("init", "--data", "csv:\(table)", "--label-column", "label", "--model", "logistic")
        let odd = try program.run("status").output
        #expect(odd.contains("\ncolumns x\u{FFFD}y number\n") && odd.contains("ids are positions"), "\(odd)")
    }
}
