import Files
import Testing
import TestSupport

@testable import Reduction

@Suite struct ReduceRowsTests {
    private static func rows(_ order: [Int] = Array(0..<120)) -> QuantisedRows {
        let problem = Problem(rows: 120, positions: 30, levelCount: 4, background: 0.4), levels = problem.levels()
        return QuantisedRows(
            ids: order.map(String.init), labels: order.map { Int32($0 % 7 == 0 ? 2 : $0 % 2) }, positions: 30, levelCount: 4,
            levels: order.flatMap { levels[$0 * 30..<($0 + 1) * 30] })
    }

    private static func reduce(
        _ keep: ReductionPlan.Keep, threads: Int = 1, rows: QuantisedRows = rows(), _ change: (inout ReductionPlan) -> Void = { _ in }
    ) throws -> ReductionReport {
        var plan = ReductionPlan(keep: keep)
        change(&plan)
        return try ReduceRows(rows, classNames: ["a", "b", "c", "none"], plan: plan, threads: threads).run()
    }

    @Test func `Rows are ordered by id, shorter first, wherever they stand`() throws {
        var random = SeededGenerator(8)
        let shuffled = Self.rows(Array(0..<120).shuffled(using: &random))
        #expect(shuffled.ids == (0..<120).map(String.init) && shuffled.levels == Self.rows().levels && shuffled.labels == Self.rows().labels)
        let ids = try Self.reduce(.rows(10)).ids
        #expect(try Self.reduce(.rows(10), rows: shuffled).ids == ids)
        #expect(ids == ids.sorted { Int($0)! < Int($1)! })
    }

    @Test(arguments: [false, true], [InformationMeasure.information, .normalised])
    func `Threads change nothing, and the selection shares less than random rows`(perClass: Bool, _ measure: InformationMeasure) throws {
        let reports = try [1, 2, 4].map { try Self.reduce(.share(0.25), threads: $0) { ($0.perClass, $0.measure, $0.restarts) = (perClass, measure, 3) } }
        #expect(Set(reports.map(\.ids)).count == 1 && Set(reports.map(\.objective)).count == 1 && Set(reports.map(\.objectiveRandom)).count == 1)
        #expect(reports[0].kept == 30 && Set(reports[0].ids).count == 30)
        #expect(reports[0].objective <= reports[0].objectiveGreedy && reports[0].objective < reports[0].objectiveRandom)
    }

    @Test func `The seed decides the starts and the random rows`() throws {
        let seeds = try (0..<6).map { seed in try Self.reduce(.rows(8)) { $0.seed = seed } }
        #expect(Set(seeds.map(\.objectiveRandom)).count > 1)
        let all = try Self.reduce(.rows(8)) { $0.restarts = nil }
        #expect(seeds.allSatisfy { $0.objective >= all.objective } && all.restarts == 120)
    }

    @Test func `Per class, each gives the same, and a small class all that it has`() throws {
        let report = try Self.reduce(.rows(30)) { $0.perClass = true }
        #expect(report.keptByClass == ["a": 10, "b": 10, "c": 10] && report.pairsKept == 3 * 45)
        #expect(try Self.reduce(.rows(80)) { $0.perClass = true }.keptByClass == ["a": 31, "b": 31, "c": 18])
    }

    @Test(arguments: [
        (10, [9, 9, 9], [4, 3, 3]), (10, [2, 9, 0, 9], [2, 4, 0, 4]), (2, [5, 5, 5], [1, 1, 0]), (20, [3, 3, 14], [3, 3, 14]), (0, [4], [0]),
        (11, [1, 9, 9], [1, 5, 5]),
    ])
    func `What does not divide goes to the first classes that have it`(keep: Int, sizes: [Int], shares: [Int]) {
        #expect(ReduceRows.evenShares(of: keep, among: sizes) == shares)
    }

    @Test(arguments: [0, 121])
    func `More rows than there are, and none, are wrong input`(_ keep: Int) {
        #expect { try Self.reduce(.rows(keep)) } throws: { error in
            (error as? Failure)?.kind == .input && "\(error)".contains("--keep \(keep) of 120 live training rows; choose 1 to 120")
        }
    }
}
