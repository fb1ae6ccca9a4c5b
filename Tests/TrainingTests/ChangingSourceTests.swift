import Files
import Foundation
import TestSupport
import Testing

@testable import Training

/// A source, the file of it that somebody else writes to between the passes, and what that one holds before and after.
private struct Changing: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let file: String
    let before: [UInt8]
    let after: [UInt8]
    var others: [String: [UInt8]] = [:]
    let source: @Sendable (TemporaryFolder) throws -> any RowSource

    private typealias NPZ = SampleNPZ

    /// Longer than what a library holds of a file in memory.
    private static func archive(_ x: [UInt8]) -> [UInt8] {
        NPZ.zip([NPZ.Entry("x.npy", NPZ.npy("|u1", [4, 20_000], x.flatMap { [UInt8](repeating: $0, count: 20_000) })), NPZ.Entry("y.npy", NPZ.npy("|u1", [4], [0, 1, 0, 1]))])
    }

    static let all: [Changing] = [
        Changing(
            testDescription: "csv", file: "t.csv", before: Array("x,y\n1,u\n2,v\n3,u\n".utf8), after: Array("x,y\n3,u\n2,v\n1,u\n".utf8),
            source: { TableSource($0.file("t.csv"), TableOptions(labelColumn: "y")) }),
        Changing(
            testDescription: "libsvm", file: "t.svm", before: Array("1 1:1\n0 1:2\n".utf8), after: Array("1 1:2\n0 1:1\n".utf8),
            source: { LIBSVMSource($0.file("t.svm")) }),
        Changing(
            testDescription: "idx", file: "images", before: SampleFiles.idx([2, 1, 2], [1, 2, 3, 4]), after: SampleFiles.idx([2, 1, 2], [3, 4, 1, 2]),
            others: ["labels": SampleFiles.idx([2], [0, 1])], source: { IDXSource(images: $0.file("images"), labels: $0.file("labels")) }),
        Changing(
            testDescription: "cifar10", file: "batch", before: SampleFiles.cifar10(3, seed: 1), after: SampleFiles.cifar10(3, seed: 2),
            source: { CIFAR10Source(paths: [$0.file("batch")]) }),
        Changing(
            testDescription: "npz", file: "t.npz", before: archive([1, 2, 3, 4]), after: archive([4, 3, 2, 1]), source: { NPZSource($0.file("t.npz")) }),
    ]
}

@Suite("Sources that change between two passes")
struct ChangingSourceTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func rows(_ source: any RowSource) throws -> [[UInt8]] {
        var rows: [[UInt8]] = []
        try source.forEachRow { _, _, features in rows.append(Array(features)) }
        return rows
    }

    private func surveyed(_ changing: Changing) throws -> any RowSource {
        for (name, bytes) in changing.others { try folder.write(bytes, to: name) }
        try folder.write(changing.before, to: changing.file)
        let source = try changing.source(folder)
        _ = try source.survey()
        return source
    }

    @Test("A file that takes the name of the one that is read is not read", arguments: Changing.all)
    private func replaced(_ changing: Changing) throws {
        let source = try surveyed(changing)
        try folder.write(changing.after, to: "new")
        try FileSystem.rename(folder.file("new"), to: folder.file(changing.file))
        let read = try rows(source)
        #expect(try rows(surveyed(changing)) == read)
        try folder.write(changing.after, to: changing.file)
        let other = try changing.source(folder)
        _ = try other.survey()
        #expect(try rows(other) != read)
        // Nor does its absence matter.
        try FileSystem.remove(folder.file(changing.file))
        #expect(try rows(source) == read)
    }

    @Test("A file that is written to is refused", arguments: Changing.all)
    private func written(_ changing: Changing) throws {
        let source = try surveyed(changing)
        _ = try rows(source)
        let handle = try #require(FileHandle(forWritingAtPath: folder.file(changing.file)))
        try handle.write(contentsOf: Data(changing.after))
        try handle.close()
        #expect(throws: Failure(.input, "\(folder.file(changing.file)) changed while it was read; run the command again")) { _ = try rows(source) }
    }

    @Test("A file that grows is refused", arguments: Changing.all.filter { $0.testDescription != "npz" && $0.testDescription != "idx" })
    private func grown(_ changing: Changing) throws {
        let source = try surveyed(changing)
        let handle = try #require(FileHandle(forWritingAtPath: folder.file(changing.file)))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(changing.testDescription == "csv" ? Array("1,u\n".utf8) : changing.before))
        try handle.close()
        #expect(throws: Failure(.input, "\(folder.file(changing.file)) changed while it was read; run the command again")) { _ = try rows(source) }
    }
}
