import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Names that are no text", .timeLimit(.minutes(60)))
struct BytePathTests {
    private let shell: Shell
    init() throws { shell = try Shell.withTable() }

    @Test("Folders that differ in such a byte are two projects, and messages spell it out")
    func projects() throws {
        #expect(try shell.run("$U -C $'a\\xe9' init --data csv:full.csv $A --quiet && $U -C $'a\\xe9' train --quiet").status == 0)
        let other = try shell.run("$U -C $'a\\xe8' status")
        #expect(other.status == 10 && other.errors.hasPrefix("unlearn: no project in a\\xE8;"), "\(other.errors)")
        #expect(try shell.run("$U -C $'a\\xe8' init --data csv:full.csv --id-column id --label-column y --model mlp --blocks 2 --assignment-seed 1").status == 0)
        let names = try shell.run("printf '%s\\n' a* | od -An -tx1 | tr -d ' \\n'").output
        #expect(names == "61e80a61e90a", "\(names)")
        #expect(try shell.run("$U -C $'a\\xe9' status").output.contains("10 of 10 blocks"))
        #expect(try shell.run("$U -C $'a\\xe8' status").output.contains("0 of 2 blocks"))
        #expect(try shell.run("$U -C $'a\\xe9' check --read-data").status == 0)
    }

    @Test("Tables, lists, groups, outputs and keys may be called so, and variables may name them")
    func files() throws {
        let script = """
            set -e
            cp full.csv $'d\\xff.csv'; echo u1 > $'i\\xe9'; echo u2,g > $'g\\xe9'
            export UNLEARN_KEY_FILE=$'k\\xe9'
            $U -C $'p\\xe9' init --data $'csv:d\\xff.csv' --groups $'g\\xe9' --exclude $'i\\xe9' $A --quiet
            test -f $'k\\xe9' && test ! -e $'p\\xe9/project.key'
            export UNLEARN_PROJECT=$'p\\xe9'
            $U train --quiet
            $U export --out $'o\\xe9.npz' --json
            test -f $'o\\xe9.npz'
            $U value --players blocks --estimator loo --utility additive --metric loss --out $'r\\xe9' --quiet > /dev/null
            test -f $'r\\xe9/report.html'
            $U reduce --keep 5 --out $'r\\xe9/ids' > /dev/null
            """
        let result = try shell.run(script)
        #expect(result.status == 0, "\(result.errors)")
        let exported = try #require(try JSONSerialization.jsonObject(with: Data(result.output.drop { $0 != "{" }.utf8)) as? [String: Any])
        #expect(exported["out"] as? String == "o\\xE9.npz")
        let missing = try shell.run("UNLEARN_KEY_FILE=$'k\\xe8' $U -C $'p\\xe9' status")
        #expect(missing.status == 2 && missing.errors.contains("k\\xE8, which UNLEARN_KEY_FILE names, is missing"), "\(missing.errors)")
    }

    @Test("A catalogue in a folder of such a name is read as it stands where no log can be made")
    func immutable() throws {
        // No file can grow where none may hold a byte, whoever runs the tests.
        let result = try shell.run("p=$'a\\xe9?#%41'; $U -C $p init --data csv:full.csv $A --quiet && ulimit -f 0 && exec $U -C $p status")
        #expect(result.status == 0, "\(result.errors)")
    }
}
