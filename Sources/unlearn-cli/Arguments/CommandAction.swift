import Files

/// What the first word behind a command asks of it, each with options of its own.
protocol CommandAction: RawRepresentable, CaseIterable, Equatable where RawValue == String {
    var options: [OptionSpec] { get }
}

extension CommandAction {
    private static var words: [String] { allCases.map(\.rawValue) }
    private func has(_ option: String) -> Bool { options.contains { $0.name == option } }

    /// Of all actions, each option once.
    /// - Parameter change: of an option, as the action has it that comes first.
    static func allOptions(_ change: (Self, OptionSpec) -> OptionSpec = { $1 }) -> [OptionSpec] {
        allCases.reduce(into: []) { all, action in all += action.options.filter { option in !all.contains { $0.name == option.name } }.map { change(action, $0) } }
    }

    /// - Throws: kind `input` where the command's first word is none, or an option of another action is given.
    init(of invocation: Invocation) throws {
        let command = invocation.command
        guard let word = invocation.operands.first else { throw Failure(.input, "'unlearn \(command)' needs one of \(Self.words.joined(separator: ", ")); see 'unlearn \(command) --help'") }
        guard let action = Self(rawValue: word) else {
            let words = "\(Self.words.dropLast().joined(separator: ", ")) or \(Self.words.last!)", nearest = nearestWord(to: word, among: Self.words)
            throw Failure(.input, "'unlearn \(command)' takes \(words), not '\(word.prefix(80))'" + (nearest.map { "; did you mean '\($0)'?" } ?? ""))
        }
        if let other = Self.allOptions().first(where: { option in invocation.flag(option.name) && !(action.options + OptionSpec.common).contains { $0.name == option.name } }) {
            let takers = Self.allCases.filter { $0.has(other.name) }.map { "\(command) \($0.rawValue)" }
            throw Failure(.input, "--\(other.name) is for '\(takers.joined(separator: "' and '"))'; leave it out of '\(command) \(word)'")
        }
        self = action
    }
}
