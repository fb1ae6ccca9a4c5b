import Foundation
import TestSupport
import Testing

/// The built program, run as a user runs it.
package struct Program {
    /// Beside the test bundle.
    package static let path: String = {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("unlearn").path
    }()

    /// What a developer's own shell may say to the program, which is no test's business.
    static let foreignVariables = ["UNLEARN_PROJECT", "UNLEARN_KEY_FILE", "UNLEARN_DATA", "UNLEARN_PROGRESS"]

    package struct Result {
        package let status: Int32
        package let output: String
        package let errors: String

        /// The one JSON object on standard output.
        package func json() throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any], "not one JSON object: \(output)")
        }
    }

    package var folder: String?
    package var environment: [String: String]
    /// Of this program alone: that of the tests is everybody's.
    package var umask: String?

    package init(folder: String? = nil, environment: [String: String] = [:], umask: String? = nil) {
        self.folder = folder
        self.environment = environment
        self.umask = umask
    }

    @discardableResult
    package func run(_ arguments: String..., input: String = "") throws -> Result { try run(arguments, input: input) }

    @discardableResult
    package func run(_ arguments: [String], input: String = "") throws -> Result {
        let process = make(arguments)
        let output = Pipe(), errors = Pipe(), standardInput = try Self.handle(holding: input)
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = standardInput
        try process.run()
        // Messages are short: they fit a pipe while the results are read to their end.
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let messages = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Result(status: process.terminationStatus, output: text, errors: messages)
    }

    /// A call that must succeed, and its JSON.
    @discardableResult
    package func json(_ arguments: String..., input: String = "") throws -> [String: Any] { try json(arguments, input: input) }

    @discardableResult
    package func json(_ arguments: [String], input: String = "") throws -> [String: Any] {
        let result = try run(arguments + ["--json"], input: input)
        #expect(result.status == 0, "\(arguments): \(result.errors)")
        return try result.json()
    }

    /// Starts a call and leaves it running.
    package func start(_ arguments: String...) throws -> Process {
        let process = make(arguments)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Standard input that is there before the program starts: one that ends without reading it leaves no broken pipe.
    private static func handle(holding text: String) throws -> FileHandle {
        if text.utf8.count < 60_000 {
            let pipe = Pipe()
            try pipe.fileHandleForWriting.write(contentsOf: Data(text.utf8))
            try pipe.fileHandleForWriting.close()
            return pipe.fileHandleForReading
        }
        // More than a pipe holds.
        let folder = try TemporaryFolder()
        return try FileHandle(forReadingFrom: URL(fileURLWithPath: folder.write(text, to: "input")))
    }

    private func make(_ arguments: [String]) -> Process {
        let process = Process()
        // Which rows are held out, and which share a block, is no test's matter of chance.
        let isDrawn = arguments.first == "init" && !arguments.contains("--assignment-seed") && !arguments.contains("--like")
        let words = [Self.path] + (folder.map { ["-C", $0] } ?? []) + arguments + (isDrawn ? ["--assignment-seed", "1"] : [])
        process.executableURL = URL(fileURLWithPath: umask == nil ? Self.path : "/bin/sh")
        process.arguments = umask.map { ["-c", "umask \($0); exec \"$0\" \"$@\""] + words } ?? Array(words.dropFirst())
        var variables = ProcessInfo.processInfo.environment
        for name in Self.foreignVariables { variables[name] = nil }
        process.environment = variables.merging(environment) { $1 }
        return process
    }
}

/// Every file below a folder and its bytes, but for the lock, the index of the database's log, which readers write in, too, and the
/// log where it is empty.
package func contents(of folder: String) throws -> [String: Data] {
    var all: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder) where name != "unlearn.lock" && !name.hasSuffix("catalogue.sqlite-shm") {
        let bytes = FileManager.default.contents(atPath: folder + "/" + name)
        if name.hasSuffix("catalogue.sqlite-wal"), bytes?.isEmpty != false { continue }
        all[name] = bytes
    }
    return all
}

/// Kills a call before one of the changes that it makes to a folder (Tests/FaultShim).
package struct KillShim {
    private let folder: String
    private let page: String

    package init(folder: String, page: String) {
        self.folder = folder
        self.page = page
    }

    /// - Parameter number: from 1; nil: changes are counted, and nothing is killed.
    package func environment(at number: Int?) -> [String: String] {
        let shim = URL(fileURLWithPath: Program.path).deletingLastPathComponent().appendingPathComponent("libFaultShim.so").path
        // A link in the path would hide from the shim what is below it.
        let folder = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
        return ["LD_PRELOAD": shim, "FAULT_SHIM_FOLDER": folder, "FAULT_SHIM_KIND": "kill", "FAULT_SHIM_PAGE": page]
            .merging(number.map { ["FAULT_SHIM_AT": "\($0)"] } ?? [:]) { $1 }
    }

    /// Counted so far.
    package func changes() throws -> Int {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: page))
        return Int(bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
    }
}
