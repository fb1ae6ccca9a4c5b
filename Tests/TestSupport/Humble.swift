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

    /// For good: only a process of a test's own may do that.
    public static func become() throws {
        guard geteuid() == 0 else { return }
        guard setgroups(0, nil) == 0, setgid(nobody) == 0, setuid(nobody) == 0 else { throw StillRoot() }
    }
}
