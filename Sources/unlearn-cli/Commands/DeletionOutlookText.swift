import Training
import Unlearn

extension DeletionText {
    /// `a stem of 50 blocks and 10 branches of 5`.
    static func shape(stem: Int, branches: Int, length: Int) -> String {
        "\(stem == 0 ? "no stem" : "a stem of \(counted(stem, "block"))") and \(counted(branches, "branch", "branches")) of \(length)"
    }

    /// One sentence behind `init`: what the plan means for deletions, while it can still be changed.
    /// - Parameter mayBranch: whether --branches could be given instead.
    static func outlook(_ outlook: DeletionOutlook, _ recipe: Recipe, rows: Int, isFlat: Bool, mayBranch: Bool) -> String {
        func share(_ cost: DeletionOutlook.Cost) -> String { percent(cost.shareOfTraining, cost.shareOfTraining < 0.1 ? 1 : 0) }
        func blocks(_ cost: DeletionOutlook.Cost) -> String { fixed(cost.blocks, 1) }
        if let branch = outlook.branch, let stem = outlook.stem {
            return "deletion: the stem holds \(percent(stem.shareOfRows, 0)) of the rows; an exact deletion of one row of a branch retrains \(blocks(branch)) of \(outlook.blocks) blocks "
                + "on average (\(share(branch)) of training), of one of the stem the rest of the stem and all branches, \(blocks(stem)) blocks (\(share(stem)))"
        }
        if let branch = outlook.branch {
            return "deletion: an exact deletion of one row retrains the rest of its branch alone, \(blocks(branch)) of \(outlook.blocks) blocks on average (\(share(branch)) of training)"
        }
        var words = outlook.blocks == 1
            ? "deletion: all rows are in one block, and an exact deletion of one row trains it again (100 % of training)"
            : "deletion: an exact deletion of one row retrains its block and all behind it, \(blocks(outlook.any)) of \(outlook.blocks) blocks on average (\(share(outlook.any)) of training)"
        if mayBranch, let other = DeletionOutlook.withBranches(insteadOf: recipe, rows: rows, isFlat: isFlat), other.any.shareOfTraining < outlook.any.shareOfTraining {
            words += "; with --branches \(DeletionOutlook.exampleBranches) it would be \(share(other.any))"
                + (other.stem == nil ? "" : other.branch.map { ", and \(share($0)) for a row of a branch" } ?? "") + ", at some cost in accuracy"
        }
        return words
    }
}
