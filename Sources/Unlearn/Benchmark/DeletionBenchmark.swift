import Checkpoints
import Files
import Tensors
import Training

/// What the deletions of a benchmark are.
public struct BenchmarkPlan: Sendable {
    /// Rows deleted at once.
    public var deletions: [Int]
    /// Blocks they are taken from: the first row from this block, further ones from it and, once it is used up, the next.
    public var positions: [Int]
    public var epsilons: [Double]
    /// Deletions of the user's own, in place of `deletions` and `positions`.
    public var cases: BenchmarkCases?

    public init(deletions: [Int], positions: [Int], epsilons: [Double]) {
        self.deletions = deletions
        self.positions = positions
        self.epsilons = epsilons
    }
}

/// Deletion beside naive retraining and beside doing nothing, all run here.
public struct BenchmarkReport: Codable, Sendable {
    /// Mean log-odds of the deleted rows' given labels: after the deletion, after exact replay, and when nothing is done.
    public struct Margin: Codable, Sendable {
        public let after: Double
        public let exact: Double
        public let nothing: Double
    }

    /// The same stitch with the γ of another rule.
    public struct Rule: Codable, Sendable {
        /// `l1` or `paper`.
        public let rule: String
        public let damping: Double
        public let l1: Double
        public let agreement: Double
        public let margin: Double
    }

    public struct Row: Codable, Sendable {
        public let deleted: Int
        public let position: Int
        public let epsilon: Double
        public let method: UnlearningMethod
        public let fallback: String?
        public let blocksRetrained: Int
        public let seconds: Double
        public let speedupBlocks: Double
        public let speedupSeconds: Double
        public let accuracy: Double?
        /// Of the model trained from scratch without the rows, and of the one that nothing was done to.
        public let accuracyNaive: Double?
        public let accuracyNothing: Double?
        /// Shares of test rows on which the model and the naive one agree.
        public let agreement: Double
        public let agreementNothing: Double
        /// L1 distance to the naive model: after the stitch as done, after the paper's (γ = 1), and of doing nothing.
        public let l1: Double
        public let l1Paper: Double
        public let l1Nothing: Double
        public let damping: Double?
        /// What the stitch as done was extrapolated to lie from exact replay; no bound.
        public let tailBound: Double
        /// The same number under a name that says what it is.
        public let extrapolatedDistance: Double
        public let rho: [Double]
        public let margin: Margin
        /// What the stitch forecast of exact replay's margin; nil without a stitch.
        public let forecast: DeletionReport.Forecast?
        /// Nil where the outcome is no single stitch.
        public let rules: [Rule]?
        /// m_0, m_1, … and e_0, e_1, … to the end of the chain, as exact replay shows them, and how chance moves a single row.
        public let rowMemory: [Double]
        public let rowReach: [Double]
        public let rowNoise: [Double]
        /// Mean relative error of each method's fit on the residuals that it had not seen; nil where there were none.
        public let extrapolationErrorLeastSquares: Double?
        public let extrapolationErrorDfa: Double?
    }

    public let naiveSeconds: Double
    public let naiveBlocks: Int
    /// Whether training from scratch without the first case's rows gave the bits of exact replay.
    public let naiveEqualsReplay: Bool
    public let rows: [Row]
    public let compression: CompressionReport
    /// Mean over the rows.
    public let extrapolationErrorLeastSquares: Double?
    public let extrapolationErrorDfa: Double?
}

/// Measures deletions on a trained project without changing it.
public struct DeletionBenchmark {
    private let project: Project
    private let plan: BenchmarkPlan
    private let options: ReplayOptions
    private let control: TrainingControl
    private let progress: (_ what: String, _ done: Int, _ total: Int) -> Void

    public init(
        _ project: Project, plan: BenchmarkPlan, options: ReplayOptions, control: TrainingControl,
        progress: @escaping (_ what: String, _ done: Int, _ total: Int) -> Void
    ) {
        self.project = project
        self.plan = plan
        self.options = options
        self.control = control
        self.progress = progress
    }

    public func run() throws -> BenchmarkReport {
        let lineage = try project.lineage()
        guard !lineage.isEmpty else { throw Failure(.input, "nothing is trained yet; run 'unlearn train' first") }
        for position in plan.positions { try lineage.expectTrained(position) }
        let current = try lineage.model()
        guard let nothing = try project.decide(current, on: .test) else { throw Failure(.input, "no test rows are left to compare models on") }

        var naiveSeconds: Double?
        var naiveEquals = true
        var rows: [BenchmarkReport.Row] = []
        for (count, position, chosen) in try cases(lineage) {
            let rowsThatGo = try DeletedRows(chosen) { try project.trainingRows(block: $0) }!
            let what = "\(count) row\(count == 1 ? "" : "s") at block \(position)"
            let exact = try walk(lineage, chosen, rowsThatGo, method: .exact, epsilon: plan.epsilons[0], "exact replay without \(what)")
            if naiveSeconds == nil {
                let (state, seconds) = try trainFromScratch(lineage, without: chosen)
                naiveSeconds = seconds
                naiveEquals = state == exact.outcome.state
            }
            guard let naive = try project.decide(exact.outcome.state, on: .test) else { continue }
            for epsilon in plan.epsilons {
                let run = try walk(lineage, chosen, rowsThatGo, method: .stitch, epsilon: epsilon, "deleting \(what)")
                rows.append(
                    try compare(
                        run, rowsThatGo, exact: exact.outcome, naive: naive, nothing: nothing, current: current, lineage, count: count,
                        position: position, epsilon: epsilon, naiveSeconds: naiveSeconds!))
            }
        }
        func mean(_ values: [Double?]) -> Double? {
            let known = values.compactMap { $0 }
            return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
        }
        return BenchmarkReport(
            naiveSeconds: naiveSeconds ?? 0, naiveBlocks: lineage.trainedBlocks, naiveEqualsReplay: naiveEquals, rows: rows,
            compression: try CodecBenchmark(project).run(), extrapolationErrorLeastSquares: mean(rows.map(\.extrapolationErrorLeastSquares)),
            extrapolationErrorDfa: mean(rows.map(\.extrapolationErrorDfa)))
    }

    /// Rows that go, first block, slots by block.
    private func cases(_ lineage: StoredLineage) throws -> [(count: Int, position: Int, slots: [Int: Set<Int>])] {
        guard let cases = plan.cases else {
            return try plan.deletions.flatMap { count in
                try plan.positions.map { (count, $0, try sampled(count, from: $0, lineage)) }
            }
        }
        return try cases.lists.map { list in
            let slots = try project.trainingSlots(of: list)
            return (slots.values.reduce(0) { $0 + $1.count }, slots.keys.min()!, slots)
        }
    }

    private func sampled(_ count: Int, from position: Int, _ lineage: StoredLineage) throws -> [Int: Set<Int>] {
        guard let chosen = try project.sampledSlots(count, from: position, lineage) else {
            throw Failure(.input, "blocks from \(position) on hold fewer than \(count) rows; take fewer --deletions")
        }
        return chosen
    }

    private struct Run {
        let outcome: ReplayOutcome
        let seconds: Double
    }

    private func walk(
        _ lineage: StoredLineage, _ deleted: [Int: Set<Int>], _ deletedRows: DeletedRows, method: UnlearningMethod, epsilon: Double, _ what: String
    ) throws -> Run {
        var options = options
        options.method = method
        options.decayGuard.epsilon = epsilon
        let replay = LineageReplay(
            lineage, crew: project.crew, deleted: deleted, deletedRows: deletedRows,
            rows: { try project.trainingRows(block: $0, leavingOut: deleted[$0] ?? []) }, control: control, progress: { progress(what, $0, $0 + $1) })
        let clock = ContinuousClock()
        let start = clock.now
        let outcome = try replay.run(touched: deleted.keys.sorted(), options: options, into: DiscardingSink())
        return Run(outcome: outcome, seconds: (clock.now - start) / .seconds(1))
    }

    /// What people do without this program: train the whole model again on the rows that are left.
    private func trainFromScratch(_ lineage: StoredLineage, without deleted: [Int: Set<Int>]) throws -> (LatticeVector, seconds: Double) {
        let clock = ContinuousClock()
        let start = clock.now
        let model = try project.trainFromScratch(lineage, without: deleted, control: control) { progress("naive retraining", $0, $0 + $1) }
        return (model, (clock.now - start) / .seconds(1))
    }

    private func compare(
        _ run: Run, _ deletedRows: DeletedRows, exact: ReplayOutcome, naive: Decisions, nothing: Decisions, current: LatticeVector, _ lineage: StoredLineage, count: Int,
        position: Int, epsilon: Double, naiveSeconds: Double
    ) throws -> BenchmarkReport.Row {
        let unit = project.trainer.lattice.unit
        let state = run.outcome.state
        let decisions = try project.decide(state, on: .test)!
        // The paper's stitch carries the whole gap: it lacks the correction that the damped one leaves behind.
        let corrections = run.outcome.method == .stitch ? run.outcome.segments.compactMap(\.correction) : []
        var paper = state
        if let last = corrections.last { try paper.subtract(last) }
        let seen = run.outcome.residuals?.count ?? 0
        let all = exact.residuals?.delta ?? []
        func extrapolationError(_ method: FitMethod) -> Double? {
            guard run.outcome.method == .stitch, seen >= 3, all.count > seen else { return nil }
            let fit = PowerLawFit(Array(all[..<seen]), method: method)
            let errors = (seen..<all.count).filter { all[$0] > 0 }.map { abs(fit.value($0 + 1) - all[$0]) / all[$0] }
            return errors.isEmpty ? nil : errors.reduce(0, +) / Double(errors.count)
        }
        func margin(_ state: LatticeVector) throws -> Double { try deletedRows.margin(of: state, project.trainer) }
        var rules: [BenchmarkReport.Rule]?
        if run.outcome.method == .stitch, run.outcome.segments.count == 1, let segment = run.outcome.segments.first, let correction = segment.correction {
            let gap = try current.subtracting(state).adding(correction.vector)
            let fading = Damping.gapNorms.factor(segment.residuals, blocksLeft: lineage.shape.depth - lineage.shape.depth(of: segment.lastBlock)).value
            rules = try [("l1", fading), ("paper", 1)].map { name, factor in
                let other = try current.subtracting(gap).adding(gap.scaled(by: 1 - factor))
                return BenchmarkReport.Rule(
                    rule: name, damping: factor, l1: Double(other.l1Distance(to: exact.state)) * unit,
                    agreement: try project.decide(other, on: .test)!.agreement(with: naive.classes), margin: try margin(other))
            }
        }
        let rowMemory = exact.segments.last?.rowMemory
        return BenchmarkReport.Row(
            deleted: count, position: position, epsilon: epsilon, method: run.outcome.method, fallback: run.outcome.fallback,
            blocksRetrained: run.outcome.blocksTrained, seconds: run.seconds,
            speedupBlocks: Double(lineage.trainedBlocks) / Double(max(1, run.outcome.blocksTrained)), speedupSeconds: naiveSeconds / run.seconds,
            accuracy: decisions.score.accuracy, accuracyNaive: naive.score.accuracy, accuracyNothing: nothing.score.accuracy,
            agreement: decisions.agreement(with: naive.classes), agreementNothing: nothing.agreement(with: naive.classes),
            l1: Double(state.l1Distance(to: exact.state)) * unit, l1Paper: Double(paper.l1Distance(to: exact.state)) * unit,
            l1Nothing: Double(current.l1Distance(to: exact.state)) * unit, damping: run.outcome.segments.last?.damping,
            tailBound: run.outcome.tailBound, extrapolatedDistance: run.outcome.tailBound, rho: run.outcome.residuals?.rho ?? [],
            margin: .init(after: try margin(state), exact: try margin(exact.state), nothing: try margin(current)),
            forecast: run.outcome.segments.last?.forecast.map(DeletionReport.Forecast.init), rules: rules,
            rowMemory: rowMemory?.memory ?? [], rowReach: rowMemory?.reach ?? [], rowNoise: rowMemory?.noise ?? [],
            extrapolationErrorLeastSquares: extrapolationError(.leastSquares), extrapolationErrorDfa: extrapolationError(.dfa))
    }
}
