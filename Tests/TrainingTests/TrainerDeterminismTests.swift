import Files
import Synchronization
import Tensors
import Testing

@testable import Training

@Suite("Training gives the same bits")
struct TrainerDeterminismTests {
    private static let problems = [SmallProblem.wide, SmallProblem.leNet]

    /// Three blocks from the initial state.
    private func chain(_ problem: SmallProblem, threads: Int) throws -> [LatticeVector] {
        let trainer = try problem.trainer(threads: threads)
        var states = [try trainer.initialState()]
        for block in 1...3 {
            let rows = problem.rows(150, empty: [3, 77, 78], seed: UInt64(block))
            states.append(try trainer.train(block: block, from: states[block - 1], rows: rows))
        }
        return states
    }

    @Test("… for any number of threads", arguments: [0, 1], [2, 3, 8])
    func anyThreads(_ problem: Int, _ threads: Int) throws {
        let problem = Self.problems[problem]
        let one = try chain(problem, threads: 1)
        #expect(one[3] != one[0])
        #expect(try chain(problem, threads: threads) == one)
    }

    @Test("… for any number of threads where lanes are without rows", arguments: [1, 2, 3, 8])
    func sparseRows(_ threads: Int) throws {
        let problem = SmallProblem.wide
        let rows = problem.rows(150, empty: Set(0..<150).subtracting([4, 90]), seed: 9)
        let one = try problem.trainer(), several = try problem.trainer(threads: threads)
        let state = try one.initialState()
        #expect(try several.train(block: 2, from: state, rows: rows) == one.train(block: 2, from: state, rows: rows))
    }

    @Test("… from the same trainer, from a fresh one, and out of order")
    func pureFunction() throws {
        let problem = SmallProblem.wide
        let states = try chain(problem, threads: 2)
        let used = try problem.trainer(threads: 2)
        let rows = (1...3).map { problem.rows(150, empty: [3, 77, 78], seed: UInt64($0)) }
        #expect(try used.train(block: 3, from: states[2], rows: rows[2]) == states[3])
        #expect(try used.train(block: 1, from: states[0], rows: rows[0]) == states[1])
        #expect(try used.train(block: 3, from: states[2], rows: rows[2]) == states[3])
        _ = try used.probabilities(state: states[1], rows: rows[0])
        #expect(try used.train(block: 2, from: states[1], rows: rows[1]) == states[2])
        let fresh = try problem.trainer(threads: 2)
        #expect(try fresh.train(block: 3, from: states[2], rows: rows[2]) == states[3])
    }

    @Test("… from a trainer that has seen blocks of other sizes", arguments: [1, 3])
    func otherSizes(_ threads: Int) throws {
        let problem = SmallProblem.wide, long = problem.rows(150, seed: 2)
        let fresh = try problem.trainer(), state = try fresh.initialState()
        let expected = try fresh.train(block: 1, from: state, rows: long)
        let used = try problem.trainer(threads: threads)
        for slots in [1, 40, 99, 300, 0] {
            let rows = problem.rows(slots, seed: 3)
            let after = try used.train(block: 1, from: state, rows: rows)
            #expect(try problem.trainer().train(block: 1, from: state, rows: rows) == after)
        }
        #expect(try used.train(block: 1, from: state, rows: long) == expected)
    }

    @Test("… after a training that diverged or was interrupted", arguments: [1, 3])
    func afterFailure(_ threads: Int) throws {
        let problem = SmallProblem.wide, rows = problem.rows(150, seed: 1)
        let bad = BlockRows(features: rows.features.map { _ in .nan }, labels: rows.labels, featureCount: rows.featureCount)
        let fresh = try problem.trainer(), state = try fresh.initialState()
        let expected = try fresh.train(block: 1, from: state, rows: rows)

        let trainer = try problem.trainer(threads: threads)
        #expect(throws: Divergence.self) { try trainer.train(block: 1, from: state, rows: bad) }
        #expect(try trainer.train(block: 1, from: state, rows: rows) == expected)
        let asked = Mutex(0)
        let afterOneEpoch = TrainingControl {
            asked.withLock {
                $0 += 1
                return $0 > 1
            }
        }
        #expect(throws: Failure.interrupted) { try trainer.train(block: 1, from: state, rows: rows, control: afterOneEpoch) }
        #expect(try trainer.train(block: 1, from: state, rows: rows) == expected)
    }

    @Test("Block, epoch and seed each change the order of slots, and so the state")
    func orderMatters() throws {
        var problem = SmallProblem.logistic(SmallProblem.recipe(learningRate: 0.5))
        let rows = problem.rows(40, seed: 5)
        let state = try problem.trainer().initialState()
        let first = try problem.trainer().train(block: 1, from: state, rows: rows)
        let again = try problem.trainer().train(block: 1, from: first, rows: rows)
        #expect(try problem.trainer().train(block: 2, from: state, rows: rows) != first)
        problem.recipe.network!.seed += 1
        #expect(try problem.trainer().train(block: 1, from: state, rows: rows) != first)
        problem.recipe.network!.seed -= 1
        problem.recipe.plan.epochs = 2
        let twice = try problem.trainer().train(block: 1, from: state, rows: rows)
        // Up to the snap between them, two epochs in one order would be the block trained twice.
        #expect(twice.l1Distance(to: again) > UInt64(10 * state.count))
    }

    @Test("The initial state follows the seed and lies within ±1/√fan-in")
    func initialState() throws {
        var problem = SmallProblem.wide
        let first = try problem.trainer().initialState()
        #expect(try problem.trainer(threads: 3).initialState() == first)
        let values = try problem.trainer().lattice.floats(first)
        #expect(values.allSatisfy { abs($0) < 1 / Float(40).squareRoot() + 1e-5 })
        problem.recipe.network!.seed += 1
        #expect(try problem.trainer().initialState() != first)
    }

    @Test("The fingerprint does not name threads, and does name what the recipe decides")
    func fingerprint() throws {
        var problem = SmallProblem.wide
        let first = try problem.trainer().fingerprint
        #expect(try problem.trainer(threads: 8).fingerprint == first)
        #expect(first.firstDifference(from: first) == nil)
        problem.recipe.network!.latticeBits = 20
        let finer = try problem.trainer().fingerprint
        #expect(finer != first)
        #expect(finer.firstDifference(from: first)?.contains("20") == true)
        problem.recipe.network!.latticeBits = 18
        problem.recipe.network!.batchSize = 31
        #expect(try problem.trainer().fingerprint != first)
    }
}
