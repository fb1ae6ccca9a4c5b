import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("Open files")
struct OpenFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("The length of a regular file is its number of bytes", arguments: [0, 1, 5000])
    func length(count: Int) throws {
        let path = try folder.write([UInt8](repeating: 1, count: count), to: "file")
        #expect(try OpenFile(path, .read).regularLength() == count)
    }

    @Test("A link to a file counts as the file")
    func link() throws {
        try folder.write([1, 2, 3], to: "file")
        try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: folder.file("file"))
        #expect(try FileSystem.read(folder.file("link")) == [1, 2, 3])
    }

    @Test("A folder has no length")
    func folderRefused() throws {
        let error = #expect(throws: Failure.self) { try OpenFile(folder.path, .read).regularLength() }
        #expect(error == Failure(.input, "\(folder.path) is not a regular file; name a file"))
        #expect(throws: Failure.self) { try FileSystem.read(folder.path) }
    }

    @Test("A pipe has no length")
    func pipeRefused() throws {
        let path = folder.file("pipe")
        try #require(mkfifo(path, 0o600) == 0)
        // Opening a pipe waits for its other end.
        let otherEnd = open(path, O_RDWR)
        try #require(otherEnd >= 0)
        defer { close(otherEnd) }
        let error = #expect(throws: Failure.self) { try OpenFile(path, .read).regularLength() }
        #expect(error == Failure(.input, "\(path) is not a regular file; name a file"))
    }

    @Test("A file that is not there is named with the system's reason")
    func missing() throws {
        let path = folder.file("absent")
        let error = #expect(throws: SystemCallError.self) { _ = try OpenFile(path, .read) }
        #expect(error == SystemCallError(operation: "open", path: path, code: ENOENT))
        #expect(error?.description == "cannot open \(path): No such file or directory")
    }

    @Test("A new file does not overwrite an existing one")
    func createNew() throws {
        let path = try folder.write([1, 2, 3], to: "file")
        let error = #expect(throws: SystemCallError.self) { _ = try OpenFile(path, .createNew) }
        #expect(error == SystemCallError(operation: "create", path: path, code: EEXIST))
        #expect(try FileSystem.read(path) == [1, 2, 3])
    }

    @Test("A read gives exactly the bytes at its offset", arguments: [0, 1, 3, 10])
    func readsAtOffset(offset: Int) throws {
        let path = try folder.write((0..<10).map { UInt8($0) }, to: "file")
        var buffer = [UInt8](repeating: 255, count: 10 - offset)
        try buffer.withUnsafeMutableBytes { try OpenFile(path, .read).read(into: $0, at: offset) }
        #expect(buffer == (offset..<10).map { UInt8($0) })
    }

    @Test("A read beyond the end says how many bytes are missing", arguments: [(0, 11, 1), (5, 10, 5), (10, 1, 1), (100, 3, 3)])
    func readsBeyondEnd(offset: Int, count: Int, missing: Int) throws {
        let path = try folder.write([UInt8](repeating: 1, count: 10), to: "file")
        var buffer = [UInt8](repeating: 0, count: count)
        let error = #expect(throws: Failure.self) {
            try buffer.withUnsafeMutableBytes { try OpenFile(path, .read).read(into: $0, at: offset) }
        }
        #expect(error == Failure(.failed, "\(path) ended \(missing) bytes early"))
    }

    @Test("Bytes written at an offset are read back, with zeros before them")
    func writesAtOffset() throws {
        let file = try OpenFile(folder.file("file"), .createNew)
        try [UInt8]([1, 2, 3]).withUnsafeBytes { try file.write($0, at: 5) }
        try file.synchronise()
        #expect(try file.regularLength() == 8)
        #expect(try FileSystem.read(folder.file("file")) == [0, 0, 0, 0, 0, 1, 2, 3])
    }

    @Test("A file that is made longer reads zero there; one made shorter loses its end")
    func setsLength() throws {
        let file = try OpenFile(folder.file("file"), .createNew)
        try [UInt8]([1, 2, 3]).withUnsafeBytes { try file.write($0, at: 0) }
        try file.setLength(5)
        #expect(try FileSystem.read(folder.file("file")) == [1, 2, 3, 0, 0])
        try file.setLength(1)
        #expect(try FileSystem.read(folder.file("file")) == [1])
    }

    @Test("Whatever is wrong with a file that the user named is bad input that names it")
    func input() throws {
        let path = try folder.write([1, 2, 3], to: "file"), loop = folder.file("loop"), pipe = folder.file("pipe")
        #expect(symlink(loop, loop) == 0 && mkfifo(pipe, 0o600) == 0)
        let long = folder.file(String(repeating: "n", count: 300))
        for wrong in [folder.file("none"), path + "/below", loop, pipe, folder.path, "/dev/zero", long] {
            let error = #expect(throws: Failure.self) { _ = try FileSystem.read(input: wrong, "the list", most: 100) }
            #expect(error?.kind == .input && error?.description.contains(wrong) == true, "\(wrong)")
        }
        #expect(throws: Failure(.input, "no file \(folder.file("none")); check the list")) { try FileSystem.read(input: folder.file("none"), "the list", most: 100) }
        #expect(try FileSystem.read(input: path, most: 3) == [1, 2, 3])
    }

    /// Whether the file system of temporary files has such lengths.
    private static let hasLongFiles: Bool = {
        guard let folder = try? TemporaryFolder() else { return false }
        return withExtendedLifetime(folder) { (try? OpenFile(folder.file("long"), .createNew).setLength(1 << 42)) != nil }
    }()

    @Test("A sparse file that claims 2^42 bytes is refused before any memory is taken", .enabled(if: hasLongFiles, "the file system has no such lengths"))
    func sparse() throws {
        let path = folder.file("sparse")
        try OpenFile(path, .createNew).setLength(1 << 42)
        let error = #expect(throws: Failure.self) { _ = try FileSystem.read(input: path, most: 1 << 30) }
        #expect(error?.kind == .input && error?.description.contains("\(1 << 42) bytes, more than") == true)
    }

    @Test("A file opened for reading cannot be written")
    func readOnly() throws {
        let path = try folder.write([1, 2, 3], to: "file")
        let error = #expect(throws: SystemCallError.self) {
            try [UInt8]([9]).withUnsafeBytes { try OpenFile(path, .read).write($0, at: 0) }
        }
        #expect(error?.operation == "write")
        #expect(try FileSystem.read(path) == [1, 2, 3])
    }
}
