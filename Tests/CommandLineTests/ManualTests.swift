import Foundation
import ProgramSupport
import TestSupport
import Testing

@testable import unlearn_cli

@Suite("Manual", .timeLimit(.minutes(60)))
struct ManualTests {
    @Test("Characters that troff reads as something else are written by their names")
    func escapes() {
        #expect(Roff.escaped(#"--ids 'a\b' 2^-K …"#) == #"\-\-ids \(aqa\eb\(aq 2\(ha\-K \[u2026]"#)
        #expect(Roff.paragraph(".safetensors") == "\\&.safetensors\n")
    }

    @Test("The manual has a page for the program and one for each command, with its sections")
    func pages() {
        let pages = ManualPage.all(of: CommandSpec.all)
        #expect(pages.map(\.name) == ["unlearn"] + CommandSpec.all.map { "unlearn-" + $0.name })
        for page in pages {
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLE", "EXIT STATUS", "SEE ALSO"] {
                #expect(page.roff.contains("\n.SH \(section)\n"), "\(page.name): \(section)")
            }
        }
        for section in ["COMMANDS", "ENVIRONMENT", "FILES"] { #expect(pages[0].roff.contains("\n.SH \(section)\n")) }
    }

    @Test("groff sets every page without a warning, and with every option of --help", .enabled(if: CompletionTests.has("groff"), "there is no groff"))
    func groff() throws {
        let shell = try Shell()
        let result = try shell.run("""
            set -e
            for page in $("$U" man --list); do
                "$U" man $page > $page.1
                groff -man -ww -z $page.1
                groff -man -Tutf8 -P-cbou -rLL=400n $page.1 > $page.txt
            done
            """)
        #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
        for command in CommandSpec.all {
            let text = try String(contentsOfFile: shell.folder.file("unlearn-\(command.name).txt"), encoding: .utf8)
            #expect(text.contains("unlearn-\(command.name) - \(command.summary)\n") && text.contains(command.example + "\n"), "\(text)")
            for option in command.allOptions {
                #expect(text.contains("--\(option.name)" + (option.value.map { " " + $0 } ?? "")), "\(option.name)")
                #expect(text.contains(option.help + "\n"), "\(option.help)")
            }
        }
    }

    @Test("A page is asked for by its command or by its own name")
    func names() throws {
        let page = try Program().run("man", "delete").output
        #expect(page.hasPrefix(".TH UNLEARN\\-DELETE 1 ") && page.hasSuffix("(1)\n"))
        #expect(try Program().run("man", "unlearn-delete").output == page)
        #expect(try Program().json("man", "delete")["roff"] as? String == page)
        #expect(try Program().run("man").output == (try Program().run("man", "unlearn").output))
        let refused = try Program().run("man", "nothing")
        #expect(refused.status == 2 && refused.errors == "unlearn: no page of the manual on 'nothing'; 'unlearn man --list' names them all\n")
        #expect(try Program().run("man", "delete", "--list").status == 2)
    }
}
