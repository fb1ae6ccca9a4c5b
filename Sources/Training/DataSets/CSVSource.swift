import Files

/// A table with a header row: one column of labels, optional columns of ids and groups, the rest features.
public final class CSVSource: RowSource {
    private let path: String
    private let files = InputFiles()
    private let labelColumn: String
    private let idColumn: String?
    private let groupColumn: String?
    /// Nil until surveyed; given for test rows, which are encoded as the training rows were.
    public private(set) var encoding: CSVEncoding?
    private let givenClassNames: [String]?
    private let statistics: [String: ColumnStatistics]

    /// - Parameter statistics: means and deviations of numeric columns; those of columns that it does not name are taken of the rows.
    public init(
        _ path: String, labelColumn: String, idColumn: String? = nil, groupColumn: String? = nil, encoding: CSVEncoding? = nil,
        classNames: [String]? = nil, statistics: [String: ColumnStatistics] = [:]
    ) {
        self.statistics = statistics
        self.path = path
        self.labelColumn = labelColumn
        self.idColumn = idColumn
        self.groupColumn = groupColumn
        self.encoding = encoding
        givenClassNames = classNames
    }

    private struct Header {
        let names: [String]
        let label: Int
        let id: Int?
        let group: Int?
        let features: [Int]
    }

    private func readHeader(_ records: inout CSVRecords) throws -> Header {
        guard let (_, names) = try records.record() else { throw Failure(.input, "\(path) is empty; a header row is needed") }
        var seen: Set<String> = []
        if let twice = names.first(where: { !seen.insert($0).inserted }) {
            throw Failure(.input, "\(path) has two columns '\(twice)'; rename one")
        }
        func find(_ name: String, _ option: String) throws -> Int {
            guard let index = names.firstIndex(of: name) else {
                throw Failure(.input, "\(path) has no column '\(name)' (\(option)); its columns are \(names.prefix(20).joined(separator: ", "))")
            }
            return index
        }
        let label = try find(labelColumn, "--label-column")
        let id = try idColumn.map { try find($0, "--id-column") }
        let group = try groupColumn.map { try find($0, "--group-column") }
        // Test rows bring the columns that training rows had, in any order; others of theirs are left out.
        let features =
            try encoding?.columns.map { try find($0.name, "a feature of the training rows") }
            ?? names.indices.filter { $0 != label && $0 != id && $0 != group }
        guard !features.isEmpty else { throw Failure(.input, "\(path) has no feature columns beside label, id and group") }
        return Header(names: names, label: label, id: id, group: group, features: features)
    }

    private func forEachRecord(_ body: (Header, _ position: Int, _ line: Int, _ fields: [String]) throws -> Void) throws {
        var records = try CSVRecords(files.file(path))
        let header = try readHeader(&records)
        var position = 0
        while let (line, fields) = try records.record() {
            guard fields.count == header.names.count else {
                throw Failure(.input, "\(path) line \(line) has \(fields.count) fields where the header has \(header.names.count); mend the line")
            }
            try body(header, position, line, fields)
            position += 1
        }
    }

    public func survey() throws -> Survey {
        var columns: [ColumnSurvey] = []
        var labelIndex: [String: Int32] = [:], labelNames: [String] = []
        var groupIndex: [String: Int32] = [:], groupNames: [String] = []
        var labels: [Int32] = [], groups: [Int32] = []
        let encodingIsGiven = encoding != nil
        let known = givenClassNames.map { names in Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) }) }
        try forEachRecord { header, _, line, fields in
            if columns.isEmpty { columns = header.features.map { ColumnSurvey(name: header.names[$0]) } }
            if !encodingIsGiven {
                for (place, index) in header.features.enumerated() { try columns[place].add(fields[index], path: path, line: line) }
            }
            let label = fields[header.label]
            if let known {
                guard let index = known[label] else {
                    throw Failure(.input, "\(path) line \(line): label '\(label)' does not occur in the training rows")
                }
                labels.append(index)
            } else {
                labels.append(intern(label, &labelIndex, &labelNames))
            }
            if let group = header.group { groups.append(intern(fields[group], &groupIndex, &groupNames)) }
        }
        guard !labels.isEmpty else { throw Failure(.input, "\(path) has no rows below its header") }
        if let unknown = statistics.keys.filter({ name in !columns.contains { $0.name == name } }).min(), !encodingIsGiven {
            throw Failure(.input, "the statistics name a column '\(unknown.prefix(80))' that \(path) does not have as a feature; take it out of them")
        }
        let encoding = try encoding ?? CSVEncoding(columns: columns.map { try $0.column(path: path, given: statistics[$0.name]) })
        self.encoding = encoding
        let classNames: [String]
        if let givenClassNames {
            classNames = givenClassNames
        } else {
            // Classes in the order of their names, so that they do not depend on the order of rows.
            classNames = Self.sorted(labelNames)
            try expectClasses(classNames, rows: labels.count)
            guard classNames.count >= 2 else { throw Failure(.input, "\(path): column '\(labelColumn)' has one value only; two classes are needed") }
            let place = Dictionary(uniqueKeysWithValues: classNames.enumerated().map { ($1, Int32($0)) })
            let order = labelNames.map { place[$0]! }
            labels = labels.map { order[Int($0)] }
        }
        return Survey(
            shape: RowShape(features: encoding.features), encoding: .floats, classNames: classNames, labels: labels, groups: groups,
            groupNames: groupNames, hasIDs: idColumn != nil)
    }

    public func forEachRow(_ body: (Int, String?, UnsafeRawBufferPointer) throws -> Void) throws {
        guard let encoding else { preconditionFailure("survey comes first") }
        var features: [Float] = []
        try forEachRecord { header, position, line, fields in
            try encoding.encode(header.features.map { fields[$0] }, into: &features, path: path, line: line)
            let id = header.id.map { fields[$0] }
            if let id, id.isEmpty { throw Failure(.input, "\(path) line \(line) has an empty id; every row needs one") }
            try features.withUnsafeBytes { try body(position, id, $0) }
        }
    }

    /// Puts each column's categories into another order, between the survey and the rows.
    public func shuffleCategories(using generator: inout PlacementGenerator) {
        encoding = encoding?.shufflingCategories(using: &generator)
    }

    public func place(ofRow position: Int) throws -> String {
        var found: Int?
        try forEachRecord { _, row, line, _ in if row == position { found = line } }
        return found.map { "line \($0) of \(path)" } ?? "row \(position + 1) of \(path)"
    }

    /// More different numbers than this, some of them no whole ones, are measurements.
    private static let mostFractionalClasses = 20
    private static let fewestRowsToJudge = 10

    /// A column of measurements has nearly as many classes as rows; what follows from that would be said of something else.
    private func expectClasses(_ names: [String], rows: Int) throws {
        let numbers = names.compactMap(CSVEncoding.number)
        guard let fraction = numbers.first(where: { $0 != $0.rounded() }), numbers.count * 10 >= names.count * 9,
            names.count > Self.mostFractionalClasses || (rows >= Self.fewestRowsToJudge && names.count * 2 > rows)
        else { return }
        throw Failure(
            .input, "\(path): column '\(labelColumn)' holds \(names.count) different numbers in \(rows) rows, \(fraction) among them; this is a classifier: "
                + "name a column of classes, or make classes of ranges")
    }

    private func intern(_ name: String, _ index: inout [String: Int32], _ names: inout [String]) -> Int32 {
        if let known = index[name] { return known }
        let new = Int32(names.count)
        index[name] = new
        names.append(name)
        return new
    }

    /// By value where all names are numbers, else by text.
    private static func sorted(_ names: [String]) -> [String] {
        let numbers = names.compactMap(CSVEncoding.number)
        guard numbers.count == names.count else { return names.sorted() }
        return zip(numbers, names).sorted { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0 < $1.0 }.map(\.1)
    }
}

extension CSVSource {
    /// Visits every record of any comma-separated file with the line on which it begins.
    public static func forEachRecord(in path: String, _ body: (_ line: Int, _ fields: [String]) throws -> Void) throws {
        try forEachRecord(in: InputFile(path), body)
    }

    /// The same for a file that is open, and may be a pipe's content.
    public static func forEachRecord(in file: InputFile, _ body: (_ line: Int, _ fields: [String]) throws -> Void) throws {
        var records = try CSVRecords(file)
        while let (line, fields) = try records.record() { try body(line, fields) }
    }

    /// The same of a file that is in memory already.
    public static func forEachRecord(in bytes: [UInt8], path: String, _ body: (_ line: Int, _ fields: [String]) throws -> Void) throws {
        var records = try CSVRecords(bytes, path: path)
        while let (line, fields) = try records.record() { try body(line, fields) }
    }
}
