import Files
import Foundation

extension [UInt8] {
    /// Whether these bytes stand somewhere in it, one after the other.
    func contains(_ part: [UInt8]) -> Bool { Data(self).range(of: Data(part)) != nil }
    func contains(_ text: String) -> Bool { contains(Array(text.utf8)) }
}

/// The bytes of all files in a folder and those below it, by path.
func rawFiles(_ folder: String) throws -> [(path: String, bytes: [UInt8])] {
    try FileSystem.names(in: folder).flatMap { name in
        let path = folder + "/" + name
        return FileSystem.isFolder(path) ? try rawFiles(path) : [(path, try FileSystem.read(path))]
    }
}
