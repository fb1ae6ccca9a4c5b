import Files
import TestSupport
import Testing

@testable import Training

@Suite("Records of comma-separated files")
struct CSVRecordsTests {
    private func read(_ text: String) throws -> [(line: Int, fields: [String])] {
        let folder = try TemporaryFolder()
        return try records(in: folder.write(text, to: "table.csv"))
    }

    private func records(in path: String) throws -> [(line: Int, fields: [String])] {
        var records: [(line: Int, fields: [String])] = []
        try CSVFile.forEachRecord(in: path) { records.append(($0, $1)) }
        return records
    }

    @Test(
        "Records are split as RFC 4180 says",
        arguments: [
            ("", []), ("\u{FEFF}a,b\n", [["a", "b"]]), ("\u{FEFF}", []), ("\u{FEFF}\u{FEFF}a,b\n", [["a", "b"]]), ("\u{FEFF}\u{FEFF}", []), ("\n\r\n\n", []), ("a", [["a"]]), ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]), ("a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
            ("a,b\n1,2", [["a", "b"], ["1", "2"]]), ("\n\na,b\n\r\n\n1,2\n\n", [["a", "b"], ["1", "2"]]),
            ("\"a,b\",\"c\"\"d\"\n", [["a,b", "c\"d"]]), ("\"two\nlines\",x\n", [["two\nlines", "x"]]),
            ("\"two\r\nlines\",x\r\n", [["two\r\nlines", "x"]]), ("\"\",x\n", [["", "x"]]), ("\"\"\n", [[""]]), ("\"\"\"\"\n", [["\""]]),
            ("\"\"\"\"\"\",\"\"\"a\"\"\"\n", [["\"\"", "\"a\""]]), (",\n", [["", ""]]), (" a , b \n", [[" a ", " b "]]),
            ("naïve,日本\n", [["naïve", "日本"]]), ("\"x\"\r\n\"y\"\r\n", [["x"], ["y"]]), ("a,\"b\"", [["a", "b"]]),
        ] as [(String, [[String]])])
    func split(_ text: String, _ expected: [[String]]) throws {
        #expect(try read(text).map(\.fields) == expected)
    }

    @Test("A record's line is the one on which it begins")
    func lines() throws {
        #expect(try read("a\n\n\"b\nb\nb\"\nc\r\n\r\nd").map(\.line) == [1, 3, 6, 8])
    }

    @Test("Any table written with quotes comes back", arguments: [1, 2, 3] as [UInt64])
    func roundTrip(_ seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let alphabet = Array("ab,\"\n\r é𝄞1 ")
        let table = (0..<200).map { _ in
            (0..<Int.random(in: 1...5, using: &random)).map { _ in
                String((0..<Int.random(in: 0...9, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
            }
        }
        let text = table.map { record in
            record.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",") + (Bool.random(using: &random) ? "\n" : "\r\n")
        }.joined()
        #expect(try read(text).map(\.fields) == table)
    }

    @Test("Records may straddle the reader's chunks, in plain and in gzip files", arguments: [false, true])
    func longRecords(_ zipped: Bool) throws {
        let folder = try TemporaryFolder()
        var table: [[String]] = []
        for length in [262_140, 262_143, 262_144, 1, 100_000, 500_000] {
            table.append([String(repeating: "x", count: length), String(repeating: "\"", count: length / 1000), "é\n"])
        }
        let text = table.map { "\($0[0]),\"\($0[1].replacing("\"", with: "\"\""))\",\"\($0[2])\"\n" }.joined()
        let path = zipped ? try folder.writeGzip(Array(text.utf8), to: "t.csv.gz") : try folder.write(text, to: "t.csv")
        #expect(try records(in: path).map(\.fields) == table)
    }

    @Test(
        "A malformed record is bad input whose message names file and line",
        arguments: [
            ("a,b\n\"c,d\n", "line 2 opens a quote"), ("a\n\nb\"c\n", "line 3 has a quote inside"), ("a\n\"x\"\"\n", "line 2 opens a quote"),
            ("a\nb,c\"d\"\n", "line 2 has a quote inside"), ("a\n\"b\"c\"d\"\n", "line 2"), ("a\nb\rc\n", "line 2 has a carriage return"), ("a\nb\0c\n", "line 2, column 1 has a zero byte (NUL)"),
        ])
    func malformed(_ text: String, _ words: String) throws {
        let folder = try TemporaryFolder(), path = try folder.write(text, to: "table.csv")
        let error = try failure { _ = try records(in: path) }
        #expect(error.kind == .input)
        #expect(error.description.contains("\(path) \(words)"), "\(error)")
    }

    @Test(
        "Bytes that are not UTF-8 are bad input",
        arguments: [[0xE9], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xFF, 0xFE, 0x61]] as [[UInt8]])
    func notUnicode(_ bytes: [UInt8]) throws {
        let folder = try TemporaryFolder(), path = try folder.write(Array("a,b\nc,".utf8) + bytes + [0x0A], to: "table.csv")
        let error = try failure { _ = try records(in: path) }
        #expect(error.kind == .input)
        #expect(error.description.contains("\(path) line 2 is not UTF-8 text"))
    }

    @Test("A record of more than 16 MB is taken for a missing quote")
    func endless() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("a\n\"".utf8) + [UInt8](repeating: 0x78, count: 16 << 20), to: "table.csv")
        let error = try failure { _ = try records(in: path) }
        #expect(error.kind == .input)
        #expect(error.description.contains("\(path) line 2 is longer"))
    }
}
