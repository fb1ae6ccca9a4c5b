import Files
import Foundation
import TestSupport
import Testing

@testable import Valuation

@Suite struct ReportFilesTests {
    @Test func `values have a line per player in full precision`() {
        var report = SampleReport.ten()
        report.players = Array(report.players.prefix(2))
        report.players[0].player = "a, \"b\""
        report.players[0].value = 0.1 + 0.2
        report.players[1].leaveOneOut = nil
        report.players[1].low = -.infinity
        let lines = ReportFiles.values(report).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 4 && lines[3].isEmpty)
        #expect(lines[0] == "player,rows,value,low,high,share,rank,rank_best,rank_worst,leave_one_out,deletion_blocks,amount")
        #expect(lines[1].hasPrefix("\"a, \"\"b\"\"\",2000,0.30000000000000004,"))
        #expect(lines[2].hasPrefix("Brook & Sons,2000,0.0987,,") && lines[2].hasSuffix(",2,1,7,,9,"))
    }

    @Test func `utilities list coalitions by size, their players by code point`() {
        let players = ["é", "Z", "a,b", "\u{1F600}", "\u{FF5E}"]
        let evaluated = [[0, 1, 2, 3, 4], [], [2], [0, 1]].map { EvaluatedCoalition(coalition: Coalition($0, of: 5), utility: 0.25, source: "exact") }
        #expect(
            ReportFiles.utilities(evaluated, players: players)
                == "coalition,utility,source\n,0.25,exact\n\"a,b\",0.25,exact\nZ|é,0.25,exact\n\"Z|a,b|é|\u{FF5E}|\u{1F600}\",0.25,exact\n")
    }

    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""), ("two\nlines", "\"two\nlines\""),
        ("two\r\nlines", "\"two\r\nlines\""), (" spaced", "\" spaced\""), ("a|b", "a|b"),
    ])
    func `fields are quoted where a reader needs it`(text: String, field: String) { #expect(ReportFiles.field(text) == field) }

    @Test func `amounts have two decimals, and lines of players who get nothing, too`() {
        var report = SampleReport.exact([0.3, 0.1, -0.2])
        report.share(Pool(cents: 100_000))
        #expect(ReportFiles.values(report).split(separator: "\n").map { $0.split(separator: ",").last } == ["amount", "750.00", "250.00", "0.00"])
    }

    @Test func `four files are written, again over themselves, and no other stays`() throws {
        let folder = try TemporaryFolder()
        let report = SampleReport.ten()
        let players = report.players.map(\.player)
        let all = EvaluatedCoalition(coalition: .all(of: 10), utility: 0.9, source: "exact")
        for _ in 0..<2 {
            let out = try ReportFolder(folder.file("out") + "/", players: players, besideProject: folder.path, replacing: true)
            let tables = out.tables(report, utilities: [all])
            try out.write(report, tables, statement: Array("{}".utf8))
            #expect(try FileSystem.names(in: folder.file("out")) == ["report.html", "statement.json", "utilities.csv", "values.csv"])
            // A statement of earlier values does not stay beside new ones that nobody signed.
            try out.write(report, tables, statement: nil)
            #expect(try FileSystem.names(in: folder.file("out")) == ["report.html", "utilities.csv", "values.csv"])
        }
        #expect(String(decoding: try FileSystem.read(folder.file("out/values.csv")), as: UTF8.self) == ReportFiles.values(report))
        #expect(String(decoding: try FileSystem.read(folder.file("out/report.html")), as: UTF8.self) == ReportPage(report).html())
    }

    @Test func `a place that cannot hold the report is refused before any work`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("x", to: "file")
        try FileSystem.makeFolder(folder.file("taken"))
        try FileSystem.makeFolder(folder.file("taken/report.html"))
        for (path, words) in [
            (file, "is a file, and several files are written"), (folder.file("no/such"), "cannot make the folder"), ("", "no folder to write"),
            (folder.file("taken"), "is a folder; name a file"),
        ] {
            let failure = #expect(throws: Failure.self) { try ReportFolder(path, players: ["a"], besideProject: folder.path) }
            #expect(failure?.kind == .input && failure?.description.contains(words) == true)
        }
        #expect(try FileSystem.read(file) == Array("x".utf8))
    }

    @Test(arguments: [
        (["a|b"], "'|' in its name"), (["a|\u{301}b"], "'|' in its name"), (["a", ""], "without a name"),
        (["a", "b", "a"], "two players are called 'a'"),
    ])
    func `names that the list of coalitions cannot tell apart are refused`(players: [String], words: String) throws {
        let folder = try TemporaryFolder()
        let failure = #expect(throws: Failure.self) { try ReportFolder(folder.file("out"), players: players, besideProject: folder.path) }
        #expect(failure?.kind == .input && failure?.description.contains(words) == true)
        #expect(!FileSystem.exists(folder.file("out")), "nothing was made")
    }

    /// Writes pages for `Tests/Interoperability/check_report.py` where a folder for them is named.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["UNLEARN_SAMPLE_REPORTS"] != nil))
    func `sample reports can be looked at`() throws {
        let folder = try #require(ProcessInfo.processInfo.environment["UNLEARN_SAMPLE_REPORTS"])
        try FileSystem.makeFolder(folder)
        for (name, report) in ReportPageTests.shapes {
            let out = try ReportFolder(folder + "/" + name, players: report.players.map(\.player), besideProject: folder, replacing: true)
            try out.write(report, out.tables(report, utilities: []), statement: nil)
            #expect(FileSystem.isFile(out.path + "/" + ReportFolder.pageName))
        }
    }
}
