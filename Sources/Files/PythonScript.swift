import Glibc

/// A script of ours that Python runs because one of its packages knows a format. The program has the text with it, so that an installed
/// one needs no other file.
package struct PythonScript: Sendable {
    private let text: String
    /// What the script imports, as `pip install` names it.
    private let library: String
    /// What the library does for us: "reads Parquet files".
    private let purpose: String

    package init(_ text: String, library: String, purpose: String) {
        self.text = text
        self.library = library
        self.purpose = purpose
    }

    /// How a script says that the file is at fault, and that its library is not there.
    private static let wrongFile: Int32 = 65, noLibrary: Int32 = 69

    /// The Python that is asked for, or the first on PATH.
    private static var python: String { PathText.environment("UNLEARN_PYTHON") ?? "python3" }

    private var otherPython: String { "or name a Python that has it as UNLEARN_PYTHON" }

    /// What the script makes of a file, which it is given open, so that no name is taken for anything else on the way.
    /// - Parameters:
    ///   - task: what cannot be done without it, for messages: "read rows.parquet".
    ///   - path: what a message about the file begins with.
    /// - Throws: `Failure` of kind `input` where Python or the library is missing, or the script fails; `ProgramOutput.TooLong`.
    package func run(_ arguments: [String], on input: borrowing OpenFile, to task: String, path: String) throws -> OpenFile {
        let python = Self.python
        let result: ProgramOutput
        do {
            result = try ProgramOutput(of: python, ["-c", text] + arguments, input: input)
        } catch let error as ProgramNotStarted {
            let reason = error.code == ENOENT ? "there is no program \(python)" : "\(python) does not start (\(String(cString: strerror(error.code))))"
            throw Failure(.input, "cannot \(task): \(reason), and Python's \(library) \(purpose); install both (pip install \(library)), \(otherPython)")
        }
        let said = Self.lastLine(result.errors)
        switch result.end {
        case .exited(0): return result.takeOutput()
        case .exited(Self.wrongFile): throw Failure(.input, "\(path) \(said)")
        case .exited(Self.noLibrary): throw Failure(.input, "cannot \(task): \(said); install it for \(python) (pip install \(library)), \(otherPython)")
        case .exited(let status): throw Failure(.input, "cannot \(task): \(python) fails (status \(status): \(said)); mend it, \(otherPython)")
        case .signalled(let signal):
            throw Failure(.input, "cannot \(task): \(python) was ended by signal \(signal); is there enough memory? Run the command again")
        }
    }

    /// What a program says last, on one line.
    private static func lastLine(_ bytes: [UInt8]) -> String {
        let line = bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }).last { !$0.allSatisfy { $0 <= 0x20 } }
        let text = String(decoding: line ?? [], as: UTF8.self).unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : String($0) }.joined()
        return text.isEmpty ? "it says nothing" : String(text.prefix(1000))
    }
}
