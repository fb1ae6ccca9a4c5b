import Files
import Foundation
import TestSupport
import Testing

@testable import Training

/// A table that is wrong, and what its message must say.
private struct BadTable: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    var label = "label"
    var id: String?
    var group: String?
    let words: [String]

    static let all: [BadTable] = [
        BadTable(testDescription: "empty file", text: "", words: ["empty", "header"]),
        BadTable(testDescription: "blank lines only", text: "\n\r\n\n", words: ["empty", "header"]),
        BadTable(testDescription: "header only", text: "x,label\n", words: ["no rows"]),
        BadTable(testDescription: "no label column", text: "x,y\n1,2\n", words: ["'label'", "--label-column", "x, y"]),
        BadTable(testDescription: "no id column", text: "x,label\n1,a\n", id: "key", words: ["'key'", "--id-column", "x, label"]),
        BadTable(testDescription: "no group column", text: "x,label\n1,a\n", group: "who", words: ["'who'", "--group-column", "x, label"]),
        BadTable(testDescription: "no features", text: "id,label\n1,a\n2,b\n", id: "id", words: ["no feature columns"]),
        BadTable(testDescription: "one class", text: "x,label\n1,a\n2,a\n", words: ["'label'", "one value"]),
        BadTable(testDescription: "a field too few", text: "x,y,label\n1,2,a\n\n1,b\n", words: ["line 4", "2 fields", "3"]),
        BadTable(testDescription: "a field too many", text: "x,label\n1,a\n1,2,b\n", words: ["line 3", "3 fields", "2"]),
        BadTable(testDescription: "a blank that is not an empty line", text: "x,label\n1,a\n \n2,b\n", words: ["line 3", "1 fields"]),
        BadTable(testDescription: "ragged behind a record of several lines", text: "x,label\n\"1\n\n\",a\n1\n", words: ["line 5", "1 fields"]),
        BadTable(testDescription: "an open quote", text: "x,label\n1,\"a\n2,b\n", words: ["line 2", "quote"]),
        BadTable(testDescription: "an empty id", text: "id,x,label\n1,1,a\n,2,b\n", id: "id", words: ["line 3", "empty id"]),
        BadTable(testDescription: "two columns of one name", text: "x,x,label\n1,2,a\n2,3,b\n", words: ["two columns 'x'"]),
        BadTable(
            testDescription: "one word in a column of numbers", text: "x,label\n" + (0..<60).map { "\($0),\($0 % 2)\n" }.joined() + "old,1\n",
            words: ["line 62", "'x'", "'old'", "numbers", "--categories x", "--ignore-columns x"]),
        BadTable(
            testDescription: "infinity in a column of numbers", text: "x,label\n1,a\n2,b\ninf,a\n", words: ["line 4", "'inf'", "numbers"]),
        BadTable(
            testDescription: "decimal commas", text: "x;label\n1,5;a\n2,5;b\n3,5;a\n", words: ["line 2", "'1,5'", "--decimal-comma"]),
        BadTable(testDescription: "one decimal comma among points", text: "x,label\n1.5,a\n\"2,5\",b\n3.5,a\n", words: ["line 3", "'2,5'", "--decimal-comma"]),
        BadTable(
            testDescription: "a word among dates", text: "x,label\n2021-03-04,a\n2021-03-05,b\nsoon,a\n", words: ["line 4", "'soon'", "dates"]),
        BadTable(testDescription: "a row without a label", text: "x,label\n1,a\n2,?\n3,b\n4,\n", words: ["lines 3, 5", "no label", "--drop-unlabelled"]),
        BadTable(testDescription: "no feature that says anything", text: "x,y,label\n1,,a\n1,,b\n", words: ["no feature columns", "'x': all rows", "'y': no row"]),
        BadTable(
            testDescription: "several mistakes", text: "x,y,label\n" + (0..<30).map { "\($0),\($0 * 2),\($0 % 2)\n" }.joined() + "1,2\nold,3,0\n4,new,\n",
            words: ["3 problems", "line 32 has 2 fields", "line 34: no label", "line 33: column 'x' holds 'old'"]),
        BadTable(testDescription: "a NUL", text: "x,label\n1,a\n2,\0\n", words: ["line 3", "UTF-8"]),
    ]
}

@Suite("Tables that are wrong")
struct TableErrorTests {
    @Test("Each is bad input whose message names the file and the place", arguments: BadTable.all)
    private func badTable(_ table: BadTable) throws {
        let folder = try TemporaryFolder(), path = try folder.write(table.text, to: "table.csv")
        let source = TableSource(path, TableOptions(labelColumn: table.label, idColumn: table.id, groupColumn: table.group))
        let error = try failure {
            _ = try source.survey()
            try source.forEachRow { _, _, _ in }
        }
        #expect(error.kind == .input)
        for word in [path] + table.words { #expect(error.description.contains(word), "\(error)") }
    }

    @Test("A missing file and a folder are bad input")
    func noFile() throws {
        let folder = try TemporaryFolder()
        for path in [folder.file("nothing.csv"), folder.path] {
            let error = try failure { _ = try TableSource(path, TableOptions(labelColumn: "label")).survey() }
            #expect(error.kind == .input)
            #expect(error.description.contains(path))
        }
    }

    @Test("A gzip file cut anywhere is bad input")
    func truncated() throws {
        let folder = try TemporaryFolder()
        let text = "x,label\n" + (0..<200).map { "\($0 * 7919 % 1000),\($0 % 3)\n" }.joined()
        let whole = try FileSystem.read(folder.writeGzip(Array(text.utf8), to: "whole.gz"))
        for length in 0..<whole.count {
            let path = try folder.write(Array(whole[..<length]), to: "cut.gz")
            let error = try failure { _ = try TableSource(path, TableOptions(labelColumn: "label")).survey() }
            #expect(error.kind == .input)
            #expect(error.description.contains(path), "cut to \(length) bytes")
        }
    }

    @Test("Columns whose mean or spread leave the range of numbers are refused, or stay finite", arguments: [
        ["1e308", "-1e308"], ["1e308", "1.5e308", "-1e308", "3"], ["1e200", "-1e200"],
    ])
    func hugeNumbers(_ values: [String]) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("x,label\n" + values.enumerated().map { "\($1),\($0 % 2)\n" }.joined(), to: "table.csv")
        let source = TableSource(path, TableOptions(labelColumn: "label"))
        do {
            _ = try source.survey()
            // Written down in the project's settings, which JSON does for finite numbers only.
            #expect(throws: Never.self) { try JSONEncoder().encode(source.encoding) }
            try source.forEachRow { _, _, bytes in
                let features = FeatureEncoding.floats.decode(Array(bytes))
                #expect(features.allSatisfy { $0.isFinite })
            }
        } catch let error as any DescribedError {
            #expect(error.kind == .input)
            #expect(error.description.contains("'x'"), "\(error)")
        }
    }
}
