import Files

extension CompletionShell {
    func fishCompletions(of commands: [CommandSpec]) -> String {
        """
        # Completion of unlearn \(programVersion) for fish, printed by 'unlearn completions fish'.
        function __unlearn_command
            set -l words (commandline -opc)
            set -e words[1]
            while set -q words[1]
                switch $words[1]
                    case -C
                        set -e words[1]
                    case '-*'
                    case '*'
                        echo $words[1]
                        return
                end
                set -e words[1]
            end
            return 1
        end
        function __unlearn_uses
            set -l command (__unlearn_command)
            and test "$command" = $argv[1]
        end
        complete -c unlearn -f
        complete -c unlearn -s C -x -a '(__fish_complete_directories)' -d \(quoted(ProgramText.folder))
        complete -c unlearn -n 'not __unlearn_command' -l help -d 'this text'
        complete -c unlearn -n 'not __unlearn_command' -l version -d 'the version'
        \(commands.map(fishLines).joined(separator: "\n"))
        """
    }

    private func fishLines(_ command: CommandSpec) -> String {
        let uses = "complete -c unlearn -n '__unlearn_uses \(command.name)'"
        var lines = ["complete -c unlearn -n 'not __unlearn_command' -a \(command.name) -d \(quoted(command.summary))"]
        for option in command.allOptions {
            lines.append("\(uses) -l \(option.name)\(option.form.map { " -r" + candidates($0) } ?? "") -d \(quoted(option.help))")
        }
        if command.operand.form != ValueForm("") { lines.append(uses + candidates(command.operand.form)) }
        return lines.joined(separator: "\n")
    }

    /// Files are offered behind a colon, too, where files are offered at all.
    private func candidates(_ form: ValueForm) -> String {
        let words = form.words + form.prefixes + (form.takesFolders ? ["(__fish_complete_directories)"] : [])
        return (form.takesFiles || !form.prefixes.isEmpty ? " -F" : " -f") + (words.isEmpty ? "" : " -a \(quoted(words.joined(separator: " ")))")
    }
}
