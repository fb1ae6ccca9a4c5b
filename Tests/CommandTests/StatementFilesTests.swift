import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Tables beside a statement of values", .timeLimit(.minutes(60)))
struct StatementFilesTests {
    private let shell: Shell

    init() throws {
        shell = try Shell.withTable()
        let made = try shell.run("""
            set -e
            $U -C p init --data csv:full.csv $A --quiet; $U -C p train --quiet
            $U -C p value --players blocks --estimator loo --metric loss --fidelity none --out values --quiet; mkdir other; cp values/values.csv other/same; sed 's/1/2/' values/values.csv > other/changed
            """)
        #expect(made.status == 0, "\(made.errors)")
    }

    @Test("A link to a file is followed, and what is there is compared", arguments: [("same", Int32(0), "and so has the file beside the statement"), ("changed", 3, "is not the table that the statement was signed with")])
    func links(target: String, status: Int32, words: String) throws {
        let result = try shell.run("ln -sf ../other/\(target) values/values.csv; timeout 60 $U verify-certificate values/statement.json")
        #expect(result.status == status && (result.output + result.errors).contains(words), "\(result.output) \(result.errors)")
    }

    @Test("What is no file is told to lie there and not to be compared", arguments: ["mkfifo", "mkdir", "ln -s nowhere", "ln -s ../other", "ln -s values.csv"])
    func others(make: String) throws {
        let result = try shell.run("rm values/values.csv; \(make) values/values.csv; timeout 60 $U verify-certificate values/statement.json")
        #expect(result.status == 3 && result.output == "", "\(result.output)")
        #expect(result.errors == "unlearn: values/values.csv lies beside the statement and was not compared with it: it is no regular file, nor a link to one; do not rely on it\n", "\(result.errors)")
    }

    @Test("Where nothing of its name is there, that is all that is said")
    func absent() throws {
        let result = try shell.run("rm values/values.csv; $U verify-certificate values/statement.json")
        #expect(result.status == 0 && result.output.components(separatedBy: "; no such file lies beside the statement").count == 2, "\(result.output)")
    }
}
