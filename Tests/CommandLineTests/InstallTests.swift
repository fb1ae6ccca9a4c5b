import Foundation
import ProgramSupport
import TestSupport
import Testing

@testable import unlearn_cli

@Suite("Installation", .timeLimit(.minutes(60)))
struct InstallTests {
    private let shell: Shell

    init() throws {
        var shell = try Shell()
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        shell.environment["INSTALL"] = root.appendingPathComponent("Scripts/install").path
        self.shell = shell
    }

    /// All files below a folder, by their paths.
    private func files(_ folder: String) throws -> Set<String> {
        Set(try FileManager.default.subpathsOfDirectory(atPath: shell.folder.file(folder)).filter {
            (try? FileManager.default.attributesOfItem(atPath: shell.folder.file(folder) + "/" + $0)[.type] as? FileAttributeType) == .typeRegular
        })
    }

    @Test("What is installed is the program, its pages and its completions, and the same is removed and nothing beside it")
    func installation() throws {
        // As other packages have them: beside each file, and below the same names.
        let strangers: Set = [
            "bin/unlearned", "share/man/man1/unlearn-yourself.1", "share/bash-completion/completions/other", "share/zsh/site-functions/_other",
            "share/fish/vendor_completions.d/other.fish",
        ]
        for path in strangers {
            let name = shell.folder.file("my root/" + path)
            try FileManager.default.createDirectory(atPath: (name as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try shell.folder.write("theirs\n", to: "my root/" + path)
        }
        let installed = try shell.run("umask 077; \"$INSTALL\" \"$U\" 'my root'")
        #expect(installed.status == 0, "\(installed.errors)")
        let ours: Set = [
            "bin/unlearn", "share/bash-completion/completions/unlearn", "share/zsh/site-functions/_unlearn", "share/fish/vendor_completions.d/unlearn.fish",
        ]
        let pages = Set(ManualPage.all(of: CommandSpec.all).map { "share/man/man1/\($0.name).1" })
        #expect(try files("my root") == strangers.union(ours).union(pages))
        // Everybody may read it, whoever installed it and with what mask.
        let check = try shell.run("""
            cd 'my root' && bin/unlearn man delete | cmp - share/man/man1/unlearn-delete.1 && find . ! -perm -o=r
            """)
        #expect(check.status == 0 && check.output.isEmpty, "\(check.output)\(check.errors)")
        // Once more, over itself.
        #expect(try shell.run("\"$INSTALL\" \"$U\" 'my root'").status == 0)
        #expect(try files("my root") == strangers.union(ours).union(pages))
        for _ in 0..<2 {
            let removed = try shell.run("\"$INSTALL\" --remove 'my root'")
            #expect(removed.status == 0, "\(removed.errors)")
            #expect(try files("my root") == strangers)
        }
    }

    @Test("Another program of the same name is not removed")
    func stranger() throws {
        let made = try shell.run("""
            mkdir -p root/bin root/share/man/man1 && echo theirs > root/share/man/man1/unlearn.1
            printf '#!/bin/sh\\necho x\\n' > root/bin/unlearn && chmod +x root/bin/unlearn
            """)
        #expect(made.status == 0)
        let refused = try shell.run("\"$INSTALL\" --remove root")
        #expect(refused.status == 1 && refused.errors.contains("nothing is removed"), "\(refused.errors)")
        #expect(try files("root") == ["bin/unlearn", "share/man/man1/unlearn.1"])
    }
}
