import Files

/// Turns records of a table into features, by the project's encoding, and counts what that encoding had no room for.
struct RowEncoder {
    private let encoding: TableEncoding
    /// The place of each name, for columns of categories.
    private let places: [[String: Int]]
    /// Cells whose category training never saw, and gaps where training had none, by column.
    private(set) var unknown: [Int]
    private(set) var unknownGaps: [Int]
    /// What is doubtful about points in numbers, by column.
    private(set) var groupings: [GroupingDoubt]

    let decimalComma: Bool

    /// - Parameter decimalComma: how these rows' numbers are written, which need not be how the training rows' were.
    init(_ encoding: TableEncoding, decimalComma: Bool) {
        self.encoding = encoding
        self.decimalComma = decimalComma
        places = encoding.columns.map { column in
            Dictionary((column.categories ?? []).enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        }
        unknown = [Int](repeating: 0, count: encoding.columns.count)
        unknownGaps = unknown
        groupings = [GroupingDoubt](repeating: GroupingDoubt(), count: encoding.columns.count)
    }

    /// Writes the features of one record.
    /// - Parameters:
    ///   - fields: the place in the record of each of the encoding's columns.
    ///   - features: replaced.
    /// - Throws: `Failure` of kind `input` that names line and column where a cell is not of its column's kind, or too far from the
    ///   training rows' values to be standardised.
    mutating func encode(_ record: CSVRecord, fields: [Int], path: String, into features: inout [Float]) throws {
        features.removeAll(keepingCapacity: true)
        for (index, column) in encoding.columns.enumerated() {
            try record.withField(fields[index]) { bytes in
                let cell = Cell.trimmed(bytes)
                func standardised(_ value: Double, _ standardisation: TableEncoding.Standardisation) throws -> Float {
                    let feature = Float((value - standardisation.mean) / standardisation.deviation)
                    guard feature.isFinite else {
                        throw Failure(.input, "\(path) \(record.place): column '\(column.name)' holds '\(Self.shown(cell))', too far from the training rows' values")
                    }
                    return feature
                }
                func refusal(_ kind: String) -> Failure {
                    Failure(.input, "\(path) \(record.place): column '\(column.name)' holds '\(Self.shown(cell))', which is \(kind)")
                }
                if case .categories(let names, let pooled) = column.kind {
                    let start = features.count, place = places[index][Cell.text(cell)] ?? places[index][Cell.category(cell)]
                    features.append(contentsOf: repeatElement(0, count: column.features))
                    if let place { features[start + place] = 1 } else if pooled { features[start + names.count] = 1 } else { unknown[index] += 1 }
                    return
                }
                if Cell.isMissing(cell) {
                    features.append(contentsOf: repeatElement(0, count: column.features))
                    if column.hasGaps { features[features.count - 1] = 1 } else { unknownGaps[index] += 1 }
                    return
                }
                switch column.kind {
                case .number(let standardisation):
                    guard let value = Cell.number(cell, decimalComma: decimalComma) else { throw refusal("not a number") }
                    features.append(try standardised(value, standardisation))
                    groupings[index].add(cell, value: value, decimalComma: decimalComma, standardisation)
                case .date(let day, let time):
                    guard let date = Cell.date(cell) else { throw refusal(Cell.isNoDay(cell) ? "no date of the calendar" : "not a date such as 2021-03-04 or 2021-03-04 05:06:07") }
                    features.append(try standardised(Double(date.day), day))
                    if let time { features.append(try standardised(date.seconds ?? 0, time)) }
                case .boolean:
                    guard let value = Cell.boolean(cell) else { throw refusal("neither yes nor no, true nor false") }
                    features.append(value ? 1 : -1)
                case .categories: break
                }
                if column.hasGaps { features.append(0) }
            }
        }
    }

    /// What of a cell a message repeats.
    static func shown(_ cell: UnsafeBufferPointer<UInt8>) -> String { String(Cell.text(cell).prefix(80)) }
}
