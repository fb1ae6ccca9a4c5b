import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Scratch files")
struct ScratchFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ content: [UInt8], _ row: Int, to scratch: ScratchFile) throws {
        try content.withUnsafeBytes { try scratch.write($0, row: row) }
    }

    /// What is on disk, through the descriptor: the file has no name.
    private func rawBytes() throws -> [UInt8] {
        for name in try FileSystem.names(in: "/proc/self/fd") {
            // Other tests close theirs meanwhile.
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)") else { continue }
            if target.hasPrefix(folder.path) && target.hasSuffix("(deleted)") { return try FileSystem.read("/proc/self/fd/\(name)") }
        }
        return try #require(nil as [UInt8]?, "no descriptor of a file that was in \(folder.path)")
    }

    @Test("Rows written in any order come back, one by one and together", arguments: [1, 7, 784])
    func comesBack(rowBytes: Int) throws {
        var random = SeededGenerator(UInt64(rowBytes))
        let count = 50
        let rows = (0..<count).map { _ in (0..<rowBytes).map { _ in UInt8.random(in: 0...255, using: &random) } }
        let scratch = try ScratchFile(in: OpenFolder(folder.path), rows: count, rowBytes: rowBytes)
        for row in (0..<count).shuffled(using: &random) { try write(rows[row], row, to: scratch) }
        for row in 0..<count { #expect(try scratch.read(rows: row..<row + 1) == rows[row], "row \(row), seed \(rowBytes)") }
        #expect(try scratch.read(rows: 0..<count) == rows.flatMap { $0 })
        #expect(try scratch.read(rows: 13..<29) == rows[13..<29].flatMap { $0 })
        #expect(try scratch.read(rows: 5..<5) == [])
    }

    @Test("Rows of no bytes, and no rows, are no trouble")
    func nothing() throws {
        let scratch = try ScratchFile(in: OpenFolder(folder.path), rows: 3, rowBytes: 0)
        try write([], 1, to: scratch)
        #expect(try scratch.read(rows: 0..<3) == [])
        #expect(try ScratchFile(in: OpenFolder(folder.path), rows: 0, rowBytes: 5).read(rows: 0..<0) == [])
    }

    @Test("The file has no name, and none of its rows can be read in it while it is open")
    func unreadable() throws {
        let rows = (0..<20).map { Array("the secret content of row number \($0)".utf8.prefix(32)) }
        let scratch = try ScratchFile(in: OpenFolder(folder.path), rows: rows.count, rowBytes: 32)
        for (row, content) in rows.enumerated() { try write(content, row, to: scratch) }
        #expect(try FileSystem.names(in: folder.path) == [])
        let raw = try rawBytes()
        #expect(raw.count == 20 * 32)
        #expect(!raw.contains("secret") && !raw.contains("content"))
        #expect(try scratch.read(rows: 0..<1) == rows[0])
    }

    @Test("The same row twice looks different in each place")
    func sameContent() throws {
        let scratch = try ScratchFile(in: OpenFolder(folder.path), rows: 100, rowBytes: 16)
        for row in 0..<100 { try write([UInt8](repeating: 0, count: 16), row, to: scratch) }
        let raw = try rawBytes()
        let pieces = stride(from: 0, to: raw.count, by: 16).map { Array(raw[$0..<$0 + 16]) }
        #expect(Set(pieces).count == 100)
        withExtendedLifetime(scratch) {}
    }

    @Test("A name that is taken is named, and what has it stays")
    func taken() throws {
        try folder.write("precious", to: "scratch.part")
        let error = #expect(throws: SystemCallError.self) { _ = try ScratchFile(in: OpenFolder(folder.path), rows: 1, rowBytes: 1) }
        #expect(error == SystemCallError(operation: "create", path: folder.file("scratch.part"), code: EEXIST))
        #expect(try FileSystem.read(folder.file("scratch.part")) == Array("precious".utf8))
    }
}
