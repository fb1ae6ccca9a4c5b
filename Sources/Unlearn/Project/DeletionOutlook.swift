import Training

/// What a plan means for deletions, before any has been asked for: what an exact deletion of one row retrains, on average over the rows.
public struct DeletionOutlook: Encodable, Sendable, Equatable {
    /// Of a row whose place is not known.
    public struct Cost: Encodable, Sendable, Equatable {
        /// Blocks retrained, a mean.
        public let blocks: Double
        /// Of all that training does: passes of rows through blocks.
        public let shareOfTraining: Double
        /// Of the rows, how many this is said of.
        public let shareOfRows: Double
    }

    /// Of all rows.
    public let any: Cost
    /// Of those of the stem and of those of branches; nil in a chain, and where no row stands there.
    public let stem: Cost?
    public let branch: Cost?
    public let blocks: Int

    /// - Parameter rows: of each block, in order.
    /// - Complexity: O(blocks).
    public init(_ plan: TrainingPlan, rows: [Int]) {
        precondition(rows.count == plan.blocks, "rows of every block")
        let lineage = plan.lineage
        // Work of the blocks before each: what stands on a block is a run of blocks.
        var before = [0.0]
        for block in 1..<plan.blocks + 1 { before.append(before[block - 1] + Double(rows[block - 1]) * Double(plan.epochs(of: block))) }
        let work = max(before[plan.blocks], 1), all = max(Double(rows.reduce(0, +)), 1)

        func mean(_ blocks: ClosedRange<Int>) -> Cost? {
            var count = 0.0, retrained = 0.0, passes = 0.0
            for block in blocks {
                let end = lineage.descendants(of: block).last ?? block, here = Double(rows[block - 1])
                count += here
                retrained += here * Double(end - block + 1)
                passes += here * (before[end] - before[block - 1])
            }
            guard count > 0 else { return nil }
            return Cost(blocks: retrained / count, shareOfTraining: passes / count / work, shareOfRows: count / all)
        }
        blocks = plan.blocks
        any = mean(1...plan.blocks) ?? Cost(blocks: 0, shareOfTraining: 0, shareOfRows: 0)
        stem = lineage.isChain || lineage.stem == 0 ? nil : mean(1...lineage.stem)
        branch = lineage.isChain ? nil : mean(lineage.stem + 1...plan.blocks)
    }

    /// The same of blocks of equal size.
    public init(_ plan: TrainingPlan) { self.init(plan, rows: [Int](repeating: 1, count: plan.blocks)) }
}

extension DeletionOutlook {
    /// Branches that are tried in words where a project is a chain.
    public static let exampleBranches = 8
    private static let fewestRowsOfBlock = 20

    /// What `--branches 8` would make of a chain's plan; nil where there are too few rows for it.
    /// - Parameter isFlat: rows are no images, and the recipe follows from how many there are.
    public static func withBranches(insteadOf recipe: Recipe, rows: Int, isFlat: Bool) -> DeletionOutlook? {
        guard let model = recipe.network?.model else { return nil }
        let count = exampleBranches
        var other = isFlat ? Recipe.ofTable(model, rows: rows, branches: count) : Recipe.builtIn(model, branched: true)
        if !isFlat { other.plan.blocks = recipe.plan.blocks }
        guard let lineage = try? BranchPlan.lineage(blocks: other.plan.blocks, branches: count, stem: other.stemShare), rows >= lineage.blocks * fewestRowsOfBlock else { return nil }
        other.plan.blocks = lineage.blocks
        other.plan.branches = other.branches(count: count, length: lineage.length, epochs: nil, learningRate: nil, mergeStep: nil)
        return DeletionOutlook(other.plan)
    }
}
