import Files

/// What the first pass learns about one column.
struct ColumnSurvey {
    let name: String
    /// Whether it has a name of its own in the header.
    let isNamed: Bool
    private let decimalComma: Bool
    private let isForced: Bool
    /// Whether it may number the rows, by its name.
    private let isIndex: Bool

    private(set) var rows = 0
    private(set) var missing = 0
    private var firstMissing: RecordPlace?
    private var numbers = Moments()
    private var days = Moments()
    private var times = Moments()
    private var hasTimes = false
    private var booleans = 0
    /// Booleans seen: of true, and of false.
    private var seenTrue = false
    private var seenFalse = false
    /// Languages in which all of them are words (`BooleanWord`), and whether one of them can be nothing but a boolean.
    private var languages = BooleanWord.allLanguages
    private var isSurelyBoolean = false
    /// Whether all its cells are whole numbers.
    private var isWhole = true
    /// Cells that a person would call a number or a date, and what they would call the first.
    private var near = 0
    private var firstNear: (what: String, text: String, place: RecordPlace)?
    /// The first cell that is of another kind than each of these.
    private var firstNoNumber: (text: String, place: RecordPlace)?
    private var firstNoDate: (text: String, place: RecordPlace)?
    private var firstNoBoolean: (text: String, place: RecordPlace)?
    private var firstTooLarge: (text: String, place: RecordPlace)?
    /// The first cell that is too long to name a category.
    private var firstTooLong: (bytes: Int, place: RecordPlace)?
    private var withComma = 0
    /// Numbers with a point, and those of them in which it may stand between groups of digits.
    private var withPoint = 0
    private var withThree = 0

    /// Whether points may stand between groups of digits, which nothing in the column says.
    var mayBeGrouped: Bool { !decimalComma && withPoint >= 10 && withThree == withPoint }

    /// The first cell that is neither yes nor no in a column that holds little else, and how many there are.
    var oddBoolean: (text: String, place: RecordPlace, count: Int)? {
        let others = rows - missing - booleans, isNearly = others > 0 && booleans >= 19 * others
        guard let firstNoBoolean, isNearly, languages != 0, seenTrue, seenFalse, !isForced else { return nil }
        return (firstNoBoolean.text, firstNoBoolean.place, others)
    }

    /// How many different texts there are, in words, where they have so few rows on average that they may name people.
    var possiblePeople: String? {
        let gaps = frequencies[""] ?? 0, texts = frequencies.count - (gaps > 0 ? 1 : 0), cells = frequencies.values.reduce(0, +) - gaps
        guard !isForced, texts > 0, cells <= texts * Self.mostRowsOfAPerson else { return nil }
        return uncounted > 0 ? "more than \(texts)" : "\(texts)"
    }

    /// A text that names a kind of thing has more rows, on average over all texts.
    private static let mostRowsOfAPerson = 20

    /// The first whole number that begins with a 0, as codes do.
    private(set) var firstCode: String?

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
    /// Names that programs give to the column in which they number rows.
    private static func isIndexName(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["index", "rownames", "unnamed: 0"].contains(name) || (name.hasPrefix("__index_level_") && name.hasSuffix("__"))
    }

    init(name: String, isNamed: Bool, options: TableOptions) {
        self.name = name
        self.isNamed = isNamed
        decimalComma = options.decimalComma
        isForced = options.categories.contains(name)
        isIndex = !isNamed || Self.isIndexName(name)
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

    mutating func add(_ bytes: UnsafeBufferPointer<UInt8>, _ place: RecordPlace) {
        rows += 1
        let cell = Cell.trimmed(bytes), isMissing = Cell.isMissing(cell)
        if isMissing {
            missing += 1
            if firstMissing == nil { firstMissing = place }
        } else if let value = Cell.number(cell, decimalComma: decimalComma) {
            if abs(value) <= Cell.largestNumber {
                if value != value.rounded() { isWhole = false }
                if firstCode == nil, cell.count > 1, cell[0] == UInt8(ascii: "0"), cell.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) { firstCode = Cell.text(cell) }
                if cell.contains(UInt8(ascii: ".")) {
                    withPoint += 1
                    if GroupingDoubt.mayBeGrouped(cell) { withThree += 1 }
                }
                numbers.add(value)
            } else if firstTooLarge == nil {
                firstTooLarge = (RowEncoder.shown(cell), place)
            }
            if firstNoDate == nil { firstNoDate = (RowEncoder.shown(cell), place) }
            if firstNoBoolean == nil { firstNoBoolean = (RowEncoder.shown(cell), place) }
        } else {
            isWhole = false
            if firstNoNumber == nil { firstNoNumber = (RowEncoder.shown(cell), place) }
            if let date = Cell.date(cell) {
                if firstNoBoolean == nil { firstNoBoolean = (RowEncoder.shown(cell), place) }
                days.add(Double(date.day))
                if let seconds = date.seconds {
                    hasTimes = true
                    times.add(seconds)
                } else {
                    times.add(0)
                }
            } else {
                if firstNoDate == nil { firstNoDate = (RowEncoder.shown(cell), place) }
                if let word = BooleanWord(cell) {
                    booleans += 1
                    if word.value { seenTrue = true } else { seenFalse = true }
                    languages &= word.languages
                    if word.isSure { isSurelyBoolean = true }
                } else if firstNoBoolean == nil {
                    firstNoBoolean = (RowEncoder.shown(cell), place)
                }
                if cell.contains(UInt8(ascii: ",")), Cell.number(cell, decimalComma: true) != nil { withComma += 1 }
                if let what = Cell.nearly(cell) {
                    near += 1
                    if firstNear == nil { firstNear = (what, RowEncoder.shown(cell), place) }
                }
            }
        }
        guard isForced || isIndex || rows <= Self.rowsToJudge || numbers.count * 2 <= rows else { return uncounted += 1 }
        if cell.count > NameText.mostBytes, firstTooLong == nil { firstTooLong = (cell.count, place) }
        let text = Cell.category(cell)
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
            return .problem("\(firstTooLarge.place): column '\(name)' holds '\(firstTooLarge.text)'; numbers up to \(Cell.largestNumber) are read")
        }
        if isForced { return categories(options, isWanted: true) }
        guard values > 0 else { return .leftOut("no row has a value in it") }
        // In any order: a table that was sorted or filtered keeps the numbers that its rows had.
        if isIndex, isWhole, !isWanted, (frequencies.count + uncounted) * 10 >= rows * 9 {
            return .leftOut("it numbers the rows\(isNamed ? "" : " and has no name")" + (options.idColumn == nil ? "; --id-column '\(name)' takes it as ids" : ""))
        }
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
        if booleans == values, languages != 0, (seenTrue && seenFalse) || (missing > 0 && isSurelyBoolean) {
            return checked(values, kind: "yes or no", found: booleans, odd: nil, options) {
                .column(TableEncoding.Column(name: name, kind: .boolean, hasGaps: missing > 0))
            }
        }
        if withComma * 2 > values {
            return .problem(
                "\(firstNoNumber.map { "\($0.place): " } ?? "")column '\(name)' holds '\(firstNoNumber?.text ?? "")'; --decimal-comma reads 0,5 as a half, "
                    + "--categories \(name) takes its cells as names")
        }
        if near * 2 > values, let firstNear {
            return .problem(
                "\(firstNear.place): column '\(name)' holds '\(firstNear.text)', \(firstNear.what); write plain numbers, or dates such as 2021-03-04, "
                    + "--categories \(name) takes its cells as names, --ignore-columns \(name) leaves it out")
        }
        return categories(options, isWanted: isWanted)
    }

    /// A column of one kind nearly throughout: what is not of it is a mistake, and never makes all of it categories.
    private func checked(
        _ values: Int, kind: String, found: Int, odd: (text: String, place: RecordPlace)?, _ options: TableOptions, _ make: () -> Outcome
    ) -> Outcome {
        if found < values, let odd {
            let others = values - found, cells = others == 1 ? "" : " (\(others) such cells)"
            let noDay = Cell.reading(odd.text, Cell.isNoDay) ? ", no date of the calendar," : ""
            let comma = withComma > 0 ? ", --decimal-comma reads 0,5 as a half" : ""
            return .problem(
                "\(odd.place): column '\(name)' holds '\(odd.text)'\(noDay) where other rows hold \(kind)\(cells); mend it or leave the cell empty\(comma), "
                    + "--categories \(name) takes its cells as names, --ignore-columns \(name) leaves it out")
        }
        if missing > 0, options.missing == .refuse {
            return .problem("\(firstMissing.map { "\($0): " } ?? "")column '\(name)' has no value (\(missing) such cells); --missing mean takes the column's mean")
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
        // Names of categories are kept with the project and stand in every file of its model.
        if let firstTooLong, let fault = NameText.fault(firstTooLong.bytes, "a category") {
            return .problem("\(firstTooLong.place): column '\(name)' \(fault) --ignore-columns \(name) leaves it out")
        }
        return .column(
            TableEncoding.Column(name: name, kind: .categories(ranked.prefix(options.mostCategories).map(\.key).sorted(), pooled: isPooled)))
    }

    var report: ColumnReport { ColumnReport(name: name, missing: missing, rows: rows, categories: frequencies.count + uncounted) }
}
