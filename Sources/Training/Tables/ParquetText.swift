import Files
import Glibc

/// A Parquet file as the table reader reads it: Python's `pyarrow` writes it as CSV, which is held in memory.
///
/// The file is opened here and handed over open, so that what may be wrong with a path is found and said as for every other file, and
/// no name is taken for anything else on the way.
enum ParquetText {
    /// The Python that is asked for, or the first on PATH.
    private static var python: String { PathText.environment("UNLEARN_PYTHON") ?? "python3" }

    private static let wrongFile: Int32 = 65
    private static let noPyArrow: Int32 = 69

    /// - Parameters:
    ///   - options: which columns are wanted; others may be of any kind, and are not read.
    ///   - encoding: of the training rows, whose columns alone are wanted of other rows.
    static func file(_ path: String, _ options: TableOptions, _ encoding: TableEncoding?) throws -> OpenFile {
        let file = try OpenFile.input(path)
        try expectParquet(file)
        let python = python
        let result: ProgramOutput
        do {
            result = try ProgramOutput(of: python, ["-c", ParquetScript.text] + arguments(options, encoding) + ["-"], input: file)
        } catch let error as ProgramOutput.NotStarted {
            let reason = error.code == ENOENT ? "there is no program \(python)" : "\(python) does not start (\(String(cString: strerror(error.code))))"
            throw Failure(.input, "cannot read \(path): \(reason), and Python's pyarrow reads Parquet files; install both (pip install pyarrow), \(otherPython)")
        } catch let error as ProgramOutput.TooLong {
            throw Failure(.input, "\(path) is more than \(error.most) bytes of text; split it and name its parts, parquet:FILE,FILE")
        }
        switch result.end {
        case .exited(0): break
        case .exited(wrongFile): throw Failure(.input, "\(path) \(lastLine(result.errors))")
        case .exited(noPyArrow):
            throw Failure(.input, "cannot read \(path): \(lastLine(result.errors)); install it for \(python) (pip install pyarrow), \(otherPython)")
        case .exited(let status): throw Failure(.input, "cannot read \(path): \(python) fails (status \(status): \(lastLine(result.errors))); mend it, \(otherPython)")
        case .signalled(let signal): throw Failure(.input, "cannot read \(path): \(python) was ended by signal \(signal); is there enough memory? Run the command again")
        }
        return result.takeOutput()
    }

    /// Before Python is looked for: every such file begins so.
    private static func expectParquet(_ file: borrowing OpenFile) throws {
        var magic = [UInt8](repeating: 0, count: 4)
        let isLongEnough = try file.regularLength() >= magic.count
        if isLongEnough { try magic.withUnsafeMutableBytes { try file.read(into: $0, at: 0) } }
        guard magic == Array("PAR1".utf8) || magic == encrypted else {
            throw Failure(.input, "\(file.path) is no Parquet file; name a file of text as csv:\(file.path)")
        }
        guard magic != encrypted else { throw Failure(.input, "\(file.path) is an encrypted Parquet file; write it without encryption") }
    }

    private static let encrypted = Array("PARE".utf8)

    private static let otherPython = "or name a Python that has it as UNLEARN_PYTHON"

    private static func arguments(_ options: TableOptions, _ encoding: TableEncoding?) -> [String] {
        let read = [options.labelColumn, options.idColumn, options.groupColumn].compactMap { $0 }
        var only = encoding?.columns.map(\.name) ?? options.only
        if !only.isEmpty { only += read }
        return (options.decimalComma || encoding?.decimalComma == true ? ["--decimal-comma"] : [])
            + options.ignored.filter { encoding == nil && !read.contains($0) }.map { "--ignore=\($0)" } + only.map { "--only=\($0)" }
    }

    /// What a program says last, on one line.
    private static func lastLine(_ bytes: [UInt8]) -> String {
        let line = bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }).last { !$0.allSatisfy { $0 <= 0x20 } }
        let text = String(decoding: line ?? [], as: UTF8.self).unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : String($0) }.joined()
        return text.isEmpty ? "it says nothing" : String(text.prefix(1000))
    }
}
