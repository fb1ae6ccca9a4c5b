import Files
import Training
import Unlearn

/// What `reduce` is asked for.
public struct ReductionPlan: Sendable {
    /// How many rows to keep.
    public enum Keep: Sendable, Equatable {
        case rows(Int)
        /// 0 < share ≤ 1
        case share(Double)
    }

    public var keep: Keep
    public var levels = 16
    /// Start rows, drawn from the seed; nil: every row.
    public var restarts: Int? = 1
    /// The same number from every class, as far as it has them.
    public var perClass = false
    public var measure = InformationMeasure.information
    public var seed: UInt64 = 0

    public init(keep: Keep) { self.keep = keep }
}

/// What was selected.
public struct ReductionReport: Encodable, Sendable {
    /// Ids in row order: shorter first, then byte by byte.
    public let ids: [String]
    public let rows: Int
    public let kept: Int
    public let keptByClass: [String: Int]
    public let levels: Int
    public let perClass: Bool
    public let measure: InformationMeasure
    public let restarts: Int
    public let seed: UInt64
    /// Σ MI over the pairs of kept rows (under `perClass` over pairs of one class), in bits, or what the measure has.
    public let objective: Double
    /// The same of as many random rows (of each class).
    public let objectiveRandom: Double
    /// Before replacement.
    public let objectiveGreedy: Double
    public let pairsKept: Int
    public let replacements: Int
    public let sweeps: Int
    /// Mean entropy of a kept row, and of a random one, in bits.
    public let entropy: Double
    public let entropyRandom: Double
    public let pairsComputed: Int
    /// Of the search alone.
    public let pairsPerSecond: Double
    public let seconds: Double

    /// All but the ids, which go to a file.
    private enum CodingKeys: String, CodingKey {
        case rows, kept, keptByClass, levels, perClass, measure, restarts, seed, objective, objectiveRandom, objectiveGreedy, pairsKept, replacements
        case sweeps, entropy, entropyRandom, pairsComputed, pairsPerSecond, seconds
    }
}

/// Selects rows of a project that share the least information; changes nothing.
public struct ReduceRows {
    private let rows: QuantisedRows
    private let classNames: [String]
    private let plan: ReductionPlan
    private let threads: Threads
    private let control: TrainingControl
    private let progress: (String, Int, Int) -> Void

    /// - Parameter progress: what is being done, and how far it is.
    public init(
        _ project: Project, plan: ReductionPlan, threads: Int, control: TrainingControl = TrainingControl(),
        progress: @escaping (_ what: String, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    ) throws {
        let rows = try QuantisedRows(of: project, levels: plan.levels)
        self.init(rows, classNames: project.settings.classNames, plan: plan, threads: threads, control: control, progress: progress)
    }

    init(
        _ rows: QuantisedRows, classNames: [String], plan: ReductionPlan, threads: Int, control: TrainingControl = TrainingControl(),
        progress: @escaping (_ what: String, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    ) {
        self.rows = rows
        self.classNames = classNames
        self.plan = plan
        self.threads = Threads(threads)
        self.control = control
        self.progress = progress
    }

    /// Rows among which some are selected: all, or those of one class.
    private struct Part {
        let name: String
        let rows: [Int]
        let keep: Int
    }

    /// - Complexity: `keep × rows` pairs for each start and those of its replacements; memory for two bytes a feature.
    public func run() throws -> ReductionReport {
        let clock = ContinuousClock()
        let start = clock.now
        let keep = try rowsToKeep()
        var kept: [Int] = [], keptByClass = [String: Int](), searching = Duration.zero
        var objective = 0.0, greedy = 0.0, random = 0.0, entropy = 0.0, entropyRandom = 0.0
        var pairs = 0, pairsKept = 0, replacements = 0, sweeps = 0
        var restarts = 0
        for (number, part) in parts(keep).enumerated() where part.keep > 0 {
            let starts = startRows(part.rows.count, part: number)
            restarts = max(restarts, starts.count)
            let tiles = rows.tiles(part.rows, measure: plan.measure)
            let searched = clock.now
            let outcome = try SubsetSearch(
                tiles: tiles, keep: part.keep, threads: threads, control: control, progress: { progress($0 + part.name, $1, $2) }
            ).best(of: starts)
            searching += clock.now - searched
            kept += outcome.rows.map { part.rows[$0] }
            objective += tiles.value(outcome.objective)
            greedy += tiles.value(outcome.greedyObjective)
            entropy += outcome.rows.reduce(0) { $0 + tiles.scale.bits(Int64(tiles.entropy($1))) }
            pairs += outcome.pairs
            pairsKept += part.keep * (part.keep - 1) / 2
            replacements += outcome.replacements
            sweeps += outcome.sweeps

            let others = rows.tiles(randomRows(part.keep, of: part.rows, part: number), measure: plan.measure)
            random += others.value(try SubsetSearch.objective(of: others, threads: threads, control: control))
            entropyRandom += (0..<others.count).reduce(0) { $0 + others.scale.bits(Int64(others.entropy($1))) }
        }
        kept.sort()
        for row in kept { keptByClass[classNames[Int(rows.labels[row])], default: 0] += 1 }
        return ReductionReport(
            ids: kept.map { rows.ids[$0] }, rows: rows.count, kept: kept.count, keptByClass: keptByClass, levels: plan.levels,
            perClass: plan.perClass, measure: plan.measure, restarts: restarts, seed: plan.seed, objective: objective,
            objectiveRandom: random, objectiveGreedy: greedy, pairsKept: pairsKept, replacements: replacements, sweeps: sweeps,
            entropy: entropy / Double(kept.count), entropyRandom: entropyRandom / Double(kept.count), pairsComputed: pairs,
            pairsPerSecond: Double(pairs) / max(searching / .seconds(1), 1e-9), seconds: (clock.now - start) / .seconds(1))
    }

    private func rowsToKeep() throws -> Int {
        guard rows.count > 0 else { throw Failure(.input, "no training rows are left to choose from") }
        switch plan.keep {
        case .rows(let count):
            guard (1...rows.count).contains(count) else {
                throw Failure(.input, "--keep \(count) of \(rows.count) live training rows; choose 1 to \(rows.count)")
            }
            return count
        case .share(let share):
            precondition(share > 0 && share <= 1, "a share of the rows")
            return max(1, Int((Double(rows.count) * share).rounded()))
        }
    }

    private func parts(_ keep: Int) -> [Part] {
        guard plan.perClass else { return [Part(name: "", rows: Array(0..<rows.count), keep: keep)] }
        var members = [[Int]](repeating: [], count: classNames.count)
        for row in 0..<rows.count { members[Int(rows.labels[row])].append(row) }
        let shares = Self.evenShares(of: keep, among: members.map(\.count))
        return members.indices.map { Part(name: ", class \(classNames[$0])", rows: members[$0], keep: shares[$0]) }
    }

    /// The same for every class; what a class does not have, and what does not divide, goes to the others, one each from the
    /// first class on.
    static func evenShares(of keep: Int, among sizes: [Int]) -> [Int] {
        precondition(keep <= sizes.reduce(0, +), "more than there is")
        var shares = sizes.map { _ in 0 }, left = keep
        while left > 0 {
            let open = sizes.indices.filter { shares[$0] < sizes[$0] }
            let each = left / open.count
            for index in open.prefix(each > 0 ? open.count : left) {
                let more = min(max(each, 1), sizes[index] - shares[index])
                shares[index] += more
                left -= more
            }
        }
        return shares
    }

    private func startRows(_ count: Int, part: Int) -> [Int] {
        guard let restarts = plan.restarts, restarts < count else { return Array(0..<count) }
        return shuffled(Array(0..<count), stream: 2 * part).prefix(restarts).map { $0 }
    }

    private func randomRows(_ count: Int, of rows: [Int], part: Int) -> [Int] { Array(shuffled(rows, stream: 2 * part + 1).prefix(count)) }

    private func shuffled(_ rows: [Int], stream: Int) -> [Int] {
        var random = RandomStream(seed: plan.seed, purpose: .reduction, block: stream), rows = rows
        random.shuffle(&rows)
        return rows
    }
}

extension ReductionReport {
    /// Writes the ids, one a line, below a comment that says where they come from: for `init --only FILE`.
    /// - Parameter replacing: whether a file that is there may be replaced.
    public func write(to path: String, replacing: Bool = false) throws {
        var text = "# unlearn reduce: \(kept) of \(rows) rows\(perClass ? ", class by class" : ""), \(levels) levels, seed \(seed)\n"
        for id in ids { text += id + "\n" }
        try Array(text.utf8).withUnsafeBytes { try FileSystem.publish(output: $0, at: path, replacing: replacing) }
    }
}
