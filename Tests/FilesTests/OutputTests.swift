import Files
import Foundation
import Glibc
import TestSupport
import Testing

@Suite("Files that a user names")
struct OutputTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func publish(_ text: String, at name: String, replacing: Bool) throws {
        try Array(text.utf8).withUnsafeBytes { try FileSystem.publish(output: $0, at: folder.file(name), replacing: replacing) }
    }

    private func text(_ name: String) throws -> String { String(decoding: try FileSystem.read(folder.file(name)), as: UTF8.self) }

    @Test("A result takes no other file's place unless it may, and no name beside it")
    func publishes() throws {
        try folder.write("mine", to: "out.part")
        try publish("one", at: "out", replacing: false)
        let error = #expect(throws: Failure.self) { try publish("two", at: "out", replacing: false) }
        #expect(error?.kind == .input && error?.description.contains("--force") == true)
        #expect(try text("out") == "one")
        try publish("two", at: "out", replacing: true)
        #expect(try text("out") == "two" && text("out.part") == "mine")
        #expect(try FileSystem.names(in: folder.path) == ["out", "out.part"])
    }

    @Test("A name as long as names may be can be written to")
    func longNames() throws {
        let name = String(repeating: "n", count: Int(NAME_MAX))
        try publish("one", at: name, replacing: true)
        #expect(try FileSystem.names(in: folder.path) == [name])
        #expect(throws: SystemCallError.self) { try publish("one", at: name + "n", replacing: true) }
        #expect(try FileSystem.names(in: folder.path) == [name], "what failed leaves nothing")
    }

    @Test("A key is known by its content", arguments: [
        (String(repeating: "0a", count: 32), true), (String(repeating: "0A", count: 32) + "\n", true), (String(repeating: "0a", count: 32) + "\r\n", true),
        (String(repeating: "0g", count: 32), false), (String(repeating: "0a", count: 31), false), (String(repeating: "0a", count: 32) + "\n\n", false),
        (String(repeating: "!A", count: 32), false),
    ])
    func keys(content: String, isKey: Bool) throws {
        #expect(SecretFile.isKey(Array(content.utf8)) == isKey)
        let path = try folder.write(content, to: "file")
        #expect(try SecretFile.isKept(at: path) == isKey)
        if isKey { #expect(throws: Failure.self) { _ = try OpenFile.input(path) } } else { _ = try OpenFile.input(path) }
        #expect(throws: Never.self) { _ = try OpenFile.input(path, digits: .mayBeMeant) }
    }

    @Test("A key is known by its place, under any name that leads there")
    func places() throws {
        try folder.write("whatever", to: "project.key")
        #expect(symlink(folder.file("project.key"), folder.file("link")) == 0)
        for name in ["project.key", "link"] {
            let error = #expect(throws: Failure.self) { _ = try OpenFile.input(folder.file(name), digits: .mayBeMeant) }
            #expect(error?.kind == .input && error?.description.contains("secret key") == true)
            #expect(try SecretFile.isKept(at: folder.file(name)))
        }
        // Exactly 32 bytes are a key as well, unless they are text.
        #expect(try SecretFile.isKept(at: folder.write((0..<32).map { UInt8($0) }, to: "raw")))
        #expect(try !SecretFile.isKept(at: folder.write(String(repeating: "abc\n", count: 8), to: "list")))
    }

    /// Writes into a pipe with a name from another thread.
    private func feed(_ path: String, _ bytes: [UInt8]) {
        Thread.detachNewThread {
            guard let file = fopen(path, "w") else { return }
            fwrite(bytes, 1, bytes.count, file)
            fclose(file)
        }
    }

    @Test("A pipe is read to its end, and can then be read as often as a file", .timeLimit(.minutes(60)))
    func pipes() throws {
        let path = folder.file("pipe"), bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
        try #require(mkfifo(path, 0o600) == 0)
        feed(path, bytes)
        let file = try OpenFile.input(path)
        for _ in 0..<2 { #expect(try FileSystem.read(file, most: .max) == bytes) }
    }

    @Test("A pipe that gives more than is wanted is refused", .timeLimit(.minutes(60)))
    func longPipes() throws {
        let path = folder.file("pipe")
        try #require(mkfifo(path, 0o600) == 0)
        signal(SIGPIPE, SIG_IGN)
        feed(path, [UInt8](repeating: 1, count: 100_000))
        let error = #expect(throws: Failure.self) { _ = try OpenFile.input(path, most: 70_000) }
        #expect(error?.kind == .input && error?.description.contains("more than 70000 bytes") == true)
    }
}
