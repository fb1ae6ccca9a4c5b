import Files
import Statistics
import Tensors
import TestSupport
import Training

@testable import Unlearn

/// A trainer whose chain can be followed by hand and whose models say something of rows: two classes, and the log-odds of the first
/// are the scalar product of a row with the parameters of the first half. Block i moves these a share of the way to the mean of its
/// rows, and from `frozen` on leaves the other half as it is, so that a gap there never fades and no row notices.
final class RowTrainer: BlockTrainer {
    let layout: ParameterLayout
    let lattice = Lattice(bits: 18)
    private let share: (Int) -> Double
    private let frozen: Int
    /// Of all log-odds: 0 is a model that knows nothing.
    private let sharpness: Double

    init(parameters: Int, frozen: Int, sharpness: Double = 1, share: @escaping (Int) -> Double) {
        layout = ParameterLayout([TensorSpec("w", [parameters])])
        (self.share, self.frozen, self.sharpness) = (share, frozen, sharpness)
    }

    /// Behind block d the gap fades as (t + 1)^{−h}. What rows move is the share of it, which `rows` makes up for, so that every block
    /// teaches as much as any other and learning time runs with the blocks.
    static func share(after deleted: Int, exponent: Double) -> (Int) -> Double {
        { block in
            guard block > deleted else { return 0.3 }
            let t = Double(block - deleted)
            return 1 - PortableMath.pow(t / (t + 1), exponent)
        }
    }

    /// Twelve rows of a block, without some slots.
    func rows(_ block: Int, without slots: Set<Int> = []) -> BlockRows {
        var random = SeededGenerator(UInt64(3000 + block))
        let scale = Float(0.3 / share(block))
        return BlockRows(
            features: random.floats(12 * layout.count).map { $0 * scale }, labels: (0..<12).map { slots.contains($0) ? BlockRows.emptySlot : 0 },
            featureCount: layout.count)
    }

    var fingerprint: NumericsFingerprint { NumericsFingerprint(["trainer": "rows"]) }

    func initialState() -> LatticeVector { LatticeVector(zeros: layout.count) }

    func train(block: Int, from state: LatticeVector, rows: BlockRows, control: TrainingControl) throws -> LatticeVector {
        let live = rows.labels.indices.filter { rows.labels[$0] != BlockRows.emptySlot }
        let width = layout.count, share = share(block)
        let next = (0..<width).map { index in
            let value = Double(state.steps[index]) * lattice.unit
            if index >= width / 2, block >= frozen { return Float(value) }
            let mean = live.reduce(0.0) { $0 + Double(rows.features[$1 * width + index]) } / 12
            return Float(value + share * (mean - value))
        }
        return try next.withUnsafeBufferPointer { try lattice.snap($0) }
    }

    func probabilities(state: LatticeVector, rows: BlockRows) -> [Float] {
        (0..<rows.slots).flatMap { row in
            let features = rows.features[row * layout.count..<(row + 1) * layout.count].prefix(layout.count / 2)
            let product = zip(features, state.steps).reduce(0.0) { $0 + Double($1.0) * Double($1.1) * lattice.unit }
            // Within what the exponential holds: probabilities are 0 and 1 long before.
            let odds = PortableMath.exp(min(max(product * sharpness, -700), 700))
            return [Float(odds / (1 + odds)), Float(1 / (1 + odds))]
        }
    }
}
