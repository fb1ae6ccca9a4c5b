import Training

/// What can stand for an option's value or a command's operand, read from the text that help prints for it: `auto|l1|X`, `FILE|-`,
/// `[merge FILE…]`. Words in lower case are typed as they stand; words in capitals name what the user puts there.
struct ValueForm: Equatable {
    /// Whole words: `linear`, `-`.
    var words: [String] = []
    /// Beginnings that a file's name follows: `csv:`.
    var prefixes: [String] = []
    var takesFiles = false
    var takesFolders = false

    init(_ text: String) {
        for part in text.split(whereSeparator: { "|[] ".contains($0) }) { add(part) }
    }

    private mutating func add(_ part: Substring) {
        switch part {
        case "SPEC": for form in DataSpec.forms { add(form[...]) }
        case "COMMAND": words += CommandSpec.all.map(\.name)
        case "FILE", "FILE…": takesFiles = true
        case "DIR": takesFolders = true
        case "-": words.append("-")
        default:
            if let colon = part.firstIndex(of: ":") {
                prefixes.append(String(part[...colon]))
            } else if part.count > 1, part.utf8.allSatisfy(Self.isTypedAsItStands) {
                // A single letter, as in --block i, stands for a number.
                words.append(String(part))
            }
        }
    }

    private static func isTypedAsItStands(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: ","): true
        default: false
        }
    }
}

extension OptionSpec {
    /// An option that takes one of a type's words. Help, completions and the parser's refusal have them from the type.
    static func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, _: Choice.Type, _ help: String) -> OptionSpec {
        OptionSpec(name, Choice.allCases.map(\.rawValue).joined(separator: "|"), help)
    }

    /// Nil for a flag.
    var form: ValueForm? { value.map(ValueForm.init) }
}

extension Operand {
    var form: ValueForm { ValueForm(text) }
}
