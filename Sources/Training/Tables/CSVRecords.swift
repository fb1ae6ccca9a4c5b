import Files

/// By what people find a record in its file.
enum RecordUnit: String {
    /// Of text: the line on which it begins.
    case line
    /// Of a file that is no text: its number among the rows, from 1; the names of columns are row 0.
    case row
}

/// Where a record is, for messages.
struct RecordPlace: Equatable, CustomStringConvertible {
    let unit: RecordUnit
    let line: Int
    /// Nil where the source has one file, which messages name once.
    let path: String?

    /// "line 7", "line 7 of b.csv".
    var description: String { "\(unit) \(line)" + (path.map { " of \($0)" } ?? "") }
}

/// One record of a comma-separated file, used again for the next: its fields one behind the other, without quotes.
struct CSVRecord {
    /// The line on which it begins, or the number of its row.
    fileprivate(set) var line = 1
    fileprivate(set) var unit = RecordUnit.line
    /// "line 7".
    var place: String { "\(unit) \(line)" }
    fileprivate var bytes: [UInt8] = []
    /// Where each field ends in `bytes`.
    fileprivate var ends: [Int] = []

    var count: Int { ends.count }
    var fields: [String] { (0..<count).map(text) }

    func text(_ index: Int) -> String { withField(index) { String(decoding: $0, as: UTF8.self) } }

    /// The bytes of a field, which are UTF-8.
    func withField<Result>(_ index: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        let start = index == 0 ? 0 : ends[index - 1], end = ends[index]
        return try bytes.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[start..<end])) }
    }

    fileprivate mutating func begin(line: Int, _ unit: RecordUnit) {
        self.line = line
        self.unit = unit
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    /// The same record out of another encoding.
    fileprivate mutating func decode(_ encoding: TextEncoding) {
        let fields = (0..<count).map { index in withField(index) { encoding.utf8(of: $0) } }
        bytes.removeAll(keepingCapacity: true)
        for (index, field) in fields.enumerated() {
            bytes += field
            ends[index] = bytes.count
        }
    }
}

/// How the text of a table is written down.
public enum TextEncoding: String, Sendable, Codable, CaseIterable {
    case utf8 = "utf-8"
    /// What programs of Western Windows write.
    case windows1252 = "windows-1252"
    case latin1 = "latin-1"

    /// By one of the names that programs have for it.
    public init?(name: String) {
        switch name.lowercased().filter({ $0 != "-" && $0 != "_" }) {
        case "utf8": self = .utf8
        case "windows1252", "cp1252", "ansi": self = .windows1252
        case "latin1", "iso88591": self = .latin1
        default: return nil
        }
    }

    /// 0x80 to 0x9F in Windows-1252; those that it leaves free stand for themselves.
    private static let windows: [UInt32] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
        0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
    ]

    fileprivate func utf8(of bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var scalars = String.UnicodeScalarView()
        for byte in bytes {
            let scalar = self == .windows1252 && (0x80...0x9F).contains(byte) ? Self.windows[Int(byte) - 0x80] : UInt32(byte)
            scalars.append(Unicode.Scalar(scalar)!)
        }
        return Array(String(scalars).utf8)
    }
}

/// The records of a comma-separated file (RFC 4180): quoted fields may hold separators, quotes and line ends.
struct CSVRecords {
    /// Longer lines are taken for damage.
    private static let longestRecord = 16 << 20
    /// What stands between fields where it is no comma, most usual first.
    private static let otherSeparators = [UInt8(ascii: ";"), UInt8(ascii: "\t"), UInt8(ascii: "|")]

    private let path: String
    private let encoding: TextEncoding
    private let unit: RecordUnit
    private var row = 0
    /// Nil where all bytes are in memory already.
    private let reader: CompressedReader?
    private var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    private var filled = 0
    private var next = 0
    private var line = 1
    private(set) var separator = UInt8(ascii: ",")
    /// Whether the file itself says what separates fields.
    private var saysSeparator = false

    init(_ path: String) throws { try self.init(InputFile(path)) }

    init(_ file: InputFile, encoding: TextEncoding = .utf8, unit: RecordUnit = .line) throws {
        path = file.path
        self.encoding = encoding
        self.unit = unit
        reader = try CompressedReader(file)
        try begin()
    }

    init(_ bytes: [UInt8], path: String) throws {
        self.path = path
        encoding = .utf8
        unit = .line
        reader = nil
        chunk = bytes
        filled = bytes.count
        try begin()
    }

    private mutating func begin() throws {
        _ = try fill()
        let start = chunk[..<filled]
        // The byte order mark that some spreadsheets write is no part of the first column's name; what was saved again may have two.
        while start[next...].starts(with: [0xEF, 0xBB, 0xBF]) { next += 3 }
        // Excel's own way to say it: a first line `sep=;`.
        let first = start[next...].prefix(7)
        if first.starts(with: Array("sep=".utf8)), first.count > 5, let end = first.firstIndex(of: UInt8(ascii: "\n")), end - next <= 6 {
            (separator, saysSeparator, line) = (chunk[next + 4], true, 2)
            next = end + 1
        }
        if start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF]) {
            throw Failure(.input, "\(path) line 1 is UTF-16, not UTF-8 text; save it as UTF-8, or as CSV")
        }
        if start.starts(with: Array("PK\u{3}\u{4}".utf8)) { throw Failure(.input, "\(path) is an archive or a spreadsheet, no table of text; save it as CSV (UTF-8)") }
        if start.starts(with: Array("PAR1".utf8)) { throw Failure(.input, "\(path) is a Parquet file; name it as parquet:\(path)") }
    }

    /// Takes as separator what splits the first line into fields of these names, else what splits it into most.
    mutating func findSeparator(columns: [String]) {
        guard !saysSeparator else { return }
        let header = firstLine()
        func fields(_ separator: UInt8) -> [String] {
            var fields: [[UInt8]] = [[]], isQuoted = false
            for byte in header {
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() } else if byte == separator, !isQuoted { fields.append([]) } else { fields[fields.count - 1].append(byte) }
            }
            return fields.map { field in field.withUnsafeBufferPointer { Cell.text(Cell.trimmed($0)) } }
        }
        let candidates = [separator] + Self.otherSeparators
        if let found = candidates.first(where: { candidate in Set(columns).isSubset(of: fields(candidate)) }) { return separator = found }
        separator = candidates.reversed().max { fields($0).count < fields($1).count }!
    }

    /// As far as it is in memory, which begins with it.
    private func firstLine() -> [UInt8] {
        var isQuoted = false
        return Array(
            chunk[next..<filled].prefix { byte in
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
                return isQuoted || (byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\r"))
            })
    }

    /// Whether there is another byte.
    private mutating func fill() throws -> Bool {
        if next == filled {
            filled = try reader.map { reader in try chunk.withUnsafeMutableBytes { try reader.read(upTo: $0) } } ?? 0
            next = 0
        }
        return next < filled
    }

    /// Where in a field the scan is.
    private enum Place {
        case start, unquoted, quoted
        /// Behind a quote inside a quoted field: the field's end, or the first half of a quote that stands for itself.
        case behindQuote
    }

    /// How many bytes from `next` on mean nothing but themselves, and all their bits together.
    private func plainRun(quoted: Bool) -> (count: Int, bits: UInt8) {
        let separator = quoted ? UInt8(ascii: "\"") : separator
        return chunk.withUnsafeBufferPointer { bytes in
            var place = next, bits: UInt8 = 0
            while place < filled {
                let byte = bytes[place]
                if byte < 0x30 && (byte == 0 || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\"")) || byte == separator { break }
                bits |= byte
                place += 1
            }
            return (place - next, bits)
        }
    }

    /// The next record, or false at the end. Empty lines are skipped.
    mutating func next(into record: inout CSVRecord) throws -> Bool {
        let quote = UInt8(ascii: "\""), newline = UInt8(ascii: "\n"), carriage = UInt8(ascii: "\r")
        while true {
            record.begin(line: unit == .line ? line : row, unit)
            var place = Place.start
            var size = 0, bits: UInt8 = 0
            func expectShort() throws {
                guard size <= Self.longestRecord else {
                    throw Failure(.input, "\(path) \(record.place) is longer than \(Self.longestRecord) bytes; is a quote missing?")
                }
            }
            scan: while try fill() {
                try expectShort()
                if place != .behindQuote {
                    let run = plainRun(quoted: place == .quoted)
                    if run.count > 0 {
                        record.bytes.append(contentsOf: chunk[next..<next + run.count])
                        next += run.count
                        size += run.count
                        bits |= run.bits
                        if place == .start { place = .unquoted }
                        continue
                    }
                }
                let character = chunk[next]
                next += 1
                size += 1
                if character == newline { line += 1 }
                switch (place, character) {
                case (_, 0): throw zeroByte(record)
                case (.quoted, quote): place = .behindQuote
                case (.quoted, _): record.bytes.append(character)
                case (.behindQuote, quote):
                    record.bytes.append(quote)
                    place = .quoted
                case (_, newline): break scan
                case (_, carriage):
                    guard try fill(), chunk[next] != newline else { continue }
                    throw Failure(.input, "\(path) line \(record.line) has a carriage return inside a field; quote the field")
                case (_, separator):
                    record.ends.append(record.bytes.count)
                    place = .start
                case (.start, quote): place = .quoted
                case (.unquoted, quote):
                    throw Failure(.input, "\(path) line \(record.line) has a quote inside an unquoted field; write \"\" inside quotes")
                default:
                    throw Failure(.input, "\(path) line \(record.line) has text behind a closing quote; write \"\" for a quote inside quotes")
                }
            }
            try expectShort()
            guard place != .quoted else { throw Failure(.input, "\(path) line \(record.line) opens a quote that never closes") }
            if record.ends.isEmpty && place == .start {
                if size == 0 { return false }
                continue
            }
            record.ends.append(record.bytes.count)
            row += 1
            if bits >= 0x80 {
                if encoding == .utf8 { try validate(record) } else { record.decode(encoding) }
            }
            return true
        }
    }

    private func validate(_ record: CSVRecord) throws {
        for index in 0..<record.count where record.withField(index, { String(validating: $0, as: UTF8.self) }) == nil { throw notText(record) }
    }

    /// - Parameter record: read up to the byte.
    private func zeroByte(_ record: CSVRecord) -> Failure {
        let place = "\(unit == .line ? "line \(line)" : record.place), column \(record.count + 1)"
        return Failure(
            .input, "\(path) \(place) has a zero byte (NUL), which no text has: "
                + (unit == .line ? "the file is UTF-16, damaged or no table of text; write it as UTF-8" : "take it out of the column"))
    }

    private func notText(_ record: CSVRecord) -> Failure {
        guard unit == .line else { return Failure(.input, "\(path) \(record.place) holds text that is not UTF-8; mend it") }
        return Failure(.input, "\(path) \(record.place) is not UTF-8 text; convert the file, or name a table's --encoding (windows-1252, latin-1)")
    }
}

extension CSVRecords {
    fileprivate mutating func forEach(_ body: (_ line: Int, _ fields: [String]) throws -> Void) throws {
        var record = CSVRecord()
        while try next(into: &record) { try body(record.line, record.fields) }
    }
}

/// Comma-separated lists of other things than rows: groups, risks, statistics, players.
public enum CSVFile {
    /// Visits every record with the line on which it begins.
    public static func forEachRecord(in path: String, _ body: (_ line: Int, _ fields: [String]) throws -> Void) throws {
        try forEachRecord(in: InputFile(path), body)
    }

    /// The same for a file that is open, and may be a pipe's content.
    public static func forEachRecord(in file: InputFile, _ body: (_ line: Int, _ fields: [String]) throws -> Void) throws {
        var records = try CSVRecords(file)
        try records.forEach(body)
    }

    /// The same of a file that is in memory already.
    /// - Parameter column: of the header, by which the separator is found; nil: a comma.
    public static func forEachRecord(in bytes: [UInt8], path: String, column: String? = nil, _ body: (_ line: Int, _ fields: [String]) throws -> Void) throws {
        var records = try CSVRecords(bytes, path: path)
        if let column { records.findSeparator(columns: [column]) }
        try records.forEach(body)
    }
}
