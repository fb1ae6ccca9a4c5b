import Files
import Tensors
import Training

/// What to do where residual memory does not decay.
public enum NoDecayPolicy: String, Codable, Sendable, CaseIterable {
    /// Keep retraining to the end: exact replay.
    case exact
    /// Give up; nothing is changed.
    case fail
    /// Stitch where the paper's rule says so, unguarded.
    case stitch
}

/// How influence is removed.
public enum UnlearningMethod: String, Codable, Sendable, CaseIterable {
    case stitch
    case exact
}

public struct ReplayOptions: Sendable {
    public var method = UnlearningMethod.stitch
    /// A deletion that may stitch first tries to replay exactly, and gives up as soon as the blocks still to come would take longer
    /// than this at the pace so far. Zero: it does not try. The one thing that time decides; what is done then is on record.
    public var patience = Duration.zero
    /// How far stitches may add up (`StitchBudget`) before a replay is exact instead; nil: as far as they do.
    public var budget: Double?
    public var decayGuard = DecayGuard()
    public var onNoDecay = NoDecayPolicy.exact
    public var damping = Damping.automatic
    public var fitMethod = FitMethod.leastSquares
    /// Whether training here gives the bits that it gave when the chain was trained; otherwise nothing is called exact.
    public var sameNumerics = true

    /// What `delete` waits for an exact replay, and how far it lets stitches add up, unless it is told otherwise.
    public static let defaultPatience = Duration.seconds(60)
    public static let defaultBudget = 0.005

    public init() {}
}

/// A run of blocks retrained one after the other, from a deleted block to a stitch or to the end.
public struct ReplaySegment: Sendable {
    public let firstBlock: Int
    public private(set) var lastBlock: Int
    /// Behind the last deleted block of the walk.
    public let residuals: ResidualSeries
    /// What the deleted rows told meanwhile, and of the stitch that ended the walk; nil where they were not given.
    public var rowMemory: RowMemorySeries?
    public var forecast: RowForecast?
    /// The guard's last word before the end; nil where there were too few residuals to judge.
    public let verdict: DecayGuard.Verdict?
    /// γ of the stitch that ended the walk; nil where it reached the end of the chain.
    public let damping: Double?
    /// What the stitch leaves of the gap, (1 − γ)·g; nil without a stitch.
    let correction: KeptState?
    /// An extrapolation of what this segment's stitch adds to the distance to exact replay: fitted residuals still to come, and for a
    /// damped stitch the part of the gap that it leaves. 0 without a stitch. Earlier stitches are not in it.
    public let tailBound: Double

    /// The same with another last block.
    func reaching(_ block: Int) -> ReplaySegment {
        var copy = self
        copy.lastBlock = block
        return copy
    }
}

public struct ReplayOutcome: Sendable {
    /// The new model; empty where it was taken out to make room.
    public internal(set) var state: LatticeVector
    /// What was done: `exact` where everything from the first deleted block on was replayed from an exact state.
    public let method: UnlearningMethod
    /// Whether every stitch had the guard's consent.
    public let guarded: Bool
    /// Why the outcome is exact though stitching was asked for, or nil.
    public let fallback: String?
    /// Blocks trained, those included that a fallback trained again.
    public let blocksTrained: Int
    /// Walks along the chain, or the stem, and behind them those of branches.
    public internal(set) var segments: [ReplaySegment]
    /// Whether the first block started from a state that training reaches without a stitch; nil where none was trained.
    public let fromExactState: Bool?
    /// What the model was merged from, where its exactness follows from the lineage alone: nothing but branches was retrained, from
    /// states that training reaches, and nothing else in it is inexact.
    public var merged: MergedStates?

    public var residuals: ResidualSeries? { segments.last?.residuals }
    /// The extrapolations of all stitches, added up.
    public var tailBound: Double { segments.reduce(0) { $0 + $1.tailBound } }
}

/// Retrains a chain without the deleted rows: block by block from the first that held any, until the memory of them has
/// decayed, then stitches the rest back on (DeepObliviate, with a guard and damping); or exactly, to the end.
public struct BlockReplay {
    /// Trains one step of the chain from the state before it, without the deleted rows.
    /// - Parameter isExact: whether that is a state which training without them reaches.
    typealias Step = (_ block: Int, _ base: LatticeVector, _ isExact: Bool) throws -> LatticeVector

    private let chain: any InfluenceChain
    /// The length of a step of the lattice.
    private let unit: Double
    private let step: Step
    /// The deleted rows, where they are still there to be looked at.
    private let memory: RowMemoryInput?
    /// Told the blocks trained so far and an upper limit of those to come.
    private let progress: (_ trained: Int, _ atMost: Int) -> Void

    init(
        chain: any InfluenceChain, unit: Double, memory: RowMemoryInput? = nil, progress: @escaping (_ trained: Int, _ atMost: Int) -> Void = { _, _ in },
        step: @escaping Step
    ) {
        self.chain = chain
        self.unit = unit
        self.memory = memory
        self.step = step
        self.progress = progress
    }

    /// Of a chain whose steps are blocks.
    /// - Parameters:
    ///   - rows: of a block without the deleted ones.
    ///   - deletedRows: these, where they are still there to be looked at.
    public init(
        chain: any InfluenceChain, trainer: any BlockTrainer, rows: @escaping (Int) throws -> BlockRows, deletedRows: DeletedRows? = nil,
        control: TrainingControl, progress: @escaping (_ trained: Int, _ atMost: Int) -> Void = { _, _ in }
    ) {
        self.init(
            chain: chain, unit: trainer.lattice.unit, memory: deletedRows.map { RowMemoryInput(rows: $0, trainer: trainer, remaining: rows) }, progress: progress
        ) { block, base, _ in
            try trainer.train(block: block, from: base, rows: try rows(block), control: control)
        }
    }

    /// - Parameter deleted: blocks that lose rows, in order, none beyond the chain's end. Where there are none, an exact
    ///   replay takes the place of what earlier stitches left, and a stitch changes nothing.
    public func run(deleted: [Int], options: ReplayOptions, into sink: any ReplaySink) throws -> ReplayOutcome {
        let firstInexact = options.method == .exact ? chain.firstInexact : nil
        guard let start = [deleted.first, firstInexact].compactMap({ $0 }).min() else {
            return ReplayOutcome(
                state: try chain.state(chain.length), method: .exact, guarded: true, fallback: nil, blocksTrained: 0, segments: [], fromExactState: nil)
        }
        precondition(deleted == deleted.sorted() && start >= 1 && deleted.last ?? start <= chain.length)
        var walker = Walker(self, deleted: deleted, options: options, sink: sink)
        switch options.method {
        case .exact:
            try walker.begin(at: start)
            try walker.walkToEnd(from: start)
            return walker.outcome(.exact, fallback: nil)
        case .stitch:
            return try walker.stitching()
        }
    }

    /// Blocks from a step on: only the last one may have several.
    private func blocks(from step: Int) -> Int { chain.length - step + chain.blocks(in: chain.length) }

    private struct Walker {
        let replay: BlockReplay
        let deleted: [Int]
        let options: ReplayOptions
        let sink: any ReplaySink
        private(set) var state = LatticeVector(zeros: 0)
        /// From the state to the one of the old chain behind the same block, where anything is compared with that; nil: there is none. Mostly it is
        /// packed in less room than that state.
        private var gap: KeptState?
        var trained = 0
        var segments: [ReplaySegment] = []
        var guarded = true
        /// The guard's last word against a stitch.
        private var objection: String?
        /// The state behind the first walk and its last block: where an exact replay can go on.
        var firstStitch: (block: Int, state: KeptState)?
        /// ‖D_i‖₁ of the old chain from block `firstNorm` on.
        private var influenceNorms: [Double] = []
        private var firstNorm = 0
        private var rowMemory: RowMemory?

        init(_ replay: BlockReplay, deleted: [Int], options: ReplayOptions, sink: any ReplaySink) {
            self.replay = replay
            self.deleted = deleted
            self.options = options
            self.sink = sink
            rowMemory = replay.memory.map(RowMemory.init)
        }

        private var chain: any InfluenceChain { replay.chain }
        private var end: Int { replay.chain.length }

        func outcome(_ method: UnlearningMethod, fallback: String?) -> ReplayOutcome {
            ReplayOutcome(state: state, method: method, guarded: guarded, fallback: fallback, blocksTrained: trained, segments: segments,
                fromExactState: segments.map(\.firstBlock).min().map { chain.isExactBase($0) })
        }

        /// Where a walk begins, and the sink is told what it leaves out.
        /// - Parameter base: the state before the block; nil: the chain's.
        mutating func begin(at block: Int, from base: LatticeVector? = nil) throws {
            if base == nil, block > 1, chain.isExactBase(block), try chain.correction(block - 1) != nil {
                try sink.startedWithout(correctionBehind: block - 1)
            }
            (state, gap) = (try base ?? chain.base(of: block), nil)
            if options.method != .exact {
                var old = try chain.state(block - 1)
                try old.subtract(state)
                try keep(gap: old)
            }
            chain.forgetStates()
        }

        private mutating func keep(gap steps: LatticeVector) throws { gap = steps.l1Norm == 0 ? nil : try KeptState(steps, packing: !chain.keepsStates) }

        mutating func stitching() throws -> ReplayOutcome {
            let first = deleted[0]
            try begin(at: first)
            var next: Int? = first
            while let block = next { next = try walk(from: block) }
            let reachedEnd = segments.last!.damping == nil
            guard reachedEnd else { return outcome(.stitch, fallback: nil) }
            let reason = reasonForReachingEnd()
            if options.onNoDecay == .fail, let objection {
                throw Failure(.refused, "\(objection), and no later stitch was sound; nothing was changed; run it again with --on-no-decay exact or --method exact")
            }
            // Reached in one walk from an exact state: that is exact replay.
            if segments.count == 1 && chain.isExactBase(first) { return outcome(.exact, fallback: reason) }
            // On a chain that was stitched before, a walk to its end is as good as its base; only memory that does not
            // decay calls for more.
            guard segments.last!.verdict?.objection != nil else { return outcome(.stitch, fallback: nil) }
            switch options.onNoDecay {
            case .exact:
                // What lies before the first stitch is exact only where its own base was.
                var start = chain.firstInexact ?? first, base: LatticeVector?
                if let firstStitch, chain.isExactBase(first) { (start, base) = (firstStitch.block + 1, firstStitch.state.vector) }
                try begin(at: start, from: base)
                try sink.stitchesDiscarded()
                guarded = true
                let walked = segments
                try walkToEnd(from: start)
                segments = walked.map(Self.withoutStitch) + segments.suffix(1)
                return outcome(.exact, fallback: reason)
            case .stitch, .fail: return outcome(.stitch, fallback: nil)
            }
        }

        private static func withoutStitch(_ walk: ReplaySegment) -> ReplaySegment {
            ReplaySegment(
                firstBlock: walk.firstBlock, lastBlock: walk.lastBlock, residuals: walk.residuals, rowMemory: walk.rowMemory, verdict: walk.verdict, damping: nil,
                correction: nil, tailBound: 0)
        }

        private func reasonForReachingEnd() -> String {
            let last = segments.last!
            guard let verdict = last.verdict else {
                let count = last.residuals.count
                let side = chain.blocks(in: end) > 1 ? ", and the branches together count as one" : ""
                let behind = count == 0 ? "no block follows" : "only \(count) block\(count == 1 ? " follows" : "s follow")"
                return "\(behind) block \(last.residuals.deletedBlock)\(side); a stitch needs "
                    + "\(options.decayGuard.fewestResiduals) to judge by and one to put back on"
            }
            return verdict.objection ?? "the stop rule did not hold before the end of the chain (ε \(options.decayGuard.epsilon))"
        }

        /// Walks from a deleted block until a stitch is due; gives the next deleted block behind the stitch, or nil.
        private mutating func walk(from first: Int) throws -> Int? {
            let isExact = options.sameNumerics && segments.isEmpty && chain.isExactBase(first)
            var residuals = ResidualSeries(deletedBlock: first)
            var verdict: DecayGuard.Verdict?
            for block in first...end {
                if block != first, deleted.contains(block) { residuals = ResidualSeries(deletedBlock: block) }
                try retrain(block, isExact: isExact, &residuals)
                guard block < end else { break }
                let following = deleted.first { $0 > block }
                // Deleted rows right ahead: the walk must go on through them.
                guard following != block + 1 else { continue }
                let target = following.map { $0 - 1 } ?? end
                let factor: StitchFactor
                (verdict, factor) = try judge(residuals, from: block, to: target)
                guard let verdict, verdict.ruleSatisfied else { continue }
                if !verdict.allowsStitch {
                    switch options.onNoDecay {
                    case .exact, .fail:
                        objection = "\(verdict.objection!) after \(residuals.count) blocks"
                        continue
                    case .stitch: guarded = false
                    }
                }
                try stitch(from: first, at: block, to: target, factor, residuals, verdict)
                return following
            }
            segments.append(
                ReplaySegment(
                    firstBlock: first, lastBlock: end, residuals: residuals, rowMemory: rowMemory?.series, verdict: verdict, damping: nil,
                    correction: nil, tailBound: 0))
            return nil
        }

        /// The guard's word on a stitch behind `block` that reaches to `target`.
        private mutating func judge(
            _ residuals: ResidualSeries, from block: Int, to target: Int
        ) throws -> (verdict: DecayGuard.Verdict?, factor: StitchFactor) {
            guard residuals.count >= options.decayGuard.fewestResiduals else { return (nil, StitchFactor(value: 1)) }
            if influenceNorms.isEmpty {
                // From the block of the first stitch that is possible at all.
                firstNorm = block + 1
                influenceNorms = try (block..<end).map { Double(try chain.influenceNorm($0 + 1)) * replay.unit }
            }
            let ahead = block < target ? influenceNorms[(block + 1 - firstNorm)...(target - firstNorm)].reduce(0, +) : 0
            let factor = options.damping.factor(
                residuals, blocksLeft: chain.depth(of: target) - block, rows: block < target ? rowMemory?.forecast(ahead: ahead / replay.unit) : nil)
            let outlook = DecayGuard.Outlook(influenceAhead: ahead, damping: factor.value, fading: factor.fading, objection: factor.objection)
            return (options.decayGuard.verdict(residuals, method: options.fitMethod, outlook: outlook), factor)
        }

        /// Trains one block from the current state and measures it against the old chain. Where exact replay was asked for, nothing is compared with
        /// the old state behind it: no stitch can come of it.
        private mutating func retrain(_ block: Int, isExact: Bool, _ residuals: inout ResidualSeries) throws {
            let chain = chain, comparesStates = options.method != .exact, target = deleted.first { $0 > block }.map { $0 - 1 } ?? end
            replay.progress(trained, replay.blocks(from: block))
            if comparesStates { try rowMemory?.prepare(behind: block, end: target, chain: chain) }
            var old = state
            state = try replay.step(block, old, isExact)
            trained += chain.blocks(in: block)
            let residual = try chain.residual(of: block, from: old, to: state)
            try sink.retrained(block: block, from: old, to: state, baseIsExact: isExact)
            guard comparesStates else { return residuals.append(distance: residual.distance, norm: residual.norm, gap: nil, unit: replay.unit) }
            // The state before the block becomes the old one behind it, and that the gap, where it stands: large states are two at a time.
            if let gap { try old.add(gap) }
            gap = nil
            try chain.advance(&old, through: block)
            residuals.append(distance: residual.distance, norm: residual.norm, gap: old.l1Distance(to: state), unit: replay.unit)
            let known = try rowMemory?.logOdds(behind: block, old), now = try rowMemory?.logOdds(behind: block, state)
            try old.subtract(state)
            try keep(gap: old)
            if let known, let now { try rowMemory?.read(behind: block, old: known, new: now, gap: consume old) }
        }

        private mutating func stitch(
            from first: Int, at block: Int, to target: Int, _ factor: StitchFactor, _ residuals: ResidualSeries, _ verdict: DecayGuard.Verdict
        ) throws {
            var gap = gap?.vector ?? LatticeVector(zeros: state.count)
            self.gap = nil
            // Where nothing is to be deleted behind the stitch, no walk follows that might turn into an exact replay.
            if firstStitch == nil, target < end { firstStitch = (block, try KeptState(state, packing: !chain.keepsStates)) }
            state = LatticeVector(zeros: 0)
            let correction = gap.scaled(by: 1 - factor.value), left = correction.l1Norm
            if left > 0 { try sink.stitched(after: block, correction: correction) }
            // What is taken off is no longer than the gap, and on the same side.
            try gap.subtract(correction)
            let kept = try KeptState(consume correction, packing: !chain.keepsStates)
            state = try rowMemory?.state(behind: target) ?? chain.state(target)
            chain.forgetStates()
            try state.subtract(gap)
            if target < end { try keep(gap: gap) }
            let tail = verdict.fit.sum(from: residuals.count + 1, through: chain.depth(of: target) - residuals.deletedBlock)
            segments.append(
                ReplaySegment(
                    firstBlock: first, lastBlock: block, residuals: residuals, rowMemory: rowMemory?.series, forecast: factor.forecast,
                    verdict: verdict, damping: factor.value,
                    correction: kept, tailBound: tail + Double(left) * replay.unit))
        }

        /// Exact replay: trains every block from `start` on, before which the state lies.
        mutating func walkToEnd(from start: Int) throws {
            let firstDeleted = deleted.first { $0 >= start } ?? start
            var residuals = ResidualSeries(deletedBlock: firstDeleted)
            for block in start...end {
                if deleted.contains(block) || block < firstDeleted { residuals = ResidualSeries(deletedBlock: block) }
                try retrain(block, isExact: options.sameNumerics, &residuals)
            }
            segments.append(
                ReplaySegment(
                    firstBlock: start, lastBlock: end, residuals: residuals, rowMemory: rowMemory?.series,
                    verdict: try judge(residuals, from: end, to: end).verdict, damping: nil,
                    correction: nil, tailBound: 0))
        }
    }
}
