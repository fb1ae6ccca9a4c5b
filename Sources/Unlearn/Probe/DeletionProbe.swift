import Checkpoints
import Files
import Statistics
import Tensors
import Training

/// What deletions will cost, before anybody asks for one.
public struct ProbeReport: Encodable, Sendable {
    /// One block of the chain, or of the stem, from which a row was removed in memory.
    public struct Point: Encodable, Sendable {
        public let block: Int
        /// Whether the guard would stitch, within so many blocks as were looked at or before the end.
        public let decays: Bool
        /// Blocks until then; nil where it would not.
        public let blocksStitch: Int?
        /// Blocks that an exact deletion retrains.
        public let blocksExact: Int
        public let secondsStitch: Double?
        public let secondsExact: Double
        /// The law's exponent; nil where there were too few blocks to fit one.
        public let exponentH: Double?
        public let rho: [Double]
        /// Why not, where the guard objects.
        public let objection: String?
    }

    public struct Seconds: Encodable, Sendable {
        /// Nil where memory does not decay, and in a project whose rows stand in branches alone.
        public let stitch: Double?
        public let exact: Double
        /// Training from scratch, which a deletion is instead of.
        public let naive: Double
    }

    /// Whether memory decays wherever a stitch was possible; nil where none is: all rows stand in branches, or there are too few blocks.
    public let decays: Bool?
    /// The median of the points'.
    public let exponentH: Double?
    /// Of the point with the most blocks behind it.
    public let rho: [Double]
    /// Blocks that a deletion of one row retrains, on average over all rows: exact, and stitched where that is possible.
    public let expectedBlocks: Double
    public let expectedBlocksStitch: Double?
    public let expectedSeconds: Seconds
    /// Beside training from scratch, of an exact deletion, or of a stitched one where that would be made: where exact replay takes longer than
    /// `delete` waits by default.
    public let expectedSpeedup: Double
    public let points: [Point]
    public let blocks: Int
    /// Seconds of a row's pass through a block.
    public let secondsPerPass: Double
    /// Of all that training does, what an exact deletion of one row takes on average; and what it would take with branches, nil where the
    /// project has some or has too few rows.
    public let shareExact: Double
    public let shareWithBranches: Double?
    /// Whether a block that is trained twice, with one thread and with all, gives the bits that are stored; nil where nobody asked.
    public let deterministic: Bool?
}

/// Removes rows at some blocks in memory and looks at what the chain remembers. Nothing is changed.
public struct DeletionProbe {
    private let project: Project
    private let points: Int
    private let control: TrainingControl
    private let progress: (_ what: String, _ done: Int, _ total: Int) -> Void

    /// Blocks behind a removed row that are looked at, at most: where memory decays, the guard says so sooner.
    static let mostBlocks = 24

    /// - Parameter points: blocks, spread over the chain or the stem.
    public init(
        _ project: Project, points: Int, control: TrainingControl, progress: @escaping (_ what: String, _ done: Int, _ total: Int) -> Void
    ) {
        precondition(points > 0, "at least one point")
        (self.project, self.points, self.control, self.progress) = (project, points, control, progress)
    }

    /// - Complexity: trains at most `points` · (`mostBlocks` + 1) blocks.
    public func run(checkingDeterminism: Bool) throws -> ProbeReport {
        let lineage = try project.lineage(), shape = lineage.shape
        guard lineage.isWhole else { throw Failure(.input, "\(lineage.isEmpty ? "nothing is trained yet" : "\(lineage.trainedBlocks) of \(shape.blocks) blocks are trained"); run 'unlearn train' first") }
        let rows = try liveRows(shape), schedule = project.settings.recipe.plan
        let passes = (1...shape.blocks).map { Double(rows[$0 - 1]) * Double(schedule.epochs(of: $0)) }
        // An exact deletion takes what earlier stitches left, too.
        func exactly(_ block: Int) -> (blocks: Int, passes: Double) {
            let blocks = lineage.blocksOfExactReplay(of: [block], takingStitches: true)
            return (blocks.count, blocks.reduce(0) { $0 + passes[$1 - 1] })
        }
        guard rows.contains(where: { $0 > 0 }) else { throw Failure(.input, "no training row is left to remove") }
        var walks: [Walk] = []
        for block in positions(shape) {
            // Where a block has no row left, the next one is looked at.
            if let walk = try walk(from: block, lineage, passes: passes), !walks.contains(where: { $0.block == walk.block }) { walks.append(walk) }
        }
        // Where there is nothing but branches, one block of them tells the pace.
        let pace = try walks.isEmpty ? paceOfBlock(shape.blocks, lineage, passes) : walks.reduce(0) { $0 + $1.seconds } / max(1, walks.reduce(0) { $0 + $1.passes })
        let found = walks.map { walk in
            let exact = exactly(walk.block)
            return ProbeReport.Point(
                block: walk.block, decays: walk.decays, blocksStitch: walk.decays ? walk.blocks : nil, blocksExact: exact.blocks,
                secondsStitch: walk.decays ? pace * walk.passes : nil, secondsExact: pace * exact.passes, exponentH: walk.verdict?.fit.h, rho: walk.residuals.rho,
                objection: walk.verdict?.objection)
        }
        // Close to the end there are too few blocks to judge by, whatever they remember.
        let judged = walks.filter { $0.verdict != nil }
        let all = passes.reduce(0, +), (blocksExact, share) = try expectation(lineage, schedule, rows: rows, passes: passes, exactly)
        let stitched = judged.isEmpty || !judged.allSatisfy(\.decays) ? nil : expectation(
            of: judged.map(\.blocks), rows: rows, passes: passes, shape)
        let exact = pace * all * share
        let isStitched = stitched != nil && .seconds(exact) > ReplayOptions.defaultPatience, isFlat = project.settings.shape.isFlat
        return ProbeReport(
            decays: judged.isEmpty ? nil : judged.allSatisfy(\.decays), exponentH: Self.median(judged.compactMap { $0.verdict?.fit.h }),
            rho: walks.max { $0.residuals.count < $1.residuals.count }?.residuals.rho ?? [], expectedBlocks: blocksExact, expectedBlocksStitch: stitched?.blocks,
            expectedSeconds: .init(stitch: stitched.map { $0.passes * pace }, exact: exact, naive: pace * all),
            expectedSpeedup: isStitched ? all / max(1e-9, stitched!.passes) : 1 / max(1e-9, share), points: found, blocks: shape.blocks, secondsPerPass: pace,
            shareExact: share,
            // Providers would need a branch each.
            shareWithBranches: shape.isChain && project.settings.blockPolicy != .group ? DeletionOutlook.withBranches(insteadOf: project.settings.recipe, rows: rows.reduce(0, +), isFlat: isFlat)?.any.shareOfTraining : nil,
            deterministic: checkingDeterminism ? try isDeterministic(lineage) : nil)
    }

    private func liveRows(_ shape: Lineage) throws -> [Int] {
        var rows = [Int](repeating: 0, count: shape.blocks)
        for block in try project.store.rowBlocks(.train) where block.block <= shape.blocks { rows[block.block - 1] = block.live }
        return rows
    }

    /// Spread over the chain or the stem, where most blocks follow.
    private func positions(_ shape: Lineage) -> [Int] {
        Set((0..<points).map { 1 + (2 * $0 + 1) * shape.stem / (2 * points) }).filter { $0 <= shape.stem }.sorted()
    }

    private static func median(_ values: [Double]) -> Double? { values.isEmpty ? nil : DecayGuard.median(values) }

    // MARK: - One point

    private struct Walk {
        let block: Int
        let residuals: ResidualSeries
        let verdict: DecayGuard.Verdict?
        let decays: Bool
        let blocks: Int
        let passes: Double
        let seconds: Double
    }

    /// Enough is known.
    private struct Seen: Error {}

    /// Measures what is retrained against the lineage, and ends the walk where enough is seen.
    private final class Witness: ReplaySink {
        private let lineage: StoredLineage
        private let unit: Double
        private(set) var residuals: ResidualSeries
        private(set) var blocks = 0

        init(_ lineage: StoredLineage, from block: Int, unit: Double) {
            (self.lineage, self.unit) = (lineage, unit)
            residuals = ResidualSeries(deletedBlock: block)
        }

        func retrained(block: Int, from before: LatticeVector, to after: LatticeVector, baseIsExact: Bool) throws {
            let residual = try lineage.residual(of: block, from: before, to: after)
            residuals.append(distance: residual.distance, norm: residual.norm, gap: try lineage.state(block).l1Distance(to: after), unit: unit)
            blocks += 1
            if residuals.count >= DeletionProbe.mostBlocks { throw Seen() }
        }

        func startedWithout(correctionBehind block: Int) {}
        func stitched(after block: Int, correction: LatticeVector) {}
        func stitchesDiscarded() throws { throw Seen() }
    }

    /// Nil where no row is left from the block on.
    private func walk(from block: Int, _ lineage: StoredLineage, passes: [Double]) throws -> Walk? {
        guard let slots = try project.sampledSlots(1, from: block, lineage), let first = slots.keys.min(), lineage.shape.branch(of: first) == nil else { return nil }
        let witness = Witness(lineage, from: first, unit: project.trainer.lattice.unit), deletedRows = try DeletedRows(slots) { try project.trainingRows(block: $0) }
        let atMost = min(Self.mostBlocks + 1, lineage.shape.stem - first + 1), options = ReplayOptions()
        // As `delete` does it, so that it stops where that would.
        let replay = LineageReplay(
            lineage, crew: project.crew, deleted: slots, deletedRows: deletedRows,
            rows: { block in
                // Behind the stem come all branches at once.
                if lineage.shape.branch(of: block) != nil { throw Seen() }
                return try project.trainingRows(block: block, leavingOut: slots[block] ?? [])
            }, control: control, progress: { done, _ in progress("a row of block \(first)", min(done, atMost), atMost) })
        let start = ContinuousClock.now
        var segment: ReplaySegment?
        do {
            segment = try replay.run(touched: [first], options: options, into: witness).segments.first
        } catch is Seen {}
        let residuals = segment?.residuals ?? witness.residuals
        let verdict = segment?.verdict ?? options.decayGuard.verdict(residuals, method: options.fitMethod, outlook: .init(influenceAhead: 0, damping: 1))
        let trained = first..<min(first + witness.blocks, lineage.shape.blocks + 1)
        return Walk(
            block: first, residuals: residuals, verdict: verdict, decays: segment?.damping != nil, blocks: witness.blocks, passes: trained.reduce(0) { $0 + passes[$1 - 1] },
            seconds: (ContinuousClock.now - start) / .seconds(1))
    }

    private func paceOfBlock(_ block: Int, _ lineage: StoredLineage, _ passes: [Double]) throws -> Double {
        let start = ContinuousClock.now
        _ = try retrained(block, lineage, project.trainer)
        return (ContinuousClock.now - start) / .seconds(1) / max(1, passes[block - 1])
    }

    // MARK: - All rows

    /// Blocks, and the share of all passes, that an exact deletion of one row retrains, on average.
    private func expectation(
        _ lineage: StoredLineage, _ schedule: TrainingPlan, rows: [Int], passes: [Double], _ exactly: (Int) -> (blocks: Int, passes: Double)
    ) throws -> (blocks: Double, share: Double) {
        if lineage.isExact {
            let outlook = DeletionOutlook(schedule, rows: rows)
            return (outlook.any.blocks, outlook.any.shareOfTraining)
        }
        var blocks = 0.0, work = 0.0
        for block in rows.indices.map({ $0 + 1 }) where rows[block - 1] > 0 {
            let cost = exactly(block), live = Double(rows[block - 1])
            blocks += live * Double(cost.blocks)
            work += live * cost.passes
        }
        let live = Double(rows.reduce(0, +))
        return (blocks / live, work / live / max(1e-9, passes.reduce(0, +)))
    }

    /// Blocks and passes that a stitched deletion of one row retrains, on average: as many as the points had, or as there are.
    private func expectation(of blocks: [Int], rows: [Int], passes: [Double], _ shape: Lineage) -> (blocks: Double, passes: Double) {
        let typical = Int((blocks.reduce(0) { $0 + Double($1) } / Double(blocks.count)).rounded())
        var (count, weighted, work) = (0.0, 0.0, 0.0)
        for block in 1...shape.blocks {
            let last = shape.descendants(of: block).last ?? block
            // In a stem a stitch puts all branches back on; a branch is retrained to its end.
            let end = shape.branch(of: block) == nil ? min(block + typical - 1, last) : last
            count += Double(rows[block - 1])
            weighted += Double(rows[block - 1]) * Double(end - block + 1)
            work += Double(rows[block - 1]) * passes[(block - 1)...(end - 1)].reduce(0, +)
        }
        return (weighted / max(1, count), work / max(1, count))
    }

    // MARK: - Determinism

    private func retrained(_ block: Int, _ lineage: StoredLineage, _ trainer: any BlockTrainer) throws -> LatticeVector {
        let base = lineage.shape.branch(of: block) == nil ? try lineage.chain().base(of: block) : try lineage.state(lineage.shape.parent(of: block))
        return try trainer.train(block: block, from: base, rows: try project.trainingRows(block: block), control: control).subtracting(base)
    }

    /// The first block stands on what no stitch has touched; its influence was stored by another process.
    private func isDeterministic(_ lineage: StoredLineage) throws -> Bool {
        let other = try project.settings.makeTrainer(threads: 1), first = try retrained(1, lineage, project.trainer)
        // A program of the user's may do well in a new process and carry something along in an old one.
        guard try first == retrained(1, lineage, project.trainer), try first == retrained(1, lineage, other) else { return false }
        // Where its rows have gone since, the stored one was made anew without them, or is another's.
        return try project.whyNotSameBits != nil || !lineage.isExact || lineage.influence(1) == first
    }
}
