import Testing
import Training

@testable import Unlearn

@Suite("What a plan means for deletions")
struct DeletionOutlookTests {
    private func plan(_ lineage: Lineage, epochs: Int = 2, branchEpochs: Int = 3) -> TrainingPlan {
        let branches = lineage.isChain ? nil : Branches(count: lineage.branches, length: lineage.length, epochs: branchEpochs, learningRate: 1)
        return TrainingPlan(blocks: lineage.blocks, branches: branches, epochs: epochs, learningRate: 1, schedule: .linear)
    }

    @Test("Means are those of every row counted for itself", arguments: [
        Lineage(chain: 1), Lineage(chain: 7), Lineage(stem: 0, branches: 3, length: 2), Lineage(stem: 4, branches: 2, length: 3), Lineage(stem: 1, branches: 1, length: 1),
    ])
    func counted(_ lineage: Lineage) throws {
        // Blocks of different size, one of them empty.
        let plan = plan(lineage), rows = (1..<lineage.blocks + 1).map { lineage.blocks > 2 && $0 == 2 ? 0 : 3 + $0 * $0 % 5 }
        let passes = rows.enumerated().map { Double($1 * plan.epochs(of: $0 + 1)) }
        func mean(_ isMeant: (Int) -> Bool) -> (blocks: Double, share: Double, rows: Double) {
            var count = 0, blocks = 0, share = 0.0
            for block in 1..<lineage.blocks + 1 where isMeant(block) {
                let retrained = (1..<lineage.blocks + 1).filter { lineage.stands($0, on: block) }
                count += rows[block - 1]
                blocks += rows[block - 1] * retrained.count
                share += Double(rows[block - 1]) * retrained.reduce(0) { $0 + passes[$1 - 1] } / passes.reduce(0, +)
            }
            return (Double(blocks) / Double(count), share / Double(count), Double(count) / Double(rows.reduce(0, +)))
        }
        let outlook = DeletionOutlook(plan, rows: rows)
        func expect(_ cost: DeletionOutlook.Cost, _ isMeant: (Int) -> Bool) {
            let wanted = mean(isMeant)
            #expect(abs(cost.blocks - wanted.blocks) < 1e-9 && abs(cost.shareOfTraining - wanted.share) < 1e-9 && abs(cost.shareOfRows - wanted.rows) < 1e-9, "\(lineage)")
        }
        expect(outlook.any) { _ in true }
        #expect((outlook.stem != nil) == (!lineage.isChain && lineage.stem > 0) && (outlook.branch != nil) == !lineage.isChain)
        if let stem = outlook.stem { expect(stem) { $0 <= lineage.stem } }
        if let branch = outlook.branch { expect(branch) { $0 > lineage.stem } }
    }

    @Test("A project without rows costs nothing, and divides by nothing")
    func empty() {
        let outlook = DeletionOutlook(plan(Lineage(stem: 2, branches: 2, length: 1)), rows: [0, 0, 0, 0])
        #expect(outlook.any.blocks == 0 && outlook.any.shareOfTraining == 0 && outlook.stem == nil && outlook.branch == nil)
    }
}
