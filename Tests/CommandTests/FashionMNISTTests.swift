import Foundation
import ProgramSupport
import TestSupport
import Testing

/// What the built-in recipe promises, on the real data set and at full size.
@Suite("LeNet-5 on Fashion-MNIST in 100 blocks", .serialized)
struct FashionMNISTTests {
    /// Tests of minutes more, which `make test-long` runs.
    private static let runsLong = ProcessInfo.processInfo.environment["UNLEARN_LONG_TESTS"] != nil

    /// Ids that stand in a block, by slot.
    static func ids(_ program: Program, block: Int, count: Int, rows: Int = 60_000) throws -> [String] {
        let places = try program.json("where", "--ids", "-", input: (0..<rows).map(String.init).joined(separator: "\n"))
        let found = try #require(places["rows"] as? [[String: Any]]).filter { $0["block"] as? Int == block && $0["deleted"] as? Bool == false }
        return found.prefix(count).compactMap { $0["id"] as? String }
    }

    @Test("The recipe is accurate, compresses, and passes the guard; one row is forgotten in a few blocks")
    func recipe() throws {
        let folder = try TemporaryFolder()
        let program = Program(folder: folder.file("project"))
        let made = try program.json("init", "--data", "fashion-mnist", "--model", "lenet5", "--assignment-seed", "0")
        #expect(made["rows"] as? Int == 60_000 && made["test_rows"] as? Int == 10_000)
        #expect(made["parameters"] as? Int == 61_706 && made["blocks"] as? Int == 100)
        let trained = try program.json("train")
        let accuracy = try #require(trained["test_accuracy"] as? Double)
        #expect(accuracy >= 0.895, "accuracy \(accuracy)")
        #expect(try #require(trained["compression_ratio"] as? Double) >= 2.5)

        for block in [25, 80] {
            let id = try Self.ids(program, block: block, count: 1)[0]
            let report = try program.json("delete", "--ids", "-", "--method", "stitch", "--dry-run", input: id)
            #expect(report["method"] as? String == "stitch" && report["guarded"] as? Bool == true, "block \(block)")
            #expect(report["fallback"] is NSNull, "block \(block): \(String(describing: report["fallback"]))")
            #expect(try #require(report["blocks_retrained"] as? Int) <= 12, "block \(block)")
        }
    }

    @Test("Beside naive retraining, the paper's stitch and doing nothing, a row is forgotten as the recipe promises", .enabled(if: runsLong, "make test-long runs it"))
    func besideOthers() throws {
        let folder = try TemporaryFolder()
        let program = Program(folder: folder.file("project"))
        try program.json("init", "--data", "fashion-mnist", "--model", "lenet5", "--assignment-seed", "0")
        try program.json("train")
        let bench = try program.json("bench", "--deletions", "1", "--positions", "25")
        #expect(bench["naive_equals_replay"] as? Bool == true)
        let row = try #require((bench["rows"] as? [[String: Any]])?.first)
        func value(_ name: String) throws -> Double { try #require(row[name] as? Double) }
        #expect(try value("agreement") >= 0.997)
        #expect(try value("l1") < value("l1_nothing"), "\(row)")
        #expect(try value("l1") <= value("l1_paper"), "\(row)")
        #expect(try value("blocks_retrained") <= 12)
        let compression = try #require(bench["compression"] as? [String: Any])
        #expect(try #require(compression["above_entropy"] as? Double) <= 0.05)
        let codec = try program.json("bench", "--codec", "--positions", "1,100")
        #expect(codec["influences"] as? Int == 2)
        for speed in ["encode_gb_per_second", "decode_gb_per_second"] { #expect(try #require(codec[speed] as? Double) > 0) }
    }

    @Test("Sixteen lattice bits compress to a third", .enabled(if: runsLong, "make test-long runs it"))
    func sixteenBits() throws {
        let folder = try TemporaryFolder()
        let program = Program(folder: folder.file("project"))
        try program.json("init", "--data", "fashion-mnist", "--model", "lenet5", "--lattice-bits", "16", "--epochs", "3", "--assignment-seed", "0")
        let trained = try program.json("train")
        #expect(try #require(trained["compression_ratio"] as? Double) >= 3.0)
        #expect(try #require(trained["test_accuracy"] as? Double) >= 0.85)
    }

    @Test("Two hundred mislabelled rows: nearer to exact replay than doing nothing by a third at least; from block 25 they are replayed exactly",
        .enabled(if: runsLong, "make test-long runs it"))
    func mislabelled() throws {
        try removeMislabelled(
            ["--activation", "tanh", "--shift", "0", "--averaging", "0", "--learning-rate", "0.03", "--weight-decay", "0.001"], method: "stitch")
    }

    @Test("The built-in recipe remembers mislabelled rows for longer, and replays exactly", .enabled(if: runsLong, "make test-long runs it"))
    func mislabelledBuiltIn() throws { try removeMislabelled([], method: "exact") }

    /// How rows of block 80 are removed depends on how long a recipe remembers them.
    private func removeMislabelled(_ recipe: [String], method: String) throws {
        let folder = try TemporaryFolder()
        // Rows stay in the order of the files, 600 a block; the first 200 of blocks 25 and 80 get the next class.
        let original = try #require(FileManager.default.contents(atPath: try Self.unpacked("train-labels-idx1-ubyte", in: folder)))
        var labels = [UInt8](original)
        let header = 8
        for block in [25, 80] {
            for row in 0..<200 { labels[header + (block - 1) * 600 + row] = (labels[header + (block - 1) * 600 + row] + 1) % 10 }
        }
        try folder.write(labels, to: "labels")
        let program = Program(folder: folder.file("project"))
        let images = try Self.unpacked("train-images-idx3-ubyte", in: folder)
        try program.json(
            ["init", "--data", "idx:\(images),\(folder.file("labels"))", "--test", "fashion-mnist", "--model", "lenet5", "--blocks-by", "order", "--assignment-seed", "0"] + recipe)
        try program.json("train")
        func list(_ block: Int) throws -> String {
            let first = (block - 1) * 600
            return try folder.write((first..<first + 200).map(String.init).joined(separator: "\n"), to: "ids\(block)")
        }

        // In memory first, so that both start from the same chain.
        if method == "stitch" {
            let early = try program.json("delete", "--ids", try list(25), "--method", "stitch", "--dry-run")
            #expect(early["method"] as? String == "exact" && early["blocks_retrained"] as? Int == 76)
            let reason = try #require(early["fallback"] as? String)
            #expect(reason.contains("relative residual is still"), "\(reason)")
            let rho = try #require(early["rho"] as? [Double])
            #expect(rho.allSatisfy { $0 > 0.2 }, "least relative residual \(rho.min()!)")
        }

        try program.run("export", "--out", folder.file("before.safetensors"))
        let late = try program.json("delete", "--ids", try list(80), "--method", "stitch")
        #expect(late["method"] as? String == method && late["guarded"] as? Bool == true, "\(late)")
        let audit = try program.json("audit", "--before", folder.file("before.safetensors"))
        let stitched = try #require(audit["l1_to_exact"] as? Double), nothing = try #require(audit["l1_nothing_to_exact"] as? Double)
        #expect(stitched <= nothing * 2 / 3, "stitched \(stitched), doing nothing \(nothing)")
    }

    /// A file of the data set, plain.
    static func unpacked(_ name: String, in folder: TemporaryFolder) throws -> String {
        let source = (ProcessInfo.processInfo.environment["UNLEARN_DATA"] ?? "/usr/share/datasets/fashion-mnist") + "/\(name).gz"
        try Process.run(URL(fileURLWithPath: "/bin/sh"), arguments: ["-c", "gzip -dc '\(source)' > '\(folder.file(name))'"]).waitUntilExit()
        return folder.file(name)
    }

    @Test("A hot recipe with ReLU and max pooling is refused a stitch and replayed exactly, with the reason")
    func hotRecipe() throws {
        let folder = try TemporaryFolder()
        let program = Program(folder: folder.file("project"))
        try program.json(
            "init", "--data", "fashion-mnist", "--model", "lenet5", "--activation", "relu", "--pooling", "max", "--limit", "12000", "--blocks", "60",
            "--epochs", "5", "--batch-size", "50", "--learning-rate", "0.1", "--momentum", "0", "--weight-decay", "0", "--label-smoothing", "0", "--shift", "0", "--averaging", "0",
            "--assignment-seed", "0")
        try program.json("train")
        let ids = try Self.ids(program, block: 20, count: 1, rows: 12_000)
        let report = try program.json("delete", "--ids", "-", "--method", "stitch", input: ids[0])
        #expect(report["method"] as? String == "exact" && report["blocks_retrained"] as? Int == 41, "\(report)")
        let reason = try #require(report["fallback"] as? String)
        #expect(reason.contains("does not decay") || reason.contains("relative residual is still"), "\(reason)")
        let audit = try program.json("audit")
        #expect(audit["verdict"] as? String == "exact" && audit["l1_to_exact"] as? Double == 0)
    }
}
