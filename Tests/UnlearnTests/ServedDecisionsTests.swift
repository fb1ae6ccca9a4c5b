import Checkpoints
import Tensors
import Testing

@testable import Unlearn

@Suite("Decisions kept with the served model")
struct ServedDecisionsTests {
    /// What is kept is what the model decides, or nothing.
    private func expectKept(_ project: SmallProject, _ what: Comment) throws {
        let opened = try project.open(.read), model = try opened.model()
        #expect(try kept(model, opened.store) == opened.decide(model, on: .test), what)
    }

    private func kept(_ model: LatticeVector, _ store: Store) throws -> Decisions? {
        try ServedDecisions.kept(stateDigest: Digest(of: model).description, in: store)
    }

    @Test("After training and after every kind of deletion they are the model's own, and a report is the same with them or without")
    func current() throws {
        let project = try SmallProject()
        try project.train()
        try expectKept(project, "trained")
        let deletions: [(String, [String], (inout DeletionOptions) -> Void)] = [
            ("stitched", [try project.ids(inBlock: 3)[0]], { $0.replay.onNoDecay = .stitch }),
            ("exact", [try project.ids(inBlock: 9)[1]], { $0.replay.method = .exact }),
            ("test rows", ["test:3", "test:7"], { _ in }),
            ("both", [try project.ids(inBlock: 15)[2], "test:8"], { $0.replay.method = .exact }),
        ]
        for (name, ids, change) in deletions {
            let without = try project.open()
            try without.store.transaction { change in try change.removeTestRowsSettings() }
            #expect(try kept(without.model(), without.store) == nil)
            var options = DeletionOptions()
            change(&options)
            options.dryRun = true
            let expected = try without.delete(SmallProject.ids(ids), options: options, control: .init()) { _, _ in }.report
            // The model is as it was; what was taken away is made again.
            if let decisions = try without.decide(without.model(), on: .test) {
                let digest = Digest(of: try without.model()).description
                try without.store.transaction { change in try ServedDecisions.keep(decisions, stateDigest: digest, in: change) }
            }
            try expectKept(project, "before \(name)")
            let report = try without.delete(SmallProject.ids(ids), options: { options.dryRun = false; return options }(), control: .init()) { _, _ in }.report
            #expect(report.testAccuracy == expected.testAccuracy && report.testAccuracyBefore == expected.testAccuracyBefore, "\(name)")
            #expect(report.agreementBefore == expected.agreementBefore && report.stateDigest == expected.stateDigest, "\(name)")
            try expectKept(project, "\(name)")
        }
    }
}
