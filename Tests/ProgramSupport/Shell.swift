import Foundation
import TestSupport
import Testing

/// The program as a shell runs it: with names that are no text, pipes and limits. The script finds the program as `$U`.
package struct Shell {
    package let folder: TemporaryFolder
    package var environment: [String: String] = [:]

    package init() throws { folder = try TemporaryFolder() }

    package init(copying other: Shell) throws { folder = try TemporaryFolder(copying: other.folder) }

    /// A table of 400 rows as full.csv, and `$A`: what `init` needs beside `--data` and the folder.
    package static func withTable() throws -> Shell {
        let shell = try Shell()
        let rows = (1...400).map { "u\($0),\(18 + $0 % 60),\($0 % 60 > 30 ? 1 : 0)\n" }
        try shell.folder.write("id,age,y\n" + rows.joined(), to: "full.csv")
        return shell
    }

    package static let options = "--id-column id --label-column y --model logistic --blocks 10 --assignment-seed 1"

    /// Projects draw their blocks and tests by chance unless they are told not to: no verdict may depend on it.
    package func run(_ script: String) throws -> Program.Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", script]
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        var variables = ProcessInfo.processInfo.environment
        for name in Program.foreignVariables { variables[name] = nil }
        variables.merge(["U": Program.path, "A": Self.options]) { $1 }
        process.environment = variables.merging(environment) { $1 }
        let output = Pipe(), errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let messages = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let made = script.matches(of: #/\binit /#).count, told = script.matches(of: #/--assignment-seed|--like|\$A\b/#).count
        #expect(process.terminationStatus != 0 || made <= told, "init without --assignment-seed: \(script)")
        return Program.Result(status: process.terminationStatus, output: text, errors: messages)
    }
}
