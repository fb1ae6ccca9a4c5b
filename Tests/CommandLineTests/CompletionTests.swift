import Foundation
import ProgramSupport
import TestSupport
import Testing

@testable import unlearn_cli

@Suite("Completions", .timeLimit(.minutes(60)))
struct CompletionTests {
    private let shell: Shell

    init() throws {
        shell = try Shell()
        try shell.folder.write("", to: "people.csv")
        try shell.folder.write("", to: "pe ople.csv")
        try FileManager.default.createDirectory(atPath: shell.folder.file("place"), withIntermediateDirectories: false)
    }

    /// Whether a shell is there.
    static func has(_ name: String) -> Bool {
        ["/bin/", "/usr/bin/", "/usr/local/bin/"].contains { FileManager.default.isExecutableFile(atPath: $0 + name) }
    }

    @Test("The text for a value says what can be offered for it")
    func forms() {
        #expect(ValueForm("auto|l1|X").words == ["auto", "l1"])
        #expect(ValueForm("FILE|-").words == ["-"] && ValueForm("FILE|-").takesFiles)
        #expect(ValueForm("[merge FILE…]").words == ["merge"] && ValueForm("[merge FILE…]").takesFiles)
        #expect(ValueForm("DIR").takesFolders && !ValueForm("DIR").takesFiles)
        #expect(ValueForm("SPEC").words == ["fashion-mnist"] && ValueForm("SPEC").prefixes.contains("csv:"))
        for text in ["N", "i", "NAME", "I/N", "N,N,…", "N|P%"] { #expect(ValueForm(text) == ValueForm("")) }
    }

    @Test("Help names every form of the rows that completion offers")
    func rows() throws {
        let data = try #require(CommandSpec.initialise.options.first { $0.name == "data" })
        for prefix in ValueForm("SPEC").prefixes + ValueForm("SPEC").words { #expect(data.help.contains(prefix)) }
    }

    /// Words as readline breaks them, and what is offered for the last.
    static let questions: [(words: [String], offered: [String])] = [
        (["unlearn", "tr"], ["train"]),
        (["unlearn", "-C", "train", "st"], ["status"]),
        (["unlearn", "-C", "p"], ["place"]),
        (["unlearn", "delete", "--ig"], ["--ignore-missing", "--ignore-unknown"]),
        (["unlearn", "delete", "-C", "place", "--dr"], ["--dry-run"]),
        (["unlearn", "delete", "--ids", ""], ["-", "pe ople.csv", "people.csv", "place"]),
        (["unlearn", "delete", "--ids", "=", "peo"], ["people.csv"]),
        (["unlearn", "delete", "--epsilon", ""], []),
        (["unlearn", "init", "--schedule", ""], ["constant", "cosine", "inverse", "linear"]),
        (["unlearn", "init", "--schedule", "="], ["constant", "cosine", "inverse", "linear"]),
        (["unlearn", "init", "--schedule", "=", "l"], ["linear"]),
        (["unlearn", "init", "--like", ""], ["place"]),
        (["unlearn", "init", "--data", "c"], ["cifar10:", "csv:"]),
        (["unlearn", "init", "--data", "csv", ":", "peo"], ["people.csv"]),
        (["unlearn", "init", "--data", "=", "idx", ":", "a,peo"], ["a,people.csv"]),
        (["unlearn", "verify-certificate", "peo"], ["people.csv"]),
        (["unlearn", "completions", "z"], ["zsh"]),
        (["unlearn", "man", "del"], ["delete"]),
        (["unlearn", "nothing", ""], []),
    ]

    @Test("bash is offered commands, options, fixed values and files", arguments: questions)
    func bash(words: [String], offered: [String]) throws {
        let result = try shell.run("""
            "$U" completions bash > script
            exec bash --norc --noprofile -u -c '
                source ./script; rm script
                COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _unlearn
                printf "%s\\n" ${COMPREPLY[@]+"${COMPREPLY[@]}"}' bash \(words.map { CompletionShell.bash.quoted($0) }.joined(separator: " "))
            """)
        #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
        #expect(result.output.split(separator: "\n").map(String.init).sorted() == offered)
    }

    /// A line, and what it becomes on a terminal.
    static let lines: [(typed: String, completed: String)] = [
        ("unlearn tra", "unlearn train "),
        ("unlearn -C train sta", "unlearn -C train status "),
        ("unlearn delete --dr", "unlearn delete --dry-run "),
        ("unlearn delete --ids peo", "unlearn delete --ids people.csv "),
        ("unlearn delete --ids=peo", "unlearn delete --ids=people.csv "),
        ("unlearn init --schedule l", "unlearn init --schedule linear "),
        ("unlearn init --data cs", "unlearn init --data csv:"),
        ("unlearn init --data csv:peo", "unlearn init --data csv:people.csv "),
        ("unlearn init --like p", "unlearn init --like place/"),
        ("unlearn verify-certificate peo", "unlearn verify-certificate people.csv "),
        ("unlearn completions z", "unlearn completions zsh "),
    ]

    @Test("zsh completes lines on a terminal, from the folder that make install fills", .enabled(if: has("zsh"), "there is no zsh"))
    func zsh() throws {
        try FileManager.default.createDirectory(atPath: shell.folder.file("functions"), withIntermediateDirectories: false)
        let typed = Self.lines.map { CompletionShell.zsh.quoted($0.typed) }.joined(separator: " ")
        // A key completes the line and writes what became of it to a file, so that nothing is read from a terminal's drawing.
        try shell.folder.write(
            """
            zmodload zsh/zpty
            zpty inner 'TERM=dumb zsh -f -i'
            await() { for _ in {1..3000}; do zpty -r -t inner drawn; [[ -f $1 && $(wc -l < $1) -ge $2 ]] && return; sleep 0.1; done; exit 1 }
            zpty -w inner 'fpath=($PWD/functions $fpath); autoload -Uz compinit && compinit -D -u; setopt no_beep'
            zpty -w inner 'answer() { zle complete-word; print -r -- "<$BUFFER>" >> answers; BUFFER= }; zle -N answer; bindkey "^X" answer; echo > ready'
            await ready 1
            integer asked=0
            for line in \(typed); do
                zpty -w -n inner $line$'\\C-x'
                await answers $((++asked))
            done
            zpty -d inner
            cat answers
            """, to: "ask.zsh")
        let result = try shell.run("\"$U\" completions zsh > functions/_unlearn && zsh -n functions/_unlearn && exec zsh -f ask.zsh")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.split(separator: "\n").map(String.init) == Self.lines.map { "<\($0.completed)>" })
    }

    @Test("fish is offered the same", .enabled(if: has("fish"), "there is no fish"), arguments: lines)
    func fish(typed: String, completed: String) throws {
        let result = try shell.run("""
            "$U" completions fish > script && fish --no-execute script || exit 1
            export HOME=$PWD XDG_CONFIG_HOME=$PWD
            exec fish --no-config -c 'source ./script; rm script; complete -C $argv[1]' \(CompletionShell.bash.quoted(typed))
            """)
        #expect(result.status == 0, "\(result.errors)")
        // Each line is a candidate for the last word, and behind a tab what help says of it.
        let last = completed.split(separator: " ").last
        let offered: [Substring] = result.output.split(separator: "\n").compactMap { $0.split(separator: "\t").first }
        #expect(offered.count == 1 && offered.first == last)
    }

    @Test("A script is one JSON object where that is asked for, and other shells are refused")
    func others() throws {
        let script = try #require(try Program().json("completions", "fish")["script"] as? String)
        #expect(try Program().run("completions", "fish").output == script + "\n")
        let refused = try Program().run("completions", "tcsh")
        #expect(refused.status == 2 && refused.errors == "unlearn: no completions for 'tcsh'; there are some for bash, zsh, fish\n")
    }

    @Test("Every command and every option is in every script", arguments: CompletionShell.allCases)
    func complete(shell: CompletionShell) {
        let script = shell.completions(of: CommandSpec.all)
        for command in CommandSpec.all {
            #expect(script.contains(command.name))
            for option in command.allOptions { #expect(script.contains(shell == .fish ? "-l \(option.name) " : "--\(option.name)"), "\(option.name)") }
        }
    }
}
