/// What a table's files are.
public enum TableFormat: Sendable, Equatable {
    /// Text, plain or compressed.
    case csv
    /// Read through Python's `pyarrow`.
    case parquet
}

/// How a table is to be read. What is left out is found out.
public struct TableOptions: Sendable, Equatable {
    public enum Missing: String, Sendable, CaseIterable {
        /// A missing number becomes its column's mean, and one more feature says so.
        case mean
        case refuse
    }

    public var labelColumn: String
    public var idColumn: String?
    public var groupColumn: String?
    /// Of the people whom rows belong to.
    public var personColumn: String?
    /// Columns that are no features.
    public var ignored: [String] = []
    /// The columns that alone are features; empty: all.
    public var only: [String] = []
    /// Columns of categories, whatever their cells look like.
    public var categories: [String] = []
    /// Of a column's categories, the most frequent that have a feature of their own.
    public var mostCategories = 64
    public var missing = Missing.mean
    public var decimalComma = false
    public var encoding = TextEncoding.utf8
    /// Rows without a label are left out, not refused.
    public var dropsUnlabelled = false
    /// Columns of labels, ids and groups may be absent: rows are asked about, and nothing is learnt of them.
    public var mayLackColumns = false
    /// Means and deviations of columns of numbers; those of columns that it does not name are taken of the rows.
    public var statistics: [String: ColumnStatistics] = [:]

    public static let allowedMostCategories = 1...4096

    public init(labelColumn: String, idColumn: String? = nil, groupColumn: String? = nil, personColumn: String? = nil) {
        self.labelColumn = labelColumn
        self.idColumn = idColumn
        self.groupColumn = groupColumn
        self.personColumn = personColumn
    }
}
