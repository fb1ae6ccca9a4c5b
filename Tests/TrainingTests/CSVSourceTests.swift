import Files
import TestSupport
import Testing

@testable import Training

@Suite("Tables as data sets")
struct CSVSourceTests {
    private let text = """
        id,age,city,"label, true",provider
        r1,30,Rome,yes,p2

        r2,40.5,"Paris, F",no,p1\r
        r3,-1e1,Rome,yes,p2
        r4, 7 ,Oslo,no,p3
        """

    /// Features of every row, by id or position.
    private func features(_ source: CSVSource) throws -> [(id: String?, features: [Float])] {
        var rows: [(id: String?, features: [Float])] = []
        try source.forEachRow { position, id, bytes in
            #expect(position == rows.count)
            rows.append((id, FeatureEncoding.floats.decode(Array(bytes))))
        }
        return rows
    }

    private func source(_ text: String, label: String = "label", _ folder: TemporaryFolder) throws -> CSVSource {
        CSVSource(try folder.write(text, to: "table.csv"), labelColumn: label)
    }

    @Test("Numbers are standardised, text becomes one feature a category, ids, labels and groups are set apart", arguments: [false, true])
    func whole(_ zipped: Bool) throws {
        let folder = try TemporaryFolder()
        let path = zipped ? try folder.writeGzip(Array(text.utf8), to: "t.csv.gz") : try folder.write(text, to: "t.csv")
        let source = CSVSource(path, labelColumn: "label, true", idColumn: "id", groupColumn: "provider")
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
        guard case .numeric("age", let mean, let deviation)? = source.encoding?.columns.first else {
            Issue.record("age is no column of numbers: \(String(describing: source.encoding))")
            return
        }
        expectClose(rows.map { $0.features[0] }, [30, 40.5, -10, 7].map { ($0 - mean) / deviation }, floor: 1e-6)
        // Oslo, Paris, Rome: sorted.
        #expect(rows.map { Array($0.features[1...]) } == [[0, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
        #expect(
            source.encoding?.columns.dropFirst().first == .oneHot(name: "city", categories: ["Oslo", "Paris, F", "Rome"]))
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

    @Test("A constant column becomes zeros")
    func constant() throws {
        let folder = try TemporaryFolder(), source = try source("x,y,label\n5,1,a\n5,2,b\n5,3,a\n", folder)
        _ = try source.survey()
        #expect(try features(source).map { $0.features[0] } == [0, 0, 0])
    }

    @Test("A column with one text among numbers is a column of categories")
    func mixed() throws {
        let folder = try TemporaryFolder(), source = try source("x,label\n10,a\n9,b\n?,a\n10,b\n", folder)
        _ = try source.survey()
        #expect(source.encoding?.columns == [.oneHot(name: "x", categories: ["10", "9", "?"])])
        #expect(try features(source).map(\.features) == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    }

    @Test("Infinity and NaN are text, not numbers", arguments: ["inf", "-infinity", "nan", "1e999", ""])
    func notNumbers(_ value: String) throws {
        let folder = try TemporaryFolder(), source = try source("x,label\n1,a\n\(value),b\n", folder)
        _ = try source.survey()
        #expect(source.encoding?.columns == [.oneHot(name: "x", categories: ["1", value].sorted())])
    }

    @Test("A column of text may have 1,024 categories; more are refused by line and column, a number may have any")
    func manyCategories() throws {
        let folder = try TemporaryFolder()
        func table(_ count: Int, _ prefix: String) -> String {
            let rows = (0..<count).map { "\(prefix)\($0),\($0 % 2)\n" }.joined()
            return "x,label\n" + rows + rows
        }
        #expect(try source(table(1024, "t"), folder).survey().shape.count == 1024)
        #expect(try source(table(3000, ""), folder).survey().shape.count == 1)
        let error = try failure { _ = try source(table(1025, "t"), folder).survey() }
        #expect(error.kind == .input)
        #expect(error.description.contains("line 1026: column 'x'") && error.description.contains("--id-column"), "\(error)")
    }

    @Test("A text that is another one in most rows names rows and is refused as a feature")
    func textThatNamesRows() throws {
        let folder = try TemporaryFolder()
        func table(_ names: Int) -> String { "user,label\n" + (0..<40).map { "u\($0 % names),\($0 % 2)\n" }.joined() }
        #expect(try source(table(20), folder).survey().shape.count == 20)
        let error = try failure { _ = try source(table(21), folder).survey() }
        #expect(error.kind == .input && error.description.contains("column 'user'") && error.description.contains("--id-column"), "\(error)")
    }

    @Test(
        "Classes are ordered by value where all are numbers, else by text",
        arguments: [
            (["10", "2", "1", "10"], ["1", "2", "10"]), (["b", "a", "10", "9"], ["10", "9", "a", "b"]), (["1.5", "-3", "0"], ["-3", "0", "1.5"]),
            (["1.0", "1", "0"], ["0", "1", "1.0"]), (["yes", "no"], ["no", "yes"]),
        ])
    func classOrder(_ labels: [String], _ classes: [String]) throws {
        let folder = try TemporaryFolder()
        let survey = try source("x,label\n" + labels.enumerated().map { "\($0),\($1)\n" }.joined(), folder).survey()
        #expect(survey.classNames == classes)
        #expect(survey.labels.map { classes[Int($0)] } == labels)
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
