import Files

/// A Parquet file as the table reader reads it: Python's `pyarrow` writes it as CSV, which is held in memory.
///
/// The file is opened here and handed over open, so that what may be wrong with a path is found and said as for every other file, and
/// no name is taken for anything else on the way.
enum ParquetText {
    private static let script = PythonScript(ParquetScript.text, library: "pyarrow", purpose: "reads Parquet files")

    /// - Parameters:
    ///   - options: which columns are wanted; others may be of any kind, and are not read.
    ///   - encoding: of the training rows, whose columns alone are wanted of other rows.
    static func file(_ path: String, _ options: TableOptions, _ encoding: TableEncoding?) throws -> OpenFile {
        let file = try OpenFile.input(path)
        try expectParquet(file)
        do {
            return try script.run(arguments(options, encoding) + ["-"], on: file, to: "read \(path)", path: path)
        } catch let error as ProgramOutput.TooLong {
            throw Failure(.input, "\(path) is more than \(error.most) bytes of text; split it and name its parts, parquet:FILE,FILE")
        }
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

    private static func arguments(_ options: TableOptions, _ encoding: TableEncoding?) -> [String] {
        let read = [options.labelColumn, options.idColumn, options.groupColumn, options.personColumn].compactMap { $0 }
        var only = encoding?.columns.map(\.name) ?? options.only
        if !only.isEmpty { only += read }
        return (options.decimalComma || encoding?.decimalComma == true ? ["--decimal-comma"] : [])
            + options.ignored.filter { encoding == nil && !read.contains($0) }.map { "--ignore=\($0)" } + only.map { "--only=\($0)" }
    }
}
