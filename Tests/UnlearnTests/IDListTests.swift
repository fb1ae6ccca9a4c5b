import Files
import TestSupport
import Testing

@testable import Unlearn

@Suite("Id lists")
struct IDListTests {
    private func list(_ text: String) throws -> IDList { try IDList(Array(text.utf8), path: "list") }

    @Test("Blank lines, comments, spaces and repeats are skipped; line numbers are kept")
    func lines() throws {
        let ids = try list("# people\n\na\r\n b \n\tc\na\n#d\ne")
        #expect(ids.entries.map(\.id) == ["a", "b", "c", "e"])
        #expect(ids.entries.map(\.line) == [3, 4, 5, 8])
    }

    @Test("A line that begins with '#' is a comment, whatever mark stands on it")
    func markedComment() throws { #expect(try list("#\u{301}no id\na").entries.map(\.id) == ["a"]) }

    @Test("A list that ends its lines with carriage returns alone is refused")
    func carriageReturns() {
        #expect(throws: Failure(.input, "list line 2 has a carriage return inside; end lines with a line feed")) { try list("a\r\nb\rc\r\n") }
    }

    @Test("A list without ids is an error", arguments: ["", "\n\n", "# nobody\n"])
    func empty(text: String) {
        #expect(throws: Failure(.input, "list names no ids; write one id a line")) { try list(text) }
    }

    @Test("Bytes that are no text are an error that names the line", arguments: [[0x61, 0x0A, 0xFF, 0x0A], [0x61, 0x0A, 0x62, 0x00]] as [[UInt8]])
    func notText(bytes: [UInt8]) {
        #expect(throws: Failure(.input, "list line 2 is not UTF-8 text; convert the file")) { try IDList(bytes, path: "list") }
    }

    @Test("The first ten wrong ids are named with their lines")
    func wrongIDs() throws {
        let ids = try list((1...12).map { "x\($0)" }.joined(separator: "\n"))
        let message = "list: each of " + (1...10).map { "'x\($0)' (line \($0))" }.joined(separator: ", ") + " and 2 more is unknown; correct the list"
        #expect(throws: Failure(.input, message)) { try ids.expectNothingPending(ids.pending, "is unknown") }
    }

    @Test("A missing file and a folder are errors")
    func files() throws {
        let folder = try TemporaryFolder()
        #expect { try IDList(reading: folder.file("none")) } throws: { ($0 as? Failure)?.kind == .input }
        #expect { try IDList(reading: folder.path) } throws: { ($0 as? Failure)?.kind == .input }
    }
}
