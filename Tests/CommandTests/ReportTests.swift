import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Pages of requests, from the command line")
struct ReportTests {
    private let folder: TemporaryFolder
    private let program: Program

    init() throws {
        folder = try TemporaryFolder()
        program = Program(folder: folder.file("project"))
        let rows = (0..<120).map { "row-\($0),\($0 % 7),\($0 % 4),\($0 % 7 > 3 ? "a" : "b"),\(["north", "south"][$0 % 2])\n" }
        let table = try folder.write("id,x,y,label,who\n" + rows.joined(), to: "table.csv")
        try program.json(
            "init", "--data", "csv:\(table)", "--id-column", "id", "--label-column", "label", "--group-column", "who", "--model", "logistic", "--blocks", "4",
            "--assignment-seed", "1")
        try program.json("train")
    }

    private func delete(_ ids: String, _ more: String...) throws -> [String: Any] { try program.json(["delete", "--ids", "-", "--yes"] + more, input: ids) }

    private func page(_ name: String) throws -> String { try String(contentsOfFile: folder.file(name), encoding: .utf8) }

    @Test("The latest request's page is the default; JSON has what it says, what was asked for and how the model is served")
    func latest() throws {
        _ = try delete("row-1\n", "--ticket", "A-1")
        _ = try delete("row-1\nrow-2\nrow-3\nrow-3\nrow-99999\n", "--ignore-missing", "--ignore-unknown", "--ticket", "B <b>-2")
        let told = try program.json("report", "--out", folder.file("page.html"))
        let requests = try #require(told["requests"] as? [[String: Any]]), request = try #require(requests.first), asked = try #require(request["asked"] as? [String: Any])
        #expect(requests.count == 1 && request["request"] as? String == "R2" && request["outcome"] as? String == "exact" && request["rows_erased"] as? Int == 2)
        #expect(request["ticket"] as? String == "B <b>-2" && asked["names"] as? Int == 4 && asked["repeated"] as? Int == 1 && (asked["not_found"] as? [String])?.count == 1)
        #expect(asked["deleted_before"] as? [String: Int] == ["R1": 1])
        #expect((told["model_card"] as? [String: Any])?["state_digest"] as? String == request["state_digest"] as? String)
        let html = try page("page.html")
        #expect(html.contains("Request R2") && !html.contains("\u{1B}") && !html.contains("row-") && !html.contains("row-99999"))
        // The officer's reference is on the page, and not in the certificate.
        _ = try program.json("certificate", "R2", "--out", folder.file("R2.json"))
        let envelope = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder.file("R2.json")))) as? [String: Any])
        let payload = try #require(envelope["payload"] as? String), content = String(decoding: try #require(Data(base64Encoded: payload)), as: UTF8.self)
        #expect(html.contains("B &lt;b&gt;-2") && !content.contains("not_found") && !content.contains("B <b>"))
        let other = try program.run("report", "--request", "R1", "--out", folder.file("one.html"))
        let one = try page("one.html")
        #expect(other.status == 0 && other.output.contains("R1, forgotten exactly") && one.contains("A-1"))
    }

    @Test("All requests' pages go into one folder with an index, and take no file's place unasked")
    func all() throws {
        _ = try delete("row-1\n")
        _ = try program.json("delete", "--group", "south", "--yes")
        let out = folder.file("pages")
        let told = try program.json("report", "--all", "--out", out + "/")
        #expect((told["pages"] as? [[String: Any]])?.compactMap { $0["path"] as? String } == ["R1.html", "R2.html", "index.html"].map { out + "/" + $0 })
        let pages = try ["R1.html", "R2.html", "index.html"].map { try page("pages/" + $0) }
        #expect(pages[2].contains("href=\"R2.html\"") && pages[1].contains("all rows of one provider"))
        // A provider that left is named nowhere.
        #expect(!pages.contains { $0.contains("south") })
        let again = try program.run("report", "--all", "--out", out)
        #expect(again.status == 2 && again.errors.contains("R1.html") && again.errors.contains("--force"), "\(again.errors)")
        #expect(try program.run("report", "--all", "--out", out, "--force").status == 0)
    }

    @Test("What cannot be made a page of is refused before anything is written")
    func refused() throws {
        let none = try program.run("report", "--out", folder.file("page.html"))
        #expect(none.status == 2 && none.errors.contains("no rows were asked for yet"), "\(none.errors)")
        _ = try delete("row-1\n")
        for (arguments, words) in [
            (["--request", "R9", "--out", folder.file("page.html")], "no request R9"), (["--request", "R1", "--all", "--out", folder.file("page.html")], "give one of the two"),
            (["--out", folder.file("project/ledger-witness")], "name another"), (["--all", "--out", folder.file("table.csv")], "name a folder"), ([], "needs --out"),
            (["--all", "--out", folder.file("project/objects")], "name another"), (["--out", folder.file("no/page.html")], "no folder"),
        ] {
            let result = try program.run(["report"] + arguments)
            #expect(result.status == 2 && result.errors.contains(words) && result.errors.split(separator: "\n").count == 1, "\(arguments): \(result.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("page.html")))
        for ticket in ["", "  ", String(repeating: "x", count: 201), "z" + String(repeating: "\u{301}", count: 200), "a\nb", "a\u{1B}[31m", "a\u{202E}b", "a\u{61C}b", "a\u{2028}b"] {
            let long = try program.run(["delete", "--ids", "-", "--yes", "--ticket", ticket], input: "row-9\n")
            #expect(long.status == 2 && long.errors.contains("--ticket takes a reference of one line, at most 200 bytes"), "\(long.errors)")
        }
    }
}
