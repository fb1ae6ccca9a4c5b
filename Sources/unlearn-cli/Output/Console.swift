import Foundation
import Glibc

/// Where a command's results, messages and progress go.
struct Console {
    let invocation: Invocation

    /// Results: the JSON object where it was asked for, else the text.
    func result(_ value: some Encodable, _ text: @autoclosure () -> String) throws {
        if invocation.wantsJSON {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(value), as: UTF8.self))
        } else {
            print(text())
        }
    }

    func message(_ text: String) {
        if !invocation.isQuiet { Console.error(text) }
    }

    static func error(_ text: String) {
        write(text + "\n")
    }

    /// Straight to standard error, unbuffered.
    static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    /// A bar for work that is counted; silent where nobody looks at a terminal.
    func progress(_ unit: String) -> ProgressBar { ProgressBar(unit: unit, isShown: !invocation.isQuiet && ProgressBar.terminalIsCapable) }
}

/// Aligned columns: the first flush left, the others flush right.
func table(_ rows: [[String]]) -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max()! }
    return rows.map { row in
        var line = ""
        for (column, cell) in row.enumerated() {
            line += column == 0 ? cell.padding(to: widths[0]) : "  " + cell.leftPadding(to: widths[column])
        }
        while line.last == " " { line.removeLast() }
        return line
    }.joined(separator: "\n")
}

func percent(_ fraction: Double, _ decimals: Int = 2) -> String { String(format: "%.\(decimals)f %%", fraction * 100) }
func fixed(_ value: Double, _ decimals: Int = 2) -> String { String(format: "%.\(decimals)f", value) }
func megabytes(_ bytes: Int) -> String { String(format: "%.1f MB", Double(bytes) / 1e6) }
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
