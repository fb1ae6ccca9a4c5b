import Files
import Tensors

/// Whatever trains a block: the built-in trainer, or a user's own program. It must be a pure function of what it is
/// given — the same state, block and rows give the same bits, in any process, at any time — because replay is nothing
/// but calling it again.
public protocol BlockTrainer: AnyObject {
    /// The tensors of a state, in order.
    var layout: ParameterLayout { get }
    var lattice: Lattice { get }
    /// What may change the bits of training, as names and values.
    /// - Throws: where a program that trains cannot be asked.
    var fingerprint: NumericsFingerprint { get throws }

    /// `M_0`.
    func initialState() throws -> LatticeVector

    /// `M_i` from `M_{i−1}` and the rows of block i (1-based). Stops with `Failure.interrupted` where `control` asks.
    func train(block: Int, from state: LatticeVector, rows: BlockRows, control: TrainingControl) throws -> LatticeVector

    /// Class probabilities (slots, classes) of the rows under a state. Empty slots get zeros.
    func probabilities(state: LatticeVector, rows: BlockRows) throws -> [Float]

    /// Forgets the state under which rows were scored last, where it is kept for the next rows: whoever has no more to score under a large one
    /// gives its room back.
    func forgetState()

    /// Whether the model tells classes apart. Of one that says of each row only how likely it is, such as a language model, the probability of
    /// the label is that, and how frequent classes are says nothing of how good it is. Known when rows have been scored.
    var hasClasses: Bool { get }
}

extension BlockTrainer {
    public var hasClasses: Bool { true }
    public func forgetState() {}
}

/// How the caller watches and stops a training.
public struct TrainingControl: Sendable {
    /// Asked between epochs.
    public let isInterrupted: @Sendable () -> Bool

    public init(isInterrupted: @escaping @Sendable () -> Bool = { false }) { self.isInterrupted = isInterrupted }
}

/// Everything outside the project that may change the bits of training, as names and values. Two runs with equal
/// fingerprints and equal inputs give equal bits; with different ones they agree to rounding only.
public struct NumericsFingerprint: Sendable, Equatable {
    public let facts: [String: String]

    public init(_ facts: [String: String]) { self.facts = facts }

    public subscript(_ name: String) -> String? { facts[name] }

    /// The first fact (by name) that differs, in words, or nil when equal.
    public func firstDifference(from other: NumericsFingerprint) -> String? {
        for name in Set(facts.keys).union(other.facts.keys).sorted() where facts[name] != other.facts[name] {
            return "\(name) is '\(facts[name] ?? "unknown")' here and was '\(other.facts[name] ?? "unknown")'"
        }
        return nil
    }
}

extension NumericsFingerprint: Codable {
    public init(from decoder: any Decoder) throws { facts = try decoder.singleValueContainer().decode([String: String].self) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(facts)
    }
}

/// Training that left the range of numbers it can hold.
public struct Divergence: DescribedError, Equatable {
    /// 1-based.
    public let block: Int
    /// The first that holds such a number, and the number.
    public let tensor: String
    public let value: Float

    public init(block: Int, tensor: String, value: Float) {
        self.block = block
        self.tensor = tensor
        self.value = value
    }

    public var kind: FailureKind { .failed }

    public var description: String {
        "training diverged in block \(block): tensor '\(tensor)' holds \(value), which has no place on the lattice; "
            + "the blocks before it are kept; start a project with a lower --learning-rate"
    }
}
