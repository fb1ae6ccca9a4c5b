/// What the text of one cell may be read as. Cells come as bytes: a table of millions of rows is read twice, and most of its
/// cells are numbers of a few digits.
enum Cell {
    /// Larger numbers are refused: their squares and sums would leave the range in which they can be standardised.
    static let largestNumber = 1e30

    /// The cell without the blanks around it: spaces, tabs, line ends, and the no-break space that spreadsheets write.
    static func trimmed(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var first = 0, end = bytes.count
        while first < end {
            if isBlank(bytes[first]) { first += 1 } else if first + 1 < end, bytes[first] == 0xC2, bytes[first + 1] == 0xA0 { first += 2 } else { break }
        }
        while first < end {
            if isBlank(bytes[end - 1]) { end -= 1 } else if end - 2 >= first, bytes[end - 2] == 0xC2, bytes[end - 1] == 0xA0 { end -= 2 } else { break }
        }
        return UnsafeBufferPointer(rebasing: bytes[first..<end])
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    static func text(_ bytes: UnsafeBufferPointer<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    // MARK: missing

    /// How people and programs write that a value is not known; compared without regard to case.
    static let missingWords: Set<String> = ["", "na", "n/a", "#n/a", "nan", "nat", "null", "nil", "none", "<na>", "?", "-", "--", "."]

    static func isMissing(_ trimmed: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = trimmed.first else { return true }
        // Digits begin most cells, and no missing word.
        guard trimmed.count <= 4, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return missingWords.contains(text(trimmed).lowercased())
    }

    /// Of these, the ones that are no word of any language: an empty category, whoever wrote it.
    static let emptyWords: Set<String> = ["", "na", "n/a", "#n/a", "nan", "nat", "null", "<na>", "?"]

    /// The text of a cell of categories, or of a label: empty where it says that there is none.
    static func category(_ trimmed: UnsafeBufferPointer<UInt8>) -> String {
        let text = text(trimmed)
        return trimmed.count <= 4 && emptyWords.contains(text.lowercased()) ? "" : text
    }

    // MARK: numbers

    private static let powersOfTen: [Double] = (0...22).map { exponent in (0..<exponent).reduce(1.0) { power, _ in power * 10 } }

    /// A number, whatever its size, or nil where the cell is none.
    /// - Parameter decimalComma: `0,5` is a half, and `0.5` no number.
    static func number(_ trimmed: UnsafeBufferPointer<UInt8>, decimalComma: Bool = false) -> Double? {
        guard !trimmed.isEmpty else { return nil }
        let point = UInt8(ascii: decimalComma ? "," : ".")
        var place = 0, isNegative = false
        if trimmed[0] == UInt8(ascii: "-") || trimmed[0] == UInt8(ascii: "+") {
            isNegative = trimmed[0] == UInt8(ascii: "-")
            place = 1
        }
        // Up to 15 digits and a power of ten up to 22 are exact, and so is their one product or quotient (Clinger 1990).
        var digits: Int64 = 0, read = 0, behindPoint = 0, hasPoint = false
        while place < trimmed.count {
            let byte = trimmed[place]
            if byte == point, !hasPoint {
                hasPoint = true
            } else if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), read < 15 {
                digits = digits * 10 + Int64(byte - UInt8(ascii: "0"))
                read += 1
                if hasPoint { behindPoint += 1 }
            } else {
                return anyNumber(trimmed, decimalComma: decimalComma)
            }
            place += 1
        }
        guard read > 0 else { return nil }
        let value = Double(digits) / powersOfTen[behindPoint]
        return isNegative ? -value : value
    }

    /// What numbers are written with. A code such as `0x1F`, which the standard library would read, is a name.
    private static func isOfNumbers(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): true
        default: false
        }
    }

    /// Exponents, many digits, digits in groups of three.
    private static func anyNumber(_ trimmed: UnsafeBufferPointer<UInt8>, decimalComma: Bool) -> Double? {
        var text = text(trimmed)
        if let plain = withoutGroups(text, decimalComma: decimalComma) {
            text = plain
        } else if decimalComma {
            guard !text.utf8.contains(UInt8(ascii: ".")) else { return nil }
            text = String(text.map { $0 == "," ? "." : $0 })
        }
        guard text.utf8.allSatisfy(isOfNumbers), let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// `1,234,567.8` or, with a decimal comma, `1.234.567,8`, as a plain number. `1,234` alone may be a decimal comma, and is none; with
    /// one, `1.234` can only be a group.
    private static func withoutGroups(_ text: String, decimalComma: Bool) -> String? {
        let (group, point): (Character, Character) = decimalComma ? (".", ",") : (",", ".")
        let parts = text.split(separator: point, omittingEmptySubsequences: false)
        guard parts.count == 2 || (parts.count == 1 && decimalComma), parts.count == 1 || parts[1].allSatisfy(\.isNumber) else { return nil }
        let sign = parts[0].hasPrefix("-") || parts[0].hasPrefix("+") ? parts[0].prefix(1) : ""
        let groups = parts[0].dropFirst(sign.count).split(separator: group, omittingEmptySubsequences: false)
        guard groups.count >= 2, (1...3).contains(groups[0].count), groups.dropFirst().allSatisfy({ $0.count == 3 }),
            groups.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } })
        else { return nil }
        return sign + groups.joined() + (parts.count == 2 ? "." + parts[1] : "")
    }

    /// What a person would call a number, an amount, a percentage or a date, and this reader does not: nil where the cell is none of these.
    static func nearly(_ trimmed: UnsafeBufferPointer<UInt8>) -> String? {
        let text = text(trimmed)
        guard text.utf8.count <= 40, let last = text.last, text.contains(where: \.isNumber) else { return nil }
        if isNoDay(trimmed) { return "no date of the calendar" }
        let bare = text.filter { !"$€£¥% \u{A0}\u{202F}'".contains($0) }
        if bare.allSatisfy({ $0.isNumber || ".,+-".contains($0) }), bare.filter(\.isNumber).count * 2 >= bare.count, bare != text || text.contains(",") || text.contains(".") {
            return last == "%" ? "a percentage" : bare == text ? "a number in another place's spelling" : "an amount with a sign or blanks in it"
        }
        let dateParts = text.split(separator: " ")[0].split(whereSeparator: { "/-".contains($0) })
        return dateParts.count == 3 && dateParts.allSatisfy { (1...4).contains($0.count) && $0.allSatisfy(\.isNumber) } ? "a date that can be read in two ways" : nil
    }

    /// The same of text.
    static func number(_ text: String, decimalComma: Bool = false) -> Double? { reading(text) { number($0, decimalComma: decimalComma) } }

    /// Equal numbers have equal text: `1`, `1.0` and `01` are all `1`.
    static func canonicalNumber(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 0x1p53 ? String(Int64(value)) : String(value)
    }

    /// Yes or no, in any of the ways that `BooleanWord` knows.
    static func boolean(_ trimmed: UnsafeBufferPointer<UInt8>) -> Bool? { BooleanWord(trimmed)?.value }

    // MARK: dates

    struct Date: Equatable {
        /// Since 1970-01-01.
        let day: Int
        /// Of the day, where the cell has a time.
        let seconds: Double?
    }

    /// `2021-03-04`, `2021/03/04`, `04.03.2021`, each with `05:06`, `05:06:07` or `05:06:07.8` behind a blank or a `T`, and `Z` or an
    /// offset such as `+02:00` behind that (times are then turned into UTC). `3/4/2021` is two dates, and none here.
    static func date(_ trimmed: UnsafeBufferPointer<UInt8>) -> Date? {
        guard trimmed.count >= 8, trimmed.count <= 40, isDigit(trimmed[0]) else { return nil }
        var scan = Scanner(bytes: trimmed)
        guard let parts = scan.yearMonthDay(), isOfCalendar(parts) else { return nil }
        let day = Self.day(year: parts.year, month: parts.month, day: parts.day)
        if scan.isAtEnd { return Date(day: day, seconds: nil) }
        guard scan.take(where: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "T") }) != nil, let seconds = scan.time(), let offset = scan.offset(), scan.isAtEnd
        else { return nil }
        let since = Double(day) * 86_400 + seconds - offset, ofDay = (since / 86_400).rounded(.down)
        return Date(day: Int(ofDay), seconds: since - ofDay * 86_400)
    }

    private static func isOfCalendar(_ parts: (year: Int, month: Int, day: Int)) -> Bool {
        parts.year >= 1 && (1...12).contains(parts.month) && (1...days(inMonth: parts.month, of: parts.year)).contains(parts.day)
    }

    /// Whether a cell is written as a date and names a day that there is not, such as 2023-02-30; nor is 31/31/2023 one, from whichever end it
    /// is read.
    static func isNoDay(_ trimmed: UnsafeBufferPointer<UInt8>) -> Bool {
        guard trimmed.count >= 8, trimmed.count <= 40, isDigit(trimmed[0]) else { return false }
        var scan = Scanner(bytes: trimmed)
        let readings: [(year: Int, month: Int, day: Int)]
        if let parts = scan.yearMonthDay() {
            readings = [parts]
        } else {
            scan = Scanner(bytes: trimmed)
            guard let first = scan.digits(1...2)?.value, let separator = scan.take(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "-") }),
                let second = scan.digits(1...2)?.value, scan.take(where: { $0 == separator }) != nil, let year = scan.digits(4...4)?.value
            else { return false }
            readings = [(year, first, second), (year, second, first)]
        }
        let isWhole = scan.isAtEnd || scan.take(where: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "T") }) != nil
        return isWhole && !readings.contains(where: isOfCalendar)
    }

    /// By the Gregorian calendar; days since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms": eras of 400 years
    /// that begin in March).
    private static func day(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400, ofEra = shifted - era * 400
        let ofYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private struct Scanner {
        let bytes: UnsafeBufferPointer<UInt8>
        var place = 0

        var isAtEnd: Bool { place == bytes.count }

        mutating func take(where isWanted: (UInt8) -> Bool) -> UInt8? {
            guard place < bytes.count, isWanted(bytes[place]) else { return nil }
            defer { place += 1 }
            return bytes[place]
        }

        mutating func digits(_ counts: ClosedRange<Int>) -> (value: Int, count: Int)? {
            var value = 0, count = 0
            while count < counts.upperBound, place < bytes.count, isDigit(bytes[place]) {
                value = value * 10 + Int(bytes[place] - UInt8(ascii: "0"))
                count += 1
                place += 1
            }
            return counts.contains(count) ? (value, count) : nil
        }

        /// Of `2021-03-04`, `2021/03/04` or `04.03.2021`, whether there is such a day or not.
        mutating func yearMonthDay() -> (year: Int, month: Int, day: Int)? {
            guard let first = digits(1...4) else { return nil }
            if first.count == 4, let separator = take(where: { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "/") }) {
                guard let second = digits(1...2), take(where: { $0 == separator }) != nil, let third = digits(1...2) else { return nil }
                return (first.value, second.value, third.value)
            }
            guard first.count <= 2, take(where: { $0 == UInt8(ascii: ".") }) != nil, let second = digits(1...2),
                take(where: { $0 == UInt8(ascii: ".") }) != nil, let third = digits(4...4)
            else { return nil }
            return (third.value, second.value, first.value)
        }

        /// Seconds of the day.
        mutating func time() -> Double? {
            guard let hours = digits(1...2)?.value, hours < 24, take(where: { $0 == UInt8(ascii: ":") }) != nil,
                let minutes = digits(2...2)?.value, minutes < 60
            else { return nil }
            var seconds = 0.0
            if take(where: { $0 == UInt8(ascii: ":") }) != nil {
                // 60 where a second was put in between.
                guard let whole = digits(2...2)?.value, whole <= 60 else { return nil }
                seconds = Double(whole)
                if take(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ",") }) != nil {
                    guard let fraction = digits(1...9) else { return nil }
                    seconds += Double(fraction.value) / powersOfTen[fraction.count]
                }
            }
            return Double(hours * 3600 + minutes * 60) + seconds
        }

        /// Seconds that the clock of the place is ahead of UTC; 0 where nothing is said.
        mutating func offset() -> Double? {
            if isAtEnd || take(where: { $0 == UInt8(ascii: "Z") }) != nil { return 0 }
            _ = take(where: { $0 == UInt8(ascii: " ") })
            if place + 3 == bytes.count, text(UnsafeBufferPointer(rebasing: bytes[place...])) == "UTC" {
                place = bytes.count
                return 0
            }
            guard let sign = take(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }), let hours = digits(2...2)?.value, hours < 24 else { return nil }
            _ = take(where: { $0 == UInt8(ascii: ":") })
            let minutes = isAtEnd ? 0 : digits(2...2)?.value ?? 60
            guard minutes < 60 else { return nil }
            return (sign == UInt8(ascii: "-") ? -1 : 1) * Double(hours * 3600 + minutes * 60)
        }
    }

    /// The trimmed bytes of a text.
    static func reading<Result>(_ text: String, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        var text = text
        return try text.withUTF8 { try body(trimmed($0)) }
    }
}
