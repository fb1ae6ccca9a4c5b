internal import CSystem
import Glibc

/// A folder in memory, for its owner alone, which goes with its value; where the process is killed, with the next one that is made, or that
/// is looked for. What lies in it stands in no file on a drive.
public final class MemoryFolder {
    public let path: String
    private let lock: FolderLock

    private static let prefix = "unlearn-trainer-"
    private static let lockName = "lock"
    /// linux/magic.h: tmpfs, ramfs.
    private static let inMemory: Set<UInt> = [0x0102_1994, 0x8584_58F6]

    /// - Throws: `Failure` of kind `input` where there is no file system in memory.
    public init() throws {
        guard let parent = Self.parents.first(where: { Self.inMemory.contains($0.withPathBytes { unlearn_file_system_kind($0) }) && FileSystem.isWritable($0) }) else {
            throw Failure(.input, "no file system in memory can be written to (\(Self.parents.joined(separator: ", "))); mount a tmpfs and name it as UNLEARN_MEMORY")
        }
        Self.removeAbandoned()
        var made: (path: String, lock: FolderLock)
        repeat {
            // The system puts characters of its choice in the place of the last six.
            var template = Array("\(parent)/\(Self.prefix)\(String(repeating: "X", count: 6))".utf8CString)
            guard mkdtemp(&template) != nil else { throw SystemCallError(operation: "make a folder in", path: parent, code: errno) }
            let path = template.withUnsafeBufferPointer { PathText.text(of: $0.baseAddress!) }
            do { made = (path, try FolderLock("\(path)/\(Self.lockName)", of: path)) } catch {
                try? FileSystem.removeTree(path)
                throw error
            }
            // Before it was locked it looked abandoned, and another process may have removed it.
        } while !made.lock.isInPlace
        (path, lock) = made
    }

    /// Where it may lie: what the user names and nothing else, or the usual places. Without links and dots, since whoever is told of it
    /// may be in another folder.
    private static var parents: [String] {
        if let named = PathText.environment("UNLEARN_MEMORY") { return [FileSystem.realPath(named) ?? named] }
        return ["/dev/shm", PathText.environment("XDG_RUNTIME_DIR")].compactMap { $0 }
    }

    /// Removes those whose processes are gone: nobody holds their locks.
    public static func removeAbandoned() {
        for folder in parents.flatMap({ parent in ((try? FileSystem.names(in: parent)) ?? []).filter { $0.hasPrefix(prefix) }.map { "\(parent)/\($0)" } }) {
            var status = stat()
            guard folder.withPathBytes({ lstat($0, &status) }) == 0, status.st_uid == getuid(), FileSystem.exists("\(folder)/\(lockName)"),
                let lock = try? FolderLock("\(folder)/\(lockName)", of: folder, attempts: 1)
            else { continue }
            withExtendedLifetime(lock) { Self.remove(folder) }
        }
    }

    deinit { Self.remove(path) }

    /// The lock last, and only with an empty folder: what a process that is just ending still writes there is found by the next one that looks.
    private static func remove(_ folder: String) {
        for _ in 0..<3 {
            let names = ((try? FileSystem.names(in: folder)) ?? []).filter { $0 != lockName }
            guard !names.isEmpty else { return (try? FileSystem.removeTree(folder)) ?? () }
            for name in names { try? FileSystem.removeTree("\(folder)/\(name)") }
        }
    }
}
