import Checkpoints
import Files
import Foundation
import Training
import Unlearn

/// The live test rows, cut once into rows that coalitions are scored on and rows that valuation never sees.
///
/// Within each class, rows are ranked by a random number of their own, a function of the seed and their place, and the first
/// share of them are valuation rows. Where the project is open for writing the cut is kept in it, so that deleting a test row
/// later moves no other row across; without that, at most one row of its class moves.
public struct ValuationSplit: Sendable, Equatable {
    /// Slots by block of test rows, ascending.
    public let valuation: [Int: [Int]]
    public let final: [Int: [Int]]
    public let share: Double

    public static let defaultShare = 0.5
    /// Rows that either side must have.
    static let fewestRows = 2

    public var valuationRows: Int { valuation.values.reduce(0) { $0 + $1.count } }
    public var finalRows: Int { final.values.reduce(0) { $0 + $1.count } }

    /// - Parameters:
    ///   - share: of the rows, for valuation; above 0 and below 1.
    ///   - keeping: whether to keep a fresh cut in the project, which must be open for writing then.
    /// - Throws: `Failure` of kind `input` where either side has fewer than two rows.
    /// - Complexity: one pass over the stored test rows.
    public init(of project: Project, share: Double = defaultShare, keeping: Bool) throws {
        precondition(share > 0 && share < 1, "a share of the test rows")
        let kept = try Kept(project.store, share: share)
        var byClass: [Int32: [(rank: UInt64, block: Int, slot: Int)]] = [:]
        var valuation: [Int: [Int]] = [:], final: [Int: [Int]] = [:]
        for block in try project.store.rowBlocks(.test) {
            let labels = try project.labels(of: block)
            for slot in labels.indices where labels[slot] != RowsRecord.emptySlot {
                if let side = kept?.side(block.block, slot) {
                    if side { valuation[block.block, default: []].append(slot) } else { final[block.block, default: []].append(slot) }
                } else {
                    var random = RandomStream(seed: project.settings.recipe.trainer.seed, purpose: .valuationSplit, block: block.block, slot: slot)
                    byClass[labels[slot], default: []].append((random.next(), block.block, slot))
                }
            }
        }
        for (_, rows) in byClass {
            let ranked = rows.sorted { ($0.rank, $0.block, $0.slot) < ($1.rank, $1.block, $1.slot) }
            let cut = Int((Double(ranked.count) * share).rounded())
            for row in ranked[..<cut] { valuation[row.block, default: []].append(row.slot) }
            for row in ranked[cut...] { final[row.block, default: []].append(row.slot) }
        }
        self.valuation = valuation.mapValues { $0.sorted() }
        self.final = final.mapValues { $0.sorted() }
        self.share = share
        guard valuationRows >= Self.fewestRows, finalRows >= Self.fewestRows else {
            throw Failure(
                .input, "\(valuationRows + finalRows) test rows are too few to cut into valuation rows and final test rows; "
                    + "make the project with more --test rows or a larger --holdout")
        }
        if keeping, kept == nil { try Kept(self).save(to: project.store) }
    }

    /// The cut as the project keeps it: the valuation rows' places. A row that is not in it is a final one, since rows never come.
    private struct Kept: Codable {
        /// It goes with the next test row that is deleted: an even cut of each class would tell the class of the row that a side lacks.
        private static let setting = Store.testRowsSettings + "valuation-split"
        let share: Double
        let valuation: [Int: [Int]]

        init(_ split: ValuationSplit) {
            share = split.share
            valuation = split.valuation
        }

        /// Nil where none is kept, or one of another share.
        init?(_ store: Store, share: Double) throws {
            guard let text = try store.setting(Self.setting) else { return nil }
            guard let kept = try? JSONDecoder().decode(Kept.self, from: Data(text.utf8)) else {
                throw Failure(.damaged, "the project's cut of test rows is not readable; run 'unlearn check' and restore the project from a backup")
            }
            guard kept.share == share else { return nil }
            self = kept
        }

        func side(_ block: Int, _ slot: Int) -> Bool { valuation[block]?.contains(slot) ?? false }

        func save(to store: Store) throws {
            try store.transaction { change in try change.set(Self.setting, to: String(decoding: JSONEncoder().encode(self), as: UTF8.self)) }
        }
    }
}

extension Project {
    /// Labels of a stored block's slots.
    fileprivate func labels(of block: RowBlock) throws -> [Int32] {
        try store.rows(block, featureCount: settings.shape.count, bytesPerFeature: settings.encoding.bytesPerFeature).labels
    }
}
