import Files

extension CompletionShell {
    /// For the folder of `fpath` as `_unlearn`, and for `source <(unlearn completions zsh)`.
    func zshCompletions(of commands: [CommandSpec]) -> String {
        """
        #compdef unlearn
        # Completion of unlearn \(programVersion) for zsh, printed by 'unlearn completions zsh'.
        _unlearn_words_or_files() {
            compadd -- "$@"
            _files
        }
        # fashion-mnist, or csv: with a file behind it; here csv=, for a colon would end the words that _arguments hands on.
        _unlearn_rows() {
            if compset -P '*:'; then
                compset -P '*,'
                _files
            else
                compadd -S '' -- ${${(M)@:#*=}/%=/:}
                compadd -- ${@:#*=}
            fi
        }
        _unlearn() {
            local curcontext=$curcontext context state state_descr line
            typeset -A opt_args
            _arguments -C \(folder) '(- *)--help[this text]' '(- *)--version[the version]' '1:command:->command' '*::argument:->arguments' && return
            case $state in
            command)
                local -a commands=(
        \(commands.map { "            \(quoted($0.name + ":" + $0.summary.replacing(":", with: "\\:")))\n" }.joined())        )
                _describe command commands
                ;;
            arguments)
                case $words[1] in
        \(commands.map(zshCase).joined())        esac
                ;;
            esac
        }
        if [[ $funcstack[1] == _unlearn ]]; then _unlearn "$@"; else compdef _unlearn unlearn; fi
        """
    }

    private var folder: String { quoted("-C[\(ProgramText.folder)]:DIR:_files -/") }

    private func zshCase(_ command: CommandSpec) -> String {
        var specs = command.allOptions.map { option in
            let help = ["\\", "[", "]"].reduce(option.help) { $0.replacing($1, with: "\\" + $1) }
            guard let value = option.value, let form = option.form else { return "--\(option.name)[\(help)]" }
            return "--\(option.name)=[\(help)]:\(value.replacing(":", with: "\\:")):\(action(form))"
        }
        switch command.operand {
        case .none: break
        case .one(let name), .optional(let name): specs.append("1:\(name):\(action(command.operand.form))")
        case .any(let name): specs.append("*:\(name):\(action(command.operand.form))")
        }
        return "        \(command.name))\n            _arguments \(folder)" + specs.map { " \\\n                " + quoted($0) }.joined() + "\n            ;;\n"
    }

    /// What `_arguments` does for a value. A space in front keeps it from adding words of its own.
    private func action(_ form: ValueForm) -> String {
        if !form.prefixes.isEmpty { return " _unlearn_rows " + (form.words + form.prefixes.map { $0.dropLast() + "=" }).joined(separator: " ") }
        if form.takesFiles { return form.words.isEmpty ? "_files" : " _unlearn_words_or_files " + form.words.joined(separator: " ") }
        if form.takesFolders { return "_files -/" }
        return form.words.isEmpty ? " " : "(\(form.words.joined(separator: " ")))"
    }
}
