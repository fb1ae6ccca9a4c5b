import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("The probe says what a deletion will cost before anybody asks for one")
struct ProbeTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func project(_ name: String, blocks: Int, _ more: String...) throws -> Program {
        let program = Program(folder: folder.file(name))
        let rows = (0..<1200).map { "row-\($0),\(Double(($0 * 37) % 101) / 50 - 1),\(Double(($0 * 53) % 97) / 48 - 1),\(($0 * 37) % 101 > 50 ? "a" : "b")\n" }
        let table = try folder.write("id,x,y,label\n" + rows.joined(), to: "table.csv")
        try program.json(["init", "--data", "csv:\(table)", "--id-column", "id", "--label-column", "label", "--assignment-seed", "1", "--blocks", "\(blocks)"] + more)
        try program.json("train")
        return program
    }

    /// Ids of live training rows of a block.
    private func row(of block: Int, _ program: Program) throws -> String {
        let rows = try #require(try program.json(["where", "--ids", "-"], input: (0..<1200).map { "row-\($0)" }.joined(separator: "\n"))["rows"] as? [[String: Any]])
        return try #require(rows.first { $0["part"] as? String == "train" && $0["block"] as? Int == block }?["id"] as? String)
    }

    @Test("Of a chain: where memory decays, and what exact replay takes, which is what a deletion then does; nothing is changed")
    func chain() throws {
        let program = try project("chain", blocks: 30, "--model", "logistic")
        let before = try program.json("status"), told = try program.json("probe", "--points", "3", "--determinism")
        #expect(try program.json("status")["state_digest"] as? String == before["state_digest"] as? String && told["deterministic"] as? Bool == true)
        let points = try #require(told["points"] as? [[String: Any]])
        #expect(points.map { $0["block"] as? Int } == [6, 16, 26] && points.map { $0["blocks_exact"] as? Int } == [25, 15, 5])
        // Blocks 26 to 30 are too few to judge by.
        #expect(points[2]["decays"] as? Bool == false && points[2]["exponent_h"] is NSNull)
        #expect((points[0]["rho"] as? [Any])?.count == (points[0]["blocks_stitch"] as? Int).map { $0 - 1 } ?? 24)
        #expect(abs((told["expected_blocks"] as? Double ?? 0) - 15.5) < 0.5)
        let seconds = try #require(told["expected_seconds"] as? [String: Any]), exact = try #require(seconds["exact"] as? Double), naive = try #require(seconds["naive"] as? Double)
        #expect(exact > 0 && exact < naive && told["expected_speedup"] as? Double ?? 0 > 1)
        // The very deletion of a row of that block.
        let deleted = try program.json(["delete", "--ids", "-", "--method", "exact", "--dry-run"], input: row(of: 6, program))
        #expect(deleted["blocks_retrained"] as? Int == 25)
        let text = try program.run("probe", "--points", "1").output
        #expect(text.contains("a deletion of one row, on average over all rows:") && text.contains("with --branches 8"))
    }

    @Test("Of branches: nothing needs to decay, and a deletion retrains what is left of a branch")
    func branches() throws {
        let program = try project("branches", blocks: 8, "--model", "mlp", "--hidden", "4", "--branches", "4", "--stem", "0")
        let told = try program.json("probe")
        #expect(told["decays"] is NSNull && (told["points"] as? [Any])?.isEmpty == true)
        #expect(abs((told["expected_blocks"] as? Double ?? 0) - 1.5) < 0.1 && (told["expected_seconds"] as? [String: Any])?["stitch"] is NSNull)
        #expect(try program.run("probe").output.contains("every deletion is exact"))
    }

    @Test("What is not trained cannot be probed")
    func untrained() throws {
        let program = Program(folder: folder.file("empty"))
        let table = try folder.write("x,label\n" + (0..<60).map { "\($0 % 7),\($0 % 2 == 0 ? "a" : "b")\n" }.joined(), to: "few.csv")
        try program.json("init", "--data", "csv:\(table)", "--label-column", "label", "--model", "logistic", "--blocks", "2")
        let result = try program.run("probe")
        #expect(result.status == 2 && result.errors.contains("nothing is trained yet; run 'unlearn train' first"))
    }

    @Test("Behind a stitch an exact deletion takes what that left, too, and the probe says so")
    func stitched() throws {
        let program = try project("stitched", blocks: 30, "--model", "logistic")
        try program.json(["delete", "--ids", "-", "--on-no-decay", "stitch", "--epsilon", "1000"], input: row(of: 4, program))
        let points = try #require(try program.json("probe", "--points", "3")["points"] as? [[String: Any]])
        for block in [6, 16, 26] {
            let exact = try program.json(["delete", "--ids", "-", "--method", "exact", "--dry-run"], input: row(of: block, program))["blocks_retrained"] as? Int
            #expect(points.first { $0["block"] as? Int == block }?["blocks_exact"] as? Int == exact, "block \(block)")
        }
    }
}
