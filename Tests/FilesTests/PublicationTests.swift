import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("Publication")
struct PublicationTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func publish(_ bytes: [UInt8], at path: String) throws {
        try bytes.withUnsafeBytes { try FileSystem.publish(output: $0, at: path, replacing: true) }
    }

    @Test("A published file holds its bytes, and nothing is left beside it", arguments: [0, 1, 4095, 4096, 1_000_003])
    func publishes(length: Int) throws {
        var random = SeededGenerator(UInt64(length))
        let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        try publish(bytes, at: folder.file("object"))
        #expect(try FileSystem.read(folder.file("object")) == bytes)
        #expect(try FileSystem.names(in: folder.path) == ["object"])
    }

    @Test("A published file is for its owner alone")
    func ownerOnly() throws {
        try publish([1, 2, 3], at: folder.file("object"))
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("object"))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test("Publishing over a longer file leaves nothing of it")
    func replaces() throws {
        try folder.write([UInt8](repeating: 7, count: 1000), to: "object")
        try publish([1, 2, 3], at: folder.file("object"))
        #expect(try FileSystem.read(folder.file("object")) == [1, 2, 3])
    }

    @Test("Publishing into a folder that is not there fails with the system's reason and leaves nothing")
    func missingFolder() throws {
        let path = folder.file("absent/object")
        let error = #expect(throws: SystemCallError.self) { try publish([1], at: path) }
        #expect(error == SystemCallError(operation: "open the folder", path: folder.file("absent"), code: ENOENT))
        #expect(try FileSystem.names(in: folder.path).isEmpty)
    }

    @Test("Publishing over a folder fails and leaves nothing beside it")
    func folderInTheWay() throws {
        try FileSystem.makeFolder(folder.file("object"))
        #expect(throws: SystemCallError.self) { try publish([1], at: folder.file("object")) }
        #expect(try FileSystem.names(in: folder.path) == ["object"])
        #expect(FileSystem.isFolder(folder.file("object")))
    }

    @Test("What stands beside it under a name like its own stays")
    func beside() throws {
        try folder.write([9, 9], to: "object")
        try FileSystem.makeFolder(folder.file("object" + FileSystem.temporarySuffix))
        try publish([1], at: folder.file("object"))
        #expect(try FileSystem.read(folder.file("object")) == [1])
        #expect(try FileSystem.names(in: folder.path) == ["object", "object" + FileSystem.temporarySuffix])
    }

    @Test("A folder that is held gets the file wherever its path leads, and keeps what is there where it is to stay")
    func held() throws {
        for name in ["own", "other"] { try FileSystem.makeFolder(folder.file(name)) }
        let own = try OpenFolder(folder.file("own"))
        try #require(rename(folder.file("own"), folder.file("moved")) == 0 && rename(folder.file("other"), folder.file("own")) == 0)
        func publish(_ bytes: [UInt8], replacing: Bool) throws -> Bool {
            try bytes.withUnsafeBytes { try own.publish($0, as: "a", replacing: replacing) }
        }
        for (bytes, replacing, isMade) in [([1], false, true), ([2], false, false), ([3], true, true)] as [([UInt8], Bool, Bool)] {
            #expect(try publish(bytes, replacing: replacing) == isMade)
        }
        #expect(try own.names() == ["a"] && own.read("a") == [3])
        #expect(try FileSystem.names(in: folder.file("own")) == [])
    }
}
