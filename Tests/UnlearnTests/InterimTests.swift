import Checkpoints
import Files
import Foundation
import Tensors
import TestSupport
import Testing
import Training

@testable import Unlearn

/// Models that are served while a deletion retrains: none was ever trained on a row of the request.
@Suite("Interim models")
struct InterimTests {
    private static let chain: Recipe = {
        var recipe = SmallProject.forgetting
        recipe.plan.branches = nil
        return recipe
    }()

    private func stitched(_ recipe: Recipe, _ row: String? = nil, inBlock block: Int = 4) throws -> (project: SmallProject, row: String) {
        let project = try SmallProject(recipe: recipe)
        try project.train()
        let row = try row ?? project.ids(inBlock: block)[0]
        let report = try project.delete([row]) { ($0.replay.onNoDecay, $0.replay.damping, $0.replay.decayGuard.epsilon) = (.stitch, .fixed(0.5), 1e9) }
        try #require(report.method == .stitch && !report.exact)
        return (project, row)
    }

    @Test("Rows that a stitch took away count: the model is the one from before the earliest block that held any", arguments: [chain, SmallProject.forgetting])
    func deletedBefore(recipe: Recipe) throws {
        let (project, row) = try stitched(recipe), other = try project.ids(inBlock: 33)[0], path = project.folder.file("interim.safetensors")
        let without = try SmallProject(recipe: recipe, excluding: [row, other])
        try without.train()
        let expected = try without.open(.read).lineage().state(3)
        #expect(try project.open(.read).state(.interim(.list(SmallProject.ids([row, other])), ignoring: [.deleted])) == expected)
        #expect(try project.open(.read).state(.interim(.list(SmallProject.ids([row])), ignoring: [.deleted])) == expected)
        let report = try project.delete([row, other]) { ($0.replay.method, $0.interim) = (.exact, InterimOutput(path: path, replacing: false)) }
        #expect(report.interim?.stateDigest == Digest(of: expected).description)
        #expect(try project.open(.read).state(exportedTo: path) == expected)
        let verified = try ErasureCertificate.verify(ErasureCertificate.issue(2, of: project.open(.read).store), path: "F", key: nil)
        #expect(verified.interimDigest == Digest(of: expected).description)
        // The replay has left nothing of either row: their model is the served one.
        let served = try project.open(.read)
        #expect(try served.state(.interim(.list(SmallProject.ids([row])), ignoring: [.deleted])) == served.state(.model))
    }

    @Test("So it is where the stitched row alone is asked for again, and where all that is trained stands on it nothing is written")
    func rowAlone() throws {
        let (project, row) = try stitched(SmallProject.forgetting), path = project.folder.file("interim.safetensors")
        let expected = try project.open(.read).lineage().state(3)
        // Forgiven, it leaves nothing to do; what is served meanwhile is there all the same.
        let nothing = try project.delete([row]) { ($0.ignoreMissing, $0.interim) = (true, InterimOutput(path: path, replacing: false)) }
        #expect(nothing.didNothing && nothing.interim?.stateDigest == Digest(of: expected).description)
        #expect(try project.open(.read).state(exportedTo: path) == expected)
        try project.delete([row]) { ($0.replay.method, $0.interim) = (.exact, InterimOutput(path: path, replacing: true)) }
        #expect(try project.open(.read).state(exportedTo: path) == expected)
        // And once the model is exact, it is that one.
        try project.delete([row]) { ($0.ignoreMissing, $0.interim) = (true, InterimOutput(path: path, replacing: true)) }
        let served = try project.open(.read)
        #expect(try served.state(exportedTo: path) == served.state(.model))

        let (first, firstRow) = try stitched(Self.chain, inBlock: 1), last = try first.ids(inBlock: 36)[0]
        #expect { try first.delete([firstRow, last]) { ($0.replay.method, $0.interim) = (.exact, InterimOutput(path: path, replacing: true)) } } throws: {
            "\($0)".hasPrefix("there is no interim model: all that is trained stands on these rows")
        }
        #expect { try first.delete(.chain) { ($0.replay.method, $0.interim) = (.exact, InterimOutput(path: path, replacing: true)) } } throws: {
            "\($0)".contains("none are named")
        }
    }

    @Test("A row that an exact deletion took away, and one of a branch, hold nothing back")
    func nothingHeldBack() throws {
        let project = try SmallProject(recipe: SmallProject.forgetting)
        try project.train()
        let exactly = try project.ids(inBlock: 2)[0], ofBranch = try project.ids(inBlock: 31)[0], ofStem = try project.ids(inBlock: 6)[0], other = try project.ids(inBlock: 35)[0]
        try project.delete([exactly]) { $0.replay.method = .exact }
        try project.delete([ofStem]) { ($0.replay.onNoDecay, $0.replay.damping, $0.replay.decayGuard.epsilon) = (.stitch, .fixed(0.5), 1e9) }
        try project.delete([ofBranch])
        let lineage = try project.open(.read).lineage(), expected = try lineage.model(of: [1, 2])
        #expect(try project.open(.read).state(.interim(.list(SmallProject.ids([exactly, ofBranch, other])), ignoring: [.deleted])) == expected)
    }
}
