import Files
import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("Compressed files")
struct CompressedReaderTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func zipped(_ text: String) throws -> [UInt8] { try FileSystem.read(folder.writeGzip(Array(text.utf8), to: "part.gz")) }

    /// Read so many bytes at once.
    private func read(_ bytes: [UInt8], _ size: Int = 1000) throws -> String {
        let reader = try CompressedReader(folder.write(bytes, to: "whole.gz"))
        var all: [UInt8] = [], piece = [UInt8](repeating: 0, count: size), count = size
        while count == size {
            count = try piece.withUnsafeMutableBytes { try reader.read(upTo: $0) }
            all += piece[..<count]
        }
        return String(decoding: all, as: UTF8.self)
    }

    @Test("Members of gzip follow each other, empty ones too", arguments: [1, 7, 1000, 1 << 20])
    func members(size: Int) throws {
        let long = String(repeating: "0123456789\n", count: 50_000)
        #expect(try read(zipped("one\n") + zipped("") + zipped(long) + zipped("two\n"), size) == "one\n" + long + "two\n")
    }

    @Test("What stands behind the last member and is none is refused, be it a byte", arguments: ["x", "\0", "\u{1F}", "\u{1F}x", "rows without end", "\0\0\0\0\0\0\0\0\0\0"])
    func junk(behind: String) throws {
        for text in ["one\n", String(repeating: "0123456789\n", count: 50_000)] {
            let error = try failure { _ = try read(zipped(text) + Array(behind.utf8)) }
            let reasons = ["behind its compressed data stand bytes that are none", "it ends inside the compressed data"]
            #expect(error.kind == .input && reasons.contains { error.description == "\(folder.file("whole.gz")) is damaged: \($0); fetch the file again" }, "\(error)")
        }
    }

    @Test("Damage anywhere in a member is told by the file's name alone, and a file that begins as gzip is not taken for text")
    func damage() throws {
        let whole = try zipped((0..<200).map { "\($0 * 7919 % 1000),\($0 % 3)\n" }.joined()), path = folder.file("whole.gz")
        // The time, the system and the flags before them may be anything.
        for place in [2, 3] + Array(10..<whole.count) {
            var bytes = whole
            bytes[place] ^= 0xFF
            let error = try failure { _ = try read(bytes) }
            #expect(error.kind == .input && error.description.hasPrefix("\(path) is damaged: ") && !error.description.contains("fd:"), "\(error)")
        }
    }

    @Test("What stands behind a frame of zstd and is none is refused")
    func zstd() throws {
        let path = try folder.write("rows\n", to: "rows")
        let process = try Process.run(URL(fileURLWithPath: "/usr/bin/env"), arguments: ["zstd", "-q", path, "-o", path + ".zst"])
        process.waitUntilExit()
        let frame = try FileSystem.read(path + ".zst")
        #expect(try read(frame + frame) == "rows\nrows\n")
        for behind in ["x", "rows without end"] {
            let error = try failure { _ = try read(frame + Array(behind.utf8)) }
            #expect(error.kind == .input && error.description.contains("whole.gz is damaged"), "\(error)")
        }
    }
}
