import Checkpoints
import Files
import Tensors
import Testing
import Training

@testable import Unlearn
@testable import unlearn_cli

@Suite("What is said of a deletion")
struct DeletionWordsTests {
    /// One deletion of a sequence: the blocks that lose a row, how, and the stitch's damping.
    struct Step: Sendable, CustomTestStringConvertible {
        var blocks: [Int]
        var testRow = false
        var method = UnlearningMethod.stitch
        var damping = 1.0
        /// Cut off before it is published.
        var isUndone = false

        var testDescription: String { "\(method) \(blocks)\(testRow ? " and a test row" : "") γ \(damping)\(isUndone ? " undone" : "")" }
    }

    static let sequences: [[Step]] = [
        // One segment, several, the last to the end of a fresh chain.
        [Step(blocks: [4]), Step(blocks: [4], method: .exact)],
        [Step(blocks: [4, 18])],
        [Step(blocks: [4, 25])],
        [Step(blocks: [28])],
        [Step(blocks: [3, 16, 27], damping: 0.5)],
        // Test rows alone, on an exact chain and on a stitched one, and with training rows.
        [Step(blocks: [], testRow: true), Step(blocks: [4], testRow: true), Step(blocks: [], testRow: true)],
        // After an exact one, after stitched ones, before them, behind them, on their very places.
        [Step(blocks: [7], method: .exact), Step(blocks: [4, 25])],
        [Step(blocks: [4]), Step(blocks: [20])],
        [Step(blocks: [4]), Step(blocks: [25]), Step(blocks: [2])],
        [Step(blocks: [4]), Step(blocks: [25]), Step(blocks: [4])],
        [Step(blocks: [10]), Step(blocks: [2])],
        [Step(blocks: [4]), Step(blocks: [4])],
        [Step(blocks: [4]), Step(blocks: [13]), Step(blocks: [12])],
        [Step(blocks: [4], damping: 0.5), Step(blocks: [13], damping: 0.5), Step(blocks: [22], damping: 0.5)],
        [Step(blocks: [4], damping: 0), Step(blocks: [12], damping: 0), Step(blocks: [25])],
        [Step(blocks: [4], damping: 0.5), Step(blocks: [25], method: .exact), Step(blocks: [25])],
        // After one that was undone.
        [Step(blocks: [4], isUndone: true), Step(blocks: [4, 25])],
        [Step(blocks: [4]), Step(blocks: [6], isUndone: true), Step(blocks: [5])],
    ]

    /// The state that each block was trained from, followed through the deletions.
    private struct Bases {
        private var states: [Int: LatticeVector] = [:]

        init(_ project: Project) throws {
            let chain = try project.lineage()
            for block in 1...chain.trainedBlocks { states[block] = try chain.state(block - 1) }
        }

        mutating func follow(_ report: DeletionReport, _ project: Project) throws {
            let chain = try project.lineage()
            for segment in report.segments {
                var state = try chain.state(segment.first - 1)
                let trained = try project.trainer.train(
                    block: segment.first, from: state, rows: try project.trainingRows(block: segment.first), control: TrainingControl())
                #expect(try trained.subtracting(state) == chain.influence(segment.first), "block \(segment.first) was trained from another state")
                for block in segment.first...segment.last {
                    states[block] = state
                    state = try state.adding(chain.influence(block))
                }
            }
        }

        /// Blocks behind which the chain does not go on as training does: the next one was trained from another state.
        func seams(_ project: Project) throws -> Set<Int> {
            let chain = try project.lineage()
            return Set(try (1..<chain.trainedBlocks).filter { try states[$0]!.adding(chain.influence($0)) != states[$0 + 1]! })
        }
    }

    @Test("Every sentence of delete and of claim (c) is what was done", arguments: sequences)
    func sentences(sequence: [Step]) throws {
        let project = try SmallProject()
        try project.train()
        var bases = try Bases(project.open(.read))
        for step in sequence {
            let wasExact = try project.open(.read).lineage().isExact, firstInexact = try project.open(.read).lineage().firstInexact
            let ids = try step.blocks.map { try project.ids(inBlock: $0)[0] } + (step.testRow ? [try testRow(project)] : [])
            let change = { (options: inout DeletionOptions) in
                options.replay.method = step.method
                options.replay.onNoDecay = .stitch
                options.replay.decayGuard.epsilon = 1e9
                options.replay.damping = .fixed(step.damping)
            }
            guard !step.isUndone else {
                var options = DeletionOptions()
                change(&options)
                let stop = StopAfter(calls: 3)
                #expect(throws: Failure.interruptedUnchanged) {
                    try project.open().delete(SmallProject.ids(ids), options: options, control: TrainingControl { stop.isDue() }) { _, _ in }
                }
                continue
            }
            let result = try project.delete(ids, change)
            let opened = try project.open(.read), report = result.report
            let own = Set(report.segments.filter { $0.damping != nil }.map(\.last)), dampings = report.segments.compactMap(\.damping)
            try bases.follow(report, opened)
            // Where a list has several segments, those behind the first start from what this request's own stitch left.
            let remaining = try bases.seams(opened).subtracting(own).subtracting(report.segments.dropFirst().map { $0.first - 1 })
            let claims = try #require(ErasureClaims(opened.store.ledger().map(\.entry).filter { $0.request == report.request })).influenceRemoved
            let text = DeletionText.describe(result, folder: "p"), stitchedOn = report.method == .stitch && !own.isEmpty
            let isUntouched = report.blocksRetrained == 0

            // What the report says is what lies in the chain.
            #expect(report.exactBefore == wasExact && report.earlierStitches?.isEmpty == remaining.isEmpty, "\(step.testDescription): \(remaining), \(report.earlierStitches ?? [])")
            #expect(report.exact == (try opened.lineage().isExact))
            if let first = report.segments.map(\.first).min() { #expect(report.fromExactState == (first <= firstInexact ?? Int.max)) }

            // What delete prints.
            #expect(text.contains("earlier stitches remain: ") == !remaining.isEmpty, "\(text)")
            #expect(text.contains("no trained block held them: the model is as it was") == isUntouched, "\(text)")
            #expect(text.contains("to the end of the chain") == (report.method != .exact && report.damping == nil), "\(text)")
            #expect(text.contains("stitched the rest back on") == (report.method == .stitch && report.damping != nil), "\(text)")
            #expect(text.contains(" blocks exactly in ") == (report.method == .exact && !isUntouched) && !text.contains("other numerics"), "\(text)")
            #expect(text.contains("of the gap that was removed stays in the chain") == dampings.contains { $0 < 1 }, "\(text)")
            #expect(text.contains(" by extrapolation of the fit; not a bound") == stitchedOn && !text.contains("at most"), "\(text)")
            #expect(text.contains("test row deleted") == (step.testRow && step.blocks.isEmpty) && !text.contains(": 0 "), "\(text)")

            // What the certificate claims.
            #expect(claims.meaning.contains("the model is untouched") == isUntouched && claims.meaning.contains("bits that training without") == (report.exact && !isUntouched))
            #expect(claims.meaning.contains("earlier stitches remain in the chain: ") == (!isUntouched && !remaining.isEmpty), "\(claims.meaning)")
            #expect(claims.meaning.contains("from a state that an earlier stitch had left") == (report.fromExactState == false && !report.exact), "\(claims.meaning)")
            #expect(claims.meaning.contains("to the end of the chain") == (report.method != .exact && report.damping == nil), "\(claims.meaning)")
            #expect(claims.meaning.contains("put the unaffected rest back on") == stitchedOn && !claims.meaning.contains("other numerics"), "\(claims.meaning)")
            #expect(claims.meaning.contains("a share of ") == (dampings.contains { $0 < 1 && $0 > 0 }) && claims.meaning.contains("damping 0") == dampings.contains(0))
            #expect(claims.bound == (report.exact || isUntouched ? .integer(0) : .null))
            #expect(claims.extrapolation.double == (stitchedOn ? report.tailBound : nil) && report.extrapolatedDistance == report.tailBound)
            #expect(claims.extrapolationMeaning.contains("not a bound") == stitchedOn)
            #expect(claims.extrapolationMeaning.contains("earlier stitches left") == (stitchedOn && !remaining.isEmpty))
        }
    }

    private func testRow(_ project: SmallProject) throws -> String {
        let places = try RowPlaces(of: SmallProject.ids((0..<50).map { "test:\($0)" }), in: project.open(.read).store)
        return try #require(places.rows.first { !$0.deleted }?.id)
    }

    @Test("A list over several blocks of a fresh project whose last segment runs to the end speaks of no earlier stitch")
    func ownStitch() throws {
        let project = try SmallProject()
        try project.train()
        let result = try project.delete([try project.ids(inBlock: 4)[0], try project.ids(inBlock: 27)[0]]) {
            $0.replay.onNoDecay = .stitch
            $0.replay.decayGuard.epsilon = 1e9
        }
        try #require(result.method == .stitch && result.damping == nil && result.segments.count == 2)
        let text = DeletionText.describe(result, folder: "p")
        #expect(!text.contains("earlier") && text.contains("stitched behind block 12 ") && text.contains("went on from there to the end of the chain"), "\(text)")
        let claims = try #require(ErasureClaims(project.open(.read).store.ledger().map(\.entry).filter { $0.request == "R1" }))
        #expect(!claims.influenceRemoved.meaning.contains("earlier") && !claims.influenceRemoved.boundMeaning.contains("earlier"))
    }

    @Test("Blocks that are not trained yet, and a dry run, are told as they are")
    func untrained() throws {
        let project = try SmallProject()
        let id = try project.ids(inBlock: 3)[0]
        let dry = try project.delete([id]) { $0.dryRun = true }
        #expect(DeletionText.describe(dry, folder: "p") == "R1 (dry run, nothing was changed): would be forgotten: 1 row would be deleted\nno trained block held them: the model is as it was")
        let result = try project.delete([id])
        #expect(DeletionText.describe(result, folder: "p").hasPrefix("R1: forgotten: 1 row deleted\nno trained block held them: the model is as it was\nerased 1 row, 0 checkpoints"))
        #expect(result.fromExactState == nil && result.earlierStitches == [] && result.exact)
    }
}
