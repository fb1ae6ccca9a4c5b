import Files

/// What the first pass learns about one column.
struct ColumnSurvey {
    let name: String
    /// Whether it has a name of its own in the header.
    let isNamed: Bool
    private let decimalComma: Bool
    private let isForced: Bool
    private let unit: RecordUnit

    private(set) var rows = 0
    private(set) var missing = 0
    private var firstMissing: Int?
    private var numbers = Moments()
    private var days = Moments()
    private var times = Moments()
    private var hasTimes = false
    private var booleans = 0
    /// Booleans seen: of true, and of false.
    private var seenTrue = false
    private var seenFalse = false
    /// Whether its numbers are 0, 1, 2 … or 1, 2, 3 …
    private var counts = true
    private var firstNumber: Double?
    /// The first cell that is of another kind than each of these.
    private var firstNoNumber: (text: String, line: Int)?
    private var firstNoDate: (text: String, line: Int)?
    private var firstTooLarge: (text: String, line: Int)?
    private var withComma = 0
    private var frequencies: [String: Int] = [:]
    /// Cells that were not counted, because there were too many different ones, or because the column looked like numbers.
    private var uncounted = 0

    /// More different texts than this are not told apart.
    private static let mostTexts = 1 << 14
    /// So many rows are looked at before a column counts as one of numbers.
    private static let rowsToJudge = 2000
    /// Text that is another one in most rows names the row: made a feature, it would outlive the row's deletion. Of fewer rows than
    /// this that is not said.
    private static let fewestRowsToJudge = 20
    /// Names that programs give to the column in which they count rows.
    private static let indexNames: Set<String> = ["index", "rownames", "unnamed: 0", "__index_level_0__"]

    init(name: String, isNamed: Bool, options: TableOptions, unit: RecordUnit = .line) {
        self.name = name
        self.isNamed = isNamed
        decimalComma = options.decimalComma
        isForced = options.categories.contains(name)
        self.unit = unit
    }

    /// Welford's running mean and sum of squares: one pass, no cancellation.
    private struct Moments {
        var count = 0
        var mean = 0.0
        var squares = 0.0
        var least = Double.infinity
        var largest = -Double.infinity

        mutating func add(_ value: Double) {
            count += 1
            least = min(least, value)
            largest = max(largest, value)
            let difference = value - mean
            mean += difference / Double(count)
            squares += difference * (value - mean)
        }

        var range: Double { count > 0 ? largest - least : 0 }

        /// Too coarse for a row to be worked out.
        var coarse: TableEncoding.Standardisation {
            let statistics = CoarseStatistics(
                mean: mean, deviation: (squares / Double(max(1, count))).squareRoot(), range: range, rows: Double(count))
            return TableEncoding.Standardisation(mean: statistics.mean, deviation: statistics.deviation)
        }
    }

    mutating func add(_ bytes: UnsafeBufferPointer<UInt8>, line: Int) {
        rows += 1
        let cell = Cell.trimmed(bytes), isMissing = Cell.isMissing(cell)
        if isMissing {
            missing += 1
            if firstMissing == nil { firstMissing = line }
            counts = false
        } else if let value = Cell.number(cell, decimalComma: decimalComma) {
            if abs(value) <= Cell.largestNumber {
                if firstNumber == nil { firstNumber = value }
                if counts { counts = firstNumber == 0 || firstNumber == 1 ? value == firstNumber! + Double(rows - 1) : false }
                numbers.add(value)
            } else if firstTooLarge == nil {
                firstTooLarge = (RowEncoder.shown(cell), line)
            }
            if firstNoDate == nil { firstNoDate = (RowEncoder.shown(cell), line) }
        } else {
            counts = false
            if firstNoNumber == nil { firstNoNumber = (RowEncoder.shown(cell), line) }
            if let date = Cell.date(cell) {
                days.add(Double(date.day))
                if let seconds = date.seconds {
                    hasTimes = true
                    times.add(seconds)
                } else {
                    times.add(0)
                }
            } else {
                if firstNoDate == nil { firstNoDate = (RowEncoder.shown(cell), line) }
                if let boolean = Cell.boolean(cell) {
                    booleans += 1
                    if boolean { seenTrue = true } else { seenFalse = true }
                }
                if cell.contains(UInt8(ascii: ",")), Cell.number(cell, decimalComma: true) != nil { withComma += 1 }
            }
        }
        guard isForced || rows <= Self.rowsToJudge || numbers.count * 2 <= rows else { return uncounted += 1 }
        let text = Cell.text(cell)
        if frequencies.count < Self.mostTexts || frequencies[text] != nil { frequencies[text, default: 0] += 1 } else { uncounted += 1 }
    }

    // MARK: the judgement

    /// What became of the column.
    enum Outcome {
        case column(TableEncoding.Column)
        case leftOut(String)
        case problem(String)
    }

    /// - Parameter isWanted: the user named the column as a feature.
    func outcome(_ options: TableOptions, isWanted: Bool) -> Outcome {
        let values = rows - missing
        let given = options.statistics[name]
        if let firstTooLarge, !isForced {
            return .problem("\(unit) \(firstTooLarge.line): column '\(name)' holds '\(firstTooLarge.text)'; numbers up to \(Cell.largestNumber) are read")
        }
        if isForced { return categories(options, isWanted: true) }
        guard values > 0 else { return .leftOut("no row has a value in it") }
        if counts, !isWanted, !isNamed || Self.indexNames.contains(name.lowercased()) { return .leftOut("it counts the rows") }
        if numbers.count * 2 > values || given != nil {
            return checked(values, kind: "numbers", found: numbers.count, odd: firstNoNumber, options) {
                if numbers.range == 0, missing == 0, given == nil, !isWanted { return .leftOut("all rows have the same value") }
                let standardisation = given.map { TableEncoding.Standardisation(mean: $0.mean, deviation: $0.deviation) } ?? numbers.coarse
                return .column(TableEncoding.Column(name: name, kind: .number(standardisation), hasGaps: missing > 0))
            }
        }
        if days.count * 2 > values {
            return checked(values, kind: "dates", found: days.count, odd: firstNoDate, options) {
                if days.range == 0, times.range == 0, missing == 0, !isWanted { return .leftOut("all rows have the same value") }
                let time = hasTimes && times.range > 0 ? times.coarse : nil
                return .column(TableEncoding.Column(name: name, kind: .date(day: days.coarse, time: time), hasGaps: missing > 0))
            }
        }
        if booleans == values, missing > 0 || (seenTrue && seenFalse) {
            return checked(values, kind: "yes or no", found: booleans, odd: nil, options) {
                .column(TableEncoding.Column(name: name, kind: .boolean, hasGaps: missing > 0))
            }
        }
        if withComma * 2 > values {
            return .problem(
                "\(unit) \(firstNoNumber?.line ?? 0): column '\(name)' holds '\(firstNoNumber?.text ?? "")'; --decimal-comma reads 0,5 as a half, "
                    + "--categories \(name) takes its cells as names")
        }
        return categories(options, isWanted: isWanted)
    }

    /// A column of one kind nearly throughout: what is not of it is a mistake, and never makes all of it categories.
    private func checked(
        _ values: Int, kind: String, found: Int, odd: (text: String, line: Int)?, _ options: TableOptions, _ make: () -> Outcome
    ) -> Outcome {
        if found < values, let odd {
            let others = values - found, cells = others == 1 ? "" : " (\(others) such cells)"
            let comma = withComma > 0 ? ", --decimal-comma reads 0,5 as a half" : ""
            return .problem(
                "\(unit) \(odd.line): column '\(name)' holds '\(odd.text)' where other rows hold \(kind)\(cells); mend it or leave the cell empty\(comma), "
                    + "--categories \(name) takes its cells as names, --ignore-columns \(name) leaves it out")
        }
        if missing > 0, options.missing == .refuse {
            return .problem("\(unit) \(firstMissing ?? 0): column '\(name)' has no value (\(missing) such cells); --missing mean takes the column's mean")
        }
        return make()
    }

    private func categories(_ options: TableOptions, isWanted: Bool) -> Outcome {
        let different = frequencies.count + uncounted
        if frequencies.count == 1, uncounted == 0, !isWanted { return .leftOut("all rows have the same value") }
        guard isForced || rows < Self.fewestRowsToJudge || different * 2 <= rows else {
            return .leftOut("its text is another one in most rows and would name them in the model's encoding (an --id-column?)")
        }
        // The most frequent, and of equals the first by name, so that the order of rows plays no part.
        let ranked = frequencies.sorted { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }
        let isPooled = ranked.count > options.mostCategories || uncounted > 0
        return .column(
            TableEncoding.Column(name: name, kind: .categories(ranked.prefix(options.mostCategories).map(\.key).sorted(), pooled: isPooled)))
    }

    var report: ColumnReport { ColumnReport(name: name, missing: missing, rows: rows, categories: frequencies.count + uncounted) }
}
