import Files
import Foundation
import Glibc

/// A folder of an experiment's own, in memory where the system has such a place: syncing costs nothing there.
public final class WorkFolder: Sendable {
    public let path: String

    public init() throws {
        let memory = "/dev/shm"
        var room = statvfs()
        // Containers often have little there.
        let isRoomy = access(memory, W_OK) == 0 && statvfs(memory, &room) == 0 && UInt64(room.f_bavail) * UInt64(room.f_frsize) > 1 << 30
        let base = isRoomy ? memory : NSTemporaryDirectory()
        // Links in the path would hide from the fault shim what is below it.
        guard let resolved = realpath(base, nil) else { throw Finding("\(base) is not there") }
        defer { free(resolved) }
        path = String(cString: resolved) + "/unlearn-torture-\(UUID().uuidString)"
        try FileSystem.makeFolder(path)
    }

    deinit { try? FileSystem.removeTree(path) }

    public func file(_ name: String) -> String { path + "/" + name }

    /// A new folder inside, empty.
    public func folder(_ name: String = UUID().uuidString) throws -> String {
        try FileSystem.makeFolder(file(name))
        return file(name)
    }
}

/// Plain file work, without the syncing that the program's own file operations do.
enum Tree {
    static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Finding("cannot write \(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        guard bytes.isEmpty || Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw Finding("cannot write \(path)") }
    }

    static func read(_ path: String) throws -> [UInt8] { try FileSystem.read(path) }

    /// Copies a folder and all in it to a place where nothing is.
    static func copy(_ source: String, to destination: String) throws {
        if FileSystem.isFolder(source) {
            try FileSystem.makeFolder(destination)
            for name in try FileSystem.names(in: source) { try copy(source + "/" + name, to: destination + "/" + name) }
        } else {
            try write(read(source), to: destination)
        }
    }

    /// Paths of all files below a folder, relative to it, in order.
    static func files(in folder: String, _ prefix: String = "") throws -> [String] {
        try FileSystem.names(in: folder).flatMap { name in
            FileSystem.isFolder(folder + "/" + name) ? try files(in: folder + "/" + name, prefix + name + "/") : [prefix + name]
        }
    }
}

/// Lets a file be run.
func makeExecutable(_ path: String) throws {
    guard chmod(path, 0o700) == 0 else { throw Finding("cannot make \(path) executable: \(String(cString: strerror(errno)))") }
}
