import Files

/// What the command line asks for.
package enum ParsedCommandLine {
    case help(String)
    case version
    case run(CommandSpec, Invocation)
}

/// Takes `unlearn [-C DIR] COMMAND …` apart. Everything that can be wrong with words is found here, before any work.
package struct CommandLineParser {
    package let commands: [CommandSpec]

    package init(commands: [CommandSpec]) { self.commands = commands }

    package func parse(_ arguments: [String]) throws -> ParsedCommandLine {
        var folder: String?
        var words = arguments[...]
        while let word = words.first, word.hasPrefix("-") {
            words = words.dropFirst()
            switch word {
            case "-C":
                folder = try folderName(words.popFirst(), given: folder)
            case "--help", "-h": return .help(overview)
            case "--version": return .version
            default: throw Failure(.input, "unknown option '\(word.prefix(80))' before the command; see 'unlearn --help'")
            }
        }
        guard let name = words.popFirst() else { return .help(overview) }
        if name == "help" {
            guard let topic = words.first else { return .help(overview) }
            return .help(try command(topic).help)
        }
        let command = try command(name)
        var values: [String: String] = [:]
        var operands: [String] = []
        func takeOperand(_ word: String) throws {
            let most =
                switch command.operand {
                case .none: 0
                case .one, .optional: 1
                case .any: Int.max
                }
            guard operands.count < most else {
                throw Failure(.input, "'\(word.prefix(80))' is one argument too many for 'unlearn \(name)'; see 'unlearn \(name) --help'")
            }
            operands.append(word)
        }
        while let word = words.popFirst() {
            if word == "--" {
                for word in words { try takeOperand(word) }
                break
            }
            if word == "-C" {
                folder = try folderName(words.popFirst(), given: folder)
                continue
            }
            if word == "-h" { return .help(command.help) }
            guard word.hasPrefix("--") else {
                try takeOperand(word)
                continue
            }
            // By scalars: "=" with a combining mark behind it is another character, and ends the name all the same.
            let parts = word.unicodeScalars.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
            guard let option = command.allOptions.first(where: { $0.name == parts[0] }) else {
                throw Failure(
                    .input, "unknown option '--\(parts[0])' of 'unlearn \(name)'"
                        + suggestion(for: parts[0], among: command.allOptions.map(\.name), prefix: "--", help: "unlearn \(name) --help"))
            }
            if option.name == "help" { return .help(command.help) }
            // Whoever gives two values means both, or forgot the first: neither is what a command that takes one of them does. A flag says the
            // same twice.
            guard option.value == nil || values[option.name] == nil else { throw Failure(.input, "--\(option.name) is given twice; give it once") }
            if option.value == nil {
                guard parts.count == 1 else { throw Failure(.input, "--\(option.name) takes no value") }
                values[option.name] = ""
            } else if parts.count == 2 {
                values[option.name] = parts[1]
            } else {
                guard let value = words.popFirst() else { throw Failure(.input, "--\(option.name) needs a value: \(option.value!)") }
                values[option.name] = value
            }
        }
        if case .one(let wanted) = command.operand, operands.isEmpty { throw Failure(.input, "'unlearn \(name)' needs \(wanted); see 'unlearn \(name) --help'") }
        return .run(command, Invocation(command: name, folder: folder, operands: operands, values: values))
    }

    private func folderName(_ word: String?, given folder: String?) throws -> String {
        guard folder == nil else { throw Failure(.input, "-C is given twice; give it once") }
        guard let word, !word.isEmpty else { throw Failure(.input, "-C needs a folder") }
        return word
    }

    private func command(_ name: String) throws -> CommandSpec {
        guard let command = commands.first(where: { $0.name == name }) else {
            throw Failure(.input, "unknown command '\(name.prefix(80))'" + suggestion(for: name, among: commands.map(\.name), prefix: ""))
        }
        return command
    }

    var overview: String {
        var text = """
            unlearn: \(ProgramText.summary)

            Usage: unlearn [-C DIR] COMMAND [--option value] …

            Commands

            """
        let width = commands.map(\.name.count).max() ?? 0
        for command in commands { text += "  " + command.name.padding(to: width + 2) + command.summary + "\n" }
        return text + """

            -C DIR names \(ProgramText.folder).
            'unlearn COMMAND --help' shows a command's options and an example.

            Example
              \(ProgramText.example)

            """
    }

    /// "; did you mean …?" where something near enough exists.
    private func suggestion(for word: String, among known: [String], prefix: String, help: String = "unlearn --help") -> String {
        guard let nearest = nearestWord(to: word, among: known) else { return "; see '\(help)'" }
        return "; did you mean '\(prefix)\(nearest)'?"
    }
}
