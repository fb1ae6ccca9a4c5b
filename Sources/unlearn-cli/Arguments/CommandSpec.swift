/// One option of a command.
package struct OptionSpec: Sendable {
    package let name: String
    /// What stands for the value in help; nil: a flag without one.
    let value: String?
    let help: String

    init(_ name: String, _ value: String? = nil, _ help: String) {
        self.name = name
        self.value = value
        self.help = help
    }

    /// Options that every command has.
    static let common = [
        OptionSpec("json", nil, "print one JSON object on standard output"),
        OptionSpec("quiet", nil, "no progress bar, no messages on standard error"),
        OptionSpec("help", nil, "this text"),
    ]

    static let ids = OptionSpec("ids", "FILE|-", "one id a line; - reads standard input")
    static let idColumn = OptionSpec("id-column", "NAME", "the list is a CSV file with a header, and this column holds the ids, or the people")
    /// The ways to say which rows are meant, of which a command takes one.
    static let namingRows = [
        ids, OptionSpec("persons", "FILE|-", "all rows of the people whom the list names, one a line (see init --person-column)"),
        OptionSpec("group", "NAME", "all live rows of this provider"),
    ]
    static let ignoreMissing = OptionSpec("ignore-missing", nil, "skip rows that were deleted before; nothing to be done is no error then (of a group, whose name goes with its last row: --ignore-unknown)")
    static let ignoreUnknown = OptionSpec("ignore-unknown", nil, "skip ids and people that were never in the project: a typing error is a person who is not forgotten")
    static let ticket = OptionSpec("ticket", "TEXT", "your own reference of the request, no name: kept with it for good, sealed, and printed on its page ('unlearn report')")
    static let threads = OptionSpec("threads", "N", "threads that compute (default: the cores that it may run on); never changes a result")
    static let workers = OptionSpec("workers", "N", "processes of a --trainer that work side by side on branches or coalitions (default 1)")
    static let force = OptionSpec("force", nil, "replace a file that is there; never a key or a file of a project's own")
    static let approximate = OptionSpec("approximate", nil, "go on though numerics differ from the project's; results agree to rounding only")
}

/// Words that a command takes beside its options.
package enum Operand: Sendable {
    case none
    /// One word that must be there, such as REQUEST.
    case one(String)
    /// One word or none.
    case optional(String)
    /// Any number of words, none too.
    case any(String)

    /// What stands for it in help.
    var text: String {
        switch self {
        case .none: ""
        case .one(let name), .any(let name): name
        case .optional(let name): "[\(name)]"
        }
    }

    var usage: String { text.isEmpty ? "" : " " + text }
}

/// One command: what help says of it, what it takes, what it does.
package struct CommandSpec: Sendable {
    package let name: String
    let summary: String
    package let example: String
    /// What it takes beside options.
    let operand: Operand
    let options: [OptionSpec]
    /// Gives the exit code.
    let run: @Sendable (Invocation) throws -> Int32

    init(
        name: String, summary: String, example: String, operand: Operand = .none, options: [OptionSpec],
        run: @escaping @Sendable (Invocation) throws -> Int32
    ) {
        self.name = name
        self.summary = summary
        self.example = example
        self.operand = operand
        self.options = options
        self.run = run
    }

    package var allOptions: [OptionSpec] { options + OptionSpec.common }

    var help: String {
        var text = "unlearn \(name)\(operand.usage): \(summary)\n\nOptions\n"
        for option in allOptions {
            let left = "  --\(option.name)" + (option.value.map { " " + $0 } ?? "")
            text += left.padding(to: 34) + (left.count >= 33 ? "\n" + String(repeating: " ", count: 34) : "") + option.help + "\n"
        }
        return text + "\nExample\n  \(example)\n"
    }
}

extension String {
    func padding(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(0, width - count)) }
    func leftPadding(to width: Int) -> String { String(repeating: " ", count: Swift.max(0, width - count)) + self }
}
