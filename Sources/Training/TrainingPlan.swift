/// How the rate falls over the blocks; p = (block − 1) / blocks. A stem goes half the way, and each branch all of it.
public enum Schedule: String, Codable, Sendable, CaseIterable {
    case constant
    /// 1 − p
    case linear
    /// (1 + cos πp) / 2
    case cosine
    /// 1 / (1 + 10 p)
    case inverse
}

/// The branches behind a recipe's stem. They need not forget, for no block is put back on behind them: they may pass over their
/// rows more often than the stem, and at other rates.
public struct Branches: Codable, Sendable, Equatable {
    public var count: Int
    /// Blocks of each.
    public var length: Int
    public var epochs: Int
    /// Of a branch's first block; it falls over the branch as the schedule has it.
    public var learningRate: Float
    /// How far the model lies from the stem's end, in means of what branches add, as their number grows: of n it is 1 + (step − 1)(1 − 1/n)
    /// means, for one alone has lost nothing. nil: 1, the mean. Branches of a network err apart in directions that cancel out in their
    /// mean, which therefore goes less far than any of them: a longer step makes up for it, as the server's does in federated averaging
    /// (Reddi et al., *Adaptive Federated Optimization*, ICLR 2021).
    public var mergeStep: Float?

    public init(count: Int, length: Int, epochs: Int, learningRate: Float, mergeStep: Float? = nil) {
        self.count = count
        self.length = length
        self.epochs = epochs
        self.learningRate = learningRate
        self.mergeStep = mergeStep
    }
}

/// In which order blocks are trained, how often each is passed over, and at which rate.
public struct TrainingPlan: Codable, Sendable, Equatable {
    /// All of them, branches' included.
    public var blocks: Int
    /// Nil: a chain.
    public var branches: Branches?
    /// Blocks of each later import into a chain, which stand behind those of the first; nil: there was none. In a lineage with branches
    /// later rows are branches like the others.
    public var appended: [Int]?
    /// Which share of all rows, these included, each of these imports brought; 0 or nil: not kept, and its share of the blocks stands for it.
    public var appendedShares: [Float]?
    /// Times that each block of the stem is passed over.
    public var epochs: Int
    /// Of the first block; `rate(block:)` is a block's own.
    public var learningRate: Float
    public var schedule: Schedule

    public init(blocks: Int, branches: Branches? = nil, epochs: Int, learningRate: Float, schedule: Schedule) {
        self.blocks = blocks
        self.branches = branches
        self.epochs = epochs
        self.learningRate = learningRate
        self.schedule = schedule
    }

    public var lineage: Lineage {
        guard let branches else { return Lineage(chain: blocks) }
        return Lineage(
            stem: blocks - branches.count * branches.length, branches: branches.count, length: branches.length, mergeStep: Double(branches.mergeStep ?? 1))
    }

    /// Times that a block is passed over.
    public func epochs(of block: Int) -> Int { lineage.branch(of: block) == nil ? epochs : branches!.epochs }

    /// The blocks of one import that a chain's block is among: the first, how many, and the share of all rows until then that it brought.
    private func run(of block: Int) -> (first: Int, count: Int, share: Float) {
        let appended = appended ?? [], shares = appendedShares ?? []
        var first = 1, count = blocks - appended.reduce(0, +), share: Float = 1
        for (index, next) in appended.enumerated() where block >= first + count {
            first += count
            count = next
            share = shares.indices.contains(index) && shares[index] > 0 ? shares[index] : Float(count) / Float(first - 1 + count)
        }
        return (first, count, share)
    }

    /// The rate of a block (1-based). It never depends on how many steps were taken before.
    public func rate(block: Int) -> Float {
        let lineage = lineage, first: Float, progress: Double
        if let branch = lineage.branch(of: block) {
            first = branches!.learningRate
            progress = Double(block - lineage.blocks(ofBranch: branch).lowerBound) / Double(lineage.length)
        } else {
            let run = run(of: block)
            // Later rows weigh about as much as if they had been there from the start.
            first = run.first == 1 ? learningRate : learningRate * run.share
            progress = Double(block - run.first) / Double(lineage.isChain ? run.count : 2 * lineage.stem)
        }
        let factor =
            switch schedule {
            case .constant: 1.0
            case .linear: 1 - progress
            case .cosine: 0.5 * (1 + Self.sine(.pi * (0.5 - progress)))
            case .inverse: 1 / (1 + 10 * progress)
            }
        return Float(Double(first) * factor)
    }

    /// The sine on ±π/2 by its series, to rounding: the C library's last bit differs between versions and processors.
    private static func sine(_ x: Double) -> Double {
        var term = x, sum = x
        for n in stride(from: 2.0, through: 22, by: 2) {
            term *= -x * x / (n * (n + 1))
            sum += term
        }
        return sum
    }
}
