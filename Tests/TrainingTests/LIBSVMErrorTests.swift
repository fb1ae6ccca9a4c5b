import Files
import Foundation
import TestSupport
import Testing

@testable import Training

/// A sparse text file that is wrong, and what the message says behind the file's name.
private struct BadText: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let message: String

    init(_ description: String, _ text: String, _ message: String) {
        (testDescription, self.text, self.message) = (description, text, message)
    }

    private static let noPair = "which is no pair of index and value; write such as 3:0.5"
    private static let noLabel = "which is no whole number; classes are whole numbers such as 0, 1 or -1"
    private static let noValue = "which is no finite number of single precision; mend it or leave it out"
    private static let noRows = " has no rows; write one a line, such as 1 3:0.5"

    static let all: [BadText] =
        [
            BadText("an empty file", "", noRows),
            BadText("comments only", "# 1 1:1\n\n \t\r\n#", noRows),
            BadText("no features", "1\n2\n", " has no features; write them behind the labels, such as 1 3:0.5"),
            BadText("one class", "1 1:1\n+1.0 2:1\n", " has one label only; two classes are needed"),
            BadText("index 0", "1 1:1\n\n2 0:1 1:1\n", " line 3 has the index 0 where indices begin at 1; write it one-based (scikit-learn: zero_based=False)"),
            BadText("a descending index", "1 3:1 2:1\n", " line 1 has the index 2 behind 3; sort each row's indices and name each once"),
            BadText("an index twice", "1 3:1 3:1\n", " line 1 has the index 3 behind 3; sort each row's indices and name each once"),
            BadText("an index beyond the limit", "1 1048577:1\n", " line 1 has the index 1048577; up to 1048576 features are read: number them without gaps"),
            BadText(
                "an index beyond 64 bits", "1 99999999999999999999999999:1\n",
                " line 1 has the index 99999999999999999999999999; up to 1048576 features are read: number them without gaps"),
            BadText("more values than are kept", "2 1048576:1\n" + String(repeating: "1\n", count: 16384),
                " has 16385 rows of 1048576 features, kept as 17180917760 numbers; up to 17179869184 are: leave out rows or features"),
            BadText("a NUL", "1 1:1\n2 1:1\0\n", " line 2 has a zero byte (NUL), which no text has: it is UTF-16, damaged or no text; write it as UTF-8"),
            BadText("letters beyond ASCII", "1 1:½\n", " line 1 holds the byte 194, which is no part of a number; is it a text file?"),
            BadText("a word without end", "1 1:" + String(repeating: "0", count: 1 << 20), " line 1 has a word of more than 128 bytes; write index:value with spaces between"),
            BadText("a query that is no number", "1 qid:a 1:1\n", " line 1 has 'qid:a', which is no query's number; write qid:7, or leave it out"),
            BadText("a query without a number", "1 qid: 1:1\n", " line 1 has 'qid:', which is no query's number; write qid:7, or leave it out"),
            BadText("a query behind features", "1 1:1 qid:7\n", " line 1 has 'qid:7', \(noPair)"),
        ]
        + ["a", "1.5", "nan", "inf", "1e999", "9007199254740994", "0x1", "1,2", "1:1", "qid:7", "1_0", "-", "1e", "--1"].map {
            BadText("the label \($0)", "0 1:1\n\($0) 1:1\n", " line 2 begins with '\($0)', \(noLabel)")
        }
        + ["abc", "7", ":", ":1", "-1:1", "+1:1", "1.0:1", " :1"].map {
            BadText("the pair \($0)", "0 \($0)\n", " line 1 has '\($0.trimmingCharacters(in: .whitespaces))', \(noPair)")
        }
        + ["", "nan", "-inf", "infinity", "1e39", "-1e39", "1e999", "0x1p3", "1:1", "a", "1e", ".", "1,5"].map {
            BadText("the value \($0)", "0 1:1 5:\($0)\n", " line 1 has '\($0)' at index 5, \(noValue)")
        }
}

@Suite("Sparse text files that are wrong")
struct LIBSVMErrorTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test("Each is bad input, to the letter", arguments: BadText.all, [false, true])
    private func bad(_ bad: BadText, zipped: Bool) throws {
        let path = try zipped ? folder.writeGzip(Array(bad.text.utf8), to: "rows") : folder.write(bad.text, to: "rows")
        let error = try failure { _ = try LIBSVMSource(path).survey() }
        #expect(error.kind == .input && error.description == path + bad.message)
    }

    @Test("A missing file, a folder and a pipe that nothing writes to are bad input")
    func noFile() throws {
        let pipe = folder.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        for (path, message) in [
            (folder.file("none"), "no file \(folder.file("none")); check the path"), (folder.path, "\(folder.path) is not a regular file; name a file"),
            (pipe, "nothing comes out of the pipe \(pipe); start what writes to it first"),
        ] {
            let error = try failure { _ = try LIBSVMSource(path).survey() }
            #expect(error.kind == .input && error.description == message)
        }
    }

    @Test("A gzip file cut anywhere is bad input")
    func truncated() throws {
        let text = (0..<200).map { "\($0 % 3) 1:\($0 * 7919 % 1000)\n" }.joined()
        let whole = try FileSystem.read(folder.writeGzip(Array(text.utf8), to: "whole.gz"))
        for length in 0..<whole.count {
            let path = try folder.write(Array(whole[..<length]), to: "cut.gz")
            let error = try failure { _ = try LIBSVMSource(path).survey() }
            #expect(error.kind == .input && error.description.contains(path), "cut to \(length) bytes: \(error)")
        }
    }

    @Test("A file that gains a feature behind its survey is refused when rows are visited")
    func changed() throws {
        let path = try folder.write("1 1:1\n2 2:1\n", to: "rows"), source = LIBSVMSource(path)
        _ = try source.survey()
        try folder.write("1 1:1\n2 3:1\n", to: "rows")
        let error = try failure { try source.forEachRow { _, _, _ in } }
        #expect(error.kind == .input && error.description == "\(path) changed while it was read; run the command again")
    }
}
