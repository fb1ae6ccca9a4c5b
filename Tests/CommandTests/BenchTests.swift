import ProgramSupport
import Testing

@Suite("Deletions beside naive retraining")
struct BenchTests {
    @Test("Naive retraining is exact replay; every deletion stands beside both, and checkpoints are measured alone")
    func bench() throws {
        let data = try SmallData(), program = try data.initialise()
        try program.json("train")
        let before = try program.json("status")["state_digest"] as? String
        let bench = try program.json("bench", "--deletions", "1,5", "--positions", "5,20")
        #expect(bench["naive_equals_replay"] as? Bool == true)
        let rows = try #require(bench["rows"] as? [[String: Any]])
        #expect(rows.map { $0["deleted"] as? Int } == [1, 1, 5, 5] || rows.map { $0["deleted"] as? Int } == [1, 5, 1, 5])
        for row in rows {
            let agreement = try #require(row["agreement"] as? Double), retrained = try #require(row["blocks_retrained"] as? Int)
            let distance = try #require(row["l1"] as? Double), nothing = try #require(row["l1_nothing"] as? Double)
            #expect((0...1).contains(agreement) && (1...26).contains(retrained) && distance >= 0 && nothing > 0, "\(row)")
        }
        let codec = try program.json("bench", "--codec", "--positions", "1,30")
        #expect(codec["influences"] as? Int == 2)
        for speed in ["encode_gb_per_second", "decode_gb_per_second"] { #expect(try #require(codec[speed] as? Double) > 0) }
        // Nothing was deleted.
        #expect(try program.json("status")["state_digest"] as? String == before)
    }
}
