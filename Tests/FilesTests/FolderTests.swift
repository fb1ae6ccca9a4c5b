import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("Folders and names")
struct FolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("The names in a folder come sorted, hidden ones too, without . and ..")
    func names() throws {
        for name in ["b", "a", ".hidden", "ä", "B"] { try folder.write("", to: name) }
        #expect(try FileSystem.names(in: folder.path) == [".hidden", "B", "a", "b", "ä"])
    }

    @Test("Listing a folder that is not there fails with the system's reason")
    func listsMissing() throws {
        let path = folder.file("absent")
        let error = #expect(throws: SystemCallError.self) { _ = try FileSystem.names(in: path) }
        #expect(error == SystemCallError(operation: "list", path: path, code: ENOENT))
    }

    @Test("A folder is made for its owner alone, and an existing one keeps what it holds")
    func makesFolder() throws {
        let path = folder.file("inner")
        try FileSystem.makeFolder(path)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o700)
        try folder.write("kept", to: "inner/file")
        try FileSystem.makeFolder(path)
        #expect(try FileSystem.names(in: path) == ["file"])
    }

    @Test("A folder is not made where its parent is missing")
    func makesFolderWithoutParent() throws {
        let path = folder.file("absent/inner")
        let error = #expect(throws: Failure.self) { try FileSystem.makeFolder(path) }
        #expect(error?.kind == .input && error?.description.contains(path) == true)
    }

    @Test("Removing a tree removes folders within folders and nothing beside them")
    func removesTree() throws {
        for name in ["tree", "tree/inner", "tree/inner/empty"] { try FileSystem.makeFolder(folder.file(name)) }
        for name in ["tree/file", "tree/inner/file", "tree/.hidden", "beside"] { try folder.write("x", to: name) }
        try FileSystem.removeTree(folder.file("tree"))
        #expect(try FileSystem.names(in: folder.path) == ["beside"])
    }

    @Test("Removing a tree that is a file, or that is not there, is no error")
    func removesTreeOfFile() throws {
        try folder.write("x", to: "file")
        try FileSystem.removeTree(folder.file("file"))
        try FileSystem.removeTree(folder.file("file"))
        #expect(try FileSystem.names(in: folder.path).isEmpty)
    }

    @Test("Removing a tree removes the links in it, not what they point to", arguments: ["tree/link", "link"])
    func removesLinks(name: String) throws {
        try FileSystem.makeFolder(folder.file("elsewhere"))
        try folder.write("precious", to: "elsewhere/file")
        try FileSystem.makeFolder(folder.file("tree"))
        try FileManager.default.createSymbolicLink(atPath: folder.file(name), withDestinationPath: folder.file("elsewhere"))
        #expect(throws: Never.self) { try FileSystem.removeTree(folder.file(name.split(separator: "/").first.map(String.init) ?? name)) }
        #expect(!FileSystem.exists(folder.file(name)))
        #expect(try FileSystem.names(in: folder.file("elsewhere")) == ["file"])
    }

    @Test("A link to nothing exists but is no folder")
    func danglingLink() throws {
        try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: folder.file("absent"))
        #expect(FileSystem.exists(folder.file("link")))
        #expect(!FileSystem.isFolder(folder.file("link")))
        #expect(!FileSystem.exists(folder.file("absent")))
    }

    @Test("Removing a file that is not there is no error; removing a folder as a file is")
    func removes() throws {
        try FileSystem.remove(folder.file("absent"))
        try FileSystem.makeFolder(folder.file("inner"))
        let error = #expect(throws: SystemCallError.self) { try FileSystem.remove(folder.file("inner")) }
        #expect(error?.operation == "remove")
        #expect(FileSystem.isFolder(folder.file("inner")))
    }

    @Test("A file is renamed over another; a missing one is an error that names both places")
    func renames() throws {
        try folder.write("new", to: "a")
        try folder.write("old", to: "b")
        try FileSystem.rename(folder.file("a"), to: folder.file("b"))
        #expect(try FileSystem.read(folder.file("b")) == Array("new".utf8))
        #expect(try FileSystem.names(in: folder.path) == ["b"])
        let error = #expect(throws: SystemCallError.self) { try FileSystem.rename(folder.file("a"), to: folder.file("c")) }
        #expect(error?.description == "cannot rename \(folder.file("a")) to \(folder.file("c")): No such file or directory")
    }

    @Test("Only a folder can be synced as one")
    func synchronises() throws {
        try FileSystem.synchroniseFolder(folder.path)
        let path = try folder.write("x", to: "file")
        let error = #expect(throws: SystemCallError.self) { try FileSystem.synchroniseFolder(path) }
        #expect(error == SystemCallError(operation: "open the folder", path: path, code: ENOTDIR))
    }

    @Test(
        "The parent of a path is what stands before its last slash",
        arguments: [("/a/b", "/a"), ("/a", "/"), ("a", "."), ("a/b/c", "a/b"), ("/", "/"), ("./a", ".")])
    func parent(path: String, parent: String) { #expect(FileSystem.parent(of: path) == parent) }
}
