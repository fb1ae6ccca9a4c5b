import Files

/// One or more tables with header rows: one column of labels, optional columns of ids and groups, the rest features.
public final class TableSource: RowSource {
    private let paths: [String]
    private let files = InputFiles()
    public let format: TableFormat
    public let options: TableOptions
    /// Nil until surveyed; given for rows that are to be encoded as the training rows were.
    public private(set) var encoding: TableEncoding?
    private let givenClassNames: [String]?
    /// What became of every column, in their order; empty where the encoding was given.
    public private(set) var report: [ColumnReport] = []
    public private(set) var remarks: [String] = []

    public init(
        _ paths: [String], _ options: TableOptions, encoding: TableEncoding? = nil, classNames: [String]? = nil, format: TableFormat = .csv
    ) {
        self.paths = paths
        self.format = format
        self.options = options
        self.encoding = encoding
        givenClassNames = classNames
    }

    public convenience init(_ path: String, _ options: TableOptions, encoding: TableEncoding? = nil, classNames: [String]? = nil) {
        self.init([path], options, encoding: encoding, classNames: classNames)
    }

    /// The files, as messages name them.
    private var name: String { paths.count == 1 ? paths[0] : "\(paths[0]) and \(paths.count - 1) more" }

    private struct Header {
        let path: String
        /// Its place among the files.
        let file: Int
        let names: [String]
        let isNamed: [Bool]
        let label: Int?
        let id: Int?
        let group: Int?
        let person: Int?
        /// Places of the columns that become features, or may.
        let features: [Int]
    }

    // MARK: the header

    private func readHeader(_ records: inout CSVRecords, file: Int, needsLabel: Bool) throws -> Header {
        let path = paths[file]
        // By the columns that are named: what else a line could be split at depends on what stands in it.
        if format == .csv {
            records.findSeparator(
                columns: (options.mayLackColumns ? [] : [needsLabel ? options.labelColumn : nil, options.idColumn, options.groupColumn, options.personColumn].compactMap { $0 })
                    + (encoding?.columns.map(\.name) ?? []))
        }
        var record = CSVRecord()
        guard try records.next(into: &record) else { throw Failure(.input, "\(path) is empty; a header row is needed") }
        let given = (0..<record.count).map { index in record.withField(index) { Cell.text(Cell.trimmed($0)) } }
        let names = given.enumerated().map { $1.isEmpty ? "column \($0 + 1)" : $1 }
        for name in given { if let fault = NameText.fault(name, "a column's name") { throw Failure(.input, "\(path) \(record.place) \(fault)") } }
        var seen: Set<String> = []
        if let twice = names.first(where: { !seen.insert($0).inserted }) {
            throw Failure(.input, "\(path) has two columns '\(twice)'; rename one")
        }
        let split = format == .csv ? ", read with '\(Self.shown(records.separator))' between them," : ""
        /// A column without a name is known by its place, and as pandas calls it.
        func place(of name: String) -> Int? {
            names.firstIndex(of: name) ?? given.indices.first { given[$0].isEmpty && (name.isEmpty || name == "Unnamed: \($0)") }
        }
        func find(_ name: String, _ option: String) throws -> Int {
            guard let index = place(of: name) else {
                throw Failure(
                    .input, "\(path) has no column '\(name)' (\(option)); its columns\(split) are "
                        + names.prefix(20).joined(separator: ", "))
            }
            return index
        }
        let label = needsLabel ? try find(options.labelColumn, "--label-column") : names.firstIndex(of: options.labelColumn)
        let id = try options.mayLackColumns ? options.idColumn.flatMap(place) : options.idColumn.map { try find($0, "--id-column") }
        let group = try options.mayLackColumns ? options.groupColumn.flatMap(place) : options.groupColumn.map { try find($0, "--group-column") }
        let person = try options.mayLackColumns ? options.personColumn.flatMap(place) : options.personColumn.map { try find($0, "--person-column") }
        for (names, option) in [(options.ignored, "--ignore-columns"), (options.only, "--only-columns"), (options.categories, "--categories")] where encoding == nil {
            for name in names { _ = try find(name, option) }
        }
        // Other rows bring the columns that training rows had, in any order; others of theirs are left out.
        let features =
            try encoding?.columns.map { try find($0.name, "a feature of the training rows") }
            ?? names.indices.filter { index in
                ![label, id, group, person].contains(index) && !options.ignored.contains(names[index])
                    && (options.only.isEmpty || options.only.contains(names[index]))
            }
        guard !features.isEmpty else { throw Failure(.input, "\(path) has no feature columns beside label, id, group and person") }
        return Header(path: path, file: file, names: names, isNamed: given.map { !$0.isEmpty }, label: label, id: id, group: group, person: person, features: features)
    }

    private static func shown(_ separator: UInt8) -> String { separator == UInt8(ascii: "\t") ? "tab" : String(UnicodeScalar(separator)) }

    private func open(_ path: String, role: String) throws -> CSVRecords {
        switch format {
        case .csv: try CSVRecords(files.file(path, role: role), encoding: options.encoding)
        case .parquet: try CSVRecords(files.file(path, role: role) { try InputFile(ParquetText.file($0, options, encoding)) }, unit: .row)
        }
    }

    private var unit: RecordUnit { format == .csv ? .line : .row }

    /// Visits every record of every file.
    private func forEachRecord(needsLabel: Bool, _ body: (Header, CSVRecord) throws -> Void) throws {
        var first: Header?
        for (index, path) in paths.enumerated() {
            var records = try open(path, role: String(index))
            var header = try readHeader(&records, file: index, needsLabel: needsLabel)
            if let first {
                guard Set(header.names) == Set(first.names) else {
                    let odd = Set(header.names).symmetricDifference(first.names).sorted()
                    throw Failure(.input, "\(path) has other columns than \(first.path) (\(odd.prefix(5).joined(separator: ", "))); give tables of the same columns")
                }
                // In the first file's order.
                let places = Dictionary(uniqueKeysWithValues: header.names.enumerated().map { ($1, $0) })
                header = Header(
                    path: path, file: index, names: header.names, isNamed: header.isNamed, label: header.label, id: header.id, group: header.group,
                    person: header.person, features: first.features.map { places[first.names[$0]]! })
            } else {
                first = header
                if records.separator != UInt8(ascii: ","), encoding == nil { remark("fields of \(path) are separated by '\(Self.shown(records.separator))'") }
            }
            var record = CSVRecord()
            while try records.next(into: &record) { try body(header, record) }
        }
    }

    private func place(_ record: CSVRecord, _ header: Header) -> RecordPlace {
        RecordPlace(unit: unit, line: record.line, path: paths.count == 1 ? nil : header.path)
    }

    private func remark(_ text: String) { if !remarks.contains(text) { remarks.append(text) } }

    private static func ragged(_ record: CSVRecord, _ header: Header) -> String {
        " has \(record.count) fields where the header has \(header.names.count); mend the line"
    }

    /// Whether rows carry ids of their own; of rows that may lack the column, the first file tells.
    public var hasIDs: Bool {
        get throws {
            guard options.mayLackColumns else { return options.idColumn != nil }
            var records = try open(paths[0], role: "0")
            return try readHeader(&records, file: 0, needsLabel: false).id != nil
        }
    }

    // MARK: the survey

    public func survey() throws -> Survey {
        var columns: [ColumnSurvey] = [], classes = ClassLabels(given: givenClassNames, decimalComma: options.decimalComma)
        var labels: [Int32] = [], groups = InternedColumn(), persons = InternedColumn()
        var problems = TableProblems(unit: unit, isOneFile: paths.count == 1), unlabelled = 0, header: Header?
        var placeOfID: [String: (file: Int32, line: Int)] = [:], firstPlaces: [RecordPlace] = [], sum: (text: String, place: RecordPlace)?
        /// Columns that have held nothing but the rows' ids so far, and nothing but their people's names.
        var sameAsID: [Int] = [], sameAsPerson: [Int] = []
        let encodingIsGiven = encoding != nil
        remarks = []
        try forEachRecord(needsLabel: true) { found, record in
            if header == nil {
                header = found
                columns = found.features.map { ColumnSurvey(name: found.names[$0], isNamed: found.isNamed[$0], options: options) }
                sameAsID = found.id == nil ? [] : Array(columns.indices)
                sameAsPerson = found.person == nil ? [] : Array(columns.indices)
            }
            guard record.count == found.names.count else { return problems.add(Self.ragged(record, found), path: found.path, line: record.line) }
            let place = place(record, found)
            for (index, what) in [(found.label, "a label"), (found.id, "an id"), (found.group, "a group"), (found.person, "a person")] {
                guard let index, let fault = record.withField(index, { NameText.fault(Cell.trimmed($0).count, what) }) else { continue }
                return problems.add(" \(fault)", path: found.path, line: record.line)
            }
            let label = record.withField(found.label!) { classes.label($0) }
            switch label {
            case .index(let index):
                labels.append(index)
                if Int(index) == firstPlaces.count { firstPlaces.append(place) }
            case .missing:
                unlabelled += 1
                if !options.dropsUnlabelled {
                    problems.add(": no label in column '\(options.labelColumn)'; write one, or leave such rows out with --drop-unlabelled", path: found.path, line: record.line)
                }
                return
            case .unknown(let name):
                problems.add(": label '\(name)' does not occur in the training rows", path: found.path, line: record.line)
                return
            }
            if let id = found.id {
                let text = record.withField(id) { Cell.text(Cell.trimmed($0)) }
                if text.isEmpty {
                    problems.add(" has an empty id; every row needs one", path: found.path, line: record.line)
                } else if placeOfID.count < Self.mostIDsCompared, let (file, line) = placeOfID.updateValue((Int32(found.file), record.line), forKey: text) {
                    // The line of the same file, or of another of the same source.
                    let other = RecordPlace(unit: unit, line: line, path: Int(file) == found.file ? nil : paths[Int(file)])
                    problems.add(
                        " has the id '\(text.prefix(80))' of \(other); ids must be unique: rename one, or leave the row out", path: found.path, line: record.line)
                }
                sameAsID.removeAll { column in record.withField(found.features[column]) { Cell.text(Cell.trimmed($0)) } != text }
            }
            sum = record.withField(0, Self.namesSum) ? (record.text(0), place) : nil
            if let group = found.group { groups.append(record.withField(group) { Cell.text(Cell.trimmed($0)) }) }
            if let person = found.person {
                let name = record.withField(person) { Cell.text(Cell.trimmed($0)) }
                persons.append(name)
                sameAsPerson.removeAll { column in record.withField(found.features[column]) { Cell.text(Cell.trimmed($0)) } != name }
            }
            if !encodingIsGiven {
                for (column, index) in found.features.enumerated() { record.withField(index) { columns[column].add($0, place) } }
            }
        }
        guard !labels.isEmpty || !problems.isEmpty, let header else { throw Failure(.input, "\(name) has no rows below its header") }
        if unlabelled > 0, options.dropsUnlabelled { remark("\(unlabelled) row\(unlabelled == 1 ? "" : "s") without a label left out") }
        let nobodys = groups.count("")
        if nobodys > 0 { remark("\(nobodys) row\(nobodys == 1 ? " has" : "s have") no group in column '\(options.groupColumn!)'") }
        if !encodingIsGiven { remarkRows(header, labels: labels, firstPlaces: firstPlaces, classes: classes, sum: sum) }
        let copies = Dictionary(sameAsID.map { (columns[$0].name, "ids") } + sameAsPerson.map { (columns[$0].name, "people") }) { first, _ in first }
        let encoding = encodingIsGiven ? encoding : try makeEncoding(columns, header, copies: copies, &problems)
        let sorted = classes.sorted(), names = givenClassNames ?? sorted.names
        if givenClassNames == nil, problems.isEmpty {
            try expectClasses(names, rows: labels.count)
            labels = labels.map { sorted.places[Int($0)] }
        }
        guard problems.isEmpty, let encoding else { throw problems.failure(name) }
        guard encoding.features > 0 else { throw Failure(.input, "\(name) has no feature columns: all were left out\(reasons)") }
        self.encoding = encoding
        return Survey(
            shape: RowShape(features: encoding.features), encoding: .floats, classNames: names, labels: labels, groups: groups.indices,
            groupNames: groups.names, persons: persons.indices, personNames: persons.names, hasIDs: options.idColumn != nil)
    }

    /// Of larger tables, the import finds what occurs twice.
    private static let mostIDsCompared = 1_000_000
    private static let sums: Set<String> = ["total", "totals", "sum", "summe", "gesamt", "grand total", "insgesamt", "somme", "totale"]
    /// Whether a cell is such a word. Few cells have the length and the letter to be one, and only these become text.
    private static func namesSum(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let cell = Cell.trimmed(bytes)
        guard (3...11).contains(cell.count), cell[0] >= UInt8(ascii: "A") else { return false }
        return sums.contains(Cell.text(cell).lowercased())
    }

    /// Of fewer rows, a class may well have one.
    private static let fewestRowsToDoubtClasses = 20

    /// What is right to the letter and may still be a mistake.
    private func remarkRows(_ header: Header, labels: [Int32], firstPlaces: [RecordPlace], classes: ClassLabels, sum: (text: String, place: RecordPlace)?) {
        if header.id == nil { remark("no --id-column: a row's id is its position, from 0 for the first below the header") }
        if let sum { remark("\(sum.place) begins with '\(sum.text)': if it is a sum of the others, take it out") }
        guard labels.count >= Self.fewestRowsToDoubtClasses, givenClassNames == nil else { return }
        var counts = [Int](repeating: 0, count: firstPlaces.count)
        for label in labels { counts[Int(label)] += 1 }
        for (index, name) in classes.inOrderOfAppearance.enumerated() where counts[index] == 1 {
            remark("class '\(name.prefix(80))' has one row only, in \(firstPlaces[index]): if that is a mistake, take it out")
        }
    }

    private func makeEncoding(_ columns: [ColumnSurvey], _ header: Header, copies: [String: String], _ problems: inout TableProblems) throws -> TableEncoding? {
        var kept: [TableEncoding.Column] = []
        var reports: [String: ColumnReport] = [:]
        for column in columns where column.rows > 0 {
            let isWanted = options.only.contains(column.name)
            let copied = isWanted ? nil : copies[column.name]
            let outcome = copied.map { .leftOut("it is the column of \($0) once more") } ?? column.outcome(options, isWanted: isWanted)
            reports[column.name] = column.report.judged(outcome)
            switch outcome {
            case .column(let made):
                kept.append(made)
                if let code = column.firstCode, case .number = made.kind {
                    remark("column '\(column.name)' is read as numbers, and some begin with 0, such as \(code.prefix(20)): if these are codes, give --categories \(column.name)")
                }
                if let odd = column.oddBoolean, case .categories = made.kind {
                    remark(
                        "\(odd.place): column '\(column.name)' holds '\(odd.text)' where nearly all rows hold yes or no\(odd.count == 1 ? "" : " (\(odd.count) such cells)"), and is read as categories: "
                            + "mend it or leave the cell empty to have yes or no; --categories \(column.name) keeps it without this remark")
                }
                if case .categories(_, pooled: true) = made.kind, let different = column.possiblePeople {
                    let advice = options.personColumn == nil
                        ? "--person-column \(column.name) keeps each one's rows together for deletion, and names out of the model"
                        : "--ignore-columns \(column.name) leaves it out"
                    remark(
                        "column '\(column.name)' has \(different) different texts, in a few rows each, and the most frequent will stand in the model's encoding: "
                            + "if they name people, \(advice); --categories \(column.name) keeps it without this remark")
                }
                if column.mayBeGrouped { remark("every number of column '\(column.name)' with a point has three digits behind it: if these are thousands, give --decimal-comma") }
            case .leftOut: break
            case .problem(let text): problems.add(text)
            }
        }
        if let unknown = options.statistics.keys.filter({ name in !columns.contains { $0.name == name } }).min() {
            throw Failure(.input, "the statistics name a column '\(unknown.prefix(80))' that \(name) does not have as a feature; take it out of them")
        }
        report = header.names.enumerated().map { index, name in
            if let report = reports[name] { return report }
            var report = ColumnReport(name: name)
            report.kind = index == header.label ? "label" : index == header.id ? "id" : index == header.group ? "group" : index == header.person ? "person" : "left out"
            if report.kind == "left out" { report.reason = options.ignored.contains(name) ? "--ignore-columns" : "not among --only-columns" }
            return report
        }
        return TableEncoding(columns: kept, decimalComma: options.decimalComma)
    }

    /// Why columns were left out.
    private var reasons: String {
        let texts = report.compactMap { column in column.kind == "left out" ? column.reason.map { "'\(column.name)': \($0)" } : nil }
        return texts.isEmpty ? "" : " (" + texts.prefix(10).joined(separator: "; ") + ")"
    }

    // MARK: the rows

    public func forEachRow(_ body: (Int, String?, UnsafeRawBufferPointer) throws -> Void) throws {
        guard let encoding else { preconditionFailure("survey comes first") }
        var features: [Float] = [], position = 0, encoder = RowEncoder(encoding, decimalComma: options.decimalComma || encoding.decimalComma)
        try forEachRecord(needsLabel: false) { header, record in
            guard record.count == header.names.count else { throw Failure(.input, "\(header.path) \(record.place)\(Self.ragged(record, header))") }
            guard !isLeftOut(record, header) else { return }
            try encoder.encode(record, fields: header.features, path: header.path, into: &features)
            let id = header.id.map { index in record.withField(index) { Cell.text(Cell.trimmed($0)) } }
            if let id, id.isEmpty { throw Failure(.input, "\(header.path) \(record.place) has an empty id; every row needs one") }
            if let id, let fault = NameText.fault(id, "an id") { throw Failure(.input, "\(header.path) \(record.place) \(fault)") }
            try features.withUnsafeBytes { try body(position, id, $0) }
            position += 1
        }
        remarkUnknown(encoder, encoding)
    }

    /// Whether a record has no label, and such rows are left out.
    private func isLeftOut(_ record: CSVRecord, _ header: Header) -> Bool {
        guard options.dropsUnlabelled, let label = header.label, record.count > label else { return false }
        return record.withField(label) { Cell.category(Cell.trimmed($0)).isEmpty }
    }

    /// What the encoding had no room for.
    private func remarkUnknown(_ encoder: RowEncoder, _ encoding: TableEncoding) {
        for (index, column) in encoding.columns.enumerated() {
            func cells(_ count: Int, _ verbs: (one: String, many: String)) -> String {
                "\(count) cell\(count == 1 ? "" : "s") of column '\(column.name)' in \(name == "/dev/stdin" ? "standard input" : name) \(count == 1 ? verbs.one : verbs.many)"
            }
            if encoder.unknown[index] > 0 { remark("\(cells(encoder.unknown[index], ("holds a category", "hold categories"))) that training never saw, and no feature stands for") }
            if encoder.unknownGaps[index] > 0 { remark("\(cells(encoder.unknownGaps[index], ("is", "are"))) empty where training had no gaps, which counts as the mean") }
            let points = encoder.groupings[index]
            if points.isDoubtful { remark(Self.doubt(points, column.name, decimalComma: encoder.decimalComma)) }
        }
    }

    /// What a number may have meant that was read in one of two ways.
    private static func doubt(_ points: GroupingDoubt, _ column: String, decimalComma: Bool) -> String {
        let cells = "\(points.cells) number\(points.cells == 1 ? "" : "s") of column '\(column)', such as \(points.example), \(points.cells == 1 ? "was" : "were") read"
        return decimalComma
            ? "\(cells) as thousands, and would be nearer to the training rows as decimals: if that is what was meant, write them with a comma, as the training rows are"
            : "\(cells) as decimals, and would be nearer to the training rows as thousands: if that is what was meant, give --decimal-comma"
    }

    /// Puts each column's categories into another order, between the survey and the rows.
    public func shuffleCategories(using generator: inout PlacementGenerator) {
        encoding = encoding?.shufflingCategories(using: &generator)
    }

    public func place(ofRow position: Int) throws -> String {
        var found: String?, row = 0
        try forEachRecord(needsLabel: false) { header, record in
            guard !isLeftOut(record, header) else { return }
            if row == position { found = "\(record.place) of \(header.path)" }
            row += 1
        }
        return found ?? "row \(position + 1) of \(name)"
    }

    // MARK: the classes

    /// More different numbers than this, some of them no whole ones, are measurements.
    private static let mostFractionalClasses = 20
    private static let fewestRowsToJudge = 10

    private func expectClasses(_ names: [String], rows: Int) throws {
        guard names.count >= 2 else { throw Failure(.input, "\(name): column '\(options.labelColumn)' has one value only; two classes are needed") }
        for alike in ClassLabels.suspicious(names) { remark("classes \(alike.map { "'\($0)'" }.joined(separator: " and ")) may be one that is written in several ways") }
        // A column of measurements has nearly as many classes as rows; what follows from that would be said of something else.
        let numbers = names.compactMap { Cell.number($0) }
        guard let fraction = numbers.first(where: { $0 != $0.rounded() }), numbers.count * 10 >= names.count * 9,
            names.count > Self.mostFractionalClasses || (rows >= Self.fewestRowsToJudge && names.count * 2 > rows)
        else { return }
        throw Failure(
            .input, "\(name): column '\(options.labelColumn)' holds \(names.count) different numbers in \(rows) rows, \(fraction) among them; this is a classifier: "
                + "name a column of classes, or make classes of ranges")
    }
}
