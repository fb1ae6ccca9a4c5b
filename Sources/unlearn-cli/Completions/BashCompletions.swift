import Files

extension CompletionShell {
    /// One function that looks at the command and at the word before the one that is being typed.
    func bashCompletions(of commands: [CommandSpec]) -> String {
        """
        # Completion of unlearn \(programVersion) for bash, printed by 'unlearn completions bash'.
        _unlearn() {
            local IFS=$' \\t\\n' word=${COMP_WORDS[COMP_CWORD]} at=$((COMP_CWORD - 1)) command= words= files= lead= i
            COMPREPLY=()
            # Readline breaks words at = and at :, so that --name=value and csv:FILE come in pieces.
            if [[ $word == [=:] ]]; then word= at=$COMP_CWORD; fi
            local before=${COMP_WORDS[at]}
            if [[ $before == = ]]; then before=${COMP_WORDS[at - 1]}; fi
            for ((i = 1; i < COMP_CWORD; i++)); do
                case ${COMP_WORDS[i]} in
                -C) i=$((i + 1)) ;;
                -*) ;;
                *) command=${COMP_WORDS[i]}; break ;;
                esac
            done
            case $command,$before in
            *,-C) files=-d ;;
            *,:) files=-f; if [[ $word == *,* ]]; then lead=${word%,*},; fi ;;
            ,*) words=\(quoted((commands.map(\.name) + ["-C", "--help", "--version"]).joined(separator: " "))) ;;
        \(commands.map(bashCases).joined())    esac
            COMPREPLY=($(compgen -W "$words" -- "$word"))
            if [[ ${COMPREPLY[*]} == *: ]]; then compopt -o nospace 2>/dev/null; fi
            if [[ -n $files ]]; then
                compopt -o filenames 2>/dev/null
                mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen $files -P "$lead" -- "${word#"$lead"}")
            fi
            return 0
        }
        complete -F _unlearn unlearn
        """
    }

    private func bashCases(_ command: CommandSpec) -> String {
        func bashCase(_ before: String, _ form: ValueForm, _ more: [String] = []) -> String {
            let words = form.words + form.prefixes + more
            return "    \(command.name),\(before))"
                + (words.isEmpty ? "" : " words=\(quoted(words.joined(separator: " ")))")
                + (form.takesFiles ? " files=-f" : form.takesFolders ? " files=-d" : "") + " ;;\n"
        }
        // An option whose value nobody can guess has its line, too: no other option belongs in the value's place.
        let values = command.allOptions.compactMap { option in option.form.map { bashCase("--" + option.name, $0) } }
        return values.joined() + bashCase("*", command.operand.form, command.allOptions.map { "--" + $0.name } + ["-C"])
    }
}
