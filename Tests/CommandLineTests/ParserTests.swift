import Files
import Testing

@testable import unlearn_cli

@Suite("Command line")
struct ParserTests {
    private func failure(_ words: String...) -> String? { failure(words) }

    private func failure(_ words: [String]) -> String? {
        do {
            _ = try CommandLineParser(commands: CommandSpec.all).parse(words)
            return nil
        } catch { return "\(error)" }
    }

    @Test("Unknown commands and options suggest the nearest")
    func suggestions() {
        #expect(failure("trian") == "unknown command 'trian'; did you mean 'train'?")
        #expect(failure("frobnicate") == "unknown command 'frobnicate'; see 'unlearn --help'")
        #expect(failure("delete", "--epsilom", "1") == "unknown option '--epsilom' of 'unlearn delete'; did you mean '--epsilon'?")
        #expect(failure("train", "--qwertyuiop") == "unknown option '--qwertyuiop' of 'unlearn train'; see 'unlearn train --help'")
    }

    @Test("A word of a megabyte is refused without being compared with every option")
    func longWords() {
        let word = String(repeating: "x", count: 1 << 20)
        #expect(failure(word)?.hasSuffix("'; see 'unlearn --help'") == true)
        #expect(failure("train", "--\(word)")?.hasSuffix("; see 'unlearn train --help'") == true)
    }

    @Test("An option that takes a value and is given twice is refused, whatever it is: of two lists of people, neither may be forgotten", arguments: CommandSpec.all.map(\.name))
    func twice(command: String) throws {
        let options = try #require(CommandSpec.all.first { $0.name == command }).allOptions
        for option in options where option.name != "help" {
            let words = option.value == nil ? ["--\(option.name)", "--\(option.name)"] : ["--\(option.name)", "a", "--quiet", "--\(option.name)=a"]
            let expected = option.value == nil ? nil : "--\(option.name) is given twice; give it once"
            #expect(failure([command] + words + (expected == nil ? ["--help"] : [])) == expected)
        }
        #expect(failure("-C", "a", command, "-C", "b") == "-C is given twice; give it once")
        #expect(failure(command, "-C", "a", "-C", "a") == "-C is given twice; give it once")
    }

    @Test("A list of columns that names none is refused, and is no list that was left out", arguments: ["ignore-columns", "only-columns", "categories"], ["", ",", "a,", ",a", " ", "a,,b"])
    func emptyLists(option: String, text: String) {
        let invocation = Invocation(command: "init", folder: nil, values: ["label-column": "y", option: text])
        #expect(throws: Failure(.input, "--\(option) '\(text)' names a column without a name; write NAME, or NAME,NAME")) {
            try invocation.tableOptions(.csv(paths: ["t.csv"]))
        }
    }

    @Test("Missing and surplus values are named")
    func values() {
        #expect(failure("delete", "--ids") == "--ids needs a value: FILE|-")
        #expect(failure("train", "--json=yes") == "--json takes no value")
        #expect(failure("train", "now") == "'now' is one argument too many for 'unlearn train'; see 'unlearn train --help'")
        #expect(failure("train", "--", "now") == "'now' is one argument too many for 'unlearn train'; see 'unlearn train --help'")
        #expect(failure("certificate") == "'unlearn certificate' needs REQUEST; see 'unlearn certificate --help'")
        #expect(failure("certificate", "R1", "R2") == "'R2' is one argument too many for 'unlearn certificate'; see 'unlearn certificate --help'")
        #expect(failure("-C") == "-C needs a folder")
        #expect(failure("--verbose", "train") == "unknown option '--verbose' before the command; see 'unlearn --help'")
    }

    @Test("Options are taken with a space and with an equals sign, the folder before and behind the command")
    func forms() throws {
        for words in [["-C", "p", "delete", "--epsilon", "0.5"], ["delete", "--epsilon=0.5", "-C", "p"], ["delete", "-C", "p", "--epsilon=0.5", "--"]] {
            guard case .run(let command, let invocation) = try CommandLineParser(commands: CommandSpec.all).parse(words) else {
                Issue.record("\(words) is not a call")
                continue
            }
            #expect(command.name == "delete" && invocation.folder == "p")
            #expect(try invocation.number("epsilon", in: 0...1) == 0.5)
        }
    }

    @Test("Values out of range are refused with the range")
    func ranges() throws {
        let invocation = Invocation(command: "init", folder: nil, values: ["epochs": "0", "momentum": "x", "schedule": "sine", "hidden": "3,,4"])
        func message(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return ""
        }
        #expect(message { _ = try invocation.integer("epochs", in: 1...9) } == "--epochs takes a whole number from 1 to 9, not '0'")
        #expect(message { _ = try invocation.number("momentum", in: 0...0.5) } == "--momentum takes a number from 0 to 0.5, not 'x'")
        #expect(message { _ = try invocation.integers("hidden", in: 1...9) } == "--hidden takes whole numbers from 1 to 9 with commas between, not ''")
        #expect(message { _ = try invocation.required("data", "SPEC") } == "'unlearn init' needs --data SPEC")
    }

    @Test("Every command has help with an example that parses")
    func help() throws {
        for command in CommandSpec.all {
            guard case .help(let text) = try CommandLineParser(commands: CommandSpec.all).parse([command.name, "--help"]) else {
                Issue.record("\(command.name) has no help")
                continue
            }
            #expect(text.contains(command.summary) && text.contains(command.example))
            // Up to where the shell sends the output somewhere.
            let words = command.example.split(separator: " > ")[0].split(separator: " | ").last!.split(separator: " ").map(String.init)
            let start = try #require(words.firstIndex(of: "unlearn"))
            guard case .run(let parsed, _) = try CommandLineParser(commands: CommandSpec.all).parse(Array(words[(start + 1)...])) else {
                Issue.record("the example of \(command.name) is not a call")
                continue
            }
            #expect(parsed.name == command.name)
        }
    }

    @Test("The list of commands keeps names and summaries apart")
    func overview() throws {
        guard case .help(let text) = try CommandLineParser(commands: CommandSpec.all).parse(["--help"]) else {
            Issue.record("--help gives no help")
            return
        }
        for command in CommandSpec.all { #expect(text.contains("  \(command.name)  ") && text.contains("  \(command.summary)\n")) }
    }

    @Test("Edit distance counts insertions, deletions and substitutions", arguments: [("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3)])
    func distance(a: String, b: String, expected: Int) {
        #expect(editDistance(a, b) == expected && editDistance(b, a) == expected)
    }
}
