import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// Whoever makes a project where an earlier attempt was cut off must not lose files that are no project's.
@Suite("Other people's files where a project is made")
struct ForeignObjectsTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test("What lies among the objects of a creation that was cut off, and is none, is refused and stays", arguments: ["photo", "0123", "ABCDEF0123456789"])
    func foreign(name: String) throws {
        let path = folder.file("p")
        try FileManager.default.createDirectory(atPath: path + "/objects", withIntermediateDirectories: true)
        _ = try folder.write("", to: "p/catalogue.sqlite.part")
        _ = try folder.write("theirs", to: "p/objects/" + name)
        let error = #expect(throws: Failure.self) { _ = try Store(creating: path) }
        #expect(error == Failure(.input, "\(path)/objects holds '\(name)', which no 'init' left there; move it elsewhere"))
        #expect(try FileSystem.read(path + "/objects/" + name) == Array("theirs".utf8))
    }

    @Test("What a creation left that was cut off is taken away by the next")
    func own() throws {
        let path = folder.file("p"), left = [String(repeating: "0a", count: 16), "scratch.part"]
        try FileManager.default.createDirectory(atPath: path + "/objects", withIntermediateDirectories: true)
        _ = try folder.write("", to: "p/catalogue.sqlite.part")
        for name in left { _ = try folder.write("ours", to: "p/objects/" + name) }
        try Store(creating: path).publishCreation()
        #expect(try FileSystem.names(in: path + "/objects").isEmpty)
    }
}
