import Foundation

/// Programs that tests let others start, by their paths: in `Tests/Programs`, of Python's standard library alone.
public enum TestPrograms {
    /// The command of a trainer (see there) with options behind it.
    public static func trainer(_ options: String = "") -> String { "python3 '\(folder)/trainer.py' \(options)" }

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Programs").path
}
