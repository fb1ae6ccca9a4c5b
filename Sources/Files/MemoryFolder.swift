internal import CSystem
import Glibc

/// A folder in memory, for its owner alone, which goes with its value; where the process is killed, with the next one that is made.
/// What lies in it never reaches a drive.
public final class MemoryFolder {
    public let path: String
    private let lock: FolderLock

    private static let prefix = "unlearn-trainer-"
    private static let lockName = "lock"
    /// linux/magic.h: tmpfs, ramfs.
    private static let inMemory: Set<UInt> = [0x0102_1994, 0x8584_58F6]

    /// - Throws: `Failure` of kind `input` where there is no file system in memory.
    public init() throws {
        let parents = [PathText.environment("UNLEARN_MEMORY"), "/dev/shm", PathText.environment("XDG_RUNTIME_DIR")].compactMap { $0 }
        guard let parent = parents.first(where: { Self.inMemory.contains($0.withPathBytes { unlearn_file_system_kind($0) }) && FileSystem.isWritable($0) }) else {
            throw Failure(.input, "no file system in memory can be written to (\(parents.joined(separator: ", "))); mount a tmpfs and name it as UNLEARN_MEMORY")
        }
        Self.removeAbandoned(in: parent)
        var template = Array("\(parent)/\(Self.prefix)XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError(operation: "make a folder in", path: parent, code: errno) }
        path = template.withUnsafeBufferPointer { PathText.text(of: $0.baseAddress!) }
        lock = try FolderLock("\(path)/\(Self.lockName)", of: path)
    }

    /// Those whose processes are gone: nobody holds their locks.
    private static func removeAbandoned(in parent: String) {
        for name in (try? FileSystem.names(in: parent)) ?? [] where name.hasPrefix(prefix) {
            let folder = "\(parent)/\(name)"
            var status = stat()
            guard folder.withPathBytes({ lstat($0, &status) }) == 0, status.st_uid == getuid(), FileSystem.exists("\(folder)/\(lockName)"),
                let lock = try? FolderLock("\(folder)/\(lockName)", of: folder, attempts: 1)
            else { continue }
            withExtendedLifetime(lock) { try? FileSystem.removeTree(folder) }
        }
    }

    deinit { try? FileSystem.removeTree(path) }
}
