import Files

/// The records of a comma-separated file (RFC 4180): quoted fields may hold commas, quotes and line ends.
struct CSVRecords {
    /// Longer lines are taken for damage.
    private static let longestRecord = 16 << 20

    private let path: String
    /// Nil where all bytes are in memory already.
    private let reader: CompressedReader?
    private var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    private var filled = 0
    private var next = 0
    private var line = 1

    init(_ path: String) throws { try self.init(InputFile(path)) }

    init(_ file: InputFile) throws {
        path = file.path
        reader = try CompressedReader(file)
        try skipByteOrderMark()
    }

    init(_ bytes: [UInt8], path: String) throws {
        self.path = path
        reader = nil
        chunk = bytes
        filled = bytes.count
        try skipByteOrderMark()
    }

    private mutating func skipByteOrderMark() throws {
        // The byte order mark that some spreadsheets write is no part of the first column's name.
        _ = try peek()
        if chunk[..<filled].starts(with: [0xEF, 0xBB, 0xBF]) { next = 3 }
    }

    /// The byte that `byte` will give next.
    private mutating func peek() throws -> UInt8? {
        if next == filled {
            filled = try reader.map { reader in try chunk.withUnsafeMutableBytes { try reader.read(upTo: $0) } } ?? 0
            next = 0
        }
        return filled == 0 ? nil : chunk[next]
    }

    private mutating func byte() throws -> UInt8? {
        guard let byte = try peek() else { return nil }
        next += 1
        return byte
    }

    /// Where in a field the scan is.
    private enum Place {
        case start, unquoted, quoted
        /// Behind a quote inside a quoted field: the field's end, or the first half of a quote that stands for itself.
        case behindQuote
    }

    /// The next record and the line on which it begins, or nil at the end. Empty lines are skipped.
    mutating func record() throws -> (line: Int, fields: [String])? {
        let comma = UInt8(ascii: ","), quote = UInt8(ascii: "\""), newline = UInt8(ascii: "\n"), carriage = UInt8(ascii: "\r")
        while true {
            let start = line
            var fields: [String] = []
            var field: [UInt8] = []
            var place = Place.start
            var size = 0
            func text(_ bytes: [UInt8]) throws -> String {
                guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
                    throw Failure(.input, "\(path) line \(start) is not UTF-8 text; convert the file")
                }
                return text
            }
            scan: while let character = try byte() {
                size += 1
                guard size <= Self.longestRecord else {
                    throw Failure(.input, "\(path) line \(start) is longer than \(Self.longestRecord) bytes; is a quote missing?")
                }
                if character == newline { line += 1 }
                switch (place, character) {
                case (.quoted, quote): place = .behindQuote
                case (.quoted, _): field.append(character)
                case (.behindQuote, quote):
                    field.append(quote)
                    place = .quoted
                case (_, newline): break scan
                case (_, carriage):
                    guard let following = try peek(), following != newline else { continue }
                    throw Failure(.input, "\(path) line \(start) has a carriage return inside a field; quote the field")
                case (_, comma):
                    fields.append(try text(field))
                    field = []
                    place = .start
                case (.start, quote): place = .quoted
                case (.unquoted, quote):
                    throw Failure(.input, "\(path) line \(start) has a quote inside an unquoted field; write \"\" inside quotes")
                case (.behindQuote, _):
                    throw Failure(.input, "\(path) line \(start) has text behind a closing quote; write \"\" for a quote inside quotes")
                default:
                    field.append(character)
                    place = .unquoted
                }
            }
            guard place != .quoted else { throw Failure(.input, "\(path) line \(start) opens a quote that never closes") }
            if fields.isEmpty && place == .start {
                if size == 0 { return nil }
                continue
            }
            fields.append(try text(field))
            return (start, fields)
        }
    }
}
