import Files
import Tensors
import Training

/// What replay asks of whatever trains blocks: one suite for the built-in trainer, for test doubles, and for whatever comes.
public struct TrainerConformance {
    private let make: () throws -> any BlockTrainer
    private let rows: BlockRows
    private let classes: Int

    /// - Parameters:
    ///   - make: a trainer of the same kind each time.
    ///   - rows: a block, with at least two live rows.
    public init(rows: BlockRows, classes: Int, make: @escaping () throws -> any BlockTrainer) {
        self.make = make
        self.rows = rows
        self.classes = classes
    }

    private func train(_ trainer: any BlockTrainer, _ block: Int, _ state: LatticeVector, _ rows: BlockRows, stopped: Bool = false) throws -> LatticeVector {
        try trainer.train(block: block, from: state, rows: rows, control: TrainingControl { stopped })
    }

    private func emptying(_ slots: Set<Int>, features: Float? = nil) -> BlockRows {
        var labels = rows.labels, values = rows.features
        for slot in slots {
            labels[slot] = BlockRows.emptySlot
            if let features { for index in slot * rows.featureCount..<(slot + 1) * rows.featureCount { values[index] = features } }
        }
        return BlockRows(features: values, labels: labels, featureCount: rows.featureCount)
    }

    /// Each way in which the trainer is not what it must be, in words; none where it is.
    public func violations() throws -> [String] {
        var found: [String] = []
        func expect(_ holds: Bool, _ what: String) { if !holds { found.append(what) } }
        let one = try make(), other = try make()
        let first = try one.initialState()
        expect(first.count == one.layout.count, "the initial state has another length than the layout")
        expect(try other.initialState() == first && one.initialState() == first, "the initial state is not always the same")
        expect(try one.fingerprint == other.fingerprint, "two trainers of a kind have different fingerprints")

        let second = try train(one, 1, first, rows), third = try train(one, 2, second, rows)
        expect(try train(other, 2, second, rows) == third, "another trainer gives other bits, or what was trained before plays a part")
        expect(try train(other, 1, first, rows) == second && train(one, 1, first, rows) == second, "the same block from the same state gives other bits")
        expect(second != first, "a block with rows changes nothing")

        let live = rows.labels.indices.filter { rows.labels[$0] != BlockRows.emptySlot }
        expect(try train(one, 1, first, emptying(Set(live))) == first, "a block without live rows changes the state")
        let without = try train(one, 1, first, emptying([live[0]]))
        expect(without != second, "a deleted row is still learnt")
        expect(try train(other, 1, first, emptying([live[0]], features: 1e6)) == without, "what lies in an empty slot plays a part")

        do {
            _ = try train(one, 1, first, rows, stopped: true)
            expect(false, "it does not stop when it is asked to")
        } catch let error as Failure {
            expect(error.kind == .interrupted, "it stops with \(error.kind)")
        }
        expect(try train(one, 1, first, rows) == second, "a training that was stopped plays a part in the next")

        let probabilities = try one.probabilities(state: second, rows: emptying([live[0]]))
        expect(probabilities.count == rows.slots * classes, "\(probabilities.count) probabilities for \(rows.slots) slots of \(classes) classes")
        guard probabilities.count == rows.slots * classes else { return found }
        for slot in 0..<rows.slots {
            let sum = probabilities[slot * classes..<(slot + 1) * classes].reduce(0, +)
            let isLive = slot != live[0] && rows.labels[slot] != BlockRows.emptySlot
            expect(isLive ? abs(sum - 1) < 1e-4 : sum == 0, "the probabilities of slot \(slot) add up to \(sum)")
        }
        expect(try other.probabilities(state: second, rows: emptying([live[0]])) == probabilities, "another trainer gives other probabilities")
        expect(try train(one, 2, second, rows) == third, "asking for probabilities plays a part in training")
        return found
    }
}
