import Checkpoints
import Files
import TestSupport
import Testing
import Training

@testable import Unlearn

@Suite("Exact replay where there is time for it")
struct PatienceTests {
    /// A stitch behind the fewest residuals that can be judged, in any case.
    private static func stitching(_ options: inout DeletionOptions) {
        options.replay.onNoDecay = .stitch
        options.replay.decayGuard.epsilon = 1e9
        options.replay.damping = .fixed(0.4)
    }

    private func trained(_ recipe: Recipe = SmallProject.recipe) throws -> SmallProject {
        let project = try SmallProject(recipe: recipe)
        try project.train()
        return project
    }

    private func clean(_ project: SmallProject, _ report: DeletionResult) throws {
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
        #expect(try project.open(.read).status().stateDigest == report.stateDigest)
    }

    @Test("With time enough a deletion that may stitch is the exact one, bit for bit, and nothing is owed")
    func enough() throws {
        let patient = try trained(), exact = try trained(), row = try patient.ids(inBlock: 5)[0]
        let report = try patient.delete([row]) {
            Self.stitching(&$0)
            $0.replay.patience = .seconds(1_000_000)
        }
        let asked = try exact.delete([row]) { $0.replay.method = .exact }
        #expect(report.method == .exact && report.exact && !report.isExactnessOwed && report.exactSeconds == nil)
        #expect(report.stateDigest == asked.stateDigest && report.blocksRetrained == asked.blocksRetrained && report.blocksRetrained == 26)
        #expect(try patient.open(.read).status().requestsOwed == [])
        try clean(patient, report)
    }

    @Test("With too little it is the stitch that it would have been, says how long the rest would have taken, and owes the replay")
    func tooLittle() throws {
        let impatient = try trained(), stitched = try trained(), rows = try [5, 9, 20].map { try impatient.ids(inBlock: $0)[0] }
        for (number, row) in rows.enumerated() {
            let report = try impatient.delete([row]) {
                Self.stitching(&$0)
                $0.replay.patience = .nanoseconds(1)
            }
            let asked = try stitched.delete([row], Self.stitching)
            #expect(report.method == .stitch && report.isExactnessOwed && report.exactSeconds! > 1e-9)
            #expect(report.stateDigest == asked.stateDigest && report.blocksRetrained == asked.blocksRetrained && asked.exactSeconds == nil)
            // The second walk goes through the first one's stitch, and puts back on what knew both rows. The third begins behind what the
            // second left there, and the replay before it without that.
            #expect(try impatient.open(.read).status().requestsOwed == (1...number + 1).map { "R\($0)" })
            // Nothing of the replay that was begun is left.
            try clean(impatient, report)
            #expect(try impatient.open(.read).store.objects().count == stitched.open(.read).store.objects().count)
        }
        // What is owed is paid at once, for all.
        let exact = try SmallProject(excluding: rows)
        try exact.train()
        let paid = try impatient.delete(.chain) { $0.replay.method = .exact }
        #expect(try paid.exact && paid.stateDigest == exact.open(.read).status().stateDigest)
        #expect(try impatient.open(.read).status().requestsOwed == [] && paid.requestsSettled == ["R1", "R2", "R3"])
    }

    @Test("With time enough the next deletion pays what earlier ones owe, too")
    func paysEarlier() throws {
        let project = try trained(), rows = try [5, 20].map { try project.ids(inBlock: $0)[0] }
        try project.delete([rows[0]], Self.stitching)
        let report = try project.delete([rows[1]]) { $0.replay.patience = .seconds(1_000_000) }
        let exact = try SmallProject(excluding: rows)
        try exact.train()
        #expect(try report.exact && report.stateDigest == exact.open(.read).status().stateDigest && report.blocksRetrained < 26)
        #expect(try project.open(.read).status().requestsOwed == [] && report.requestsSettled == ["R1"])
        try clean(project, report)
    }

    @Test("A dry run tells the same and changes nothing", arguments: [Duration.nanoseconds(1), .seconds(1_000_000)])
    func dryRun(patience: Duration) throws {
        let project = try trained(), row = try project.ids(inBlock: 5)[0], before = try FileSystem.names(in: project.path + "/objects").sorted()
        func delete(dry: Bool) throws -> DeletionResult {
            try project.delete([row]) {
                Self.stitching(&$0)
                $0.replay.patience = patience
                $0.dryRun = dry
            }
        }
        let tried = try delete(dry: true)
        #expect(try FileSystem.names(in: project.path + "/objects").sorted() == before)
        let done = try delete(dry: false)
        #expect(tried.stateDigest == done.stateDigest && tried.method == done.method && tried.isExactnessOwed == done.isExactnessOwed)
    }

    @Test("Rows of branches are exact without any patience; one of the stem is where there is time for the stem and all branches")
    func branches() throws {
        let project = try trained(SmallProject.forgetting)
        func row(in blocks: [Int]) throws -> String { try project.ids(inBlock: blocks[0])[0] }
        let ofBranch = try project.delete([try row(in: [33])]) { $0.replay.patience = .nanoseconds(1) }
        #expect(ofBranch.exact && ofBranch.exactSeconds == nil && ofBranch.exactByConstruction == true)
        let ofStem = try project.delete([try row(in: [3])]) {
            Self.stitching(&$0)
            $0.replay.patience = .nanoseconds(1)
        }
        #expect(!ofStem.exact && ofStem.exactSeconds != nil)
        let patient = try project.delete([try row(in: [4])]) {
            Self.stitching(&$0)
            $0.replay.patience = .seconds(1_000_000)
        }
        #expect(patient.exact && patient.blocksRetrained >= 33 && !patient.isExactnessOwed)
        try clean(project, patient)
    }

    @Test("A replay is given up among branches that are trained side by side, and the guard has it done after all", arguments: [1, 2])
    func amongBranches(threads: Int) throws {
        let project = try trained(SmallProject.forgetting), row = try project.ids(inBlock: 30)[0]
        // The last block of the stem: there is nothing behind it to judge by.
        let report = try project.delete([row], threads: threads) { $0.replay.patience = .nanoseconds(1) }
        let exact = try SmallProject(recipe: SmallProject.forgetting, excluding: [row])
        try exact.train()
        #expect(try report.exact && report.fallback != nil && report.exactSeconds == nil && report.stateDigest == exact.open(.read).status().stateDigest)
        try clean(project, report)
    }

    @Test("The pace is that of rows passed through blocks, and what is left counts by it")
    func pace() throws {
        // Three blocks of a stem and two of branches, of which one is not trained.
        let work = [100, 50, 200, 300, 0]
        func seconds(limit: Duration, _ blocks: [Int], left: Int = 0) throws -> Double? {
            let patience = Patience(limit, work: work, firstOfBranches: 4) { .seconds(10) }
            patience.told(left: left)
            do {
                for block in blocks { try patience.expectTime(for: block) }
                return nil
            } catch let end as Patience.Exhausted { return end.seconds }
        }
        // 100 passes in ten seconds, 50 + 200 + 300 left.
        #expect(try seconds(limit: .seconds(54), [1, 2]) == 55)
        #expect(try seconds(limit: .seconds(55), [1, 2]) == nil)
        // 150 in ten seconds, 500 left; then 350 and 300.
        #expect(try seconds(limit: .seconds(30), [2, 3]) == 100)
        #expect(try seconds(limit: .seconds(1), [3, 4], left: 2) == 30)
        // Nothing is known before the first is done.
        #expect(try seconds(limit: .zero, [1]) == nil)
    }
}
