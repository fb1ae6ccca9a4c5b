import Checkpoints
import Files
import Glibc
import Tensors
import Training
import Unlearn

/// Scores states on one fixed set of test rows, decoded once and kept in memory.
public struct Scorer: Sendable {
    /// Over the rows' places, labels and features, or names: which rows they are, and what.
    public let digest: SHA256
    /// The rows alone, by block and slot.
    private let rows: BlockRows
    private let classes: Int

    /// - Parameter slots: of live test rows, ascending, by block; at least one.
    /// - Complexity: one pass over the stored test rows; memory for the rows' features in single precision.
    public init(_ project: Project, slots: [Int: [Int]]) throws {
        var parts: [BlockRows] = []
        var places = ByteWriter(capacity: 1 << 12)
        for block in try project.store.rowBlocks(.test) {
            guard let wanted = slots[block.block] else { continue }
            let stored = try project.rows(block)
            for slot in wanted {
                guard stored.labels[slot] != BlockRows.emptySlot else {
                    throw Failure(.damaged, "slot \(slot) of test block \(block.block) is empty and the catalogue says otherwise; run 'unlearn check'")
                }
                places.append(UInt32(block.block))
                places.append(UInt32(slot))
                places.append(stored.labels[slot])
            }
            parts.append(stored.taking(wanted))
        }
        precondition(!parts.isEmpty, "a score of no rows")
        rows = BlockRows(joining: parts)
        rows.features.withUnsafeBytes { places.append($0) }
        for name in rows.names {
            for text in [name.id, name.locator] {
                places.append(UInt32(text.utf8.count))
                Array(text.utf8).withUnsafeBytes { places.append($0) }
            }
        }
        digest = SHA256(of: places.bytes)
        classes = project.settings.classNames.count
    }

    /// - Complexity: one forward pass over the rows.
    public func scores(_ state: LatticeVector, by trainer: any BlockTrainer) throws -> UtilityRecord.Scores {
        let probabilities = try trainer.probabilities(state: state, rows: rows)
        var correct = 0, sum = 0.0
        for (row, label) in rows.labels.enumerated() {
            // The first of equals, as `evaluate` takes it.
            var best = 0
            for index in 1..<classes where probabilities[row * classes + index] > probabilities[row * classes + best] { best = index }
            if best == Int(label) { correct += 1 }
            let probability = Double(probabilities[row * classes + Int(label)])
            sum += log(probability > Self.leastProbability ? probability : Self.leastProbability)
        }
        return UtilityRecord.Scores(accuracy: Double(correct) / Double(rows.slots), loss: sum / Double(rows.slots))
    }

    /// What the best answer scores that does not look at the rows' features: to each row the frequencies of the classes among them. The
    /// log-loss is the frequencies' entropy, and the likeliest class, named for all, is right for its share.
    public var baseRate: UtilityRecord.Scores {
        var counts = [Int](repeating: 0, count: classes)
        for label in rows.labels { counts[Int(label)] += 1 }
        let frequencies = counts.map { Double($0) / Double(rows.slots) }
        return UtilityRecord.Scores(accuracy: frequencies.max()!, loss: compensatedSum(frequencies.lazy.filter { $0 > 0 }.map { $0 * log($0) }))
    }

    /// As `evaluate` has it: no row counts more than 69 nats.
    private static let leastProbability = 1e-30
}
