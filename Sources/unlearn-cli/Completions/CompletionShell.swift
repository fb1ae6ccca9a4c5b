/// A shell that can be taught to complete the program's words.
enum CompletionShell: String, CaseIterable {
    case bash, zsh, fish

    /// A script for this shell, made of the tables that help is made of.
    func completions(of commands: [CommandSpec]) -> String {
        switch self {
        case .bash: bashCompletions(of: commands)
        case .zsh: zshCompletions(of: commands)
        case .fish: fishCompletions(of: commands)
        }
    }

    /// The text as one word that the shell takes as it stands.
    func quoted(_ text: String) -> String {
        switch self {
        case .bash, .zsh: "'" + text.replacing("'", with: #"'\''"#) + "'"
        case .fish: "'" + text.replacing(#"\"#, with: #"\\"#).replacing("'", with: #"\'"#) + "'"
        }
    }
}
