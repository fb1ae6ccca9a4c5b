import Files
import Training
import Unlearn

/// The options that say how a table is to be read, for every command that reads one.
extension OptionSpec {
    static let tableReading: [OptionSpec] = [
        OptionSpec("id-column", "NAME", "tables: column of ids"),
        OptionSpec("label-column", "NAME", "tables: column of labels"),
        OptionSpec("group-column", "NAME", "tables: column of groups"),
        OptionSpec("person-column", "NAME", "tables: column of the people whom rows belong to"),
        OptionSpec("decimal-comma", nil, "tables: numbers are written as 0,5"),
        .choice("encoding", TextEncoding.self, "csv: how text is written down (default utf-8)"),
        OptionSpec("drop-unlabelled", nil, "tables: leave out rows without a label, instead of refusing them"),
    ]

    /// How columns become features, which is decided once.
    static let tableColumns: [OptionSpec] = [
        OptionSpec("ignore-columns", "NAME,NAME,…", "tables: columns that are no features"),
        OptionSpec("only-columns", "NAME,NAME,…", "tables: the columns that alone are features"),
        OptionSpec("categories", "NAME,NAME,…", "tables: columns of names, also where they look like numbers"),
        OptionSpec("most-categories", "N", "tables: most frequent values of a column with a feature of their own (default 64); the rest share one"),
        OptionSpec("missing", "mean|refuse", "tables: what an empty cell of a column of numbers is (default: the mean, and one more feature says so)"),
        OptionSpec("statistics", "FILE", "tables: CSV of column,mean,deviation to standardise by, instead of the rows' own (coarse) ones"),
    ]
}

extension Invocation {
    /// How a table is to be read, or nil for other data.
    /// - Parameter defaults: what a project's own table was read with.
    func tableOptions(_ spec: DataSpec, defaults: TableNames? = nil) throws -> TableOptions? {
        guard spec.isTable else {
            for option in OptionSpec.tableReading + OptionSpec.tableColumns where flag(option.name) {
                throw Failure(.input, "--\(option.name) is for tables (csv:, parquet:) only")
            }
            return nil
        }
        guard let label = text("label-column") ?? defaults?.label else { return TableOptions(labelColumn: try required("label-column", "NAME")) }
        var options = TableOptions(
            labelColumn: label, idColumn: text("id-column") ?? defaults?.id, groupColumn: text("group-column") ?? defaults?.group,
            personColumn: text("person-column") ?? defaults?.person)
        options.decimalComma = flag("decimal-comma") || defaults?.decimalComma == true
        if case .parquet = spec {
            if flag("encoding") { throw Failure(.input, "--encoding is for csv: only; text in Parquet files is UTF-8") }
        } else if let name = text("encoding") {
            guard let encoding = TextEncoding(name: name) else {
                throw Failure(.input, "--encoding takes \(TextEncoding.allCases.map(\.rawValue).joined(separator: ", ")), not '\(name.prefix(80))'")
            }
            options.encoding = encoding
        } else {
            options.encoding = defaults?.encoding ?? .utf8
        }
        options.dropsUnlabelled = flag("drop-unlabelled")
        options.ignored = try names("ignore-columns") ?? []
        options.only = try names("only-columns") ?? []
        options.categories = try names("categories") ?? []
        if let most = try integer("most-categories", in: TableOptions.allowedMostCategories) { options.mostCategories = most }
        if let missing = try choice("missing", TableOptions.Missing.self) { options.missing = missing }
        if let file = text("statistics") { options.statistics = try ColumnStatistics.read(file) }
        return options
    }

    /// Names of columns, which may hold no comma. A list that names nothing is a mistake: taken for no list at all, it would make features of
    /// all columns.
    private func names(_ option: String) throws -> [String]? {
        try text(option).map { text in
            let names = text.unicodeScalars.split(separator: ",", omittingEmptySubsequences: false).map { String($0.drop { $0 == " " }) }
            guard names.allSatisfy({ !$0.isEmpty }) else {
                throw Failure(.input, "--\(option) '\(text.prefix(80))' names a column without a name; write NAME, or NAME,NAME")
            }
            return names
        }
    }
}
