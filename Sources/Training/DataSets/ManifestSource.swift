import Files

/// Names of rows that only the trainer holds: a comma-separated table with a header and the columns `id`, and where there are such `label`,
/// `group`, `person` and `locator`. Nothing else may stand in it, as it would be read by nobody.
public final class ManifestSource: RowSource {
    private let path: String
    private let files = InputFiles()
    private let like: Survey?
    /// Bytes that a locator takes; nil until surveyed.
    private var room: Int?

    private enum Column: String, CaseIterable {
        case id, label, group, person, locator
    }

    /// The classes of rows without labels: a model that has none says of each row how likely it is, and the rest goes to whatever else there might be.
    static let unlabelled = ["the row", "another"]

    /// - Parameter survey: of the rows that these must be like, or go with; nil: they are the first.
    public init(_ path: String, like survey: Survey? = nil) {
        self.path = path
        like = survey?.encoding == .locators ? survey : nil
        room = like?.shape.count
    }

    /// - Throws: `Failure` of kind `input` for anything that is wrong with the file, by its line.
    /// - Complexity: O(bytes of the file); memory for one line and a few bytes a row.
    public func survey() throws -> Survey {
        var labels: [Int32] = [], groups = InternedColumn(), persons = InternedColumn(), longest = 0
        var classes = ClassLabels(given: like?.classNames, decimalComma: false)
        let columns = try forEachRecord { columns, record in
            guard labels.count < Int(Int32.max) else { throw Failure(.input, "\(path) \(record.place): up to \(Int32.max) rows are read; split the file") }
            for column in Column.allCases {
                if let place = columns[column], let fault = NameText.fault(record.text(place), column == .id ? "an id" : "a \(column.rawValue)") { throw Failure(.input, "\(path) \(record.place) \(fault)") }
            }
            if let place = columns[.label] {
                switch record.withField(place, { classes.label($0) }) {
                case .index(let label): labels.append(label)
                case .missing: throw Failure(.input, "\(path) \(record.place) has no label; give it one, or leave the column out of the whole file")
                case .unknown(let label): throw Failure(.input, "\(path) \(record.place): label '\(label)' does not occur in the training rows")
                }
            } else {
                labels.append(0)
            }
            if let place = columns[.group] { groups.append(record.text(place)) }
            if let place = columns[.person] { persons.append(record.text(place)) }
            if let place = columns[.locator] { longest = max(longest, record.withField(place, \.count)) }
        }
        guard !labels.isEmpty else { throw Failure(.input, "\(path) names no rows; write one a line behind the header") }
        if columns[.label] == nil, let like, like.classNames != Self.unlabelled {
            throw Failure(.input, "\(path) has no column 'label', and the training rows have labels; add it")
        }
        if let given = like?.shape.count, longest > given {
            throw Failure(.input, "\(path) has a locator of \(longest) bytes, and rows of this project have room for \(given); shorten it, or make the project anew with all rows")
        }
        let room = room ?? RowName.room(for: longest)
        self.room = room
        var classNames = like?.classNames ?? Self.unlabelled
        if like == nil, columns[.label] != nil {
            let (names, places) = classes.sorted()
            guard names.count >= 2 else { throw Failure(.input, "\(path) has one label only; two classes are needed, or no column 'label' for a model that has none") }
            classNames = names
            labels = labels.map { places[Int($0)] }
        }
        return Survey(
            shape: RowShape(features: room), encoding: .locators, classNames: classNames, labels: labels, groups: groups.indices, groupNames: groups.names,
            persons: persons.indices, personNames: persons.names, hasIDs: true)
    }

    public func forEachRow(_ body: (Int, String?, UnsafeRawBufferPointer) throws -> Void) throws {
        guard let room else { preconditionFailure("survey comes first") }
        var position = 0
        try forEachRecord { columns, record in
            let locator = columns[.locator].map(record.text) ?? ""
            guard locator.utf8.count <= room else { throw Failure(.input, "\(path) \(record.place) changed while it was read; run the command again") }
            try RowName.stored(locator, room: room).withUnsafeBytes { try body(position, record.text(columns[.id]!), $0) }
            position += 1
        }
    }

    public func place(ofRow position: Int) throws -> String {
        var (place, next) = ("row \(position + 1)", 0)
        try forEachRecord { _, record in
            if next == position { place = record.place }
            next += 1
        }
        return "\(place) of \(path)"
    }

    /// Visits every row, with the places of columns; gives these.
    @discardableResult
    private func forEachRecord(_ body: (_ columns: [Column: Int], _ record: CSVRecord) throws -> Void) throws -> [Column: Int] {
        var records = try CSVRecords(files.file(path)), record = CSVRecord()
        records.findSeparator(columns: [Column.id.rawValue])
        guard try records.next(into: &record) else { throw Failure(.input, "\(path) is empty; write a header, id,label,group,person,locator, of which id alone must be there") }
        var columns: [Column: Int] = [:]
        for (index, name) in record.fields.enumerated() {
            guard let column = Column(rawValue: name) else {
                throw Failure(.input, "\(path) has the column '\(name.prefix(80))'; a manifest holds id, label, group, person and locator alone: leave it out")
            }
            guard columns.updateValue(index, forKey: column) == nil else { throw Failure(.input, "\(path) has two columns '\(name)'; leave one out") }
        }
        guard let id = columns[.id] else { throw Failure(.input, "\(path) has no column 'id'; by it rows are named, and the trainer finds them") }
        let fields = record.count
        while try records.next(into: &record) {
            guard record.count == fields else { throw Failure(.input, "\(path) \(record.place) has \(record.count) fields, the header \(fields); quote fields that hold separators") }
            guard !record.text(id).isEmpty else { throw Failure(.input, "\(path) \(record.place) has no id; give every row one") }
            try body(columns, record)
        }
        return columns
    }
}
