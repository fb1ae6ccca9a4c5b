import Files
import TestSupport
import Testing

@testable import Training

@Suite("Tables of test rows")
struct TableTestRowsTests {
    private let folder: TemporaryFolder
    private let encoding: TableEncoding
    private let classNames: [String]

    init() throws {
        folder = try TemporaryFolder()
        let path = try folder.write("id,x,city,label\n1,0,Rome,no\n2,10,Oslo,yes\n3,20,Rome,maybe\n", to: "train.csv")
        let training = TableSource(path, TableOptions(labelColumn: "label", idColumn: "id"))
        classNames = try training.survey().classNames
        encoding = try #require(training.encoding)
    }

    /// A value of x as the training rows' encoding standardises it.
    private func standardised(_ value: Double) throws -> Float {
        guard case .number(let scale)? = encoding.columns.first?.kind else { throw Failure(.failed, "x is no column of numbers") }
        return Float((value - scale.mean) / scale.deviation)
    }

    private func source(_ text: String) throws -> TableSource {
        TableSource(try folder.write(text, to: "test.csv"), TableOptions(labelColumn: "label", idColumn: "id"), encoding: encoding, classNames: classNames)
    }

    private func features(_ text: String) throws -> [[Float]] {
        let source = try source(text), count = try source.survey().shape.count
        var rows: [[Float]] = []
        try source.forEachRow { _, _, bytes in
            rows.append(FeatureEncoding.floats.decode(Array(bytes)))
            #expect(bytes.count == 4 * count)
        }
        return rows
    }

    @Test("Test rows are encoded as the training rows were, and keep their classes")
    func encodedAsTraining() throws {
        let survey = try source("id,x,city,label\n7,100,Oslo,yes\n8,-5,Rome,yes\n").survey()
        #expect(survey.classNames == ["maybe", "no", "yes"])
        #expect(survey.labels == [2, 2])
        #expect(survey.shape == RowShape(features: 3))
        let rows = try features("id,x,city,label\n7,100,Oslo,yes\n8,-5,Rome,yes\n")
        #expect(try rows == [[standardised(100), 1, 0], [standardised(-5), 0, 1]])
    }

    @Test("A category that training never saw is all zeros")
    func unknownCategory() throws {
        #expect(try features("id,x,city,label\n7,10,Bern,yes\n") == [[standardised(10), 0, 0]])
    }

    @Test("A label that training never saw is bad input by line")
    func unknownLabel() throws {
        let error = try failure { _ = try source("id,x,city,label\n7,10,Rome,yes\n8,10,Rome,never\n").survey() }
        #expect(error.kind == .input)
        #expect(error.description.contains("\(folder.file("test.csv")) line 3: label 'never'"), "\(error)")
    }

    @Test("Text in a column of numbers is bad input by line and column")
    func textForNumber() throws {
        let error = try failure { _ = try features("id,x,city,label\n7,10,Rome,yes\n8,ten,Rome,no\n") }
        #expect(error.kind == .input)
        #expect(error.description.contains("\(folder.file("test.csv")) line 3: column 'x' holds 'ten'"), "\(error)")
    }

    @Test("A table without a column that training had is bad input that names the column", arguments: ["x", "city"])
    func missingColumn(_ missing: String) throws {
        let kept = ["id", "x", "city", "label"].filter { $0 != missing }
        let values = ["id": "7", "x": "10", "city": "Rome", "label": "yes"]
        let text = kept.joined(separator: ",") + "\n" + kept.map { values[$0] ?? "" }.joined(separator: ",") + "\n"
        let error = try failure { _ = try features(text) }
        #expect(error.kind == .input)
        #expect(error.description.contains("'\(missing)'"), "\(error)")
    }

    /// Either answer is right; taking one column for another is not.
    @Test("Columns in another order, or more of them, are found by name or refused", arguments: [
        "id,city,x,label\n7,Rome,10,yes\n", "label,x,id,city\nyes,10,7,Rome\n", "id,extra,x,city,label\n7,3,10,Rome,yes\n",
        "id,y,city,label\n7,10,Rome,yes\n",
    ])
    func otherColumns(_ text: String) throws {
        do {
            #expect(try features(text) == [[standardised(10), 0, 1]])
            #expect(!text.contains("y,city"), "a column of another name was taken for x")
        } catch let error as any DescribedError {
            #expect(error.kind == .input)
            #expect(error.description.contains("column"), "\(error)")
        }
    }

    @Test("A number beyond single precision is refused, or stays finite", arguments: ["1e300", "-1e300", "1e40"])
    func tooLarge(_ value: String) throws {
        do {
            #expect(try features("id,x,city,label\n7,\(value),Rome,yes\n").joined().allSatisfy { $0.isFinite })
        } catch let error as any DescribedError {
            #expect(error.kind == .input)
        }
    }
}
