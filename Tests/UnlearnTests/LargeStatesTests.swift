import Checkpoints
import TestSupport
import Testing
import Training

@testable import Unlearn

/// States for which memory is scarce are read again in place of being kept, and merged one after the other: whatever is done has the same bits.
@Suite("Large states")
struct LargeStatesTests {
    private func open(_ project: SmallProject, large: Bool) throws -> Project {
        let opened = try project.open()
        if large { opened.mostKeptBytes = 0 }
        return opened
    }

    private static let recipes = [SmallProject.recipe, SmallProject.forgetting, LineageProjectTests.recipe(), LineageProjectTests.recipe(stem: 0, branches: 4, length: 3, mergeStep: nil)]

    @Test("Training, deletions of every kind, audits and interim models are those of small ones", arguments: recipes)
    func same(recipe: Recipe) throws {
        var told: [[String]] = []
        for large in [false, true] {
            let project = try SmallProject(recipe: recipe)
            var digests = [try open(project, large: large).train(allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }.stateDigest]
            let shape = recipe.plan.lineage
            for (block, method) in [(shape.blocks, UnlearningMethod.exact), (max(1, shape.stem / 3), .stitch), (max(2, shape.stem), .stitch), (1, .exact)] {
                var options = DeletionOptions()
                options.replay.method = method
                let rows = try Array(project.ids(inBlock: block).prefix(2))
                let result = try open(project, large: large).delete(SmallProject.ids(rows), options: options, control: TrainingControl()) { _, _ in }
                digests += [result.stateDigest ?? "", "\(result.method) \(result.residual) \(result.damping ?? -1) \(result.l1Changed ?? -1)"]
                let audit = try open(project, large: large).audit(request: nil, before: nil, allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
                digests.append("\(audit.verdict) \(audit.agreementExact ?? -1)")
            }
            // Whoever holds a lineage holds its project.
            func states() throws -> [String] {
                let lineage = try open(project, large: large).lineage()
                return try (1...shape.blocks).map { Digest(of: try lineage.state($0)).description }
            }
            digests += try states()
            let last = try SmallProject.ids(Array(project.ids(inBlock: shape.blocks).prefix(1)))
            digests.append(Digest(of: try open(project, large: large).state(.interim(.list(last)))).description)
            #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
            told.append(digests)
        }
        for (small, large) in zip(told[0], told[1]) { #expect(small == large) }
    }

    @Test("Stitches across several blocks, and branches that are retrained behind them, measure and give what they do of small states", arguments: [SmallProject.recipe, SmallProject.forgetting])
    func stitches(recipe: Recipe) throws {
        var told: [[String]] = []
        for large in [false, true] {
            let project = try SmallProject(recipe: recipe), shape = recipe.plan.lineage
            try open(project, large: large).train(allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
            var digests: [String] = []
            // The second time the chain is stitched already, and the walk begins where a correction lies behind it.
            for blocks in [[3, 17], [12, 13]] {
                let ofBranches = shape.isChain ? [] : [shape.stem + 1, shape.blocks]
                let rows = try (blocks + ofBranches).flatMap { try project.ids(inBlock: $0).prefix(2) }
                var options = DeletionOptions()
                options.replay.onNoDecay = .stitch
                options.replay.damping = .fixed(0.75)
                options.replay.decayGuard.epsilon = 1e12
                let result = try open(project, large: large).delete(SmallProject.ids(rows), options: options, control: TrainingControl()) { _, _ in }, report = result.report
                #expect(report.stitches ?? 0 >= 1 && report.rowReach?.isEmpty == false && report.margin != nil)
                digests += [report.stateDigest, report.stateDigestBefore].map { $0 ?? "" } + ["\(report.measured)", "\(report.l1Changed ?? -1) \(report.agreementBefore ?? -1) \(report.testAccuracyBefore ?? -1)"]
            }
            #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
            told.append(digests)
        }
        for (small, large) in zip(told[0], told[1]) { #expect(small == large) }
    }
}
