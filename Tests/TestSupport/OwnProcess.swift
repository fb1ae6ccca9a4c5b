import Foundation
import Testing

/// Runs `body` in a process of the test's own, for what holds for a whole process: its environment, its user, its limits, its life. That
/// process runs the same test from its beginning, through `body` and to its end; this one waits for its end. (The exit tests of Testing read the end of a process when the
/// test's turn comes again, and keep a thread busy asking for it until then: a tenth of all tests' work, where every turn is taken.)
///
/// - Parameters:
///   - value: what `body` gets, text of this process.
///   - signal: what ends the process, in place of exit 0.
public func inOwnProcess(_ value: String = "", endedBy signal: Int32? = nil, at place: SourceLocation = #_sourceLocation, _ body: (String) throws -> Void) throws {
    let test = try #require(Test.current, sourceLocation: place), name = "\(test.id)"
    if let (own, given) = OwnProcess.given, own == name {
        try body(given)
        return print(OwnProcess.done)
    }
    let process = Process(), output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["--testing-library", "swift-testing", "--filter", "^" + NSRegularExpression.escapedPattern(for: name) + "$"]
    process.environment = ProcessInfo.processInfo.environment.merging(OwnProcess.environment(name, value)) { $1 }
    (process.standardOutput, process.standardError, process.standardInput) = (output, output, FileHandle.nullDevice)
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    // Nothing but the body's end says that it ran.
    let ended = signal != nil || text.contains(OwnProcess.done)
    let isAsAsked = ended && (signal.map { process.terminationReason == .uncaughtSignal && process.terminationStatus == $0 } ?? (process.terminationReason == .exit && process.terminationStatus == 0))
    #expect(isAsAsked, "the test's own process: \(process.terminationStatus)\n\(text)", sourceLocation: place)
}

private enum OwnProcess {
    static let done = "the body of the test's own process came to its end"
    private static let (test, value) = ("UNLEARN_TESTS_OWN_PROCESS", "UNLEARN_TESTS_OWN_VALUE")

    static func environment(_ name: String, _ value: String) -> [String: String] { [test: name, Self.value: value] }

    /// The test that this process is for, and what it was given.
    static var given: (test: String, value: String)? {
        let variables = ProcessInfo.processInfo.environment
        return variables[test].map { ($0, variables[value] ?? "") }
    }
}
