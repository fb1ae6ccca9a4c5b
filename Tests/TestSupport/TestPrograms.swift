import Foundation
import Testing

/// Programs that tests let others start, by their paths: in `Tests/Programs`, of Python's standard library alone.
public enum TestPrograms {
    /// The command of a trainer (see there) with options behind it.
    public static func trainer(_ options: String = "") -> String { "'\(python)' -S '\(folder)/trainer.py' \(options)" }

    /// Runs a script with what it finds in `sys.argv`, which must succeed.
    ///
    /// - Returns: its standard output.
    @discardableResult
    public static func runPython(_ script: String, _ arguments: String..., at place: SourceLocation = #_sourceLocation) throws -> String {
        try runPython(["-S", "-c", script] + arguments, at: place)
    }

    /// - Parameter arguments: those of Python itself, such as the path of a program and what follows it.
    @discardableResult
    public static func runPython(_ arguments: [String], at place: SourceLocation = #_sourceLocation) throws -> String {
        let process = Process(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)", sourceLocation: place)
        return text
    }

    /// The interpreter itself: where versions of Python are managed, `python3` is a script that looks for it, at five times the cost of
    /// what it then starts. (Most of that is looking at installed packages, which `-S` leaves out.)
    private static let python: String = {
        let process = Process(), output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", "import sys; print(sys.executable)"]
        process.standardOutput = output
        guard (try? process.run()) != nil else { return "python3" }
        let path = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return path.trimmingCharacters(in: .newlines)
    }()

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Programs").path
}
