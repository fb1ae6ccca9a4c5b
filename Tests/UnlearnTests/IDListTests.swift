import Files
import Foundation
import TestSupport
import Testing

@testable import Unlearn

@Suite("Id lists")
struct IDListTests {
    @Test("The one spelling of an id is what it was: digests in projects are made of it", arguments: [
        ("e\u{301}", [0xE9]), ("\u{1112}\u{1161}\u{11AB}", [0xD55C]), ("\u{F900}", [0x8C48]), ("a\u{301}\u{327}", [0xE1, 0x327]),
        // Of these the standard library makes one syllable.
        ("\u{AC00}\u{11A8}", [0xAC00, 0x11A8]),
    ] as [(String, [UInt32])])
    func canonical(id: String, scalars: [UInt32]) { #expect(IDList.canonical(id).unicodeScalars.map(\.value) == scalars) }

    private func list(_ text: String) throws -> IDList { try IDList(Array(text.utf8), path: "list") }

    @Test("A list that is a table is read as tables are: with the separator that its header has, and not packed")
    func tablesOfOthers() throws {
        let list = try IDList(table: Array("name;Kunde\nMeier, Anna;17\nX;\"9\"\n".utf8), path: "F", column: "Kunde")
        #expect(list.entries.map(\.id) == ["17", "9"])
        let folder = try TemporaryFolder(), packed = folder.file("list.gz")
        try Data([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]).write(to: URL(fileURLWithPath: packed))
        for column in [nil, "Kunde"] { #expect { _ = try IDList(reading: packed, column: column) } throws: { "\($0)".contains("list.gz is compressed") } }
    }

    @Test("Blank lines, comments, spaces and repeats are skipped; line numbers are kept")
    func lines() throws {
        let ids = try list("# people\n\na\r\n b \n\tc\na\n#d\ne")
        #expect(ids.entries.map(\.id) == ["a", "b", "c", "e"])
        #expect(ids.entries.map(\.line) == [3, 4, 5, 8])
        #expect(ids.repeated.map(\.id) == ["a"] && ids.repeated.map(\.line) == [6])
    }

    private func table(_ text: String, _ column: String) throws -> IDList { try IDList(table: Array(text.utf8), path: "list", column: column) }

    @Test("In a table, one column holds the ids and the others say nothing")
    func tables() throws {
        let ids = try table("\u{FEFF}name,who\n\"Doe, John\",a\r\n\n#x, b \nthird,\"c\nd\"\nfourth,a\nfifth,a\n", "who")
        #expect(ids.entries.map(\.id) == ["a", "b", "c\nd"] && ids.entries.map(\.line) == [2, 4, 5])
        #expect(ids.repeated.map(\.id) == ["a"] && ids.repeated.map(\.line) == [7])
        #expect(try table("who\n7\n", "who").entries.map(\.id) == ["7"])
    }

    @Test("What is wrong with a table of ids is named", arguments: [
        ("a,b\n1,2\n", "list has no column 'who'; its columns are 'a', 'b'"), ("who,who\n1,2\n", "list has 2 columns 'who'; its columns are 'who', 'who'"),
        ("a,who\n1,2\n3\n", "list line 3 has only 1 fields; complete the line"), ("a,who\n1, \n", "list line 2 has no id in column 2; complete the line"),
        ("a,who\n", "list names no ids; write a line for each under the header"), ("", "list names no ids; write a line for each under the header"),
    ])
    func wrongTables(text: String, message: String) { #expect(throws: Failure(.input, message)) { try table(text, "who") } }

    @Test("A zero byte, a byte order mark that stands there twice, and an id of megabytes are told as what they are")
    func oddBytes() throws {
        #expect(throws: Failure(.input, "list line 2 has a zero byte (NUL) behind 1 others, which no text has: it is UTF-16, damaged or no list; write it as UTF-8 text")) { try list("a\nb\0\n") }
        #expect(try list("\u{FEFF}\u{FEFF}a\nb\n").entries.map(\.id) == ["a", "b"] && table("\u{FEFF}\u{FEFF}who\na\n", "who").entries.map(\.id) == ["a"])
        let long = String(repeating: "x", count: 5000)
        let message = "line 2 has an id of 5000 bytes, and up to 4096 are read; is it the right column, or is a quote missing?"
        #expect(throws: Failure(.input, "list \(message)")) { try list("a\n\(long)\n") }
        #expect(throws: Failure(.input, "list \(message)")) { try table("who\n\(long)\n", "who") }
        let folder = try TemporaryFolder(), path = try folder.write("id,group\na,\(long)\n", to: "groups.csv")
        #expect(throws: Failure(.input, "\(path) \(message.replacing("an id", with: "a group"))")) { try GroupsFile(reading: path) }
    }

    @Test("An id that looks like a secret key is shown nowhere, whatever stands beside it")
    func keys() throws {
        let key = String(repeating: "0fA3", count: 16), ids = try list("a\n\(key)\nb\n\(key)")
        #expect { try ids.expectNone(ids.entries, "is not in the project", "correct the list") } throws: {
            "\($0)" == "list: each of 'a' (line 1), the id in line 2, 'b' (line 3) is not in the project; correct the list"
        }
        #expect(ids.entries.map(IDList.shown) == ["a", "the id in line 2", "b"] && ids.repeated.map(IDList.shown) == ["the id in line 4"])
        for text in ["\(key)\n", "name,\(key)\nx,y\n"] {
            #expect(throws: Failure(.input, "list has no column 'who', and is no table of ids")) { try table(text, "who") }
        }
    }

    @Test("An altered copy of a key is shown nowhere", arguments: ["'KEY'", "\"KEY\"", "KEY,y", "key=KEY", "KEYKEY", "-KEY"])
    func alteredKeys(shape: String) throws {
        let key = String(repeating: "0fA3", count: 16)
        for text in [shape.replacing("KEY", with: key), shape.replacing("KEY", with: key.dropLast())] {
            let ids = try list("a\n\(text)\n\(text)")
            #expect(ids.entries.map(IDList.shown) == ["a", "the id in line 2"] && ids.repeated.map(IDList.shown) == ["the id in line 3"])
            #expect(!ids.named(ids.entries).contains("0fA3"))
        }
        #expect(IDList.shown("6ba7b8109dad11d180b400c04fd430c8", line: 1) == "6ba7b8109dad11d180b400c04fd430c8", "a UUID is no key")
    }

    @Test("A table that is given as a list is told how to name its column")
    func tableAsList() throws {
        let ids = try list("id,name\n1,x\n2,y")
        #expect { try ids.expectNone(ids.entries, "is not in the project", "correct the list") } throws: { "\($0)".hasSuffix("this looks like a table: name its column of ids with --id-column") }
    }

    @Test("A pipe that this process was handed is read to its end, whatever the length")
    func pipes() throws {
        let pipe = Pipe()
        let text = (0..<30_000).map { "person-\($0)\n" }.joined()
        Thread { try? pipe.fileHandleForWriting.write(contentsOf: Data(text.utf8)); try? pipe.fileHandleForWriting.close() }.start()
        let ids = try IDList(reading: "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)")
        #expect(ids.entries.count == 30_000 && ids.entries.last?.id == "person-29999")
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

    @Test("Bytes that are no text are an error that names the line", arguments: [[0x61, 0x0A, 0xFF, 0x0A], [0x61, 0x0A, 0x62, 0xC3]] as [[UInt8]])
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
