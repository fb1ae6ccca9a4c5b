import Tensors
import Training

/// A sparse sample of a model's parameters, kept when rows are deleted so that an audit can tell how far doing nothing
/// would have been from exact replay, though the model that did nothing is erased.
///
/// One parameter of every `stride` consecutive ones is drawn from the project's seed: enough to estimate an L1
/// distance to a few per cent, far too little to run the model.
public struct EvidenceSample: Sendable {
    /// The sampled parameters, ascending.
    public let indices: [Int]
    public let stride: Int

    /// Parameters in a sample, where the model has enough of them.
    static let wanted = 4096

    public init(parameterCount: Int, seed: UInt64) {
        let stride = max(4, parameterCount / Self.wanted)
        var random = RandomStream(seed: seed, purpose: .evidenceSample)
        indices = Swift.stride(from: 0, to: parameterCount, by: stride).map { start in
            start + random.below(min(stride, parameterCount - start))
        }
        self.stride = stride
        self.parameterCount = parameterCount
    }

    private let parameterCount: Int

    public func steps(of state: LatticeVector) -> [Int32] { indices.map { state.steps[$0] } }

    /// An estimate of `‖a − b‖₁` in steps from a's sample and all of b, and its standard error.
    public func distance(_ sample: [Int32], to state: LatticeVector) -> (estimate: Double, standardError: Double) {
        total(zip(sample, indices).map { abs(Double($0) - Double(state.steps[$1])) })
    }

    /// An estimate of `‖a − c‖₁ − ‖b − c‖₁` from a's sample: both distances at the same parameters, so that what they
    /// have in common cancels.
    public func advantage(of b: LatticeVector, over sample: [Int32], to c: LatticeVector) -> (estimate: Double, standardError: Double) {
        total(
            zip(sample, indices).map { old, index in
                let target = Double(c.steps[index])
                return abs(Double(old) - target) - abs(Double(b.steps[index]) - target)
            })
    }

    /// The sum over all parameters of a quantity known at the sampled ones.
    private func total(_ distances: [Double]) -> (estimate: Double, standardError: Double) {
        precondition(distances.count == indices.count, "a sample of another model")
        let scale = Double(parameterCount) / Double(indices.count)
        let mean = distances.reduce(0, +) / Double(distances.count)
        let variance = distances.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, distances.count - 1))
        let unseen = 1 - 1 / scale
        return (mean * Double(parameterCount), Double(parameterCount) * (variance / Double(distances.count) * unseen).squareRoot())
    }
}
