import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("The job at night")
struct NightlyTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private func nightly(_ arguments: String...) throws -> (status: Int32, output: String, errors: String) {
        let process = Process()
        process.executableURL = Self.root.appendingPathComponent("Scripts/nightly")
        process.arguments = arguments
        // As cron gives it: hardly anything.
        process.environment = ["PATH": "/usr/bin:/bin", "UNLEARN": Program.path]
        let output = Pipe(), errors = Pipe()
        (process.standardOutput, process.standardError, process.standardInput) = (output, errors, FileHandle.nullDevice)
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let messages = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text, messages)
    }

    @Test("It carries out what waits, pays what is owed, writes the pages, and says what is due; with nothing to do it does nothing")
    func night() throws {
        let folder = try TemporaryFolder(), program = Program(folder: folder.file("project")), pages = folder.file("pages"), events = folder.file("events.jsonl")
        let rows = (0..<900).map { "row-\($0),\(Double(($0 * 37) % 101) / 50 - 1),\(Double(($0 * 53) % 97) / 48 - 1),\(($0 * 37) % 101 > 50 ? "a" : "b")\n" }
        let table = try folder.write("id,x,y,label\n" + rows.joined(), to: "table.csv")
        try program.json("init", "--data", "csv:\(table)", "--id-column", "id", "--label-column", "label", "--model", "logistic", "--blocks", "30", "--assignment-seed", "1")
        try program.json("train")
        let quiet = try nightly(folder.file("project"), pages, events)
        #expect(quiet.status == 0 && quiet.output.contains("nothing that waits is due within 7 days") && !FileManager.default.fileExists(atPath: pages), "\(quiet)")

        let places = try #require(try program.json(["where", "--ids", "-"], input: (0..<900).map { "row-\($0)" }.joined(separator: "\n"))["rows"] as? [[String: Any]])
        let early = try #require(places.first { $0["part"] as? String == "train" && $0["block"] as? Int == 3 }?["id"] as? String)
        let late = try #require(places.first { $0["part"] as? String == "train" && $0["block"] as? Int == 29 }?["id"] as? String)
        try program.json(["delete", "--ids", "-", "--on-no-decay", "stitch", "--epsilon", "1000"], input: early)
        try program.json(["request", "add", "--ids", "-"], input: late)
        let busy = try nightly(folder.file("project"), pages, events)
        #expect(busy.status == 0, "\(busy)")
        let status = try program.json("status")
        #expect(status["exact"] as? Bool == true && status["requests_owed"] as? [String] == [] && status["requests_waiting"] as? Int == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: pages).sorted().prefix(2) == ["R1.html", "R2.html"])
        let outcomes = try String(contentsOfFile: events, encoding: .utf8).split(separator: "\n").compactMap {
            ((try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])?["data"] as? [String: Any])?["outcome"] as? String
        }
        // Nothing to do twice in the first night; then what waited, and what was owed.
        #expect(outcomes.prefix(2) == ["nothing-to-do", "nothing-to-do"] && outcomes.count == 4 && outcomes.last != "owed")
        // Where nothing is trained, rows can be erased all the same.
        let untrained = Program(folder: folder.file("untrained"))
        try untrained.json("init", "--data", "csv:\(table)", "--id-column", "id", "--label-column", "label", "--model", "logistic", "--blocks", "4")
        try untrained.json(["request", "add", "--ids", "-"], input: "row-1\n")
        #expect(try nightly(folder.file("untrained"), folder.file("others"), events).status == 0 && untrained.json("status")["requests"] as? Int == 1)
        #expect(try nightly(folder.file("nothing"), pages, events).status == 10)
        #expect(try nightly().status == 64)
    }

    @Test("What cron, systemd and a cluster are told names this job and its three arguments")
    func examples() throws {
        for name in ["crontab", "unlearn-nightly.service", "cronjob.yaml"] {
            let text = try String(contentsOf: Self.root.appendingPathComponent("Documentation/Unattended/\(name)"), encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.contains("/nightly") })
            let words = line[line.range(of: "/usr/local/share/unlearn/nightly")!.upperBound...].split { " \",[]".contains($0) }
            #expect(words.count == 3 && words.allSatisfy { $0.hasPrefix("/") }, "\(name): \(words)")
        }
    }
}
