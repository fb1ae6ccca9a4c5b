import Files
import Foundation

/// A folder of a test's own, removed when the value goes away.
public final class TemporaryFolder {
    public let path: String

    public init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("unlearn-test-\(UUID().uuidString)").path
        try FileSystem.makeFolder(path)
    }

    /// With all that another one holds, links and times among it: what many tests begin with is made once.
    public convenience init(copying other: TemporaryFolder) throws {
        try self.init()
        let copy = try Process.run(URL(fileURLWithPath: "/usr/bin/env"), arguments: ["cp", "-a", other.path + "/.", path])
        copy.waitUntilExit()
        guard copy.terminationStatus == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    deinit { try? FileSystem.removeTree(path) }

    public func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file and gives its path.
    @discardableResult
    public func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }

    @discardableResult
    public func write(_ text: String, to name: String) throws -> String { try write(Array(text.utf8), to: name) }
}
