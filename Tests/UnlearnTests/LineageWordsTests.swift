import Checkpoints
import Files
import Foundation
import Tensors
import TestSupport
import Testing
import Training

@testable import Unlearn
@testable import unlearn_cli

@Suite("What is said of a deletion in a stem and in branches")
struct LineageWordsTests {
    private let project: SmallProject

    init() throws {
        project = try SmallProject(recipe: SmallProject.forgetting)
        try project.train()
    }

    private func stitch(_ row: String) throws -> DeletionResult {
        try project.delete([row]) { ($0.replay.onNoDecay, $0.replay.damping, $0.replay.decayGuard.epsilon) = (.stitch, .fixed(0.5), 1e9) }
    }

    private func claims(_ request: Int) throws -> ErasureClaims.InfluenceRemoved {
        try #require(ErasureClaims(project.open(.read).store.ledger().map(\.entry).filter { $0.request == Store.requestName(request) })).influenceRemoved
    }

    private func verified(_ request: Int) throws -> ErasureCertificate.Verified {
        try ErasureCertificate.verify(ErasureCertificate.issue(request, of: project.open(.read).store), path: "F", key: nil)
    }

    @Test("A branch's deletion on a stitched stem is a retraining by every name, and the stitch that remains is said apart")
    func oneWord() throws {
        _ = try stitch(project.ids(inBlock: 4)[0])
        let result = try project.delete([project.ids(inBlock: 33)[0]])
        #expect(result.method == .retraining && result.stitches == 0 && result.earlierStitches == ["R1"])
        #expect(try JSONValue(result)["method"] == .string("retraining"))
        #expect(try claims(2).method == .string("retraining"))
        let log = try LogReport(of: project.open(.read).store, request: 2)
        #expect(log.requests[0].report?["method"] == .string("retraining") && log.requests[0].report?["earlier_stitches"] == .array([.string("R1")]))
        let text = DeletionText.describe(result, folder: "p")
        #expect(text.contains("retrained 2 of 36 blocks, to the end of branch 2, ") && text.contains("earlier stitches remain: R1"), "\(text)")
        let certified = try verified(2)
        #expect(!certified.stitched && certified.meaning.contains("retrained without the rows to the end of their branches") && certified.meaning.contains("earlier stitches remain in the chain: R1"))
        #expect(!certified.notReached.contains { $0.hasPrefix("influences of the blocks that were not retrained") })
    }

    @Test("An exact replay takes earlier stitches out of every certificate: of the stitch, of a branch, and of what ran to the end behind it")
    func stitchesGone() throws {
        _ = try stitch(project.ids(inBlock: 4)[0])
        try project.delete([project.ids(inBlock: 33)[0]])
        let before = try ErasureCertificate.issue(2, of: project.open(.read).store)
        #expect(try claims(2).meaning.contains("earlier stitches remain in the chain: R1"))
        try project.delete([project.ids(inBlock: 20)[0]]) { $0.replay.method = .exact }
        let after = try claims(2)
        #expect(after.meaning.hasSuffix("; earlier stitches remained in the chain then: R1; an exact replay has taken them away since"), "\(after.meaning)")
        #expect(after.meaning.contains("from a state that an earlier stitch had left") && !after.meaning.contains("remain in the chain: "))
        #expect(after.boundMeaning == "nothing bounded the distance to exact replay; see the certificate of the replay" && after.bound == .null)
        #expect(try claims(1).meaning.contains("an exact replay has taken that stitch away since"))
        // What was issued before still holds, as of its time.
        #expect(try ErasureCertificate.verify(before, path: "F", key: nil).meaning.contains("earlier stitches remain in the chain: R1"))
        #expect(try verified(2).meaning == after.meaning)
        #expect(try LogReport(of: project.open(.read).store, request: 2).requests[0].report?["earlier_stitches"] == nil)
    }

    @Test("In a chain, too, a deletion behind a stitch tells what remained then")
    func chain() throws {
        let project = try SmallProject()
        try project.train()
        try project.delete([project.ids(inBlock: 4)[0]]) { ($0.replay.onNoDecay, $0.replay.decayGuard.epsilon) = (.stitch, 1e9) }
        let behind = try project.delete([project.ids(inBlock: 28)[0]]) { $0.replay.onNoDecay = .stitch }
        #expect(behind.method == .retraining && behind.earlierStitches == ["R1"])
        try project.delete(.chain) { $0.replay.method = .exact }
        let claims = try #require(ErasureClaims(project.open(.read).store.ledger().map(\.entry).filter { $0.request == "R2" })).influenceRemoved
        #expect(claims.meaning.contains("to the end of the chain") && claims.meaning.hasSuffix("remained in the chain then: R1; an exact replay has taken them away since"), "\(claims.meaning)")
    }

    @Test("A branch that lost its last row is told to be out of the merge, alone or with branches that were retrained")
    func emptied() throws {
        let first = try project.ids(inBlock: 31) + project.ids(inBlock: 32), result = try project.delete(first)
        #expect(result.branchesEmptied == [1] && result.method == .exact)
        let text = DeletionText.describe(result, folder: "p")
        #expect(text.contains("without a row in them: exact by construction") && text.contains("\nbranch 1 has no row left and is out of the merge\n"), "\(text)")
        #expect(!text.contains("those of branch 1 alone"))
        var claimed = try claims(1)
        #expect(claimed.meaning.hasPrefix("exact by construction: branch 1 has no row left and is out of the merge; no other block"), "\(claimed.meaning)")
        #expect(claimed.meaning.contains("the exact merge of all branches that have a row left") && !claimed.meaning.contains("branch 1 was retrained"))
        func tips() -> [String] { if case .object(let tips)? = claimed.mergedFrom["tips"] { tips.keys.sorted() } else { [] } }
        #expect(tips() == ["2", "3"] && claimed.report["branches_emptied"] == .array([.integer(1)]))

        // With another branch, which keeps rows; the one that was emptied before stays out.
        let second = try project.ids(inBlock: 33) + project.ids(inBlock: 34) + [project.ids(inBlock: 35)[0]], both = try project.delete(second)
        let words = DeletionText.describe(both, folder: "p")
        #expect(both.branchesTouched == [2, 3] && both.branchesEmptied == [2] && words.contains("\nbranch 2 has no row left and is out of the merge\n"), "\(words)")
        claimed = try claims(2)
        #expect(tips() == ["3"] && claimed.meaning.contains("branch 3 was retrained without the rows, from states that never knew them; branch 2 has no row left"), "\(claimed.meaning)")
    }

    @Test("It is told, too, where the stem was replayed, and where a stitch lies in it", arguments: [UnlearningMethod.exact, .stitch])
    func emptiedWithStem(method: UnlearningMethod) throws {
        let rows = try [project.ids(inBlock: 4)[0]] + project.ids(inBlock: 31) + project.ids(inBlock: 32)
        let result = try project.delete(rows) { ($0.replay.method, $0.replay.onNoDecay, $0.replay.decayGuard.epsilon) = (method, .stitch, 1e9) }
        #expect(result.branchesEmptied == [1])
        #expect(DeletionText.describe(result, folder: "p").contains("\nbranch 1 has no row left and is out of the merge\n"))
        #expect(try claims(1).meaning.contains("; branch 1 has no row left and is out of the merge"))
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
    }

    @Test("A dry run of what would be replayed says that it would be")
    func dryRun() throws {
        let row = try project.ids(inBlock: 4)[0]
        _ = try stitch(row)
        let dry = try project.delete([row]) { ($0.replay.method, $0.dryRun) = (.exact, true) }
        #expect(DeletionText.describe(dry, folder: "p").hasPrefix("R2 (dry run, nothing was changed): would be exact again: 0 rows would be deleted, 1 row of the list before; earlier stitches would be replayed\n"))
    }
}
