import Tensors
import Training

/// What was read on the deleted rows behind the last block that lost any, as retraining walked away from it. Log-odds of the rows'
/// given labels, means over the rows.
public struct RowMemorySeries: Sendable, Codable, Equatable {
    /// m_0, m_1, …: at the old `M_{d+t}` minus those at the new one: what the chain still knows of the rows.
    public internal(set) var memory: [Double] = []
    /// e_0, e_1, …: at the old end minus those at the old end without the gap behind block d+t: what that gap would take at the end.
    public internal(set) var reach: [Double] = []
    /// By how much chance moves one row: the standard deviation of e_t over rows that stay.
    public internal(set) var noise: [Double] = []
}

/// What the rows say of a stitch.
public struct RowForecast: Sendable, Equatable {
    public enum Kind: String, Codable, Sendable {
        /// The rows are known, and the law says how well they will be.
        case remembered
        /// What the gap does to them is what it does to any row: they are forgotten, and they know of no better γ.
        case forgotten
        /// They are known still, but whether they will be at the end is chance.
        case unclear
    }

    public let kind: Kind
    /// m at the end of the chain: the change that exact replay will make to the rows' log-odds.
    public let memoryAtEnd: Double
    /// By how much chance moves the mean over the rows.
    public let noise: Double
    /// h of the law, the mean over blocks weighted by their rows.
    public let exponent: Double
    /// γ: the share of the gap that makes this change, from 0 to 1.
    public let share: Double
    /// How far from that a γ may lie and still be as good on the rows, as far as chance lets anyone tell.
    public let tolerance: Double
}

/// What row memory is measured with.
struct RowMemoryInput {
    let rows: DeletedRows
    let trainer: any BlockTrainer
    /// Rows of a block that stay.
    let remaining: (Int) throws -> BlockRows
}

/// Reads what a chain knows of deleted rows while they are being deleted, and forecasts what it will know at its end.
struct RowMemory {
    private let rows: DeletedRows
    private let trainer: any BlockTrainer
    private(set) var series = RowMemorySeries()
    /// The chain's state at the end of the stitch in sight, and the log-odds there.
    private var target: (block: Int, state: KeptState, logOdds: [[Double]], yardstick: [Double])?
    /// Rows that stay: whatever the gap does to them is chance.
    private var yardstick: BlockRows?
    /// What the chain learned from the first deleted block through each later one: Σ‖D_i‖₁.
    private var learned: [Double] = []
    private let first: Int
    /// e by group, for the target in sight.
    private var points: [[(time: Double, value: Double)]]
    private var reachNow: [Double] = []

    private static let yardstickRows = 64
    /// Multiples of chance that count as more than chance.
    static let significance = 2.0
    /// Of chance, which at the end of the chain is half of what it is on the way, where rates fall.
    static let tolerance = 0.5

    private let remaining: (Int) throws -> BlockRows

    init(_ input: RowMemoryInput) {
        (rows, trainer, remaining) = (input.rows, input.trainer, input.remaining)
        first = rows.groups[0].block
        points = Array(repeating: [], count: rows.groups.count)
    }

    /// Reads what is known of the rows at the end of the stitch in sight, where that is new, before a block is read.
    /// - Parameter end: the last block of the stitch.
    /// - Complexity: where `end` is new, the reading of a state and a pass forwards over the rows; and the reading of a block's influence.
    mutating func prepare(behind block: Int, end: Int, chain: any InfluenceChain) throws {
        guard block >= first else { return }
        if yardstick == nil { yardstick = Self.sample(of: try remaining(block)) }
        while learned.count <= block - first { learned.append((learned.last ?? 0) + Double(try chain.influenceNorm(first + learned.count))) }
        guard target?.block != end else { return }
        // One that is to be read no more makes room.
        target = nil
        let state = try chain.state(end)
        chain.forgetStates()
        let logOdds = try rows.groups.map { try LogOdds.ofLabels($0.rows, state, trainer) }
        let others = try yardstick.map { try LogOdds.ofLabels($0, state, trainer) } ?? []
        trainer.forgetState()
        target = (end, try KeptState(state, packing: !chain.keepsStates), logOdds, others)
        points = Array(repeating: [], count: rows.groups.count)
    }

    /// The chain's state behind a block, where that is the end of the stitch in sight.
    func state(behind block: Int) -> LatticeVector? { target.flatMap { $0.block == block ? $0.state.vector : nil } }

    /// The log-odds of the rows behind a block, under one model after the other: each may be as large as there is room for.
    /// - Returns: by group of rows; nil where none was deleted yet.
    /// - Complexity: a pass forwards over the rows.
    func logOdds(behind block: Int, _ state: LatticeVector) throws -> [[Double]]? {
        guard block >= first else { return nil }
        defer { trainer.forgetState() }
        return try rows.groups.prefix { $0.block <= block }.map { try LogOdds.ofLabels($0.rows, state, trainer) }
    }

    /// Reads one block more, for which `prepare` was called.
    /// - Parameters:
    ///   - old, new: the log-odds under the old and the new state behind the block.
    ///   - gap: from the new one to the old one. Where nobody else holds it, the state to compare with is made in its place.
    /// - Complexity: a pass forwards over the deleted rows, and one over a few others.
    mutating func read(behind block: Int, old before: [[Double]], new after: [[Double]], gap: consuming LatticeVector) throws {
        guard let target else { return }
        let groups = rows.groups.prefix { $0.block <= block }
        // What the end would be without the gap.
        try gap.subtract(from: target.state)
        let others = try yardstick.map { zip(target.yardstick, try LogOdds.ofLabels($0, gap, trainer)).map { $0 - $1 } } ?? []
        let changed = try groups.map { try LogOdds.ofLabels($0.rows, gap, trainer) }
        trainer.forgetState()
        var (memory, reach, count) = (0.0, 0.0, 0)
        reachNow = []
        for (index, group) in groups.enumerated() {
            memory += zip(before[index], after[index]).reduce(0) { $0 + ($1.0 - $1.1) }
            let taken = zip(target.logOdds[index], changed[index]).reduce(0) { $0 + ($1.0 - $1.1) }, rows = Double(changed[index].count)
            reach += taken
            count += changed[index].count
            reachNow.append(taken / rows)
            // Behind the rows' own block the gap is still the step that they took themselves, not a memory of it.
            if group.block < block { points[index].append((time(of: group.block, through: block), taken / rows)) }
        }
        if rows.groups.contains(where: { $0.block == block }) { series = RowMemorySeries() }
        series.memory.append(memory / Double(count))
        series.reach.append(reach / Double(count))
        series.noise.append(Self.deviation(others))
    }

    /// What a stitch behind the block read last would have to do to the rows.
    /// - Parameter ahead: Σ‖D_i‖₁ of the blocks that it puts back on, in lattice steps.
    /// - Returns: nil as long as the rows were not read, or none of them has left its own block behind.
    /// - Complexity: O(blocks read · blocks with deleted rows).
    func forecast(ahead: Double) -> RowForecast? {
        guard target != nil, !series.reach.isEmpty, learned.last ?? 0 > 0 else { return nil }
        let block = first + learned.count - 1
        var (atEnd, now, exponents, count, recent) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for (index, group) in rows.groups.enumerated() where group.block < block {
            guard let law = FadingLaw(points[index]), case let weight = Double(group.rows.slots), index < reachNow.count else { continue }
            atEnd += weight * law.value(at: law.time + ahead)
            now += weight * reachNow[index]
            recent += weight * law.level
            exponents += weight * law.exponent
            count += weight
        }
        guard count > 0 else { return nil }
        (atEnd, now, recent) = (atEnd / count, now / count, recent / count)
        let chance = DecayGuard.median(series.noise.suffix(FadingLaw.recent)) / count.squareRoot()
        let ratio = now == 0 ? 0 : atEnd / now
        let kind: RowForecast.Kind =
            if abs(recent) <= Self.significance * chance { .forgotten }
            else if ratio <= 0 || abs(atEnd) < Self.significance * chance { .unclear }
            else { .remembered }
        return RowForecast(kind: kind, memoryAtEnd: atEnd, noise: chance, exponent: exponents / count, share: min(max(ratio, 0), 1),
            tolerance: now == 0 ? 0 : min(Self.tolerance * chance / abs(now), 1))
    }

    /// What the chain learned since before a block.
    private func time(of block: Int, through last: Int) -> Double {
        let before = block > first ? learned[block - 1 - first] : 0
        // A chain that learns nothing has no time; then the law stands still.
        return max(learned[last - first] - before, 1)
    }

    /// A few live rows, or nil where there are none.
    private static func sample(of rows: BlockRows) -> BlockRows? {
        let slots = rows.labels.indices.filter { rows.labels[$0] != BlockRows.emptySlot }.prefix(yardstickRows)
        return slots.count < 2 ? nil : rows.taking(slots)
    }

    /// Around the mean; 0 for fewer than two.
    private static func deviation(_ values: [Double]) -> Double {
        guard values.count >= 2 else { return 0 }
        let mean = values.reduce(0, +) / Double(values.count)
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }
}
