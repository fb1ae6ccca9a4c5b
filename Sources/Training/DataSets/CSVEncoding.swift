import Files

/// How the columns of a table become features. Made from the rows present at `init` and kept in the project; it is
/// not remade when rows are deleted (Documentation/Limits.md), but names of categories that no row has any more go.
public struct CSVEncoding: Sendable, Codable, Equatable {
    public enum Column: Sendable, Codable, Equatable {
        /// (value − mean) / deviation; a constant column has deviation 1.
        case numeric(name: String, mean: Double, deviation: Double)
        /// One feature for each category; an unknown category is all zeros.
        case oneHot(name: String, categories: [String])

        public var name: String {
            switch self {
            case .numeric(let name, _, _), .oneHot(let name, _): name
            }
        }

        /// How many features it becomes.
        public var features: Int {
            switch self {
            case .numeric: 1
            case .oneHot(_, let categories): categories.count
            }
        }
    }

    public let columns: [Column]

    package init(columns: [Column]) { self.columns = columns }

    public var features: Int { columns.reduce(0) { $0 + $1.features } }

    /// The same encoding with each column's categories in another order: between sorted neighbours, the place of one whose name
    /// is forgotten would tell how it began.
    public func shufflingCategories(using generator: inout PlacementGenerator) -> CSVEncoding {
        CSVEncoding(
            columns: columns.map { column in
                guard case .oneHot(let name, var categories) = column else { return column }
                generator.shuffle(&categories)
                return .oneHot(name: name, categories: categories)
            })
    }

    /// Stands for a category whose name is forgotten; no field can hold it, because tables with NULs are refused.
    private static let forgotten = "\0"

    /// The same encoding without the names of some categories; their features stay where they are and are always 0.
    public func forgetting(_ places: [(column: Int, category: Int)]) -> CSVEncoding {
        var columns = columns
        for (column, category) in places {
            guard case .oneHot(let name, var categories) = columns[column] else { continue }
            categories[category] = Self.forgotten
            columns[column] = .oneHot(name: name, categories: categories)
        }
        return CSVEncoding(columns: columns)
    }

    /// Writes the features of one record, whose fields come in the order of `columns`.
    func encode(_ fields: [String], into features: inout [Float], path: String, line: Int) throws {
        features.removeAll(keepingCapacity: true)
        for (column, field) in zip(columns, fields) {
            switch column {
            case .numeric(let name, let mean, let deviation):
                guard let value = Self.number(field) else {
                    throw Failure(.input, "\(path) line \(line): column '\(name)' holds '\(field)', which is not a number")
                }
                let standardised = Float((value - mean) / deviation)
                guard standardised.isFinite else {
                    throw Failure(.input, "\(path) line \(line): column '\(name)' holds '\(field)', too far from the training rows' values")
                }
                features.append(standardised)
            case .oneHot(_, let categories):
                for category in categories { features.append(category == field ? 1 : 0) }
            }
        }
    }

    /// Larger numbers are refused: their squares and sums would leave the range in which they can be standardised.
    static let largestNumber = 1e30

    /// A number, whatever its size, or nil where the field is none.
    static func number(_ field: String) -> Double? {
        var text = Substring(field)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }
}

/// A numeric column's mean and deviation, so coarse that no row can be worked out from them and the rows that are left.
///
/// With the exact mean m of n rows, n·m less the sum of the others is the row that was deleted. The mean is rounded to a grid
/// so wide that n grid steps exceed the column's range several times over: the sum of a few missing rows is then uncertain by more
/// than any value that they can have. The deviation has two binary digits behind its first, which leaves the sum of squares as
/// uncertain. Standardising needs neither to be exact.
struct CoarseStatistics {
    let mean: Double
    let deviation: Double

    /// So many missing rows have a sum that the rounding leaves wholly uncertain.
    private static let rowsTogether = 4.0
    /// The mean is off by at most so much of a deviation where there are many rows.
    private static let shareOfDeviation = 0.125

    init(mean: Double, deviation: Double, range: Double, rows: Double) {
        self.deviation = deviation > 0 ? Self.rounded(deviation) : 1
        let step = max(Self.rowsTogether * range / max(1, rows), Self.shareOfDeviation * self.deviation)
        // A column that is constant hides nothing: its value is that of every row.
        guard range > 0, step > 0, step.isFinite else {
            self.mean = mean
            return
        }
        // The power of two above the step.
        let power = Double(sign: .plus, exponent: step.exponent, significand: 1)
        let grid = step > power ? power * 2 : power
        self.mean = (mean / grid).rounded() * grid
    }

    /// To two binary digits behind the first: off by an eighth at most.
    private static func rounded(_ value: Double) -> Double {
        Double(sign: .plus, exponent: value.exponent, significand: (value.significand * 4).rounded() / 4)
    }
}

/// What the first pass learns about one column.
struct ColumnSurvey {
    let name: String
    private var isNumeric = true
    private var count = 0.0
    private var mean = 0.0
    private var squares = 0.0
    private var least = Double.infinity
    private var largest = -Double.infinity
    private var categories: Set<String> = []
    private var rows = 0
    private var numbers = 0
    /// The first field that is no number.
    private var firstText: (field: String, line: Int)?

    /// A text column with more values than this is no category.
    static let mostCategories = 1024

    init(name: String) { self.name = name }

    /// Welford's running mean and sum of squares: one pass, no cancellation.
    mutating func add(_ field: String, path: String, line: Int) throws {
        rows += 1
        if categories.count <= Self.mostCategories { categories.insert(field) }
        let number = CSVEncoding.number(field)
        if number != nil { numbers += 1 } else if firstText == nil { firstText = (field, line) }
        if isNumeric, let value = number {
            guard abs(value) <= CSVEncoding.largestNumber else {
                throw Failure(.input, "\(path) line \(line): column '\(name)' holds '\(field)'; numbers up to \(CSVEncoding.largestNumber) are read")
            }
            count += 1
            least = min(least, value)
            largest = max(largest, value)
            let difference = value - mean
            mean += difference / count
            squares += difference * (value - mean)
        } else {
            isNumeric = false
            guard categories.count <= Self.mostCategories else {
                try refuseMixture(path: path)
                throw Failure(
                    .input, "\(path) line \(line): column '\(name)' is text with more than \(Self.mostCategories) values; name it with --id-column or --group-column, or leave it out")
            }
        }
    }

    /// A text that is another one in most rows names the row: made a feature, it would outlive the row's deletion.
    private static let fewestRowsToJudge = 20

    /// Where most fields are numbers, the ones that are not are the mistake.
    private func refuseMixture(path: String) throws {
        guard let firstText, numbers * 2 > rows else { return }
        throw Failure(
            .input, "\(path) line \(firstText.line): column '\(name)' holds '\(firstText.field.prefix(80))' where other rows hold numbers; "
                + "write a number there, or leave the row out")
    }

    /// - Parameter given: statistics to be used as they are, instead of those of the rows.
    func column(path: String, given: ColumnStatistics? = nil) throws -> CSVEncoding.Column {
        if isNumeric, let given { return .numeric(name: name, mean: given.mean, deviation: given.deviation) }
        guard isNumeric else {
            guard given == nil else {
                throw Failure(.input, "\(path): column '\(name)' is text, and the statistics give it a mean; take it out of them")
            }
            guard rows < Self.fewestRowsToJudge || categories.count * 2 <= rows else {
                try refuseMixture(path: path)
                throw Failure(
                    .input, "\(path): the text in column '\(name)' is another one in most rows and would stay in the model's encoding; "
                        + "name it with --id-column or --group-column, or take it out")
            }
            return .oneHot(name: name, categories: categories.sorted())
        }
        let statistics = CoarseStatistics(
            mean: mean, deviation: (squares / max(1, count)).squareRoot(), range: count > 0 ? largest - least : 0, rows: count)
        return .numeric(name: name, mean: statistics.mean, deviation: statistics.deviation)
    }
}
