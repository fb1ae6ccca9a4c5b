import Files
import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("Tables as data sets")
struct TableSourceTests {
    private let text = """
        id,age,city,"label, true",provider
        r1,30,Rome,yes,p2

        r2,40.5,"Paris, F",no,p1\r
        r3,-1e1,Rome,yes,p2
        r4, 7 ,Oslo,no,p3
        """

    private static let positions = "no --id-column: a row's id is its position, from 0 for the first below the header"

    /// Features of every row, by id or position.
    private func features(_ source: TableSource) throws -> [(id: String?, features: [Float])] {
        var rows: [(id: String?, features: [Float])] = []
        try source.forEachRow { position, id, bytes in
            #expect(position == rows.count)
            rows.append((id, FeatureEncoding.floats.decode(Array(bytes))))
        }
        return rows
    }

    private func source(_ text: String, label: String = "label", _ folder: TemporaryFolder) throws -> TableSource {
        TableSource(try folder.write(text, to: "table.csv"), TableOptions(labelColumn: label))
    }

    @Test("Numbers are standardised, text becomes one feature a category, ids, labels and groups are set apart", arguments: [false, true])
    func whole(_ zipped: Bool) throws {
        let folder = try TemporaryFolder()
        let path = zipped ? try folder.writeGzip(Array(text.utf8), to: "t.csv.gz") : try folder.write(text, to: "t.csv")
        let source = TableSource(path, TableOptions(labelColumn: "label, true", idColumn: "id", groupColumn: "provider"))
        let survey = try source.survey()
        #expect(survey.classNames == ["no", "yes"])
        #expect(survey.labels == [1, 0, 1, 0])
        #expect(survey.groupNames == ["p2", "p1", "p3"])
        #expect(survey.groups == [0, 1, 0, 2])
        #expect(survey.hasIDs && survey.rows == 4)
        #expect(survey.encoding == .floats)
        #expect(survey.shape == RowShape(features: 4))

        let rows = try features(source)
        #expect(rows.map(\.id) == ["r1", "r2", "r3", "r4"])
        guard let age = source.encoding?.columns.first, age.name == "age", case .number(let scale) = age.kind else {
            Issue.record("age is no column of numbers: \(String(describing: source.encoding))")
            return
        }
        expectClose(rows.map { $0.features[0] }, [30, 40.5, -10, 7].map { ($0 - scale.mean) / scale.deviation }, floor: 1e-6)
        // Oslo, Paris, Rome: sorted.
        #expect(rows.map { Array($0.features[1...]) } == [[0, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
        #expect(
            source.encoding?.columns.dropFirst().first == .init(name: "city", kind: .categories(["Oslo", "Paris, F", "Rome"], pooled: false)))
    }

    @Test("Without an id column rows have no ids; without a group column there are no groups")
    func plain() throws {
        let folder = try TemporaryFolder()
        let source = try source("x,label\n1,a\n2,b\n", folder), survey = try source.survey()
        #expect(!survey.hasIDs && survey.groups.isEmpty && survey.groupNames.isEmpty)
        #expect(try features(source).map(\.id) == [nil, nil])
    }

    @Test("Standardised columns have about mean 0 and variance 1, also far from zero", arguments: [0, 1e6, -1e9] as [Double])
    func standardised(_ offset: Double) throws {
        var random = SeededGenerator(71)
        let folder = try TemporaryFolder()
        let values = (0..<500).map { _ in offset + Double.random(in: -3...5, using: &random) }
        let source = try source("x,label\n" + values.enumerated().map { "\($1),\($0 % 2)\n" }.joined(), folder)
        _ = try source.survey()
        let found = try features(source).map { Double($0.features[0]) }, mean = found.reduce(0, +) / 500
        let variance = found.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 500
        // The mean is off by half a step of its grid, an eighth to a quarter of a deviation; the deviation by an eighth.
        #expect(abs(mean) < 0.15 && (0.75...1.3).contains(variance), "mean \(mean), variance \(variance)")
    }

    @Test("A column's mean and deviation are too coarse for a few rows to be worked out from them", arguments: [20, 150, 1000, 60_000])
    func coarse(_ rows: Int) {
        var random = SeededGenerator(72)
        for _ in 0..<200 {
            let mean = Double.random(in: -1e3...1e3, using: &random), range = Double.random(in: 1e-3...1e3, using: &random)
            let deviation = range * Double.random(in: 0.1...0.4, using: &random)
            let found = CoarseStatistics(mean: mean, deviation: deviation, range: range, rows: Double(rows))
            // The mean stands on a grid of powers of two, of which n steps are four ranges or more.
            var step = 1e-12.binade
            while (found.mean / (2 * step)).rounded() * 2 * step == found.mean, step < 1e6 { step *= 2 }
            #expect(Double(rows) * max(step, deviation / 8) >= 4 * range || found.mean == 0)
            #expect(abs(found.mean - mean) <= max(4 * range / Double(rows), deviation / 8) * 1.2)
            #expect((0.88...1.13).contains(found.deviation / deviation) && (found.deviation.significand * 4).rounded() == found.deviation.significand * 4)
        }
    }

    /// What became of each feature column, in words.
    private func kinds(_ source: TableSource) -> [String: String] {
        Dictionary(source.report.map { ($0.name, $0.kind == "left out" ? "left out: \($0.reason!)" : $0.kind) }, uniquingKeysWith: { $1 })
    }

    @Test("Columns that say nothing are left out, and it is said why: constant, empty, counting rows without a name")
    func leftOut() throws {
        let folder = try TemporaryFolder(), source = try source(",c,e,index,x,label,\n0,5,,1,7,a,\n1,5,NA,2,8,b,\n2,5,,3,7,a,\n", folder)
        #expect(try source.survey().shape.count == 1)
        let kinds = kinds(source)
        #expect(kinds["column 1"]?.hasPrefix("left out: it numbers the rows and has no name") == true && kinds["index"]?.hasPrefix("left out: it numbers the rows") == true)
        #expect(kinds["c"] == "left out: all rows have the same value" && kinds["e"] == "left out: no row has a value in it" && kinds["column 7"] == kinds["e"])
        #expect(kinds["x"] == "number" && kinds["label"] == "label")
    }

    @Test(
        "A missing number is the column's mean, and one more feature says so; nothing turns the column into categories",
        arguments: ["", " ", "NA", "NaN", "nan", "N/A", "null", "NULL", "?", "-", ".", "#N/A", "None"])
    func gaps(_ gap: String) throws {
        let folder = try TemporaryFolder(), source = try source("x,label\n10,a\n30,b\n\(gap),a\n20,b\n", folder)
        #expect(try source.survey().shape.count == 2)
        let rows = try features(source).map(\.features)
        #expect(rows[2] == [0, 1] && rows[0][1] == 0 && rows[0][0] < rows[3][0])
        #expect(source.report[0].missing == 1 && source.report[0].kind == "number")
        var options = TableOptions(labelColumn: "label")
        options.missing = .refuse
        let error = try failure { _ = try TableSource(folder.file("table.csv"), options).survey() }
        #expect(error.kind == .input && error.description.contains("line 4: column 'x' has no value"), "\(error)")
    }

    @Test("Dates are days, and times where there are any; booleans are one feature; text keeps its most frequent values")
    func kindsOfColumns() throws {
        let folder = try TemporaryFolder()
        let lines = (0..<60).map { row in
            "2021-03-\(String(format: "%02d", row % 28 + 1)),04.03.2021 0\(row % 10):06:07,\(["yes", "No", ""][row % 3]),\(row % 2 == 0 ? "T" : "f"),c\(row % 12),\(row % 2)\n"
        }
        var options = TableOptions(labelColumn: "label")
        options.mostCategories = 5
        let source = TableSource(try folder.write("day,time,ok,flag,city,label\n" + lines.joined(), to: "t.csv"), options)
        // Day; time of day (the day is always the same: 0); yes and its gaps; flag; five cities and the rest.
        #expect(try source.survey().shape.count == 1 + 2 + 2 + 1 + 6)
        #expect(source.report.map(\.kind) == ["date", "date", "boolean", "boolean", "categories", "label"])
        #expect(source.report[4].categories == 12 && source.report[4].pooled == 7)
        let rows = try features(source).map(\.features)
        #expect(rows[0][3...5] == [1, 0, 1] && rows[1][3...5] == [-1, 0, -1] && rows[2][3...4] == [0, 1])
        #expect(rows.allSatisfy { $0[6...].reduce(0, +) == 1 } && rows.count { $0[11] == 1 } == 35)
        // Days and seconds differ as the calendar has it.
        guard case .date(let day, _)? = source.encoding?.columns[0].kind, case .date(_, let time?)? = source.encoding?.columns[1].kind else {
            Issue.record("no dates: \(String(describing: source.encoding))")
            return
        }
        expectClose([(rows[27][0] - rows[0][0]) * Float(day.deviation), (rows[9][2] - rows[0][2]) * Float(time.deviation)], [27, 9 * 3600], floor: 1e-3)
    }

    @Test("What numbers the rows is no feature in whatever order, and neither is the column of ids once more; both can be named as ids")
    func indexColumns() throws {
        let folder = try TemporaryFolder()
        let lines = (0..<40).map { "\($0 * 7 % 41 + 3),k\($0),\($0 % 5),k\($0),\($0 % 2)\n" }
        let path = try folder.write(",id,x,again,label\n" + lines.joined(), to: "t.csv"), source = TableSource(path, TableOptions(labelColumn: "label", idColumn: "id"))
        #expect(try source.survey().shape.count == 1)
        #expect(kinds(source)["column 1"] == "left out: it numbers the rows and has no name" && kinds(source)["again"] == "left out: it is the column of ids once more")
        for name in ["", "column 1", "Unnamed: 0"] {
            let numbered = TableSource(path, TableOptions(labelColumn: "label", idColumn: name))
            _ = try numbered.survey()
            #expect(try features(numbered).first?.id == "3")
        }
        // Few different numbers are no index, whatever they are called.
        let classes = try self.source("index,label\n" + (0..<40).map { "\($0 % 4),\($0 % 2)\n" }.joined(), folder)
        #expect(try classes.survey().shape.count == 1)
    }

    @Test("What may be a mistake is said: a class of one row, a sum at the end")
    func doubts() throws {
        let folder = try TemporaryFolder(), rows = (0..<40).map { "r\($0),\($0 % 7),\($0 % 2)\n" }.joined()
        let source = TableSource(try folder.write("id,x,label\n" + rows + "Total,120,20\n", to: "t.csv"), TableOptions(labelColumn: "label", idColumn: "id"))
        _ = try source.survey()
        #expect(source.remarks == [
            "line 42 begins with 'Total': if it is a sum of the others, take it out", "class '20' has one row only, in line 42: if that is a mistake, take it out",
        ])
    }

    @Test("Amounts, percentages and dates of other places are named, not taken for names", arguments: [
        ("\"1,234\"", "line 2", "--decimal-comma"), ("22%", "a percentage", "--categories x"), ("$ 50", "an amount", "--ignore-columns x"), ("4/23/2021", "a date that can be read in two ways", "line 2"),
        ("2023-02-30", "no date of the calendar", "line 2"), ("30.02.2023", "no date of the calendar", "2021-03-04"), ("2023/13/01 05:06", "no date of the calendar", "line 2"),
        ("31/31/2023", "no date of the calendar", "line 2"), ("2023-00-10", "no date of the calendar", "line 2"),
    ])
    func nearlyNumbers(_ cell: String, _ word: String, _ other: String) throws {
        let folder = try TemporaryFolder(), source = try source("x,y,label\n" + (0..<30).map { "\(cell),\($0),\($0 % 2)\n" }.joined(), folder)
        let error = try failure { _ = try source.survey() }
        #expect(error.kind == .input && error.description.contains(word) && error.description.contains(other), "\(error)")
    }

    /// What reading such numbers says, where the training rows' were about 50,000, and 50 in the column `small`.
    private func remarks(_ cells: [String], trainedWithComma: Bool = false) throws -> [String] {
        let folder = try TemporaryFolder()
        var options = TableOptions(labelColumn: "label")
        options.decimalComma = trainedWithComma
        let training = TableSource(
            try folder.write("x;small;label\n" + (0..<40).map { "\(30000 + $0 * 1000);\(30 + $0);\($0 % 2)\n" }.joined(), to: "training.csv"), options)
        _ = try training.survey()
        let other = TableSource(
            try folder.write("x;small;label\n" + cells.map { "\($0);0\n" }.joined(), to: "other.csv"), options, encoding: training.encoding, classNames: ["0", "1"])
        _ = try other.survey()
        _ = try features(other)
        return other.remarks
    }

    @Test("A number that can be read as thousands and as a decimal is doubted where it was read as what lies farther from the training rows")
    func points() throws {
        let doubted = try remarks(["48.951;50", "9.120;50"])
        #expect(doubted.count == 1 && doubted[0].hasPrefix("2 numbers of column 'x', such as 48.951, were read as decimals") && doubted[0].hasSuffix("give --decimal-comma"), "\(doubted)")
        // As decimals they are what the training rows were, or one of them can be nothing else.
        #expect(try remarks(["48951;50.125"]).isEmpty)
        #expect(try remarks(["48.951;50", "48951.5;50"]).isEmpty && remarks(["0.951;50"]).isEmpty)
        let other = try remarks(["48951;50.125"], trainedWithComma: true)
        #expect(other.count == 1 && other[0].hasPrefix("1 number of column 'small', such as 50.125, was read as thousands") && other[0].contains("write them with a comma"), "\(other)")
        #expect(try remarks(["48.951;50"], trainedWithComma: true).isEmpty && remarks(["48951;50.125", "48951;1.050,5"], trainedWithComma: true).isEmpty)
    }

    @Test("Yes and no are booleans in the languages that tables come in; words of two languages, and codes, are categories", arguments: [
        (["ja", "nein"], "boolean"), (["JA", "Nee"], "boolean"), (["oui", "non"], "boolean"), (["sí", "no"], "boolean"), (["SI", "NO"], "boolean"), (["Sim", "Não"], "boolean"),
        (["WAHR", "FALSCH"], "boolean"), (["yes", "no", "TRUE", "False"], "boolean"), (["y", "no", "Yes", "N"], "boolean"), (["t", "f"], "boolean"), (["on", "off"], "boolean"),
        // Countries, provinces, languages, and codes of four values.
        (["no", "se"], "categories"), (["ON", "NO"], "categories"), (["ja", "no"], "categories"), (["y", "n", "t", "f"], "categories"), (["t", "n"], "categories"), (["oui", "no"], "categories"),
        // One word alone, and gaps: what else can it be?
        (["yes", ""], "boolean"), (["false", "NA"], "boolean"), (["no", ""], "categories"), (["t", ""], "categories"), (["ja", "-"], "categories"),
    ])
    func booleanWords(_ cells: [String], _ kind: String) throws {
        let folder = try TemporaryFolder(), source = try source("x,label\n" + (0..<40).map { "\(cells[$0 % cells.count]),\($0 / 2 % 2)\n" }.joined(), folder)
        _ = try source.survey()
        #expect(kinds(source)["x"] == kind)
        guard kind == "boolean" else { return }
        let isYes = ["ja", "oui", "sí", "si", "sim", "wahr", "yes", "y", "true", "t", "on"].contains(cells[0].lowercased())
        #expect(try features(source)[0].features[0] == (isYes ? 1 : -1))
    }

    @Test("A column of booleans takes every word that it took before, and the new ones")
    func oldBooleans() throws {
        let folder = try TemporaryFolder(), encoding = TableEncoding(columns: [.init(name: "x", kind: .boolean)])
        let words = ["true", "YES", "y", "T", "on", "ja", "false", "No", "n", "f", "OFF", "nein"]
        let source = TableSource(
            try folder.write("x,label\n" + words.map { "\($0),a\n" }.joined(), to: "t.csv"), TableOptions(labelColumn: "label"), encoding: encoding, classNames: ["a", "b"])
        _ = try source.survey()
        #expect(try features(source).map(\.features) == [[Float]](repeating: [1], count: 6) + [[Float]](repeating: [-1], count: 6))
    }

    @Test("Numbers that may all be thousands are doubted; rows may be written in another way than the training rows")
    func spellings() throws {
        let folder = try TemporaryFolder(), source = try source("x,label\n" + (0..<30).map { "\($0 + 1).250,\($0 % 2)\n" }.joined(), folder)
        _ = try source.survey()
        #expect(source.remarks.contains { $0.contains("column 'x'") && $0.contains("--decimal-comma") })
        // Nobody writes thousands as 0.250 or 1234.250.
        for sure in ["0.250", "-0.125", "1234.250"] {
            let place = try TemporaryFolder(), other = try self.source("x,label\n" + (0..<30).map { "\($0 == 7 ? sure : "\($0 + 1).250"),\($0 % 2)\n" }.joined(), place)
            _ = try withExtendedLifetime(place) { try other.survey() }
            #expect(!other.remarks.contains { $0.contains("--decimal-comma") }, "\(sure)")
        }
        var options = TableOptions(labelColumn: "label")
        options.decimalComma = true
        let other = TableSource(try folder.write("x;label\n1,25;0\n", to: "comma.csv"), options, encoding: source.encoding, classNames: ["0", "1"])
        _ = try other.survey()
        #expect(try features(other)[0].features == features(source)[0].features)
    }

    @Test("One word among yes and no makes a column one of categories, and that is said", arguments: ["maybe", "1", "2021-03-04"])
    func oddBoolean(word: String) throws {
        let folder = try TemporaryFolder()
        func remarks(_ odd: Int, categories: [String] = []) throws -> [String] {
            let cells = (0..<100).map { $0 < odd ? word : $0 % 2 == 0 ? "yes" : "no" }
            let text = "x,z,label\n" + cells.enumerated().map { "\($1),\($0),\($0 % 2)\n" }.joined()
            var options = TableOptions(labelColumn: "label")
            options.categories = categories
            let source = TableSource(try folder.write(text, to: "rows.csv"), options)
            _ = try source.survey()
            return source.remarks.filter { $0.contains("yes or no") }
        }
        #expect(try remarks(0).isEmpty)
        let end = "and is read as categories: mend it or leave the cell empty to have yes or no; --categories x keeps it without this remark"
        #expect(try remarks(1) == ["line 2: column 'x' holds '\(word)' where nearly all rows hold yes or no, \(end)"])
        #expect(try remarks(2) == ["line 2: column 'x' holds '\(word)' where nearly all rows hold yes or no (2 such cells), \(end)"])
        #expect(try remarks(2, categories: ["x"]).isEmpty)
        #expect(try remarks(20).isEmpty)
    }

    @Test("A column of many texts, in a few rows each, may name people, and that is said where no option says what it is", arguments: [
        (70, 2, "70"), (70, 20, "70"), (70, 21, nil), (17_000, 3, "more than 16383"), (17_000, 21, nil),
    ] as [(Int, Int, String?)])
    func possiblePeople(people: Int, rowsOfEach: Int, count: String?) throws {
        let folder = try TemporaryFolder()
        // As many rows again without a member, which say nothing of those who are there.
        let lines = (0..<people * rowsOfEach).map { "m\($0 % people),\($0 % 5),\($0 % 3 % 2)\n,\($0 % 7),1\n" }
        let path = try folder.write("member,x,label\n" + lines.joined(), to: "rows.csv")
        func remarks(_ change: (inout TableOptions) -> Void = { _ in }) throws -> [String] {
            var options = TableOptions(labelColumn: "label")
            change(&options)
            let source = TableSource(path, options)
            _ = try source.survey()
            return source.remarks.filter { $0.contains("column 'member' has") }
        }
        #expect(try remarks().first?.hasPrefix("column 'member' has \(count ?? "") different texts, in a few rows each") == (count == nil ? nil : true))
        guard people < 100 else { return }
        #expect(try remarks { $0.categories = ["member"] }.isEmpty)
        #expect(try remarks { $0.mostCategories = people + 1 }.isEmpty)
        #expect(try remarks { $0.ignored = ["member"] }.isEmpty)
        #expect(try remarks { $0.personColumn = "member" }.isEmpty)
        // Where another column says who it is, names need not stand in the model.
        #expect(try remarks { $0.personColumn = "x" }.first?.contains("--ignore-columns member leaves it out") == (count == nil ? nil : true))
        #expect(try remarks().first?.contains("--person-column member keeps each one's rows together") == (count == nil ? nil : true))
    }

    @Test("Whole numbers that begin with 0 may be codes, and that is said")
    func codes() throws {
        func remarks(_ cells: [String]) throws -> [String] {
            let folder = try TemporaryFolder(), source = try source("x,label\n" + cells.enumerated().map { "\($1),\($0 % 2)\n" }.joined(), folder)
            _ = try withExtendedLifetime(folder) { try source.survey() }
            return source.remarks.filter { $0.contains("begin with 0") }
        }
        #expect(try remarks(["10115", "04857", "80331", "01067"]) == ["column 'x' is read as numbers, and some begin with 0, such as 04857: if these are codes, give --categories x"])
        #expect(try remarks(["0", "0.5", "10", "100", "-05"]).isEmpty)
    }

    @Test("Digits in groups of three are read where they can be nothing else")
    func groups() {
        #expect(Cell.number("1,234.5") == 1234.5 && Cell.number("-1,234,567.0") == -1_234_567 && Cell.number("1.234,5", decimalComma: true) == 1234.5)
        #expect(Cell.number("1.234", decimalComma: true) == 1234 && Cell.number("12.345.678", decimalComma: true) == 12_345_678)
        for text in ["1,234", "12,34.5", "1,2345.6", ",123.4", "1,,234.5"] { #expect(Cell.number(text) == nil, "\(text)") }
        for text in ["1.23", "1.2345", "1,234.5", "1.234.56"] { #expect(Cell.number(text, decimalComma: true) == nil, "\(text)") }
    }

    @Test("Excel's first line that names the separator is no header, and a missing category is one, whoever wrote it")
    func excel() throws {
        let folder = try TemporaryFolder(), source = try source("sep=;\nx;c;label\n1;NA;a\n2;red;b\n3;;a\n4;?;b\n", folder)
        #expect(try source.survey().rows == 4)
        #expect(source.encoding?.columns[1].categories == ["", "red"])
        #expect(try features(source).map { $0.features[1] } == [1, 0, 1, 1])
    }

    @Test("Dates are read in every usual spelling, and in no ambiguous one")
    func dates() {
        func read(_ text: String) -> Cell.Date? { Cell.reading(text, Cell.date) }
        #expect(read("1970-01-01") == Cell.Date(day: 0, seconds: nil) && read("2000-02-29")?.day == 11016 && read("1969-12-31")?.day == -1)
        #expect(read("2021/3/4") == read("2021-03-04") && read("04.03.2021") == read("2021-03-04"))
        #expect(read("2021-03-04T05:06:07.5Z") == Cell.Date(day: read("2021-03-04")!.day, seconds: 18367.5))
        #expect(read("2021-03-04 00:30:00+01:00") == Cell.Date(day: read("2021-03-03")!.day, seconds: 84600))
        for text in ["3/4/2021", "2021-02-29", "1900-02-29", "2021-13-01", "2021-00-01", "20210304", "2021-03-04 25:00", "2021-03-04x", "12:30", "2021-03", "1.2.3"] {
            #expect(read(text) == nil, "\(text)")
        }
    }

    @Test("Numbers are read as Swift reads them, with a point or with a comma")
    func numbers() {
        for text in ["0", "-0", "007", "1.5", "+2", "-.5", "5.", "123456789012345", "1234567890123456789", "0.1", "1e-5", "-2E+3", "3.141592653589793238", "9007199254740993"] {
            #expect(Cell.number(text) == Double(text), "\(text)")
            let comma = text.replacing(".", with: ",")
            #expect(Cell.number(comma, decimalComma: true) == Double(text), "\(comma)")
        }
        for text in ["", ".", "-", "1,5", "1 5", "inf", "nan", "1e999", "--1", "1-", "٣", "0x1F", "0x1p3", "1_000", "infinity"] { #expect(Cell.number(text) == nil, "\(text)") }
        #expect(Cell.number("1.5", decimalComma: true) == nil)
    }

    @Test("Labels that mean the same are one class", arguments: [
        (["0", "0.0", "1", "1.0", "01"], ["0", "1"], [0, 0, 1, 1, 1]), (["True", "TRUE", "true", "false"], ["false", "true"], [1, 1, 1, 0]),
        ([" yes", "yes ", "no"], ["no", "yes"], [1, 1, 0]), (["none", "some"], ["none", "some"], [0, 1]),
    ])
    func equalLabels(_ labels: [String], _ classes: [String], _ indices: [Int32]) throws {
        let folder = try TemporaryFolder(), source = try source("x,label\n" + labels.enumerated().map { "\($0 * 3),\($1)\n" }.joined(), folder)
        let survey = try source.survey()
        #expect(survey.classNames == classes && survey.labels == indices && source.remarks == [Self.positions])
    }

    @Test("Classes that differ in case or blanks alone are named; rows without a label are left out where that is wanted; rows without a group are counted")
    func remarks() throws {
        let folder = try TemporaryFolder()
        var options = TableOptions(labelColumn: "label", groupColumn: "g")
        options.dropsUnlabelled = true
        let source = TableSource(try folder.write("x,g,label\n1,A,Yes\n2,A ,yes\n3,,no\n4,B,\n5,B,no\n", to: "t.csv"), options)
        let survey = try source.survey()
        #expect(survey.rows == 4 && survey.groupNames == ["A", "", "B"])
        #expect(source.remarks == [
            "1 row without a label left out", "1 row has no group in column 'g'", Self.positions, "classes 'Yes' and 'yes' may be one that is written in several ways",
        ])
        var kept: [Int] = []
        try source.forEachRow { position, _, _ in kept.append(position) }
        #expect(kept == [0, 1, 2, 3])
        #expect(try source.place(ofRow: 3).contains("line 6"))
    }

    @Test("The separator is found by the columns that are named, and said", arguments: [";", "\t", "|", ","])
    func separators(_ separator: String) throws {
        let folder = try TemporaryFolder(), other = separator == ";" ? "," : ";"
        let text = ["a\(other)b", "label"].joined(separator: separator) + "\n" + [["1", "p"], ["2", "q"], ["4", "p"]].map { $0.joined(separator: separator) + "\n" }.joined()
        let source = try source(text, folder)
        #expect(try source.survey().rows == 3)
        #expect(source.remarks.count == (separator == "," ? 1 : 2))
    }

    @Test("Several files are one table, read by the names of their columns")
    func severalFiles() throws {
        let folder = try TemporaryFolder()
        let first = try folder.write("x,y,label\n1,5,a\n2,6,b\n", to: "1.csv"), second = try folder.write("label;y;x\na;7;3\n", to: "2.csv")
        let source = TableSource([first, second], TableOptions(labelColumn: "label"))
        #expect(try source.survey().labels == [0, 1, 0])
        let x = try features(source).map { $0.features[0] }
        #expect(x[0] < x[1] && x[1] < x[2])
        #expect(try source.place(ofRow: 2) == "line 2 of \(second)")
        let third = try folder.write("x,z,label\n1,5,a\n", to: "3.csv")
        let error = try failure { _ = try TableSource([first, third], TableOptions(labelColumn: "label")).survey() }
        #expect(error.kind == .input && error.description.contains(third) && error.description.contains("y, z"), "\(error)")
    }

    @Test("Text of Windows is read where it is named, and refused with the option's name where not")
    func windows() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("x,stadt,label\n1,K".utf8) + [0xF6] + Array("ln,a\n2,".utf8) + [0x80] + Array(",b\n3,Bonn,a\n".utf8), to: "t.csv")
        let error = try failure { _ = try TableSource(path, TableOptions(labelColumn: "label")).survey() }
        #expect(error.kind == .input && error.description.contains("line 2") && error.description.contains("--encoding"), "\(error)")
        var options = TableOptions(labelColumn: "label")
        options.encoding = .windows1252
        let source = TableSource(path, options)
        _ = try source.survey()
        #expect(source.encoding?.columns[1].categories == ["Bonn", "Köln", "€"])
    }

    @Test("Columns are left out, kept or taken as names where the options say so")
    func chosenColumns() throws {
        let folder = try TemporaryFolder(), path = try folder.write("x,y,z,label\n1,5,1,a\n2,6,2,b\n1,7,3,a\n", to: "t.csv")
        func names(_ change: (inout TableOptions) -> Void) throws -> [String: String] {
            var options = TableOptions(labelColumn: "label")
            change(&options)
            let source = TableSource(path, options)
            _ = try source.survey()
            return kinds(source)
        }
        #expect(try names { $0.ignored = ["y"] } == ["x": "number", "y": "left out: --ignore-columns", "z": "number", "label": "label"])
        #expect(try names { $0.only = ["y"] }["x"] == "left out: not among --only-columns")
        #expect(try names { $0.categories = ["x"] }["x"] == "categories")
        let error = try failure { _ = try names { $0.ignored = ["w"] } }
        #expect(error.description.contains("no column 'w' (--ignore-columns)"), "\(error)")
    }

    @Test("Tables compressed by zstd are read, and refused where they end too soon")
    func zstd() throws {
        let folder = try TemporaryFolder(), text = "x,label\n" + (0..<2000).map { "\($0 * 7919 % 1009),\($0 % 3)\n" }.joined()
        let plain = try folder.write(text, to: "t.csv"), packed = folder.file("t.csv.zst")
        let process = try Process.run(URL(fileURLWithPath: "/usr/bin/env"), arguments: ["zstd", "-q", plain, "-o", packed])
        process.waitUntilExit()
        let whole = try FileSystem.read(packed)
        #expect(try TableSource(packed, TableOptions(labelColumn: "label")).survey().labels == TableSource(plain, TableOptions(labelColumn: "label")).survey().labels)
        // Two frames, one behind the other, are one text.
        let twice = try folder.write(whole + whole, to: "twice.zst")
        let error = try failure { _ = try TableSource(twice, TableOptions(labelColumn: "label")).survey() }
        #expect(error.description.contains("line 2002: column 'x' holds 'x'"), "\(error)")
        for length in [5, 40, whole.count / 2, whole.count - 1] {
            let cut = try folder.write(Array(whole[..<length]), to: "cut.zst")
            let error = try failure { _ = try TableSource(cut, TableOptions(labelColumn: "label")).survey() }
            #expect(error.kind == .input && error.description.contains(cut), "cut to \(length) bytes: \(error)")
        }
    }

    @Test("A text that is another one in most rows names rows and is left out, but where the options take it as names")
    func textThatNamesRows() throws {
        let folder = try TemporaryFolder()
        func table(_ names: Int) -> String { "user,x,label\n" + (0..<40).map { "u\($0 % names),\($0 % 7),\($0 % 2)\n" }.joined() }
        #expect(try source(table(20), folder).survey().shape.count == 21)
        let source = try source(table(21), folder)
        #expect(try source.survey().shape.count == 1)
        #expect(kinds(source)["user"]?.contains("another one in most rows") == true)
    }

    @Test(
        "Classes are ordered by value where all are numbers, else by text",
        arguments: [
            (["10", "2", "1", "10"], ["1", "2", "10"]), (["b", "a", "10", "9"], ["10", "9", "a", "b"]), (["1.5", "-3", "0"], ["-3", "0", "1.5"]),
            (["1.0", "1", "0"], ["0", "1"]), (["yes", "no"], ["no", "yes"]),
        ])
    func classOrder(_ labels: [String], _ classes: [String]) throws {
        let folder = try TemporaryFolder()
        let survey = try source("x,label\n" + labels.enumerated().map { "\($0),\($1)\n" }.joined(), folder).survey()
        #expect(survey.classNames == classes)
        #expect(survey.labels.map { classes[Int($0)] } == labels.map { $0 == "1.0" ? "1" : $0 })
    }

    @Test("The same rows in another order have the same classes, categories and features")
    func orderOfRows() throws {
        let folder = try TemporaryFolder()
        let lines = ["1,red,a", "2,blue,c", "4,red,b", "8,green,a"]
        func read(_ lines: [String]) throws -> ([String], [[Float]]) {
            let source = try source("x,y,label\n" + lines.joined(separator: "\n"), folder)
            return (try source.survey().classNames, try features(source).map(\.features))
        }
        let (classes, rows) = try read(lines), (reversedClasses, reversedRows) = try read(lines.reversed())
        #expect(classes == reversedClasses)
        for (row, reversed) in zip(rows, reversedRows.reversed()) { expectClose(row, reversed.map(Double.init), floor: 1e-6) }
    }
}
