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
        BadTable(testDescription: "a NUL", text: "x,label\n1,a\n2,\0\n", words: ["line 3, column 2 has a zero byte (NUL)"]),
        BadTable(testDescription: "a NUL in a quoted field of several lines", text: "x,y,label\n1,\"a\nb\0\",a\n", words: ["line 3, column 2 has a zero byte"]),
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

    @Test("A day that there is not is said to be none among others that there are, and in rows that come later")
    func impossibleDates() throws {
        let folder = try TemporaryFolder(), days = (0..<30).map { "2023-03-\($0 % 28 + 1),\($0 % 2)\n" }.joined()
        let wrong = TableSource(try folder.write("x,label\n" + days + "2023-02-30,1\n", to: "wrong.csv"), TableOptions(labelColumn: "label"))
        #expect(try failure { _ = try wrong.survey() }.description.contains("line 32: column 'x' holds '2023-02-30', no date of the calendar, where other rows hold dates"))
        let right = TableSource(try folder.write("x,label\n" + days, to: "right.csv"), TableOptions(labelColumn: "label")), survey = try right.survey()
        let later = TableSource([try folder.write("x,label\n2023-02-30,1\n", to: "later.csv")], TableOptions(labelColumn: "label"), encoding: right.encoding, classNames: survey.classNames)
        let error = try failure {
            _ = try later.survey()
            try later.forEachRow { _, _, _ in }
        }
        #expect(error.description.contains("'2023-02-30', which is no date of the calendar"), "\(error)")
    }

    @Test("Lines that are wrong in more ways than are named are counted")
    func manyKinds() throws {
        let folder = try TemporaryFolder()
        func message(_ lines: Int) throws -> String {
            let rows = (1...lines).map { "1" + String(repeating: ",1", count: $0 + 1) + "\n" }.joined()
            return try failure { _ = try TableSource(try folder.write("x,label\n" + rows, to: "wrong.csv"), TableOptions(labelColumn: "label")).survey() }.description
        }
        #expect(try message(10).contains("wrong.csv has 10 problems: (1) ") && !message(10).contains("more"))
        #expect(try message(11).contains("more than 10 problems: (1) ") && message(11).hasSuffix("; and 1 more line with problems"))
        #expect(try message(40).hasSuffix("; and 30 more lines with problems"))
    }

    @Test("Of several files, each message names the one that it is about, and once")
    func severalFiles() throws {
        let folder = try TemporaryFolder()
        func message(_ texts: String...) throws -> String {
            let paths = try texts.enumerated().map { try folder.write("id,x,label\n" + $1, to: ["a.csv", "b.csv", "c.csv"][$0]) }
            let error = try failure { _ = try TableSource(paths, TableOptions(labelColumn: "label", idColumn: "id")).survey() }
            return error.description.replacing(folder.path + "/", with: "")
        }
        let numbers = { (name: String) in (0..<30).map { "\(name)\($0),\($0),\($0 % 2)\n" }.joined() }
        #expect(try message("p,1,u\nq,2,v\n", "r,3,u\np,4,v\n") == "b.csv line 3 has the id 'p' of line 2 of a.csv; ids must be unique: rename one, or leave the row out")
        #expect(try message("p,1,u\nq,2,v\n", "r,3,u\nr,4,v\n") == "b.csv line 3 has the id 'r' of line 2; ids must be unique: rename one, or leave the row out")
        #expect(try message(numbers("a"), numbers("b") + "c,old,1\n").hasPrefix("line 32 of b.csv: column 'x' holds 'old' where other rows hold numbers"))
        let both = try message(numbers("a") + "d,new,1\n", numbers("b") + "c,1\n")
        #expect(both.hasPrefix("a.csv and 1 more have 2 problems: (1) b.csv line 32 has 2 fields") && both.contains("(2) line 32 of a.csv: column 'x' holds 'new'"), "\(both)")
        #expect(try message("p,1,u\np,2,v\n") == "a.csv line 3 has the id 'p' of line 2; ids must be unique: rename one, or leave the row out")
    }

    @Test("What names a row, a group, a class, a category or a column is no text of a million bytes", arguments: ["label", "id", "group", "person", "category", "column", "id of rows to predict"])
    func longNames(_ place: String) throws {
        let folder = try TemporaryFolder(), long = String(repeating: "x", count: 1_000_000)
        func text(_ long: String) -> String {
            let odd: [String: [String]] = ["label": ["a", "g", "1", "c", long], "id": [long, "g", "1", "c", "u"], "group": ["a", long, "1", "c", "u"], "person": ["a", long, "1", "c", "u"], "category": ["a", "g", "1", long, "u"]]
            let rows = [odd[place] ?? ["a", "g", "1", "c", "u"]] + (0..<30).map { ["r\($0)", "g\($0 % 3)", "\($0)", "c\($0 % 2)", "u\($0 % 2)"] }
            let header = place == "column" ? "id,group,\(long),colour,label\n" : "id,group,x,colour,label\n"
            return header + rows.map { $0.joined(separator: ",") + "\n" }.joined()
        }
        var options = TableOptions(labelColumn: "label", idColumn: "id", groupColumn: place == "person" ? nil : "group")
        if place == "person" { options.personColumn = "group" }
        func source(_ long: String) throws -> TableSource { TableSource(try folder.write(text(long), to: "t.csv"), options) }
        _ = try source(String(repeating: "x", count: NameText.mostBytes)).survey()
        if place == "id of rows to predict" {
            let trained = try source(""), survey = try trained.survey()
            let rows = TableSource([try folder.write("id,group,x,colour\n\(long),g,1,c\n", to: "rows.csv")], options, encoding: trained.encoding, classNames: survey.classNames)
            #expect(try failure { try rows.forEachRow { _, _, _ in } }.description.contains("line 2 has an id of 1000000 bytes, and up to 4096 are read"))
            return
        }
        let error = try failure { _ = try source(long).survey() }
        #expect(error.kind == .input && error.description.contains("of 1000000 bytes, and up to 4096 are read") && error.description.utf8.count < 400, "\(error)")
        #expect(error.description.contains(place == "column" ? "line 1 has a column's name" : place == "category" ? "line 2: column 'colour' has a category" : "line 2 has "))
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
