import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("What other programs make of files", .timeLimit(.minutes(60)))
struct ProgramOutputTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func input(_ text: String = "one\ntwo\n") throws -> OpenFile { try OpenFile.input(folder.write(text, to: "input")) }

    private func shell(_ script: String, _ text: String = "one\ntwo\n", most: Int = OpenFile.mostPiped) throws -> (text: String, errors: String, end: ProgramOutput.End) {
        let result = try ProgramOutput(of: "sh", ["-c", script], input: input(text), most: most)
        let errors = String(decoding: result.errors, as: UTF8.self), end = result.end, output = result.takeOutput()
        var bytes = [UInt8](repeating: 0, count: try output.regularLength())
        try bytes.withUnsafeMutableBytes { try output.read(into: $0, at: 0) }
        return (String(decoding: bytes, as: UTF8.self), errors, end)
    }

    @Test("The file is the program's standard input, from its beginning, and what it writes is held")
    func output() throws {
        let result = try shell("cat; echo said >&2")
        #expect(result.text == "one\ntwo\n" && result.errors == "said\n" && result.end == .exited(0))
    }

    @Test("Words reach the program as they are: no shell looks at them")
    func words() throws {
        let words = ["$(touch made)", "a b", "*", "'", "\"", "", PathText.text(of: [0x61, 0xFF])]
        let output = try ProgramOutput(of: "printf", ["%s|"] + words, input: input()).takeOutput()
        var bytes = [UInt8](repeating: 0, count: try output.regularLength())
        try bytes.withUnsafeMutableBytes { try output.read(into: $0, at: 0) }
        let expected: [UInt8] = words.flatMap { PathText.bytes(of: $0) + Array("|".utf8) }
        #expect(bytes == expected)
    }

    @Test("More than pipes hold goes through both at once, and of what is said the end is kept")
    func much() throws {
        let result = try shell("head -c 300000 /dev/zero | tr '\\0' e >&2; head -c 300000 /dev/zero | tr '\\0' o; echo last >&2")
        #expect(result.text == String(repeating: "o", count: 300_000) && result.errors.hasSuffix("elast\n") && result.errors.count < 20_000)
    }

    @Test("Exit statuses and signals are told apart")
    func ends() throws {
        #expect(try shell("exit 7").end == .exited(7))
        #expect(try shell("kill -9 $$").end == .signalled(9))
        // It closes its pipes before it is done.
        #expect(try shell("exec >&- 2>&-; sleep 0.1; exit 3").end == .exited(3))
    }

    @Test("A program that is not there is not started")
    func missing() throws {
        for (name, code) in [("no-such-program", ENOENT), (folder.path + "/none", ENOENT), (try folder.write("text", to: "plain"), EACCES)] {
            do {
                _ = try ProgramOutput(of: name, [], input: input())
                Issue.record("\(name) was started")
            } catch let error as ProgramNotStarted {
                #expect(error.code == code, "\(name)")
            }
        }
    }

    @Test("A program that writes too much is ended, with all that it started")
    func tooLong() throws {
        let pids = folder.file("pids")
        let error = #expect(throws: ProgramOutput.TooLong.self) { try shell("sleep 1000 & echo $$ $! > '\(pids)'; cat /dev/zero", most: 1 << 20) }
        #expect(error?.most == 1 << 20)
        let numbers = try String(contentsOfFile: pids, encoding: .utf8).split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
        #expect(numbers.count == 2)
        // The first was ours to be asked for its status; the other is whoever inherits it's.
        #expect(kill(numbers[0], 0) == -1 && errno == ESRCH)
        #expect(wait { !FileManager.default.fileExists(atPath: "/proc/\(numbers[1])") || ended(numbers[1]) })
    }

    /// Ended, though nobody may have asked for its status yet.
    private func ended(_ identifier: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8) else { return true }
        return status.contains(") Z ")
    }
}
