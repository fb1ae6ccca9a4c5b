import Checkpoints
import Files
import Synchronization
import Tensors
import TestSupport
import Testing
import Training

@testable import Unlearn
@testable import Valuation

@Suite("Exact utilities")
struct ExactUtilityTests {
    /// What training a chain from the first state on these rows gives, block after block.
    private func naive(_ trainer: CoalitionTrainer, _ coalition: Coalition, order: [Int]) throws -> Double {
        let own = trainer.trainers[0]
        var state = try own.initialState()
        for (place, block) in order.enumerated() {
            state = try own.train(block: place + 1, from: state, rows: trainer.rows(block: block, keeping: coalition), control: TrainingControl())
        }
        return try trainer.metric.value(of: trainer.scorer.scores(state, by: own))
    }

    @Test("A value is the score of a project that was made without the other players' rows", arguments: [true, false])
    func equalsExclusion(together: Bool) throws {
        let ungrouped = together ? 0 : 9, policy: BlockPolicy = together ? .group : .stratified, blocks = together ? nil : 6
        let project = try ValuationProject(policy: policy, blocks: blocks, ungrouped: ungrouped)
        let trainer = try project.trainer(threads: 2), coalitions = Coalition.every(of: 4)
        let values = try ExactUtility(trainer).values(of: coalitions)
        for (coalition, value) in zip(coalitions, values) where [0, 1, 6, 11, 15].contains(coalition.words[0]) {
            let excluded = project.others(than: coalition.members, ungrouped: ungrouped)
            let other = try ValuationProject(policy: policy, blocks: blocks, ungrouped: ungrouped, excluding: excluded)
            let opened = try other.open(.read)
            defer { withExtendedLifetime(other) {} }
            #expect(try trainer.metric.value(of: trainer.scorer.scores(opened.model(), by: opened.trainer)) == value, "\(coalition.members)")
        }
        // Coalitions do differ, so that equality says something; the last is the project's own model.
        #expect(Set(values).count == 16)
        #expect(try trainer.metric.value(of: trainer.scorer.scores(trainer.model, by: trainer.trainers[0])) == values[15])
    }

    /// Providers with branches of their own, over a stem of nobody's rows and without one; and providers who share stem and branches.
    private static let lineages: [(policy: BlockPolicy, blocks: Int, branches: Int, stem: Double?, ungrouped: Int, trains: Bool)] = [
        (.group, 8, 4, nil, 0, false), (.group, 10, 4, nil, 24, false), (.stratified, 6, 2, 0.34, 9, true), (.stratified, 6, 3, 0, 9, true),
    ]

    @Test("With branches a coalition's model is a merge, the same as of a project without the other players' rows", arguments: lineages.indices, [1, 2])
    func merges(number: Int, threads: Int) throws {
        let shape = Self.lineages[number]
        var branches = BranchPlan(count: shape.branches)
        branches.stem = shape.stem
        if number % 2 == 0 { branches.mergeStep = 1.5 }
        func project(excluding: [String] = []) throws -> ValuationProject {
            try ValuationProject(policy: shape.policy, blocks: shape.blocks, ungrouped: shape.ungrouped, branches: branches, excluding: excluding)
        }
        let whole = try project(), trainer = try whole.trainer(threads: threads), coalitions = Coalition.every(of: 4), utility = try ExactUtility(trainer)
        let values = try utility.values(of: coalitions)
        for (coalition, value) in zip(coalitions, values) where [0, 1, 6, 11, 15].contains(coalition.words[0]) {
            let other = try project(excluding: whole.others(than: coalition.members, ungrouped: shape.ungrouped)), opened = try other.open(.read)
            defer { withExtendedLifetime(other) {} }
            #expect(try trainer.metric.value(of: trainer.scorer.scores(opened.model(), by: opened.trainer)) == value, "\(coalition.members)")
        }
        #expect(Set(values).count == 16)
        #expect((utility.blocksTrained > 0) == shape.trains)
    }

    @Test("All coalitions of ten players with a block each train 1,013 blocks instead of 5,120")
    func tenPlayers() throws {
        let project = try ValuationProject(providers: 10, rows: 60, testRows: 12)
        let trainer = try project.trainer(metric: .accuracy, threads: 2)
        let reported = Mutex<[Int]>([])
        let utility = try ExactUtility(trainer) { trained, total in
            #expect(total == 1013)
            reported.withLock { $0.append(trained) }
        }
        var random = SeededGenerator(10)
        _ = try utility.values(of: Coalition.every(of: 10).shuffled(using: &random))
        #expect(utility.blocksTrained == 1013 && utility.blocksTrainedFromScratch == 5120)
        #expect(reported.withLock { $0 } == Array(0...1013))
    }

    @Test("A walk trains as many blocks as the trie says, with and without the stored chain", arguments: [1, 2, 17])
    func counts(step: Int) throws {
        let project = try ValuationProject(policy: .random, blocks: 7)
        let trainer = try project.trainer(), coalitions = Array(Coalition.every(of: 4).enumerated().filter { $0.offset % step == 0 }.map(\.element))
        for stored in [true, false] {
            let order = stored ? nil : [2, 1, 3, 4, 5, 6, 7]
            let utility = try ExactUtility(trainer, order: order)
            _ = try utility.values(of: coalitions + coalitions)
            // Written out: every distinct prefix of patterns, but those of the stored chain.
            var prefixes: Set<[[Int]]> = [], trained = 0, scratch = 0
            for coalition in coalitions {
                var prefix: [[Int]] = []
                for block in order ?? Array(1...7) {
                    let known = trainer.players.blocks[block - 1]
                    prefix.append(known.players.filter(coalition.contains))
                    let isWhole = zip(prefix, (order ?? Array(1...7))).allSatisfy { $0 == trainer.players.blocks[$1 - 1].players }
                    if known.keptRows(coalition) > 0, prefixes.insert(prefix).inserted, !(stored && isWhole) { trained += 1 }
                    if known.keptRows(coalition) > 0 { scratch += 1 }
                }
            }
            #expect(utility.blocksTrained == trained && utility.blocksTrainedFromScratch == scratch)
        }
    }

    @Test("Values have the same bits for any number of threads, in any batches, and with rows read again each time")
    func purity() throws {
        let project = try ValuationProject(policy: .stratified, blocks: 5), coalitions = Coalition.every(of: 4)
        let expected = try ExactUtility(project.trainer()).values(of: coalitions)
        for threads in [2, 3] { #expect(try ExactUtility(project.trainer(threads: threads)).values(of: coalitions) == expected) }
        #expect(try ExactUtility(project.trainer(threads: 2, mostRowBytes: 0)).values(of: coalitions) == expected)
        let single = try ExactUtility(project.trainer())
        #expect(try coalitions.reversed().map { try single.values(of: [$0])[0] } == expected.reversed())
    }

    @Test("On a chain that was stitched, values are those of exact training without the deleted rows")
    func inexactChain() throws {
        let project = try ValuationProject(providers: 3, rows: 240, policy: .stratified, blocks: 24)
        // Of the first block, which has as many blocks behind it as a stitch needs.
        let deleted = try project.open(.read).store.places(ofRows: (0..<240).map(String.init)).compactMap { $0 }.filter { $0.block == 1 }.prefix(2).map(\.id)
        let report = try project.delete(deleted) {
            $0.replay.onNoDecay = .stitch
            $0.replay.decayGuard.epsilon = 1e9
        }
        #expect(report.method == .stitch)
        let trainer = try project.trainer()
        #expect(!trainer.storedIsExact)
        let excluding = try ValuationProject(providers: 3, rows: 240, policy: .stratified, blocks: 24, excluding: deleted)
        let other = try excluding.trainer()
        let coalitions = [Coalition.none(of: 3), .all(of: 3), Coalition([1], of: 3)]
        #expect(try ExactUtility(trainer).values(of: coalitions) == ExactUtility(other).values(of: coalitions))
    }

    @Test("In another order, each place trains with its own schedule on the rows of another block")
    func otherOrder() throws {
        let trainer = try ValuationProject().trainer(threads: 2), coalitions = Coalition.every(of: 4), order = [3, 1, 4, 2]
        let values = try ExactUtility(trainer, order: order).values(of: coalitions)
        for (coalition, value) in zip(coalitions, values) { #expect(try naive(trainer, coalition, order: order) == value) }
        #expect(try ExactUtility(trainer).values(of: coalitions) != values)
    }

    @Test("Orders begin with the project's own; the others are drawn from the seed")
    func orders() {
        let orders = ExactUtility.orders(5, blocks: 20, seed: 3)
        #expect(orders[0] == Array(1...20) && Set(orders).count == 5 && orders.allSatisfy { $0.sorted() == orders[0] })
        #expect(ExactUtility.orders(3, blocks: 20, seed: 3) == Array(orders[..<3]) && ExactUtility.orders(2, blocks: 20, seed: 4)[1] != orders[1])
    }

    @Test("Interrupted, it stops and has told the values it knew", arguments: [1, 2])
    func interruption(threads: Int) throws {
        let left = Atomic<Int>(40)
        let control = TrainingControl { left.subtract(1, ordering: .relaxed).newValue < 0 }
        let project = try ValuationProject(), coalitions = Coalition.every(of: 4)
        let utility = try ExactUtility(project.trainer(threads: threads, control: control))
        var known: [Int: Double] = [:]
        let error = #expect(throws: Failure.self) { try utility.evaluate(coalitions) { known[$0] = $1.loss } }
        #expect(error == .interrupted && !known.isEmpty && known.count < 16)
        let values = try ExactUtility(project.trainer()).values(of: coalitions)
        #expect(known.allSatisfy { values[$0] == $1 })
    }

    @Test("What the receiver throws ends the walk", arguments: [1, 2])
    func receiver(threads: Int) throws {
        let utility = try ExactUtility(ValuationProject().trainer(threads: threads))
        var told = 0
        let error = #expect(throws: Failure.self) {
            try utility.evaluate(Coalition.every(of: 4)) { _, _ in
                told += 1
                if told == 3 { throw Failure(.failed, "full") }
            }
        }
        #expect(error == Failure(.failed, "full") && told == 3)
    }

    @Test("A receiver that threw is told nothing more by any thread, whatever the utility", arguments: 0..<20)
    func receiverOnce(round: Int) throws {
        let trainer = try ValuationProject().trainer(threads: 3)
        let utilities: [any StreamingUtility] = [try ExactUtility(trainer), try AdditiveUtility(trainer)]
        for utility in utilities {
            var told = 0
            #expect(throws: Failure.self) {
                try utility.evaluate(Coalition.every(of: 4)) { _, _ in
                    told += 1
                    throw Failure(.failed, "full")
                }
            }
            #expect(told == 1)
        }
    }

    @Test("A project that is not trained is refused")
    func untrained() throws {
        let error = #expect(throws: Failure.self) { try ValuationProject(trained: false).trainer() }
        #expect(error == Failure(.input, "nothing is trained yet, and values are those of a trained model; run 'unlearn train' first"))
    }
}
