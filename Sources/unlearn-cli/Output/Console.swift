import Checkpoints
import Files
import Foundation
import Glibc
import Unlearn

/// Where a command's results, messages and progress go.
struct Console {
    let invocation: Invocation

    /// Results: the JSON object where it was asked for, else the text.
    func result(_ value: some Encodable, _ text: @autoclosure () -> String) throws {
        guard invocation.wantsJSON else { return try Console.output(Console.printable(text(), keeping: ["\n"]) + "\n") }
        try Console.output(try Console.json(value) + "\n")
    }

    /// The same of a list alone, `{"name": […]}`.
    func result<Element: FlatJSON & Encodable>(_ list: [Element], named name: String, _ text: @autoclosure () -> String) throws {
        guard invocation.wantsJSON else { return try result([name: list], text()) }
        try Console.output(Console.json(list, named: name) ?? Console.json([name: list]))
        try Console.output("\n")
    }

    /// The JSON of `[name: list]` as an encoder writes it; nil where an element is not flat.
    static func json(_ list: [some FlatJSON], named name: String) -> String? {
        guard !list.isEmpty else { return nil }
        var text = "{\n  \"\(name)\" : [\n"
        for (index, element) in list.enumerated() {
            guard let fields = element.fields else { return nil }
            text += index == 0 ? "    {\n" : ",\n    {\n"
            for (place, (name, value)) in fields.enumerated() {
                text += place == 0 ? "      \"" : ",\n      \""
                text += name
                text += "\" : "
                text += value.canonical
            }
            text += "\n    }"
        }
        return text + "\n  ]\n}"
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// Writes to standard output; a result that does not get there is a failure.
    static func output(_ text: String) throws {
        guard writeAll(Array(text.utf8)[...], to: STDOUT_FILENO) else {
            endWhereNobodyReads()
            throw Failure(.failed, "cannot write the result to standard output: \(String(cString: strerror(errno))); what was asked for is done")
        }
    }

    /// Whoever has read enough of a result, `head` for one, is no failure to speak of: the program ends without a word, as others do.
    private static func endWhereNobodyReads() {
        guard errno == EPIPE else { return }
        signal(SIGPIPE, SIG_DFL)
        raise(SIGPIPE)
    }

    /// The same of bytes, as they are.
    static func output(bytes: [UInt8]) throws {
        guard writeAll(bytes[...], to: STDOUT_FILENO) else {
            endWhereNobodyReads()
            throw Failure(.failed, "cannot write the result to standard output: \(String(cString: strerror(errno)))")
        }
    }

    /// A line on standard error that --quiet silences.
    func message(_ text: String) { if !invocation.isQuiet { Self.error(text) } }

    /// Does a command's work on a project that was opened for writing, and says what opening it did about requests that were cut
    /// off: behind the work, or in the one line of its error.
    func tellingOpening<Result>(_ store: Store, _ work: () throws -> Result) throws -> Result {
        let lines = store.finishedOnOpening.map { "\(Store.requestName($0)), interrupted before, was finished" }
            + store.undoneOnOpening.map { "\(Store.requestName($0)), interrupted before anything was changed, was undone" }
        do {
            let result = try work()
            for line in lines { message(line) }
            return result
        } catch let error as any DescribedError where !lines.isEmpty && error.kind == .input {
            throw Failure(error.kind, "\(error.description) (\(lines.joined(separator: "; ")))")
        }
    }

    private struct Refusal: Encodable {
        let outcome = RunOutcome.refused
        let error: String
    }

    /// Opens a project for a command whose steps are told, with the events of that project; that it cannot be opened is a step, too.
    func open(_ access: Store.Access, threads: Int) throws -> (project: Project, events: EventFile?) {
        let events = try EventFile(of: invocation)
        do {
            let project = try Project(opening: invocation.folder, access, threads: threads, workers: invocation.workers)
            return (project, events?.of(project: project.store.projectID))
        } catch let error as any DescribedError {
            events?.add(failure: error)
            throw error
        }
    }

    /// The same for a command that erases: that it failed is a step, too, and what a guard refuses a result for whoever reads JSON.
    func tellingRefusal<Result>(opening store: Store, _ events: EventFile?, _ work: () throws -> Result) throws -> Result {
        do {
            return try tellingOpening(store, work)
        } catch let error as any DescribedError {
            events?.add(failure: error)
            if error.kind == .refused, invocation.wantsJSON { try result(Refusal(error: Console.printable(error.description, keeping: [])), "") }
            throw error
        }
    }

    /// One line on standard error, whatever names and paths it holds; what may be a secret key is not repeated.
    static func error(_ text: String) {
        let scalars = text.unicodeScalars
        let line = scalars.count <= longestLine ? text : String(scalars.prefix(longestLine)) + " …"
        MessageStream.standardError.line(printable(SecretFile.hidingDigits(in: line), keeping: []))
    }

    /// An argument can be as long as the system allows; what is wrong with it is clear before that.
    private static let longestLine = 4000

    /// The text without characters that end a line, steer a terminal (C0 and C1 controls) or turn the direction of writing.
    static func printable(_ text: String, keeping kept: Set<Unicode.Scalar>) -> String {
        let text = PathText.printable(text)
        let unprintable: (Unicode.Scalar) -> Bool = {
            // Most of what is ever printed, without a look into Unicode's tables.
            if (0x20..<0x7F).contains($0.value) { return false }
            return switch $0.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: !kept.contains($0)
            default: (0x202A...0x202E).contains($0.value) || (0x2066...0x2069).contains($0.value)
            }
        }
        guard text.unicodeScalars.contains(where: unprintable) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { unprintable($0) ? "\u{FFFD}" : $0 }))
    }

    /// A bar for work that is counted; silent where nobody looks at a terminal.
    func progress(_ unit: String) -> ProgressBar { ProgressBar(unit: unit, form: invocation.isQuiet ? nil : ProgressBar.possibleForm) }
}

/// Of which there may be thousands: an encoder, which finds out what each value is, takes ten times as long as all else that lists them.
protocol FlatJSON {
    /// In the order of their names, which are the contract's. Nil where something in it is not flat.
    var fields: [(name: String, value: JSONValue)]? { get }
}

/// Aligned columns: the first flush left, the others flush right. A name may hold whatever its table did, a line's end too, and a row stays
/// one line.
func table(_ rows: [[String]]) -> String {
    let rows = rows.map { $0.map { Console.printable($0, keeping: []) } }
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
/// Three decimals, or three significant digits of what is smaller than one.
func significant(_ value: Double) -> String { abs(value) >= 1 ? fixed(value, 3) : String(format: "%.3g", value) }
/// Seconds as people say them, rounded up.
func duration(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 1e9).rounded(.up))
    return whole < 60 ? "\(whole) s" : whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
}

func fixed(_ value: Double, _ decimals: Int = 2) -> String { String(format: "%.\(decimals)f", value) }
/// Kilobytes where they are few, and bytes where these are.
func megabytes(_ bytes: Int) -> String {
    bytes >= 100_000 ? String(format: "%.1f MB", Double(bytes) / 1e6) : bytes >= 1000 ? String(format: "%.1f kB", Double(bytes) / 1e3) : counted(bytes, "byte")
}
/// How much smaller than the same numbers in single precision; "larger" where records' heads outweigh what is in them.
func besideSinglePrecision(_ ratio: Double) -> String { "\(fixed(max(ratio, 1 / ratio))) times \(ratio < 1 ? "larger" : "smaller") than fp32" }
func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String { "\(count) \(count == 1 ? noun : plural ?? noun + "s")" }
