import Glibc

/// Numbers as people read them: a true minus sign, groups of three digits, no infinities.
public enum NumberText {
    /// Stands for what is not known or no number.
    public static let unknown = "–"

    /// With exactly so many decimals. What rounds to zero has no sign.
    public static func fixed(_ value: Double, _ decimals: Int, signed: Bool = false) -> String {
        precondition((0...15).contains(decimals))
        guard value.isFinite else { return unknown }
        let unit = pow(10, Double(decimals))
        let rounded = (abs(value) * unit).rounded()
        // Past 2⁵³ decimals mean nothing.
        guard rounded < 0x1p53 else { return (value < 0 ? "−" : signed ? "+" : "") + "\(abs(value))" }
        let digits = UInt64(rounded)
        let sign = digits == 0 ? "" : value < 0 ? "−" : signed ? "+" : ""
        let (whole, rest) = digits.quotientAndRemainder(dividingBy: UInt64(unit))
        guard decimals > 0 else { return sign + grouped(Int(whole)) }
        let tail = String(rest)
        return sign + grouped(Int(whole)) + "." + String(repeating: "0", count: decimals - tail.count) + tail
    }

    /// As a spreadsheet takes it for a number: a hyphen for the minus sign, and nothing between digits.
    public static func plain(_ value: Double, _ decimals: Int) -> String {
        value.isFinite ? fixed(value, decimals).replacing("−", with: "-").replacing(",", with: "") : unknown
    }

    /// `20,000`
    public static func grouped(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var text = value < 0 ? "−" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0 && (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }

    /// How many decimals show so many significant digits of the largest of some numbers; 0…8.
    public static func decimals(for values: some Sequence<Double>, digits: Int = 3) -> Int {
        let largest = values.lazy.filter(\.isFinite).map(abs).max() ?? 0
        guard largest > 0 else { return digits - 1 }
        return min(max(digits - 1 - Int(log10(largest).rounded(.down)), 0), 8)
    }

    /// `1st`, `22nd`, `113th`
    public static func ordinal(_ value: Int) -> String {
        let suffix = (11...13).contains(value % 100) ? "th" : [1: "st", 2: "nd", 3: "rd"][value % 10] ?? "th"
        return grouped(value) + suffix
    }

    /// `0.42 s`, `38 s`, `5 min 12 s`, `2 h 3 min`
    public static func duration(seconds: Double) -> String {
        guard seconds.isFinite && seconds >= 0 && seconds < 1e12 else { return unknown }
        if seconds < 9.95 { return fixed(seconds, seconds < 0.995 ? 2 : 1) + " s" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        let minutes = Int((seconds / 60).rounded())
        return "\(grouped(minutes / 60)) h \(minutes % 60) min"
    }
}
