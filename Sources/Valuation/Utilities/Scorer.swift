import Checkpoints
import Files
import Glibc
import Tensors
import Training
import Unlearn

/// What a model's score is.
public enum Metric: String, Sendable, Codable, CaseIterable {
    /// The share of rows whose likeliest class is the true one.
    case accuracy
    /// The negative mean log-loss, in nats: more is better here, too.
    case loss
}

/// Scores states on one fixed set of test rows, decoded once and kept in memory.
public struct Scorer: Sendable {
    public let metric: Metric
    /// Over the rows' places, labels and features: which rows they are, and what.
    public let digest: SHA256
    /// The rows alone, by block and slot.
    private let rows: BlockRows
    private let classes: Int

    public var rowCount: Int { rows.slots }

    /// - Parameter slots: of live test rows, ascending, by block; at least one.
    /// - Complexity: one pass over the stored test rows; memory for the rows' features in single precision.
    public init(_ project: Project, slots: [Int: [Int]], metric: Metric) throws {
        var features: [Float] = [], labels: [Int32] = []
        var places = ByteWriter(capacity: 1 << 12)
        let width = project.settings.shape.count
        for block in try project.store.rowBlocks(.test) {
            guard let wanted = slots[block.block] else { continue }
            let stored = try project.rows(block)
            for slot in wanted {
                guard stored.labels[slot] != BlockRows.emptySlot else {
                    throw Failure(.damaged, "slot \(slot) of test block \(block.block) is empty and the catalogue says otherwise; run 'unlearn check'")
                }
                features += stored.features[slot * width..<(slot + 1) * width]
                labels.append(stored.labels[slot])
                places.append(UInt32(block.block))
                places.append(UInt32(slot))
                places.append(stored.labels[slot])
            }
        }
        precondition(!labels.isEmpty, "a score of no rows")
        features.withUnsafeBytes { places.append($0) }
        digest = SHA256(of: places.bytes)
        rows = BlockRows(features: features, labels: labels, featureCount: width)
        classes = project.settings.classNames.count
        self.metric = metric
    }

    /// - Complexity: one forward pass over the rows.
    public func score(_ state: LatticeVector, by trainer: any BlockTrainer) throws -> Double {
        let probabilities = try trainer.probabilities(state: state, rows: rows)
        switch metric {
        case .accuracy:
            var correct = 0
            for (row, label) in rows.labels.enumerated() {
                // The first of equals, as `evaluate` takes it.
                var best = 0
                for index in 1..<classes where probabilities[row * classes + index] > probabilities[row * classes + best] { best = index }
                if best == Int(label) { correct += 1 }
            }
            return Double(correct) / Double(rows.slots)
        case .loss:
            var sum = 0.0
            for (row, label) in rows.labels.enumerated() {
                let probability = Double(probabilities[row * classes + Int(label)])
                sum += log(probability > Self.leastProbability ? probability : Self.leastProbability)
            }
            return sum / Double(rows.slots)
        }
    }

    /// As `evaluate` has it: no row counts more than 69 nats.
    private static let leastProbability = 1e-30
}
