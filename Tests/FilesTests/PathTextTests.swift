import Files
import Foundation
import Glibc
import TestSupport
import Testing

@Suite("Paths are bytes")
struct PathTextTests {
    @Test("Text gives back the bytes that it was made of, whatever they are")
    func reversible() {
        var samples: [[UInt8]] = [[], Array("plain/ä/€/😀".utf8), [0x61, 0xE9], [0xE9, 0x61, 0xE8], [0xF4, 0x8F, 0xBA], [0xC3], [0xED, 0xA0, 0x80]]
        samples += (0x80...0xFF).map { [UInt8($0)] }
        // The characters that stand for bytes, and their neighbours.
        samples += [0x10FE7F, 0x10FE80, 0x10FEE9, 0x10FEFF, 0x10FF00].map { Array(String(Unicode.Scalar(UInt32($0))!).utf8) }
        var random = SeededGenerator(7)
        for _ in 0..<2000 { samples.append((0..<Int.random(in: 1...12, using: &random)).map { _ in UInt8.random(in: 1...255, using: &random) }) }
        for bytes in samples { #expect(PathText.bytes(of: PathText.text(of: bytes)) == bytes, "\(bytes)") }
        #expect(Set(samples.map { PathText.text(of: $0).unicodeScalars.map(\.value) }).count == Set(samples).count)
        #expect(PathText.text(of: Array("ä".utf8)) == "ä")
    }

    @Test("A byte that is no text is shown as a person would write it")
    func printable() {
        #expect(PathText.printable(PathText.text(of: [0x61, 0xE9, 0x2F, 0x80])) == "a\\xE9/\\x80")
        #expect(PathText.printable("a/ä") == "a/ä")
    }

    @Test("Names that differ in such a byte are two files for every operation")
    func fileSystem() throws {
        let folder = try TemporaryFolder()
        let one = folder.path + "/" + PathText.text(of: [0x61, 0xE9]), other = folder.path + "/" + PathText.text(of: [0x61, 0xE8])
        try FileSystem.makeFolder(one)
        #expect(FileSystem.isFolder(one) && !FileSystem.exists(other))
        try [7].withUnsafeBytes { try FileSystem.publish(output: $0, at: one + "/x", replacing: false) }
        #expect(try FileSystem.read(one + "/x") == Array(MemoryLayout<Int>.size == 8 ? [7, 0, 0, 0, 0, 0, 0, 0] : []))
        #expect(try FileSystem.names(in: folder.path).map(PathText.bytes) == [[0x61, 0xE9]])
        #expect(FileSystem.realPath(one)?.hasSuffix(PathText.text(of: [0x61, 0xE9])) == true)
        try FileSystem.rename(one, to: other)
        #expect(FileSystem.isFolder(other) && !FileSystem.exists(one))
        try FileSystem.removeTree(other)
        #expect(try FileSystem.names(in: folder.path).isEmpty)
    }

    @Test("A slash with a mark behind it is a slash")
    func slashes() {
        #expect(FileSystem.parent(of: "a/\u{301}b") == "a" && FileSystem.name(of: "a/\u{301}b").unicodeScalars.elementsEqual("\u{301}b".unicodeScalars))
    }
}
