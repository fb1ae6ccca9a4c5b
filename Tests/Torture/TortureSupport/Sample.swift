import TestSupport

/// Generated images and what `init` is told about them: a project so small that a call takes milliseconds.
public struct Sample: Sendable {
    public let rows: Int
    public let testRows: Int
    public let blocks: Int
    /// 0: a chain. Else the stem has a third of the blocks.
    public let branches: Int
    private let folder: String

    public init(rows: Int, testRows: Int, blocks: Int, branches: Int = 0, in workplace: WorkFolder) throws {
        self.branches = branches
        self.rows = rows
        self.testRows = testRows
        self.blocks = blocks
        folder = try workplace.folder()
        for (name, count, seed) in [("train", rows, 31 as UInt64), ("test", testRows, 32)] {
            let (images, labels) = SampleFiles.images(count, side: 6, classes: 3, seed: seed)
            try Tree.write(images, to: "\(folder)/\(name)-images")
            try Tree.write(labels, to: "\(folder)/\(name)-labels")
        }
    }

    /// Ids of all rows.
    public var ids: [String] { (0..<rows).map(String.init) + (0..<testRows).map { "test:\($0)" } }

    var initialiseArguments: [String] {
        ["init", "--data", spec("train"), "--test", spec("test"), "--model", "mlp", "--hidden", "4", "--blocks", "\(blocks)"]
            + ["--epochs", "1", "--batch-size", "5", "--assignment-seed", "1"]
            + (branches > 0 ? ["--branches", "\(branches)", "--stem", "0.34"] : [])
    }

    private func spec(_ name: String) -> String { "idx:\(folder)/\(name)-images,\(folder)/\(name)-labels" }
}
