import Foundation
import TestSupport

/// Generated images in IDX files, and a project made of them.
package struct SmallData {
    package let folder: TemporaryFolder
    package let spec: String
    package let testSpec: String

    package init(rows: Int = 600, side: Int = 12, seed: UInt64 = 21) throws {
        folder = try TemporaryFolder()
        let (images, labels) = SampleFiles.images(rows, side: side, classes: 4, seed: seed)
        let (testImages, testLabels) = SampleFiles.images(200, side: side, classes: 4, seed: seed + 1)
        spec = "idx:\(try folder.write(images, to: "images")),\(try folder.write(labels, to: "labels"))"
        testSpec = "idx:\(try folder.write(testImages, to: "test-images")),\(try folder.write(testLabels, to: "test-labels"))"
    }

    package var program: Program { Program(folder: folder.file("project")) }

    /// `init` of a small network in 30 blocks.
    @discardableResult
    package func initialise(in name: String = "project", _ more: String...) throws -> Program {
        let program = Program(folder: folder.file(name))
        // What the caller gives takes the place of these.
        let usual = [("model", "mlp"), ("hidden", "16"), ("blocks", "30"), ("epochs", "3"), ("batch-size", "10"), ("assignment-seed", "1")]
        let words = usual.filter { !more.contains("--\($0.0)") }.flatMap { ["--\($0)", $1] }
        let result = try program.run(["init", "--data", spec, "--test", testSpec] + words + more)
        guard result.status == 0 else { throw Unexpected(result.errors) }
        return program
    }

    struct Unexpected: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }
}
