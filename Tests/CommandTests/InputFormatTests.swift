import Files
import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("CIFAR-10 and sparse text as data")
struct InputFormatTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// 250 training rows in five batches, and 50 test rows.
    private func cifar10() throws -> String {
        try FileSystem.makeFolder(folder.file("cifar-10-batches-bin"))
        for batch in 1...5 { try folder.write(SampleFiles.cifar10(50, seed: UInt64(batch)), to: "cifar-10-batches-bin/data_batch_\(batch).bin") }
        try folder.write(SampleFiles.cifar10(50, seed: 6), to: "cifar-10-batches-bin/test_batch.bin")
        return "cifar10:" + folder.path
    }

    /// Rows whose label is the feature that is large; the last row alone has feature `features`.
    private func libsvm(_ name: String, rows: Int, features: Int = 8) throws -> String {
        let lines = (0..<rows).map { "\($0 % 3 - 1) \($0 % 3 + 1):\(2 + Double($0 % 7) / 8)\($0 == rows - 1 ? " \(features):0.5" : "")\n" }
        return "libsvm:" + (try folder.write(lines.joined(), to: name))
    }

    @Test("A folder of CIFAR-10 brings its own test rows, is learnt, and rows of it are deleted")
    func cifar() throws {
        let program = Program(folder: folder.file("project")), data = try cifar10()
        let made = try program.json("init", "--data", data, "--model", "logistic", "--blocks", "5", "--epochs", "5", "--batch-size", "10")
        #expect(made["rows"] as? Int == 250 && made["test_rows"] as? Int == 50 && made["classes"] as? Int == 10)
        #expect(made["parameters"] as? Int == 3073 * 10)
        #expect(try program.json("train")["test_accuracy"] as? Double == 1)
        #expect(try program.json("delete", "--ids", "-", "--method", "exact", input: "0\n249\ntest:7\n")["rows_deleted"] as? Int == 3)
    }

    @Test("Test rows of CIFAR-10 give way to a share that is asked for, and stand for themselves where they are named")
    func cifarTestRows() throws {
        let data = try cifar10(), sound = ["--model", "logistic", "--blocks", "5", "--json"]
        for (name, more, rows, testRows) in [("holdout", ["--holdout", "0.2"], 200, 50), ("named", ["--test", data, "--limit", "120"], 120, 50)] {
            let made = try Program(folder: folder.file(name)).run(["init", "--data", data] + more + sound).json()
            // A share of each class, rounded at random: ten classes of 25 rows are 5 of each exactly.
            #expect(made["rows"] as? Int == rows && made["test_rows"] as? Int == testRows)
        }
        try FileSystem.remove(folder.file("cifar-10-batches-bin/test_batch.bin"))
        let made = try Program(folder: folder.file("without")).run(["init", "--data", data] + sound).json()
        // A tenth of 25 rows is two or three.
        let testRows = try #require(made["test_rows"] as? Int)
        #expect(made["rows"] as? Int == 250 - testRows && (20...30).contains(testRows))
    }

    @Test("Sparse text is learnt, with test rows that name more features or fewer, and rows of it are deleted")
    func sparse() throws {
        let train = try libsvm("train", rows: 120)
        for features in [5, 8, 9] {
            let program = Program(folder: folder.file("project\(features)")), test = try libsvm("test\(features)", rows: 31, features: features)
            let made = try program.json("init", "--data", train, "--test", test, "--model", "logistic", "--blocks", "4", "--epochs", "40", "--batch-size", "5")
            #expect(made["rows"] as? Int == 120 && made["test_rows"] as? Int == 31 && made["classes"] as? Int == 3 && made["parameters"] as? Int == 27)
            #expect(try program.json("train")["test_accuracy"] as? Double == 1)
            #expect(try program.json("delete", "--ids", "-", "--method", "exact", input: "119\ntest:0\n")["rows_deleted"] as? Int == 2)
        }
    }

    @Test("Wrong files, and test rows of another kind than the training rows, make no project")
    func refused() throws {
        let sparse = try libsvm("train", rows: 40), images = try cifar10(), program = Program(folder: folder.file("none"))
        let wrong = try folder.write("1 1:1\n2 0:1\n", to: "wrong"), table = try folder.write("x,label\n1,0\n2,1\n", to: "table")
        for (words, message) in [
            (["--data", sparse, "--test", images], "test rows have 3072 features, training rows 8"),
            (["--data", sparse, "--test", "libsvm:\(wrong)"], "line 2 has the index 0"), (["--data", "libsvm:\(wrong)"], "wrong line 2 has the index 0"),
            (["--data", sparse, "--label-column", "x"], "--label-column is for tables (csv:, parquet:) only"),
            (["--data", "csv:\(table)", "--label-column", "label", "--test", sparse], "must be csv: or parquet: too"),
            (["--data", images, "--test", "libsvm:\(try folder.write("3 1:1\n", to: "three"))"], "different kinds"),
            (["--data", "cifar10:\(wrong)"], "is no folder"),
        ] {
            let result = try program.run(["init", "--model", "logistic", "--blocks", "2"] + words)
            #expect(result.status == 2 && result.errors.contains(message), "\(result.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("none")))
    }
}
