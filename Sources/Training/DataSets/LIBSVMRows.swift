import Files

/// The rows of a sparse text file (LIBSVM, SVMlight), one a line: `label [qid:n] index:value … [# comment]`. Indices are
/// whole numbers from 1 and ascend; what is not named is 0. A query's id says nothing to a classifier and is left out.
///
/// Lines may be of any length: only one word and the numbers of one row are held.
struct LIBSVMRows {
    struct Entry {
        /// From 1.
        let index: Int32
        let value: Float
    }

    /// Rows of more features than this are refused: every row is kept and trained with all of them.
    static let mostFeatures = 1 << 20
    /// Longer words are no numbers that a program writes.
    private static let longestWord = 128

    private let reader: CompressedReader
    private var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    private var filled = 0
    private var next = 0
    private var line = 1
    private var word: [UInt8] = []

    init(_ path: String) throws { try self.init(InputFile(path)) }

    init(_ file: InputFile) throws {
        reader = try CompressedReader(file)
        // The byte order mark that some editors write is no part of the first label.
        _ = try peek()
        while chunk[next..<filled].starts(with: [0xEF, 0xBB, 0xBF]) { next += 3 }
    }

    /// Reads the next row's entries and gives its line and label, or nil at the end. Lines without a word are no rows.
    mutating func row(into entries: inout [Entry]) throws -> (line: Int, label: Int)? {
        entries.removeAll(keepingCapacity: true)
        var step = try advance()
        while step == .lineEnd { step = try advance() }
        guard step == .word else { return nil }
        let start = line, label = try label()
        step = try advance()
        if step == .word, word.starts(with: Array("qid:".utf8)) {
            guard Self.wholeNumber(word.dropFirst(4)) != nil else { throw wrong("has '\(text(word))', which is no query's number; write qid:7, or leave it out") }
            step = try advance()
        }
        while step == .word {
            entries.append(try entry(behind: entries.last?.index ?? 0))
            step = try advance()
        }
        return (start, label)
    }

    // MARK: Words

    private enum Step {
        case word, lineEnd, end
    }

    /// The byte that comes next, or nil at the end.
    private mutating func peek() throws -> UInt8? {
        if next == filled {
            filled = try chunk.withUnsafeMutableBytes { try reader.read(upTo: $0) }
            next = 0
        }
        return filled == 0 ? nil : chunk[next]
    }

    /// Goes on to the end of the next word on this line, or past the line's end where there is none.
    private mutating func advance() throws -> Step {
        word.removeAll(keepingCapacity: true)
        while let byte = try peek() {
            let isBlank = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
            if !word.isEmpty, isBlank || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "#") { return .word }
            if byte == UInt8(ascii: "#") {
                try skipComment()
                continue
            }
            next += 1
            if byte == UInt8(ascii: "\n") {
                line += 1
                return .lineEnd
            }
            if isBlank { continue }
            guard byte != 0 else { throw wrong("has a zero byte (NUL), which no text has: it is UTF-16, damaged or no text; write it as UTF-8") }
            guard (33...126).contains(byte) else { throw wrong("holds the byte \(byte), which is no part of a number; is it a text file?") }
            guard word.count < Self.longestWord else {
                throw wrong("has a word of more than \(Self.longestWord) bytes; write index:value with spaces between")
            }
            word.append(byte)
        }
        return word.isEmpty ? .end : .word
    }

    private mutating func skipComment() throws {
        while let byte = try peek(), byte != UInt8(ascii: "\n") { next += 1 }
    }

    // MARK: Numbers

    /// Whole numbers beyond this are not told apart by the programs that write them as floats.
    private static let largestLabel = Double(1 << 53)

    /// The word as a label: 1, +1 and 1.0 are the same class.
    private func label() throws -> Int {
        guard let value = Self.number(word[...]), value == value.rounded(), abs(value) <= Self.largestLabel else {
            throw wrong("begins with '\(text(word))', which is no whole number; classes are whole numbers such as 0, 1 or -1")
        }
        return Int(value)
    }

    private func entry(behind last: Int32) throws -> Entry {
        guard let colon = word.firstIndex(of: UInt8(ascii: ":")), let index = Self.wholeNumber(word[..<colon]) else {
            throw wrong("has '\(text(word))', which is no pair of index and value; write such as 3:0.5")
        }
        guard index > 0 else { throw wrong("has the index 0 where indices begin at 1; write it one-based (scikit-learn: zero_based=False)") }
        guard index <= Self.mostFeatures else {
            throw wrong("has the index \(text(word[..<colon])); up to \(Self.mostFeatures) features are read: number them without gaps")
        }
        guard index > last else { throw wrong("has the index \(index) behind \(last); sort each row's indices and name each once") }
        let digits = word[(colon + 1)...]
        guard let value = Self.number(digits).map(Float.init), value.isFinite else {
            throw wrong("has '\(text(digits))' at index \(index), which is no finite number of single precision; mend it or leave it out")
        }
        return Entry(index: Int32(index), value: value)
    }

    /// A decimal number, infinite where it is beyond double precision; nil where the bytes are none.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Double? {
        // Swift reads more: nan, inf and hexadecimal.
        let isDecimal = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E"): true
            default: isDigit(byte)
            }
        }
        return isDecimal ? Double(String(decoding: bytes, as: UTF8.self)) : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// Digits as a number, or 2³² where they are more than that; nil where the bytes are none.
    private static func wholeNumber(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard !bytes.isEmpty, bytes.allSatisfy(isDigit) else { return nil }
        return bytes.reduce(0) { min($0 * 10 + Int($1 - UInt8(ascii: "0")), 1 << 32) }
    }

    private func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes.prefix(80)), as: UTF8.self) }

    private func wrong(_ what: String) -> Failure { Failure(.input, "\(reader.path) line \(line) \(what)") }
}
