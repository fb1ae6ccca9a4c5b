import Foundation
import Glibc

/// Days and times of requests, all UTC.
public enum RequestDates {
    private static let secondsOfDay = 86_400

    /// A month after a request came in (GDPR, article 12, paragraph 3): the same day of the next month, or its last one.
    static func due(after received: Date) -> Date {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar.date(byAdding: .month, value: 1, to: received) ?? received
    }

    /// `2026-11-30T14:05:09Z`.
    static func time(_ seconds: Int) -> String {
        var time = time_t(seconds), parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return "?" }
        var text = ""
        func append(_ number: Int32, digits: Int, _ behind: Character) {
            let number = String(number)
            for _ in number.utf8.count..<max(digits, number.utf8.count) { text.append("0") }
            text += number
            text.append(behind)
        }
        append(parts.tm_year + 1900, digits: 4, "-")
        append(parts.tm_mon + 1, digits: 2, "-")
        append(parts.tm_mday, digits: 2, "T")
        append(parts.tm_hour, digits: 2, ":")
        append(parts.tm_min, digits: 2, ":")
        append(parts.tm_sec, digits: 2, "Z")
        return text
    }

    /// `2026-11-30`.
    public static func day(_ seconds: Int) -> String { String(time(seconds).prefix { $0 != "T" }) }

    /// From the day of a time to that of another.
    static func days(from now: Date, to seconds: Int) -> Int { day(of: seconds) - day(of: Int(now.timeIntervalSince1970.rounded(.down))) }

    private static func day(of seconds: Int) -> Int { Int((Double(seconds) / Double(secondsOfDay)).rounded(.down)) }

    /// A day, `2026-11-30`, or a time, `2026-11-30T14:05:09Z`; nil where the text is neither, or no such day is in the calendar.
    public static func date(_ text: String) -> Date? {
        let isDay = text.utf8.count == 10
        guard text.utf8.count == 20 || isDay, let date = try? Date(isDay ? text + "T00:00:00Z" : text, strategy: .iso8601) else { return nil }
        // What reads 30 February as 2 March reads something else than was written.
        return time(Int(date.timeIntervalSince1970)).hasPrefix(text) ? date : nil
    }
}
