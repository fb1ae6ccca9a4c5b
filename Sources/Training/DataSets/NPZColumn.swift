import Files
import Tensors

/// An array with one integer, whole float or string for each row, read in order and given as text.
struct NPZColumn {
    private let array: NPZArray
    private let rows: Int
    private let name: String
    private var position = 0
    private var block: [UInt8] = []
    private var place = 0

    private static let mostCounted = 1 << 20
    /// Bytes that are read at once, unless one element takes more.
    private static let blockBytes = 64 * 1024

    /// - Throws: `Failure` of kind `input` where the array is not one integer or string for each of `rows` rows.
    init(_ array: NPZArray, rows: Int, name: String) throws {
        guard array.header.shape == [rows] || array.header.shape == [rows, 1] else {
            let shape = "(" + array.header.shape.map(String.init).joined(separator: ", ") + ")"
            throw Failure(.input, "\(array.place) has shape \(shape) where x has \(rows) rows; give it one value for each row")
        }
        // An id that a float rounds would be another row's.
        if case .float = array.header.element, name == "id" {
            throw Failure(.input, "\(array.place) has type '\(array.header.type)'; save it as integers (astype('<i8')) or strings (astype(str))")
        }
        self.array = array
        self.rows = rows
        self.name = name
    }

    static func holdsIntegers(_ array: NPZArray) -> Bool {
        switch array.header.element {
        case .signed, .unsigned, .float: true
        case .unicode, .bytes: false
        }
    }

    /// The next row's text.
    mutating func next() throws -> String {
        precondition(position < rows, "more than the array holds")
        let size = array.header.element.size
        if place == block.count {
            let count = min(rows - position, max(1, Self.blockBytes / size))
            if block.count != count * size { block = [UInt8](repeating: 0, count: count * size) }
            try block.withUnsafeMutableBytes { try array.read(exactly: $0) }
            place = 0
        }
        defer {
            place += size
            position += 1
        }
        if case .float(let bytes) = array.header.element { return try wholeNumber(block[place..<place + bytes]) }
        guard let text = Self.text(block[place..<place + size], array.header.element) else {
            throw Failure(.input, "\(array.place), row \(position + 1) is no text (it is not Unicode, or holds a zero character); mend it")
        }
        if let fault = NameText.fault(text, "a text") { throw Failure(.input, "\(array.place), row \(position + 1) \(fault)") }
        if name == "id" && text.isEmpty { throw Failure(.input, "\(array.place), row \(position + 1) is empty; every row needs an id") }
        return text
    }

    /// Larger whole numbers are not told apart by floats.
    private static let largestWhole = Double(1 << 53)

    private func wholeNumber(_ bytes: ArraySlice<UInt8>) throws -> String {
        let bits = Self.littleEndian(bytes)
        let value = bytes.count == 4 ? Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))) : Double(bitPattern: bits)
        let row = "\(array.place), row \(position + 1)"
        guard !value.isNaN else {
            throw Failure(.input, "\(row) is not a number (NaN): it has no \(name == "y" ? "label" : name); leave the row out, or give it one")
        }
        guard value == value.rounded(), abs(value) <= Self.largestWhole else { throw NotWhole(value: value, row: position + 1, place: array.place) }
        return String(Int64(value))
    }

    /// A float that names no class.
    struct NotWhole: DescribedError {
        let value: Double
        let row: Int
        let place: String
        /// Of all numbers that are there, or nil where they were not counted.
        var different: Int?
        var kind: FailureKind { .input }
        var description: String {
            "\(place)" + (different.map { " holds \($0) different numbers, \(value) in row \(row) among them" } ?? ", row \(row) is \(value)")
                + "; this is a classifier, whose labels are whole numbers or names: make classes of ranges (numpy.digitize) or give the array of classes"
        }
    }

    consuming func forEach(_ body: (_ position: Int, _ text: String) throws -> Void) throws {
        for row in 0..<rows { try body(row, next()) }
    }

    /// For each row an index into the distinct texts, which come in the order of their first appearance.
    /// - Complexity: O(bytes); memory for four bytes a row and the distinct texts.
    consuming func interned() throws -> (indices: [Int32], names: [String]) {
        var column = InternedColumn()
        var wrong: NotWhole?, others: Set<Double> = []
        for _ in 0..<rows {
            let text: String
            do {
                text = try next()
            } catch let error as NotWhole {
                // Read on: how many such there are tells a slip from a label that is no class.
                if wrong == nil { wrong = error }
                if others.count < Self.mostCounted { others.insert(error.value) }
                continue
            }
            column.append(text)
        }
        guard var wrong else { return (column.indices, column.names) }
        if others.count < Self.mostCounted { wrong.different = column.names.count + others.count }
        throw wrong
    }

    private static func text(_ bytes: ArraySlice<UInt8>, _ element: NPYHeader.Element) -> String? {
        switch element {
        case .float: return nil
        case .signed(let size):
            let number = littleEndian(bytes)
            // Shifted up and down again, the highest bit given fills the bits above it.
            return String(Int64(bitPattern: number << UInt64(64 - 8 * size)) >> Int64(64 - 8 * size))
        case .unsigned: return String(littleEndian(bytes))
        case .bytes:
            let text = bytes[..<(bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? bytes.startIndex)]
            return text.contains(0) ? nil : String(validating: text, as: UTF8.self)
        case .unicode(let characters):
            var scalars = String.UnicodeScalarView()
            let codes = (0..<characters).map { UInt32(littleEndian(bytes[(bytes.startIndex + 4 * $0)..<(bytes.startIndex + 4 * $0 + 4)])) }
            for code in codes[..<(codes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0)] {
                guard code != 0, let scalar = Unicode.Scalar(code) else { return nil }
                scalars.append(scalar)
            }
            return String(scalars)
        }
    }

    private static func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
