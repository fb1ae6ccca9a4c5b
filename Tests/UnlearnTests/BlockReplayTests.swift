import Files
import Foundation
import Tensors
import TestSupport
import Testing
import Training

@testable import Unlearn

@Suite("Block replay")
struct BlockReplayTests {
    static let parameters = 40
    static let slots = 12

    /// Random rows of a block, without some slots.
    static func rows(_ block: Int, without slots: Set<Int> = []) -> BlockRows {
        var random = SeededGenerator(UInt64(1000 + block))
        let features = random.floats(Self.slots * parameters)
        return BlockRows(
            features: features, labels: (0..<Self.slots).map { slots.contains($0) ? BlockRows.emptySlot : 0 }, featureCount: parameters)
    }

    /// The running mean over blocks: the gap behind block i is 1/i of what it was behind block 1.
    static func fadingTrainer() -> ContractingTrainer { ContractingTrainer(parameters: parameters) { 1 / Double($0) } }

    /// Gaps that hardly fade behind the two blocks, and residuals that do.
    static func keepingTrainer(_ first: Int, _ second: Int) -> ContractingTrainer {
        ContractingTrainer(parameters: parameters) { block in
            let since = block >= second ? block - second : block - first
            return since <= 0 ? 0.5 : 0.05 * pow(Double(since), -1.5)
        }
    }

    /// Every block mirrors the state at its rows' mean: a gap changes its sign and never its size.
    static func mirroringTrainer(from block: Int = 1) -> ContractingTrainer {
        ContractingTrainer(parameters: parameters) { $0 < block ? 0.3 : 2 }
    }

    static func replay(
        _ chain: MemoryChain, _ trainer: ContractingTrainer, deleted: [Int: Set<Int>], into sink: (any ReplaySink)? = nil,
        _ change: (inout ReplayOptions) -> Void = { _ in }
    ) throws -> ReplayOutcome {
        var options = ReplayOptions()
        change(&options)
        let replay = BlockReplay(
            chain: chain, trainer: trainer, rows: { rows($0, without: deleted[$0] ?? []) }, control: TrainingControl())
        return try replay.run(deleted: deleted.keys.sorted(), options: options, into: sink ?? DiscardingSink())
    }

    /// The end of a chain trained without the rows from the start.
    static func naive(_ blocks: Int, without deleted: [Int: Set<Int>]) throws -> LatticeVector {
        try MemoryChain(fadingTrainer(), blocks: blocks) { rows($0, without: deleted[$0] ?? []) }.state(blocks)
    }

    @Test("Exact replay gives the bits of training without the rows", arguments: [[1], [7], [40], [3, 4, 30]])
    func exact(blocks: [Int]) throws {
        let deleted = Dictionary(uniqueKeysWithValues: blocks.map { ($0, Set([2, 5])) })
        let trainer = Self.fadingTrainer()
        let chain = try MemoryChain(trainer, blocks: 40) { Self.rows($0) }
        let outcome = try Self.replay(chain, trainer, deleted: deleted) { $0.method = .exact }
        #expect(try outcome.state == Self.naive(40, without: deleted))
        #expect(outcome.blocksTrained == 40 - blocks[0] + 1 && outcome.method == .exact && outcome.fallback == nil)
    }

    @Test("A stitch knows the fading of a power law: it lands on exact replay but for rounding")
    func stitch() throws {
        let deleted = [1: Set([1])]
        let trainer = Self.fadingTrainer()
        let chain = try MemoryChain(trainer, blocks: 60) { Self.rows($0) }
        let before = try chain.state(60)
        let outcome = try Self.replay(chain, trainer, deleted: deleted, into: chain)
        #expect(outcome.method == .stitch && outcome.guarded && outcome.blocksTrained < 20)
        let walk = try #require(outcome.segments.first)
        let exact = try Self.naive(60, without: deleted)
        let nothing = before.l1Distance(to: exact), stitched = outcome.state.l1Distance(to: exact)
        #expect(stitched < nothing / 20, "stitched \(stitched), nothing \(nothing)")
        // The gap fades as 1/i here: what is left of it is known.
        let factor = try #require(walk.damping)
        #expect(abs(factor - Double(walk.lastBlock) / 60) < 1e-3)
        let unit = trainer.lattice.unit
        #expect(Double(stitched) * unit <= outcome.tailBound, "distance \(Double(stitched) * unit), bound \(outcome.tailBound)")
        // In the chain, M_B is the sum of its records.
        chain.publish()
        #expect(try chain.state(60) == outcome.state)
        #expect(chain.firstInexact == walk.lastBlock + 1)
    }

    @Test("The paper's stitch carries the whole gap and leaves no correction")
    func undamped() throws {
        let deleted = [10: Set([1])]
        let trainer = Self.fadingTrainer()
        let chain = try MemoryChain(trainer, blocks: 60) { Self.rows($0) }
        let old = try chain.state(60)
        let outcome = try Self.replay(chain, trainer, deleted: deleted, into: chain) { $0.damping = .fixed(1) }
        let end = try #require(outcome.segments.first).lastBlock
        let gapBefore = try chain.state(end)
        chain.publish()
        #expect(chain.corrections.isEmpty)
        let gap = try gapBefore.subtracting(chain.state(end))
        #expect(try outcome.state == old.subtracting(gap))
        let nothing = try Self.replay(MemoryChain(trainer, blocks: 60) { Self.rows($0) }, trainer, deleted: deleted) { $0.damping = .fixed(0) }
        #expect(nothing.state == old, "damping 0 does nothing")
    }

    @Test("Rows in far blocks are reached by a jump over what has forgotten the first")
    func jump() throws {
        let deleted = [5: Set([0]), 40: Set([3])]
        let trainer = Self.keepingTrainer(5, 40)
        let chain = try MemoryChain(trainer, blocks: 80) { Self.rows($0) }
        let before = try chain.state(80)
        let outcome = try Self.replay(chain, trainer, deleted: deleted, into: chain) { $0.decayGuard.rhoLimit = 0.5 }
        #expect(outcome.segments.map(\.firstBlock) == [5, 40])
        #expect(outcome.segments.allSatisfy { $0.damping != nil })
        let exact = try MemoryChain(Self.keepingTrainer(5, 40), blocks: 80) { Self.rows($0, without: deleted[$0] ?? []) }.state(80)
        #expect(outcome.state.l1Distance(to: exact) < before.l1Distance(to: exact) / 3)
        chain.publish()
        #expect(try chain.state(80) == outcome.state, "the chain's records add up to the outcome")
    }

    @Test("Rows in neighbouring blocks are walked through without a stitch in between")
    func neighbours() throws {
        let deleted = Dictionary(uniqueKeysWithValues: (5...12).map { ($0, Set([0])) })
        let trainer = Self.fadingTrainer()
        let chain = try MemoryChain(trainer, blocks: 60) { Self.rows($0) }
        let outcome = try Self.replay(chain, trainer, deleted: deleted)
        let walk = try #require(outcome.segments.first)
        #expect(outcome.segments.count == 1 && walk.firstBlock == 5 && walk.residuals.deletedBlock == 12)
    }

    @Test("Where memory does not decay the guard replays exactly, fails, or stitches as told")
    func noDecay() throws {
        let deleted = [10: Set([1])]
        let make = { Self.mirroringTrainer() }
        let trainer = make()
        let chain = try MemoryChain(trainer, blocks: 30) { Self.rows($0) }
        let fallback = try Self.replay(chain, trainer, deleted: deleted)
        #expect(fallback.method == .exact && fallback.guarded)
        #expect(fallback.fallback?.contains("does not decay") == true || fallback.fallback?.contains("still") == true)
        let exact = try MemoryChain(make(), blocks: 30) { Self.rows($0, without: deleted[$0] ?? []) }.state(30)
        #expect(fallback.state == exact)
        #expect { try Self.replay(chain, trainer, deleted: deleted) { $0.onNoDecay = .fail } } throws: { ($0 as? Failure)?.kind == .refused }
        let unguarded = try Self.replay(chain, trainer, deleted: deleted) {
            $0.onNoDecay = .stitch
            $0.decayGuard.epsilon = 1e9
        }
        #expect(unguarded.method == .stitch && !unguarded.guarded && unguarded.blocksTrained == 9)
    }

    @Test("A deletion near the end runs out of blocks and is exact")
    func nearTheEnd() throws {
        let trainer = Self.fadingTrainer()
        let chain = try MemoryChain(trainer, blocks: 30) { Self.rows($0) }
        let outcome = try Self.replay(chain, trainer, deleted: [27: [0]])
        #expect(outcome.method == .exact && outcome.blocksTrained == 4)
        #expect(outcome.fallback == "only 3 blocks follow block 27; a stitch needs 8 to judge by and one to put back on")
    }

    @Test("After a stitch, exact replay starts from the last state that training reached", arguments: [3, 20, 30, 55])
    func exactAfterStitch(second: Int) throws {
        let trainer = Self.fadingTrainer()
        let chain = try MemoryChain(trainer, blocks: 60) { Self.rows($0) }
        _ = try Self.replay(chain, trainer, deleted: [10: [1]], into: chain)
        chain.publish()
        #expect(chain.firstInexact != nil)
        // Rows deleted before are gone from the store: the replay sees neither.
        let both = [10: Set([1])].merging([second: [4]]) { $0.union($1) }
        var options = ReplayOptions()
        options.method = .exact
        let replay = BlockReplay(
            chain: chain, trainer: trainer, rows: { Self.rows($0, without: both[$0] ?? []) }, control: TrainingControl())
        let exact = try replay.run(deleted: [second], options: options, into: chain)
        chain.publish()
        #expect(try exact.state == Self.naive(60, without: both))
        #expect(chain.firstInexact == nil && chain.corrections.isEmpty)
        #expect(try chain.state(60) == exact.state)
    }

    @Test("A fallback behind a jump replays exactly from the first stitch, also where states are packed", arguments: [true, false])
    func fallbackBehindJump(keepsStates: Bool) throws {
        // Forgets quickly up to block 30, then not at all.
        let make = { Self.mirroringTrainer(from: 30) }
        let trainer = make()
        let deleted = [3: Set([0]), 35: Set([1])]
        let chain = try MemoryChain(trainer, blocks: 50) { Self.rows($0) }
        chain.keepsStates = keepsStates
        let outcome = try Self.replay(chain, trainer, deleted: deleted, into: chain)
        #expect(outcome.method == .exact && outcome.fallback != nil)
        #expect(try outcome.state == MemoryChain(make(), blocks: 50) { Self.rows($0, without: deleted[$0] ?? []) }.state(50))
        chain.publish()
        #expect(chain.firstInexact == nil && chain.corrections.isEmpty)
        #expect(try chain.state(50) == outcome.state)
    }

    @Test("With other numerics nothing is called exact")
    func otherNumerics() throws {
        let trainer = Self.fadingTrainer()
        let chain = try MemoryChain(trainer, blocks: 30) { Self.rows($0) }
        _ = try Self.replay(chain, trainer, deleted: [20: [0]], into: chain) {
            $0.method = .exact
            $0.sameNumerics = false
        }
        chain.publish()
        #expect(chain.firstInexact == 20)
    }

    @Test("An interruption stops the walk")
    func interruption() throws {
        let trainer = Self.fadingTrainer()
        let chain = try MemoryChain(trainer, blocks: 30) { Self.rows($0) }
        let replay = BlockReplay(chain: chain, trainer: trainer, rows: { Self.rows($0) }, control: TrainingControl { true })
        #expect(throws: Failure.interrupted) { try replay.run(deleted: [2], options: ReplayOptions(), into: DiscardingSink()) }
    }
}
