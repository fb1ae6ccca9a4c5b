import Files

/// What the survey made of one column of a table.
public struct ColumnReport: Sendable, Encodable, Equatable {
    public let name: String
    /// `number`, `date`, `boolean`, `categories`, `left out`, `label`, `id` or `group`.
    public internal(set) var kind = ""
    /// How many features it became.
    public internal(set) var features = 0
    /// Cells without a value.
    public let missing: Int
    public let rows: Int
    /// Coarse, of numbers.
    public internal(set) var mean: Double?
    /// Different texts, and how many of them share one feature; of categories.
    public internal(set) var categories: Int?
    public internal(set) var pooled: Int?
    /// Why it was left out.
    public internal(set) var reason: String?

    init(name: String, missing: Int = 0, rows: Int = 0, categories: Int? = nil) {
        self.name = name
        self.missing = missing
        self.rows = rows
        self.categories = categories
    }

    /// The same, with what became of the column.
    func judged(_ outcome: ColumnSurvey.Outcome) -> ColumnReport {
        var report = self
        report.categories = nil
        switch outcome {
        case .column(let column):
            report.features = column.features
            switch column.kind {
            case .number(let standardisation):
                report.kind = "number"
                report.mean = standardisation.mean
            case .date: report.kind = "date"
            case .boolean: report.kind = "boolean"
            case .categories(let names, let pooled):
                report.kind = "categories"
                report.categories = categories
                report.pooled = pooled ? max(0, (categories ?? 0) - names.count) : 0
            }
        case .leftOut(let reason):
            report.kind = "left out"
            report.reason = reason
        case .problem(let text):
            report.kind = "problem"
            report.reason = text
        }
        return report
    }
}

/// Everything that is wrong with a table, so that it can be mended at once.
struct TableProblems {
    private let unit: RecordUnit
    /// Whether the source has one file, by whose name the message begins.
    private let isOneFile: Bool
    private var texts: [String] = []
    /// Lines on which the same is wrong, in the order in which it was first found.
    private var lines: [(text: String, lines: [Int], count: Int)] = []

    /// Lines that are wrong in yet another way.
    private var unnamed = 0

    /// More are not named one by one.
    private static let mostNamed = 10

    init(unit: RecordUnit, isOneFile: Bool) { (self.unit, self.isOneFile) = (unit, isOneFile) }

    mutating func add(_ text: String) { texts.append(text) }

    mutating func add(_ text: String, path: String, line: Int) {
        let text = "\(path)\u{1}\(text)"
        if let index = lines.firstIndex(where: { $0.text == text }) {
            lines[index].count += 1
            if lines[index].lines.count < Self.mostNamed { lines[index].lines.append(line) }
        } else if lines.count < Self.mostNamed {
            lines.append((text, [line], 1))
        } else {
            unnamed += 1
        }
    }

    var isEmpty: Bool { texts.isEmpty && lines.isEmpty }

    /// One line, however many there are.
    /// - Parameter name: of the source; of several files the message of one problem names the one that has it.
    func failure(_ name: String) -> Failure {
        let ofLines = lines.map { problem in
            let parts = problem.text.split(separator: "\u{1}", maxSplits: 1)
            let more = problem.count - problem.lines.count
            let places = problem.lines.map(String.init).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
            return (isOneFile ? "" : parts[0] + " ") + "\(unit)\(problem.count == 1 ? "" : "s") \(places)\(parts[1])"
        }
        let all = ofLines + texts
        guard all.count > 1 else { return Failure(.input, (isOneFile ? "\(name) " : "") + (all.first ?? "")) }
        let (beyond, rest) = unnamed == 0 ? ("", "") : ("more than ", "; and \(unnamed) more \(unit)\(unnamed == 1 ? "" : "s") with problems")
        let told = all.enumerated().map { "(\($0 + 1)) \($1)" }.joined(separator: "; ")
        return Failure(.input, "\(name) \(isOneFile ? "has" : "have") \(beyond)\(all.count) problems: \(told)\(rest)")
    }
}
