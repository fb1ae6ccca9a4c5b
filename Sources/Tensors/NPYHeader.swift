import Files

/// What one array of a NumPy file holds: the type of its elements and its shape (numpy.lib.format, versions 1 to 3).
public struct NPYHeader: Sendable, Equatable {
    public enum Element: Sendable, Equatable {
        /// 4 or 8 bytes.
        case float(bytes: Int)
        /// 1, 2, 4 or 8 bytes; truth values are one unsigned byte.
        case signed(bytes: Int)
        case unsigned(bytes: Int)
        /// Four bytes (UTF-32) a character, zeros behind the end.
        case unicode(characters: Int)
        /// Text as bytes, zeros behind the end.
        case bytes(count: Int)

        public var size: Int {
            switch self {
            case .float(let bytes), .signed(let bytes), .unsigned(let bytes), .bytes(let bytes): bytes
            case .unicode(let characters): 4 * characters
            }
        }
    }

    public let element: Element
    /// As NumPy writes it, for messages: `<f4`.
    public let type: String
    public let shape: [Int]
    /// Elements, and the bytes that they take behind the header; neither overflows.
    public let count: Int
    /// Whether the first index runs fastest. Never so for an array of one dimension, where it makes no difference.
    public let isFortranOrder: Bool
    public var bytes: Int { count * element.size }

    /// Longer texts than this are taken for damage.
    static let longestText = 16_384
    /// NumPy itself writes a few hundred bytes at most.
    static let longestDictionary = 64 * 1024

    /// Reads the dictionary behind magic, version and length.
    /// - Parameter place: the file and the array, for messages.
    /// - Throws: `Failure` of kind `input` where the array is of another type, or the text is no such dictionary.
    init(dictionary: some Collection<UInt8>, place: String) throws {
        func damaged(_ fault: String) -> Failure { Failure(.input, "\(place) has a damaged header (\(fault)); save the file again") }
        var parser = NPYDictionary(dictionary)
        guard let fields = parser.parse() else { throw damaged("it is no dictionary of type, order and shape") }
        guard let type = fields.type else {
            throw Failure(.input, "\(place) holds records of several fields; save one array for each field")
        }
        self.type = type
        element = try Self.element(type, place: place)
        shape = fields.shape
        var total = element.size
        for dimension in shape where dimension > 0 {
            let (product, overflow) = total.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw damaged("its shape is larger than any file") }
            total = product
        }
        count = shape.reduce(1) { $0 &* $1 }
        isFortranOrder = fields.isFortranOrder && shape.count { $0 != 1 } > 1
    }

    private static func element(_ type: String, place: String) throws -> Element {
        let advice = "save it as single precision (astype('<f4')), integers (astype('<i8')) or strings (astype(str))"
        func unsupported(_ what: String) -> Failure { Failure(.input, "\(place) holds \(what) ('\(type.prefix(80))'); \(advice)") }
        let kind = type.dropFirst().first, digits = type.dropFirst(2)
        guard let order = type.first, let kind, "<|>=".contains(order) else { throw unsupported("an unknown type") }
        if kind == "O" { throw unsupported("Python objects") }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let size = Int(digits) else { throw unsupported("an unknown type") }
        if kind == "S" || kind == "a" {
            guard (1...longestText).contains(size) else { throw unsupported("strings of an unusable length") }
            return .bytes(count: size)
        }
        // The order of one byte's bytes does not matter; NumPy writes "|" there.
        guard order == "<" || (order != ">" && size == 1) else {
            throw order == ">" ? unsupported("big-endian values") : unsupported("an unknown type")
        }
        switch (kind, size) {
        case ("U", _):
            guard (1...longestText).contains(size) else { throw unsupported("strings of an unusable length") }
            return .unicode(characters: size)
        case ("f", 4), ("f", 8): return .float(bytes: size)
        case ("i", 1), ("i", 2), ("i", 4), ("i", 8): return .signed(bytes: size)
        case ("u", 1), ("u", 2), ("u", 4), ("u", 8), ("b", 1): return .unsigned(bytes: size)
        default: throw unsupported("values of an unread type")
        }
    }
}

/// The Python literal in a header: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }`, keys in any order.
private struct NPYDictionary {
    struct Fields {
        /// Nil where the type is a list of fields.
        var type: String?
        var isFortranOrder: Bool
        var shape: [Int]
    }

    private let text: [UInt8]
    private var next = 0

    init(_ text: some Collection<UInt8>) { self.text = Array(text) }

    /// Nil where the text is anything else.
    mutating func parse() -> Fields? {
        var type: String??, order: Bool?, shape: [Int]?
        guard take("{") else { return nil }
        while !take("}") {
            guard let key = string(), take(":") else { return nil }
            switch key {
            case "descr" where type == nil:
                if peek() == UInt8(ascii: "[") {
                    // The rest of a record's type is of no account: the array is refused whatever it is.
                    return Fields(type: nil, isFortranOrder: false, shape: [])
                }
                guard let text = string() else { return nil }
                type = text
            case "fortran_order" where order == nil:
                if take("True") { order = true } else if take("False") { order = false } else { return nil }
            case "shape" where shape == nil:
                guard let tuple = tuple() else { return nil }
                shape = tuple
            default: return nil
            }
            guard take(",") || peek() == UInt8(ascii: "}") else { return nil }
        }
        guard peek() == nil, let type, let order, let shape else { return nil }
        return Fields(type: type, isFortranOrder: order, shape: shape)
    }

    /// The next byte that is no blank.
    private mutating func peek() -> UInt8? {
        while next < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[next]) { next += 1 }
        return next < text.count ? text[next] : nil
    }

    private mutating func take(_ word: StaticString) -> Bool {
        _ = peek()
        let matches = word.withUTF8Buffer { text[next...].starts(with: $0) }
        if matches { next += word.utf8CodeUnitCount }
        return matches
    }

    private mutating func string() -> String? {
        guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
        guard let end = text[(next + 1)...].firstIndex(of: quote) else { return nil }
        defer { next = end + 1 }
        let content = text[(next + 1)..<end]
        // No type that is read needs an escape or a character beyond ASCII.
        guard content.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }) else { return nil }
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func tuple() -> [Int]? {
        guard take("(") else { return nil }
        var numbers: [Int] = []
        while !take(")") {
            guard peek() != nil else { return nil }
            let digits = text[next...].prefix { (48...57).contains($0) }
            guard let number = Int(String(decoding: digits, as: UTF8.self)), numbers.count < 64 else { return nil }
            next += digits.count
            numbers.append(number)
            guard take(",") || peek() == UInt8(ascii: ")") else { return nil }
        }
        return numbers
    }
}
