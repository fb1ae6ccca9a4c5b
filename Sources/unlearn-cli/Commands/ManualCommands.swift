import Files

extension CommandSpec {
    static let completions = CommandSpec(
        name: "completions", summary: "print a script by which a shell completes commands, options and their values",
        example: "unlearn completions bash > ~/.local/share/bash-completion/completions/unlearn",
        operand: .one(CompletionShell.allCases.map(\.rawValue).joined(separator: "|")), options: [], run: runCompletions)

    static let man = CommandSpec(
        name: "man", summary: "print a page of the manual", example: "unlearn man delete > unlearn-delete.1 && man ./unlearn-delete.1", operand: .optional("COMMAND"),
        options: [OptionSpec("list", nil, "only the names of all pages, one a line")], run: runMan)

    private struct Script: Encodable {
        let shell, script: String
    }

    private struct Page: Encodable {
        let page, roff: String
    }

    private struct PageList: Encodable {
        let pages: [String]
    }

    private static func runCompletions(_ invocation: Invocation) throws -> Int32 {
        guard let shell = CompletionShell(rawValue: invocation.operand) else {
            throw Failure(.input, "no completions for '\(invocation.operand.prefix(80))'; there are some for \(CompletionShell.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let script = shell.completions(of: all)
        try Console(invocation: invocation).result(Script(shell: shell.rawValue, script: script), script)
        return 0
    }

    private static func runMan(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation), pages = ManualPage.all(of: all)
        guard !invocation.flag("list") else {
            guard invocation.operands.isEmpty else { throw Failure(.input, "--list names all pages; give it without a command") }
            try console.result(PageList(pages: pages.map(\.name)), pages.map(\.name).joined(separator: "\n"))
            return 0
        }
        // By the command's name or by the page's own, which --list gives.
        let names = invocation.operands.isEmpty ? ["unlearn"] : [invocation.operand, "unlearn-" + invocation.operand]
        guard let page = pages.first(where: { names.contains($0.name) }) else {
            throw Failure(.input, "no page of the manual on '\(invocation.operand.prefix(80))'; 'unlearn man --list' names them all")
        }
        try console.result(Page(page: page.name, roff: page.roff), String(page.roff.dropLast()))
        return 0
    }
}
