import Foundation
import Glibc

/// A process that the permissions of files hold for.
public enum Humble {
    private static let nobody: uid_t = 65_534
    private struct StillRoot: Error {}

    /// False only for root, where it cannot be another user, or where another cannot come to temporary files or make any; permissions hold for
    /// everybody else as they are.
    public static let isPossible: Bool = {
        guard geteuid() == 0 else { return true }
        guard let folder = try? TemporaryFolder(), withExtendedLifetime(folder, { chown(folder.path, nobody, nobody) }) == 0 else { return false }
        var path = FileManager.default.temporaryDirectory.resolvingSymlinksInPath(), status = stat()
        guard stat(path.path, &status) == 0, status.st_mode & S_IWOTH != 0 else { return false }
        while true {
            guard stat(path.path, &status) == 0, status.st_mode & S_IXOTH != 0 else { return false }
            if path.path == "/" { return true }
            path.deleteLastPathComponent()
        }
    }()

    /// Does something as a user whom permissions hold for. The whole process is that user meanwhile: only one of a test's own may be.
    public static func perform(_ body: () throws -> Void) throws {
        guard geteuid() == 0 else { return try body() }
        // The saved user stays root, and leads back.
        guard setgroups(0, nil) == 0, setregid(nobody, 0) == 0, setegid(nobody) == 0, setreuid(nobody, 0) == 0, seteuid(nobody) == 0 else { throw StillRoot() }
        defer { _ = (seteuid(0), setreuid(0, 0), setegid(0), setregid(0, 0)) }
        try body()
    }
}
