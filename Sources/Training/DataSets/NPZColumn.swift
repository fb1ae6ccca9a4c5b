import Files
import Tensors

/// An array with one integer or string for each row, read in order and given as text.
struct NPZColumn {
    private let array: NPZArray
    private let rows: Int
    private let name: String
    private var position = 0
    private var block: [UInt8] = []
    private var place = 0

    /// Bytes that are read at once, unless one element takes more.
    private static let blockBytes = 64 * 1024

    /// - Throws: `Failure` of kind `input` where the array is not one integer or string for each of `rows` rows.
    init(_ array: NPZArray, rows: Int, name: String) throws {
        guard array.header.shape == [rows] || array.header.shape == [rows, 1] else {
            let shape = "(" + array.header.shape.map(String.init).joined(separator: ", ") + ")"
            throw Failure(.input, "\(array.place) has shape \(shape) where x has \(rows) rows; give it one value for each row")
        }
        if case .float = array.header.element {
            throw Failure(.input, "\(array.place) has type '\(array.header.type)'; save it as integers (astype('<i8')) or strings (astype(str))")
        }
        self.array = array
        self.rows = rows
        self.name = name
    }

    static func holdsIntegers(_ array: NPZArray) -> Bool {
        switch array.header.element {
        case .signed, .unsigned: true
        case .float, .unicode, .bytes: false
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
        guard let text = Self.text(block[place..<place + size], array.header.element) else {
            throw Failure(.input, "\(array.place), row \(position + 1) is no text (it is not Unicode, or holds a zero character); mend it")
        }
        if name == "id" && text.isEmpty { throw Failure(.input, "\(array.place), row \(position + 1) is empty; every row needs an id") }
        return text
    }

    consuming func forEach(_ body: (_ position: Int, _ text: String) throws -> Void) throws {
        for row in 0..<rows { try body(row, next()) }
    }

    /// For each row an index into the distinct texts, which come in the order of their first appearance.
    /// - Complexity: O(bytes); memory for four bytes a row and the distinct texts.
    consuming func interned() throws -> (indices: [Int32], names: [String]) {
        var index: [String: Int32] = [:], names: [String] = [], indices: [Int32] = []
        try forEach { _, text in
            if let known = index[text] {
                indices.append(known)
            } else {
                indices.append(Int32(names.count))
                index[text] = Int32(names.count)
                names.append(text)
            }
        }
        return (indices, names)
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
