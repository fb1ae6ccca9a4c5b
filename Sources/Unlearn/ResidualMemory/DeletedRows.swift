import Statistics
import Tensors
import Training

/// Rows that are being deleted, in memory while they are still there: on them a replay measures what the chain knows of them.
public struct DeletedRows: Sendable {
    /// The rows of one block, without empty slots.
    struct Group: Sendable {
        let block: Int
        let rows: BlockRows
    }

    /// In the order of blocks, none of them empty.
    private(set) var groups: [Group]

    /// Rows that are looked at, over all blocks. A mean over more of them is no better, and they lie in memory.
    public static let most = 512

    /// - Parameters:
    ///   - slots: those that lose their rows, by block. Where they are more than `most`, each block gives a share of its own, the
    ///     first by slot, which has nothing to do with what they hold.
    ///   - rows: all rows of a block.
    /// - Returns: nil where there are no such rows.
    public init?(_ slots: [Int: Set<Int>], most: Int = Self.most, rows: (Int) throws -> BlockRows) rethrows {
        precondition(most > 0)
        let share = max(1, most / max(1, slots.count))
        groups = try slots.sorted { $0.key < $1.key }.compactMap { block, slots in
            let all = try rows(block)
            let chosen = slots.sorted().filter { all.labels[$0] != BlockRows.emptySlot }.prefix(slots.count <= share ? slots.count : share)
            return chosen.isEmpty ? nil : Group(block: block, rows: all.taking(chosen))
        }
        if groups.isEmpty { return nil }
    }

    /// Those of some blocks; nil where there are none.
    func inBlocks(_ isWanted: (Int) -> Bool) -> DeletedRows? {
        var copy = self
        copy.groups = groups.filter { isWanted($0.block) }
        return copy.groups.isEmpty ? nil : copy
    }

    /// The mean log-odds of the given label, over all rows: how firmly a model holds to them.
    public func margin(of state: LatticeVector, _ trainer: any BlockTrainer) throws -> Double {
        let logOdds = try groups.flatMap { try LogOdds.ofLabels($0.rows, state, trainer) }
        return logOdds.reduce(0, +) / Double(logOdds.count)
    }

    /// The margins of the model before a replay, of what the replay made, and of exact replay as far as they say.
    static func margins(before: Double, after: Double, of outcome: ReplayOutcome) -> DeletionReport.Margin {
        if outcome.method == .exact { return .init(before: before, after: after, exact: after, exactIsForecast: false) }
        // Of several stitches each forecasts its own end.
        let forecast = outcome.segments.count == 1 ? outcome.segments[0].forecast : nil
        return .init(before: before, after: after, exact: forecast.map { before - $0.memoryAtEnd }, exactIsForecast: true)
    }
}

/// log p − log(1 − p) of a row's given label.
enum LogOdds {
    /// Of a model that gives a label no probability at all, or nothing to any other: what single precision cannot tell apart.
    static let leastProbability = 1e-30

    /// One number a row. 1 − p is the sum of the other classes' probabilities, so that a row of which the model is all but certain
    /// keeps its digits. Logarithms are the same on every machine, since a stitch's γ follows from them.
    static func ofLabels(_ rows: BlockRows, _ state: LatticeVector, _ trainer: any BlockTrainer) throws -> [Double] {
        ofLabels(rows.labels, probabilities: try trainer.probabilities(state: state, rows: rows))
    }

    /// - Parameter probabilities: (rows, classes).
    static func ofLabels(_ labels: [Int32], probabilities: [Float]) -> [Double] {
        guard !labels.isEmpty else { return [] }
        let classes = probabilities.count / labels.count
        return labels.enumerated().map { row, label in
            var (own, others) = (0.0, 0.0)
            for (index, probability) in probabilities[row * classes..<(row + 1) * classes].enumerated() {
                if index == Int(label) { own = Double(probability) } else { others += Double(probability) }
            }
            // What is no number counts as no probability.
            func logarithm(_ probability: Double) -> Double { PortableMath.log(probability > leastProbability ? probability : leastProbability) }
            return logarithm(own) - logarithm(others)
        }
    }
}
