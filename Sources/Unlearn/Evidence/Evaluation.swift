import Checkpoints
import Files
import Glibc
import Tensors
import Training

/// How a model scores on a set of rows.
public struct Score: Sendable, Codable, Equatable {
    /// Nil of a model that has no classes.
    public let accuracy: Double?
    /// Mean negative log-likelihood of the true class, in nats.
    public let loss: Double
    public let rows: Int

    /// A row that a model thinks impossible costs no more than this.
    static let leastProbability = 1e-30
}

/// A model's decisions on the test rows: one class for each slot, `emptySlot` where its row was deleted.
public struct Decisions: Sendable, Equatable {
    public let classes: [Int32]
    public let score: Score

    /// Share of the rows present in both for which both name the same class.
    public func agreement(with other: [Int32]) -> Double {
        precondition(classes.count == other.count, "decisions on different rows")
        let both = zip(classes, other).filter { $0 != BlockRows.emptySlot && $1 != BlockRows.emptySlot }
        return both.isEmpty ? 1 : Double(both.count { $0 == $1 }) / Double(both.count)
    }
}

extension Project {
    /// Decisions and score of a state on a part's live rows, without those in `leavingOut` (slots by block); nil where
    /// none are left.
    /// - Complexity: one pass over the rows, a stored block at a time.
    public func decide(_ state: LatticeVector, on part: Part, leavingOut: [Int: Set<Int>] = [:]) throws -> Decisions? {
        try decide([state], on: part, leavingOut: leavingOut)?[0]
    }

    /// The same of several states, which are compared: rows are read once.
    public func decide(_ states: [LatticeVector], on part: Part, leavingOut: [Int: Set<Int>] = [:]) throws -> [Decisions]? {
        var classes = [[Int32]](repeating: [], count: states.count), tallies = [Tally](repeating: Tally(), count: states.count)
        for block in try store.rowBlocks(part) {
            let rows = try rows(block, leavingOut: leavingOut[block.block] ?? [])
            for (index, state) in states.enumerated() {
                classes[index] += tallies[index].add(try trainer.probabilities(state: state, rows: rows), rows, classes: settings.classNames.count)
            }
        }
        guard tallies.first?.rows ?? 0 > 0 else { return nil }
        // Known now at the latest: a program tells with its scores.
        let hasClasses = trainer.hasClasses
        return zip(classes, tallies).map { Decisions(classes: $0, score: $1.score(hasClasses: hasClasses)) }
    }

    /// Visits the rows that a list names, with the block's other slots empty.
    func forEachBlock(of ids: IDList, _ body: (BlockRows) throws -> Void) throws {
        let places = try livePlaces(ids)
        for part in Part.allCases {
            let wanted = Dictionary(grouping: places.filter { $0.part == part }, by: \.block)
            for block in try store.rowBlocks(part) where wanted[block.block] != nil {
                let slots = Set(wanted[block.block]!.map(\.slot))
                try body(rows(block, leavingOut: Set(0..<block.slots).subtracting(slots)))
            }
        }
    }

    private struct Tally {
        var rows = 0
        var correct = 0
        var loss = 0.0

        /// Adds a block; gives the likeliest class of each slot, the first of equals.
        mutating func add(_ probabilities: [Float], _ block: BlockRows, classes: Int) -> [Int32] {
            block.labels.indices.map { slot in
                let label = block.labels[slot]
                guard label != BlockRows.emptySlot else { return BlockRows.emptySlot }
                let start = slot * classes, best = probabilities.likeliest(start..<start + classes)
                rows += 1
                if best == Int(label) { correct += 1 }
                loss -= log(max(Double(probabilities[start + Int(label)]), Score.leastProbability))
                return Int32(best)
            }
        }

        func score(hasClasses: Bool) -> Score {
            Score(accuracy: hasClasses ? Double(correct) / Double(rows) : nil, loss: loss / Double(rows), rows: rows)
        }
    }
}
