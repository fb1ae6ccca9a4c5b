import Files
import TestSupport
import Testing

@testable import Training

@Suite("Sparse text files")
struct LIBSVMSourceTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func source(_ text: String, training: Survey? = nil) throws -> LIBSVMSource {
        LIBSVMSource(try folder.write(text, to: "rows.libsvm"), shape: training?.shape, classNames: training?.classNames)
    }

    private func rows(_ source: LIBSVMSource) throws -> [[Float]] {
        var rows: [[Float]] = []
        try source.forEachRow { position, id, features in
            #expect(position == rows.count && id == nil)
            rows.append(FeatureEncoding.floats.decode(Array(features)))
        }
        return rows
    }

    @Test("Every part of the format is read; features that are not named are 0")
    func knownAnswer() throws {
        let source = try source(
            "\u{FEFF}# a comment, which may hold \0 and ä\n+1 1:0.5 4:-2e-3 # behind a row\n\n  -1 qid:3\t2:1\r\n \t\n10\n1.0 1:007 3:+.5E1 4:3.#5:6\n-1 02:1e-400")
        let survey = try source.survey()
        #expect(survey.shape == RowShape(features: 4) && survey.encoding == .floats && !survey.hasIDs && survey.groups.isEmpty)
        #expect(survey.classNames == ["-1", "1", "10"] && survey.labels == [1, 0, 2, 1, 0])
        let expected: [[Float]] = [[0.5, 0, 0, -2e-3], [0, 1, 0, 0], [0, 0, 0, 0], [7, 0, 5, 3], [0, 0, 0, 0]]
        #expect(try rows(source) == expected)
        // As often as needed.
        #expect(try rows(source) == expected && source.survey().labels == survey.labels)
    }

    @Test("Classes are labels in the order of their values, whatever the order of rows and however they are written")
    func classes() throws {
        let survey = try source("9 1:1\n-3 1:1\n2e1\n9.0\n-0\n0\n9007199254740992\n-9007199254740992\n").survey()
        #expect(survey.classNames == ["-9007199254740992", "-3", "0", "9", "20", "9007199254740992"])
        #expect(survey.labels == [3, 1, 4, 3, 2, 2, 5, 0])
    }

    @Test("What was written is read, plain or gzip, across the chunks in which it is read", arguments: [false, true])
    func roundTrip(zipped: Bool) throws {
        var random = SeededGenerator(17)
        let expected = (0..<400).map { _ in (0..<300).map { _ in Bool.random(using: &random) ? Float.random(in: -9...9, using: &random) : 0 } }
        let labels = (0..<400).map { _ in Int.random(in: -2...2, using: &random) }
        let text = zip(labels, expected).map { label, row in
            "\(label)" + row.enumerated().filter { $1 != 0 }.map { " \($0 + 1):\($1)" }.joined() + "\n"
        }.joined()
        #expect(text.utf8.count > 4 * 64 * 1024)
        let source = LIBSVMSource(try zipped ? folder.writeGzip(Array(text.utf8), to: "rows.gz") : folder.write(text, to: "rows"))
        #expect(try source.survey().labels == labels.map { Int32($0 + 2) })
        #expect(try rows(source) == expected)
    }

    @Test("Test rows take the training rows' features and classes; features that those lack are left out")
    func testRows() throws {
        let training = try source("3 1:1 3:1\n5 2:1\n7\n").survey()
        let test = try source("7 1:9\n3 2:8 4:5 1048576:1\n", training: training), survey = try test.survey()
        #expect(survey.shape == training.shape && survey.classNames == training.classNames && survey.labels == [2, 0])
        #expect(try rows(test) == [[9, 0, 0], [0, 8, 0]])
        let strange = try source("7 1:9\n\n4 1:1\n", training: training)
        #expect(try failure { _ = try strange.survey() }.description == "\(folder.file("rows.libsvm")) line 3: label '4' does not occur in the training rows")
    }

    @Test("Class names of another kind of file are labels where they are written as this one writes them")
    func foreignNames() throws {
        var training = try source("0 1:1\n1 2:1\n").survey()
        training.classNames = ["a", "01", "1", "-0"]
        #expect(try source("1 1:1\n", training: training).survey().labels == [2])
        let zero = try source("0 1:1\n", training: training)
        #expect(try failure { _ = try zero.survey() }.description.hasSuffix("line 1: label '0' does not occur in the training rows"))
    }

    @Test("Blanks and comments of any length are passed over, and so is a long row")
    func long() throws {
        let blanks = String(repeating: " ", count: 300_000), pairs = (1...50_000).map { " \($0):1" }.joined()
        let source = try source("1\(blanks)2:1#\(blanks)\n#\(blanks)\n2\(pairs)\n"), survey = try source.survey()
        #expect(survey.rows == 2 && survey.shape.count == 50_000)
        #expect(try rows(source).map { $0.reduce(0, +) } == [1, 50_000])
    }
}
