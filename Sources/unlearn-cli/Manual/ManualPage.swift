import Files

/// A page of section 1 of the manual, made of the tables that help is made of.
struct ManualPage {
    /// `unlearn` or `unlearn-init`; the file is called so with `.1` behind it.
    let name: String
    let roff: String

    /// The page of the program, then those of its commands.
    static func all(of commands: [CommandSpec]) -> [ManualPage] { [ManualPage(overviewOf: commands)] + commands.map(ManualPage.init) }

    private init(name: String, summary: String, _ sections: [String]) {
        self.name = name
        // No date: the same version gives the same page.
        roff = """
            .TH \(Roff.escaped(name.uppercased())) 1 "" "unlearn \(programVersion)" "User Commands"
            \(Roff.section("NAME"))\(Roff.escaped(name)) \\- \(Roff.escaped(summary))

            """ + sections.joined()
    }

    private init(overviewOf commands: [CommandSpec]) {
        let synopsis = "\(Self.program) \(Roff.italic("COMMAND")) [\(Roff.bold("--option")) \(Roff.italic("value"))] \(Roff.escaped("…"))\n"
        self.init(name: "unlearn", summary: ProgramText.summary, [
            Roff.section("SYNOPSIS"), synopsis,
            Roff.section("DESCRIPTION"), ProgramText.description.map(Roff.paragraph).joined(separator: ".PP\n"),
            Roff.section("COMMANDS"), commands.map { Roff.item($0.name, value: $0.operand.text.isEmpty ? nil : $0.operand.text, $0.summary) }.joined(),
            Roff.section("OPTIONS"), Self.folder, Roff.item("--help", "the list of commands"), Roff.item("--version", "the version"),
            Roff.section("EXAMPLE"), Roff.example(ProgramText.example),
            Self.exitStatus,
            Roff.section("ENVIRONMENT"), ProgramText.environment.map { Roff.item($0.name, $0.meaning) }.joined(),
            Roff.section("FILES"), Roff.paragraph("In the project's folder:"), ProgramText.files.map { Roff.item($0.name, $0.meaning) }.joined(),
            Self.seeAlso(commands.map { "unlearn-" + $0.name }),
        ])
    }

    private init(_ command: CommandSpec) {
        let operand = command.operand.text.isEmpty ? "" : " " + Roff.italic(command.operand.text)
        let synopsis = "\(Self.program) \(Roff.bold(command.name))\(operand) [\(Roff.italic("options"))]\n"
        self.init(name: "unlearn-" + command.name, summary: command.summary, [
            Roff.section("SYNOPSIS"), synopsis,
            Roff.section("DESCRIPTION"), Roff.paragraph(command.summary.prefix(1).uppercased() + command.summary.dropFirst() + "."),
            ".PP\n", Roff.paragraph("This is a command of unlearn(1), which \(ProgramText.summary)."),
            Roff.section("OPTIONS"), Self.folder, command.allOptions.map { Roff.item("--" + $0.name, value: $0.value, $0.help) }.joined(),
            Roff.section("EXAMPLE"), Roff.example(command.example),
            Self.exitStatus,
            Self.seeAlso(["unlearn"]),
        ])
    }

    private static var program: String { "\(Roff.bold("unlearn")) [\(Roff.bold("-C")) \(Roff.italic("DIR"))]" }

    private static var folder: String { Roff.item("-C", value: "DIR", ProgramText.folder) }

    private static var exitStatus: String {
        Roff.section("EXIT STATUS") + ProgramText.exitStatuses.map { Roff.item("\($0.status)", $0.meaning) }.joined()
    }

    private static func seeAlso(_ names: [String]) -> String {
        Roff.section("SEE ALSO") + names.map { ".BR \\%\(Roff.escaped($0)) (1)" }.joined(separator: ",\n") + "\n"
    }
}
