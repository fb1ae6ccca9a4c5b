import Foundation
import ProgramSupport
import Testing

@Suite("How delete chooses what it does")
struct MethodTests {
    private static let stitching = ["--on-no-decay", "stitch", "--epsilon", "1e9", "--damping", "0.5"]

    /// Removed with the test.
    private let data: SmallData

    init() throws { data = try SmallData() }

    private func trained() throws -> (program: Program, row: String) {
        let program = try data.initialise()
        try program.run("train")
        let places = try program.json("where", "--ids", "-", input: (0..<600).map { "\($0)" }.joined(separator: "\n"))
        let rows = try #require(places["rows"] as? [[String: Any]])
        return (program, try #require(rows.first { $0["block"] as? Int == 6 && $0["part"] as? String == "train" }?["id"] as? String))
    }

    @Test("Without a word small projects are replayed exactly; a word about stitches asks for one; replay pays what it owes")
    func byDefault() throws {
        let (program, row) = try trained()
        let exact = try program.json("delete", "--ids", "-", "--dry-run", input: row)
        #expect(exact["method"] as? String == "exact" && exact["exactness_owed"] as? Bool == false && exact["blocks_retrained"] as? Int == 25)
        let stitch = try program.run(["delete", "--ids", "-"] + Self.stitching, input: row)
        #expect(stitch.output.contains("stitched the rest back on"), "\(stitch.output) \(stitch.errors)")
        let status = try program.run("status").output
        #expect(status.contains("\nexactness is owed to R1: 'unlearn replay' makes the model exact\n"), "\(status)")
        #expect(try program.json("status")["requests_owed"] as? [String] == ["R1"])

        let tried = try program.run("replay", "--dry-run").output
        #expect(tried.contains("exactness would no longer be owed to R1\n") && tried.contains("dry run"), "\(tried)")
        let paid = try program.json("replay")
        #expect(paid["requests_settled"] as? [String] == ["R1"] && paid["exact"] as? Bool == true && paid["exactness_owed"] as? Bool == false)
        #expect(paid["state_digest"] as? String == exact["state_digest"] as? String)
        #expect(try program.run("log").output.contains(/deletion-requested +R2 +replay\n/))
        #expect(try program.run("log", "--request", "R2").output.hasPrefix("R2: replay, closed\n"))
        let again = try program.run("replay")
        #expect(again.status == 0 && again.output == "the model is exact already; nothing was changed\n")
        #expect(try program.json("status")["requests_owed"] as? [String] == [])
    }

    @Test("Who has no time gets the stitch, and is told of the replay; --method exact does not look at the clock")
    func noTime() throws {
        let (program, row) = try trained()
        let hasty = try program.run("delete", "--ids", "-", "--method", "auto", "--patience", "1e-9", "--on-no-decay", "stitch", "--epsilon", "1e9", "--dry-run", input: row)
        #expect(hasty.output.contains(/not replayed exactly: that would have taken about .+ more \(--patience\); --method exact waits for it\n/), "\(hasty.output)")
        #expect(try program.json("delete", "--ids", "-", "--patience", "0", "--dry-run", input: row)["exact_seconds"] is NSNull)
        #expect(try program.json("delete", "--ids", "-", "--method", "exact", "--dry-run", input: row)["method"] as? String == "exact")
    }

    @Test("Patience that nobody asks for is refused, and so is what is no number", arguments: [
        (["--method", "stitch", "--patience", "5"], "--patience is for --method auto; leave it out"),
        (["--method", "exact", "--patience", "5"], "--patience is for --method auto; leave it out"),
        (["--epsilon", "0.2", "--patience", "5"], "--patience is for --method auto; leave it out, or --epsilon, which asks for a stitch"),
        (["--method", "exact", "--damping", "0.5"], "--damping is for stitches, and --method exact makes none"),
        (["--method", "exact", "--on-no-decay", "fail"], "--on-no-decay is for stitches"), (["--patience", "-1"], "--patience"), (["--patience", "soon"], "--patience"), (["--method", "never"], "--method takes auto, stitch, exact, not 'never'"),
    ])
    func refused(arguments: [String], words: String) throws {
        let program = try data.initialise()
        let result = try program.run(["delete", "--ids", "-"] + arguments, input: "3")
        #expect(result.status == 2 && result.errors.contains(words) && result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }
}
