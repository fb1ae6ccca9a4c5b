import Checkpoints
import Files
import Foundation
import Tensors
import TestSupport
import Testing
import Training

@testable import Unlearn

/// Projects with a stem and branches: what a deletion leaves is what training without the rows gives, bit for bit.
@Suite("Stem and branches")
struct LineageProjectTests {
    static func recipe(stem: Int = 4, branches: Int = 3, length: Int = 2, mergeStep: Float? = 1.5) -> Recipe {
        var recipe = SmallProject.recipe
        recipe.plan.blocks = stem + branches * length
        recipe.plan.branches = Branches(count: branches, length: length, epochs: 3, learningRate: 0.05, mergeStep: mergeStep)
        return recipe
    }

    private static let shapes = [recipe(), recipe(stem: 0, branches: 4, length: 3, mergeStep: nil), recipe(stem: 6, branches: 5, length: 1)]

    /// Ids of the rows in some blocks, by block and slot.
    private func ids(_ project: SmallProject, _ blocks: some Sequence<Int>) throws -> [String] {
        let wanted = Set(blocks), store = try Store(opening: project.path, .read)
        return try RowPlaces(of: SmallProject.ids((0..<600).map(String.init)), in: store).rows.filter { wanted.contains($0.block) && !$0.deleted }
            .sorted { ($0.block, $0.slot) < ($1.block, $1.slot) }.map(\.id)
    }

    private func trained(_ recipe: Recipe, excluding: [String] = [], threads: Int = 1) throws -> SmallProject {
        let project = try SmallProject(recipe: recipe, excluding: excluding, threads: threads)
        try project.train(threads: threads)
        return project
    }

    private func expectEqual(_ a: SmallProject, _ b: SmallProject) throws {
        let a = try a.open(.read).lineage(), b = try b.open(.read).lineage()
        #expect(try a.model() == b.model())
        for block in 1...a.shape.blocks { #expect(try a.state(block) == b.state(block), "block \(block)") }
        #expect(a.isExact && b.isExact)
    }

    @Test("The model is the merge of branches that start from the stem's end, the same for any number of threads", arguments: shapes)
    func trains(recipe: Recipe) throws {
        let one = try trained(recipe), three = try trained(recipe, threads: 3), lineage = try one.open(.read).lineage(), shape = recipe.plan.lineage
        try expectEqual(one, three)
        let opened = try one.open(.read)
        var stem = try opened.trainer.initialState()
        for block in 1..<shape.stem + 1 { stem = try opened.trainer.train(block: block, from: stem, rows: opened.trainingRows(block: block), control: TrainingControl()) }
        let tips = try (1...shape.branches).map { branch in
            try shape.blocks(ofBranch: branch).reduce(stem) { try opened.trainer.train(block: $1, from: $0, rows: opened.trainingRows(block: $1), control: TrainingControl()) }
        }
        #expect(try lineage.model() == stem.merging(tips, step: shape.mergeStep))
        #expect(try lineage.isExact && opened.check(readData: true) { _, _ in }.errors == [])
        #expect(try opened.status().lineage?.branches == shape.branches)
    }

    @Test("A deletion in branches is exact by construction: the bits of a project without the rows", arguments: shapes, [1, 3])
    func branchRows(recipe: Recipe, threads: Int) throws {
        let shape = recipe.plan.lineage
        for blocks in [[shape.blocks], [shape.stem + 1], [shape.stem + 1, shape.blocks], Array(shape.blocks(ofBranch: 2))] {
            let project = try trained(recipe), rows = try blocks.count == 1 ? [ids(project, blocks)[0]] : ids(project, blocks)
            let report = try project.delete(rows, threads: threads)
            #expect(report.method == .exact && report.guarded && report.fallback == nil && report.exact && report.exactByConstruction == true)
            #expect(report.branchesTouched == Set(blocks.map { shape.branch(of: $0)! }).sorted())
            #expect(report.blocksRetrained <= shape.length * Set(blocks.map { shape.branch(of: $0)! }).count)
            let json = try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any])
            for key in ["residual", "rho", "fit", "damping", "tailBound"] { #expect(json[key] is NSNull, "\(key)") }
            try expectEqual(project, trained(recipe, excluding: rows))
            let opened = try project.open(.read)
            #expect(try opened.check(readData: true) { _, _ in }.errors == [])
            let audit = try opened.audit(request: nil, before: nil, allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
            #expect(audit.verdict == .exact)
        }
    }

    @Test("Rows of the stem replayed exactly, alone or with rows of a branch, leave the bits of a project without them")
    func stemExactly() throws {
        let recipe = Self.recipe()
        for blocks in [[1], [3], [2, 7]] {
            let project = try trained(recipe), rows = try ids(project, blocks).enumerated().filter { $0.offset % 5 == 0 }.map(\.element)
            let report = try project.delete(rows) { $0.replay.method = .exact }
            #expect(report.method == .exact && report.exact && report.exactByConstruction == false)
            #expect(report.blocksRetrained == recipe.plan.blocks - blocks[0] + 1)
            try expectEqual(project, trained(recipe, excluding: rows))
        }
    }

    @Test("Deletions one after the other, in branches and in the stem, end where one without all the rows does")
    func oneAfterTheOther() throws {
        let recipe = Self.recipe(), project = try trained(recipe)
        let rows = try [ids(project, [9])[1], ids(project, [5])[0], ids(project, [2])[3], ids(project, [10])[2]]
        for row in rows { try project.delete([row]) { $0.replay.method = .exact } }
        try expectEqual(project, trained(recipe, excluding: rows))
    }

    @Test("A branch whose rows are all deleted is no part of the merge, and so to the last row but one")
    func emptyBranch() throws {
        let recipe = Self.recipe(), project = try trained(recipe), shape = recipe.plan.lineage
        let second = try ids(project, shape.blocks(ofBranch: 2))
        try project.delete(second)
        #expect(try project.open(.read).lineage().liveBranches() == [1, 3])
        try expectEqual(project, trained(recipe, excluding: second))
        let others = try ids(project, 1...recipe.plan.blocks)
        try project.delete(Array(others.dropLast()))
        try expectEqual(project, trained(recipe, excluding: second + others.dropLast()))
    }

    @Test("A stitch in the stem shifts the merge, is told, and is replayed exactly when that is asked for")
    func stemStitch() throws {
        let project = try trained(SmallProject.forgetting), row = try ids(project, [3])[0], other = try ids(project, [35])[0]
        let report = try project.delete([row]) { $0.replay.onNoDecay = .stitch }
        #expect(report.method == .stitch && !report.exact && report.exactByConstruction == false && report.damping != nil)
        #expect(report.blocksRetrained < 36 && report.segments[0].last <= 30)
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
        let audit = try project.open(.read).audit(request: nil, before: nil, allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
        #expect(audit.verdict != .exact && audit.verdict != .mismatch && audit.blocksReplayed == 34)

        // A branch behind it is retrained on what the stitch left.
        let second = try project.delete([other])
        #expect(second.method == .retraining && !second.exact && second.earlierStitches == ["R1"] && second.fromExactState == false)
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])

        try project.delete(.chain) { $0.replay.method = .exact }
        try expectEqual(project, trained(SmallProject.forgetting, excluding: [row, other]))
    }

    @Test("A stitch and a branch in one request: the branch stands on the stem's new end")
    func stitchAndBranch() throws {
        let project = try trained(SmallProject.forgetting), rows = try [ids(project, [4])[0], ids(project, [33])[0]]
        let report = try project.delete(rows) { $0.replay.onNoDecay = .stitch }
        #expect(report.method == .stitch && report.branchesTouched == [2] && report.damping != nil)
        let opened = try project.open(.read), lineage = try opened.lineage()
        #expect(try opened.check(readData: true) { _, _ in }.errors == [])
        #expect(Digest(of: try lineage.model()).description == report.stateDigest)
        try project.delete(.chain) { $0.replay.method = .exact }
        try expectEqual(project, trained(SmallProject.forgetting, excluding: rows))
    }

    @Test("A stitch right behind the stem's end stays under every branch until all of them are replayed")
    func stitchAtTheEnd() throws {
        for damping in [Damping.gapNorms, .fixed(1), .fixed(0.5)] {
            let project = try trained(SmallProject.forgetting), rows = try [ids(project, [22])[0], ids(project, [33])[0], ids(project, [36])[0]]
            let report = try project.delete([rows[0]]) { ($0.replay.onNoDecay, $0.replay.damping, $0.replay.decayGuard.epsilon) = (.stitch, damping, 1e9) }
            #expect(report.segments.map(\.last) == [30] && report.stitches == 1)
            try expectReported(project, report)
            var before = try project.open(.read).model()
            for row in rows.dropFirst() {
                before = try project.open(.read).model()
                let next = try project.delete([row])
                #expect(!next.exact && next.method == .retraining && next.exactByConstruction == false && next.earlierStitches == ["R1"])
                try expectReported(project, next)
                // Nothing that is left knew this row: what was measured on models that did is gone.
                let kept = try DeletionReport(json: #require(project.open(.read).store.requests().last).report)
                #expect(kept.stateDigestBefore == nil && kept.stateDigest == nil && kept.margin == nil)
                let first = try DeletionReport(json: #require(project.open(.read).store.requests().first).report)
                #expect(first.stateDigest == nil && first.stateDigestBefore == nil && first.damping != nil)
            }
            let audit = try project.open(.read).audit(request: nil, before: before, allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
            let excluding = try trained(SmallProject.forgetting, excluding: rows)
            #expect(audit.exactDigest == Digest(of: try excluding.open(.read).model()).description)
            try project.delete(.chain) { $0.replay.method = .exact }
            try expectEqual(project, excluding)
        }
    }

    /// The stored model is the one that a deletion reports, and the store is sound.
    private func expectReported(_ project: SmallProject, _ result: DeletionResult) throws {
        let opened = try project.open(.read)
        #expect(try Digest(of: opened.model()).description == result.report.stateDigest)
        #expect(try opened.check(readData: true) { _, _ in }.errors == [])
    }

    private static let chain: Recipe = {
        var recipe = SmallProject.forgetting
        recipe.plan.branches = nil
        return recipe
    }()

    @Test("After any sequence of deletions the stored model is the reported one, and exact replay is training without the rows", arguments: [chain, SmallProject.forgetting], [1, 2, 3] as [UInt64])
    func sequences(recipe: Recipe, seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let project = try trained(recipe), all = try ids(project, 1...36)
        var deleted: [String] = []
        for _ in 0..<5 {
            let rows = (0..<Int.random(in: 1...3, using: &random)).map { _ in all.randomElement(using: &random)! }.filter { !deleted.contains($0) }
            let chosen = Array(Set(rows)).sorted()
            guard !chosen.isEmpty else { continue }
            let damping = [Damping.automatic, .gapNorms, .fixed(0.5)].randomElement(using: &random)!
            let result = try project.delete(chosen) {
                ($0.replay.onNoDecay, $0.replay.damping, $0.replay.decayGuard.epsilon) = (.stitch, damping, [0.1, 1e9].randomElement(using: &random)!)
            }
            deleted += chosen
            try expectReported(project, result)
        }
        if try project.open(.read).lineage().isExact == false { try project.delete(.chain) { $0.replay.method = .exact } }
        try expectEqual(project, trained(recipe, excluding: deleted))
    }

    @Test("A stem deletion before any branch is trained, or all of them are, ends where training without the row does")
    func partlyTrained() throws {
        for limit in [9, 33] {
            let project = try SmallProject(recipe: SmallProject.forgetting), asked = Counter(limit: limit)
            #expect(throws: Failure.interrupted) {
                try project.open().train(allowingOtherNumerics: false, control: TrainingControl { asked.isOver }) { _, _ in }
            }
            let done = try project.open(.read).lineage().trainedBlocks
            #expect(done > 3 && done < 36)
            let row = try ids(project, [2])[0], report = try project.delete([row]) { $0.replay.method = .exact }
            #expect(report.blocksRetrained == done - 1 && report.exact)
            try project.train()
            try expectEqual(project, trained(SmallProject.forgetting, excluding: [row]))
        }
    }

    /// A project whose training was stopped after so many looks at the control: one for each epoch of a block.
    private func stopped(_ recipe: Recipe, after limit: Int) throws -> SmallProject {
        let project = try SmallProject(recipe: recipe), asked = Counter(limit: limit)
        #expect(throws: Failure.interrupted) {
            try project.open().train(allowingOtherNumerics: false, control: TrainingControl { asked.isOver }) { _, _ in }
        }
        return project
    }

    @Test("Rows that no trained block held are deleted at whatever block training has stopped", arguments: [9, 30, 33], [UnlearningMethod.stitch, .exact])
    func nothingTrainedHeldThem(limit: Int, method: UnlearningMethod) throws {
        let project = try stopped(SmallProject.forgetting, after: limit), lineage = try project.open(.read).lineage(), before = try lineage.model()
        #expect(lineage.isTrained(9) && !lineage.isTrained(36))
        for rows in [["test:7"], try [ids(project, [36])[0]]] {
            let report = try project.delete(rows) { $0.replay.method = method }
            #expect(report.method == RemovalMethod.exact && report.blocksRetrained == 0 && report.exact && report.branchesEmptied == nil)
            try expectReported(project, report)
            #expect(try project.open(.read).model() == before)
        }
    }

    @Test("A branch that loses its last row before any of it is trained was never in the merge, and that is told and certified", arguments: [false, true])
    func emptiedBeforeTraining(withStem: Bool) throws {
        let project = try stopped(SmallProject.forgetting, after: 33), lineage = try project.open(.read).lineage()
        #expect(lineage.stemLength == 30 && !lineage.isTrained(33))
        let emptied = try ids(project, 33...34), rows = try emptied + (withStem ? [ids(project, [3])[0]] : [])
        let report = try project.delete(rows) { ($0.replay.onNoDecay, $0.replay.decayGuard.epsilon) = (.stitch, 1e9) }
        #expect(report.branchesEmptied == nil && report.exact == !withStem && (report.blocksRetrained == 0) == !withStem)
        if !withStem { #expect(report.stateDigest == Digest(of: try lineage.model()).description) }
        try expectReported(project, report)
        let store = try project.open(.read).store, bytes = try ErasureCertificate.issue(1, of: store)
        let verified = try ErasureCertificate.verify(bytes, path: "R1", key: store.publicKey)
        #expect(verified.stateDigest == report.stateDigest)
        #expect(withStem || verified.meaning == "no block that was trained held the rows; the model is untouched")
        if withStem { try project.delete(.chain) { $0.replay.method = .exact } }
        try project.train()
        try expectEqual(project, trained(SmallProject.forgetting, excluding: rows))
    }

    @Test("An exact replay leaves no stitch, wherever one lay, and says so", arguments: [Damping.fixed(1), .fixed(0.5)])
    func exactLeavesNoStitch(damping: Damping) throws {
        let project = try trained(SmallProject.forgetting), row = try ids(project, [22])[0]
        try project.delete([row]) { ($0.replay.onNoDecay, $0.replay.damping, $0.replay.decayGuard.epsilon) = (.stitch, damping, 1e9) }
        let report = try project.delete(.chain) { $0.replay.method = .exact }.report
        #expect(report.exact && report.earlierStitches == [])
        let next = try project.delete([ids(project, [36])[0]])
        #expect(next.exact && next.earlierStitches == [])
        // With nothing to put into a file that was asked for, none is made, and that is no success.
        let path = project.folder.file("interim.npz")
        #expect(throws: Failure.self) { try project.delete(.chain) { ($0.replay.method, $0.interim) = (.exact, InterimOutput(path: path, replacing: false)) } }
    }

    @Test("Behind an earlier stitch, the audit of a branch's deletion compares with exact replay alone")
    func auditBehindStitch() throws {
        let project = try trained(SmallProject.forgetting)
        try project.delete([ids(project, [3])[0]]) { $0.replay.onNoDecay = .stitch }
        try project.delete([ids(project, [35])[0]])
        let audit = try project.open(.read).audit(request: nil, before: nil, allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
        #expect(audit.request == "R2" && audit.verdict == .undecided && audit.l1ToExact ?? 0 > 0 && audit.l1NothingToExact == nil && !audit.passes)
    }

    @Test("The interim model never saw the rows: it is the merge without their branches, or the stem before their block")
    func interim() throws {
        let recipe = Self.recipe(), project = try trained(recipe), shape = recipe.plan.lineage
        let rows = try ids(project, [shape.blocks(ofBranch: 2).upperBound])
        let path = project.folder.file("interim.safetensors")
        let lineage = try project.open(.read).lineage()
        let expected = try lineage.state(shape.stem).merging([1, 3].map { try lineage.state(lineage.tip(ofBranch: $0)) }, step: 1.5)
        let before = try project.open(.read).state(.interim(.list(SmallProject.ids(rows))))
        let report = try project.delete(rows) { $0.interim = InterimOutput(path: path, replacing: false) }
        #expect(try project.open(.read).state(exportedTo: path) == expected && before == expected)
        #expect(report.interim?.stateDigest == Digest(of: expected).description && report.interim?.testAccuracy != nil)
        // The merge without a branch is that of a project without any of its rows.
        let whole = try trained(recipe), without = try trained(recipe, excluding: ids(whole, shape.blocks(ofBranch: 2)))
        #expect(try without.open(.read).model() == expected)

        let ofStem = try ids(project, [3])[0], another = project.folder.file("second.npz")
        let state = try lineage.state(2)
        try project.delete([ofStem]) { ($0.interim, $0.replay.method) = (InterimOutput(path: another, replacing: false), .exact) }
        #expect(try project.open(.read).store.requestNumbers().count == 2)
        #expect(FileManager.default.fileExists(atPath: another))
        let excluding = try trained(recipe, excluding: rows + [ofStem])
        #expect(try excluding.open(.read).lineage().state(2) == state)
        let first = try ids(project, [1])[0]
        #expect(throws: Failure.self) { try project.delete([first]) { $0.interim = InterimOutput(path: path + ".npz", replacing: false) } }
    }

    @Test("Training that is cut off between branches goes on where it was")
    func resumes() throws {
        let recipe = Self.recipe(), project = try SmallProject(recipe: recipe)
        var stops = 0
        while stops < 30 {
            let asked = Counter(limit: 5)
            do {
                _ = try project.open(threads: stops % 2 == 0 ? 1 : 2).train(allowingOtherNumerics: false, control: TrainingControl { asked.isOver }) { _, _ in }
                break
            } catch let error as Failure where error.kind == .interrupted { stops += 1 }
        }
        #expect(stops > 2)
        try expectEqual(project, trained(recipe))
        let events = try project.open(.read).store.ledger().map(\.entry.event)
        #expect(events.filter { $0 == .trained }.count == 1)
    }
}

private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var left: Int
    init(limit: Int) { left = limit }
    var isOver: Bool { lock.withLock { left -= 1; return left < 0 } }
}
