import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("NumPy files as data")
struct NumPyTests {
    private typealias NPZ = SampleNPZ

    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// 60 rows of two features; `shift` makes them other rows.
    private func rows(_ name: String, labels: [String], type: String = "<f4", shift: Int = 0) throws -> String {
        let values = (0..<120).map { Float(($0 * 7 + shift) % 11) }
        let y = (0..<60).map { labels[$0 % labels.count] }
        let ids = (0..<60).map { "\(name)\($0)" }
        return "npz:" + (try folder.write(
            NPZ.zip([
                NPZ.Entry("x.npy", type == "<f4" ? NPZ.npy(type, [60, 2], NPZ.floats(values)) : NPZ.npy(type, [60, 2], values.map { UInt8($0) })),
                NPZ.Entry("y.npy", NPZ.npy("<U5", [60], NPZ.unicode(y, characters: 5))).deflated,
                NPZ.Entry("id.npy", NPZ.npy("<U9", [60], NPZ.unicode(ids, characters: 9))),
                NPZ.Entry("group.npy", NPZ.npy("|u1", [60], (0..<60).map { UInt8($0 / 10) })),
            ]), to: "\(name).npz"))
    }

    @Test("Rows, classes, ids and groups come from the arrays; test rows fit the training rows' classes")
    func project() throws {
        let program = Program(folder: folder.file("project"))
        let train = try rows("train", labels: ["a", "b", "c"]), test = try rows("test", labels: ["c", "a"], shift: 3)
        let made = try program.json("init", "--data", train, "--test", test, "--model", "logistic", "--blocks-by", "group")
        #expect(made["rows"] as? Int == 60 && made["test_rows"] as? Int == 60 && made["classes"] as? Int == 3 && made["blocks"] as? Int == 6)
        let places = try #require(try program.json("where", "--ids", "-", input: "train37\ntest5\n")["rows"] as? [[String: Any]])
        #expect(places.map { $0["part"] as? String } == ["train", "test"] && places[0]["group"] as? String == "3")
        try program.run("train")
        #expect(try program.json("delete", "--ids", "-", input: "train37\n")["rows_deleted"] as? Int == 1)
    }

    @Test("Test rows of strange labels, or of another kind than the training rows, are refused")
    func otherKinds() throws {
        let train = try rows("train", labels: ["a", "b"]), strange = try rows("strange", labels: ["a", "z"])
        let bytes = try rows("bytes", labels: ["a", "b"], type: "|u1")
        let table = try folder.write("f,g,label\n" + (0..<40).map { "\($0),1,\($0 % 2 == 0 ? "a" : "b")\n" }.joined(), to: "table.csv")
        let images = try folder.write(SampleFiles.idx([4, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]), to: "images")
        let idx = "idx:\(images),\(try folder.write(SampleFiles.idx([4], [0, 1, 0, 1]), to: "labels"))"
        let program = Program(folder: folder.file("none"))
        for (data, test, words) in [
            (train, strange, "label 'z' does not occur in the training rows"), (train, bytes, "different kinds"), (train, "csv:\(table)", "csv: test rows"),
            (bytes, idx, "label 0 of image 0 does not occur"), (train, idx, "label 0 of image 0 does not occur"),
        ] {
            let result = try program.run("init", "--data", data, "--test", test, "--model", "logistic", "--blocks", "2")
            #expect(result.status == 2 && result.errors.contains(words), "\(result.errors)")
        }
        let result = try program.run("init", "--data", "csv:\(table)", "--label-column", "label", "--test", train, "--model", "logistic")
        #expect(result.status == 2 && result.errors.contains("must be csv: or parquet: too"), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.file("none")))
    }
}
