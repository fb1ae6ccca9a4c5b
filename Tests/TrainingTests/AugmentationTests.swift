import TestSupport
import Tensors
import Testing

@testable import Training

@Suite("Random changes of images")
struct AugmentationTests {
    private static let problem: SmallProblem = {
        var problem = SmallProblem.leNet
        problem.recipe.network!.augmentation = Augmentation(shift: 2, flip: true)
        problem.recipe.plan.epochs = 2
        return problem
    }()

    private func changed(_ augmentation: Augmentation, block: Int = 1, epoch: Int = 0, slot: Int) -> [Float] {
        let image = (0..<49).map(Float.init), result = GuardedFloats(count: 49)
        augmentation.apply(
            image, result.pointer, shape: RowShape(channels: 1, height: 7, width: 7), seed: 3, block: block, epoch: epoch, slot: slot)
        #expect(result.isIntact)
        return result.values
    }

    @Test("A slot looks the same whenever it is asked for, and different in other epochs, blocks and slots")
    func keyed() {
        let both = Augmentation(shift: 3, flip: true)
        #expect(changed(both, slot: 5) == changed(both, slot: 5))
        #expect(Set((0..<200).map { changed(both, slot: $0) }).count > 70)
        #expect(Set((0..<40).map { changed(both, epoch: $0, slot: 5) }).count > 25)
        #expect(Set((1..<41).map { changed(both, block: $0, slot: 5) }).count > 25)
    }

    @Test("All shifts are drawn about equally often, and half of the images are mirrored")
    func uniform() {
        var centres: [Float: Int] = [:], mirrored = 0
        for slot in 0..<4500 {
            let image = changed(Augmentation(shift: 1, flip: true), slot: slot)
            // The middle row runs upwards unless it is mirrored.
            let isMirrored = image[24] > image[25]
            if isMirrored { mirrored += 1 }
            centres[image[24], default: 0] += 1
        }
        #expect(centres.count == 9 && centres.values.allSatisfy { 400...600 ~= $0 })
        #expect(2100...2400 ~= mirrored)
    }

    @Test("Deleting a row leaves every other row's images as they were: one batch differs by that row's gradient alone")
    func independentOfOthers() throws {
        let problem = Self.problem, trainer = try problem.trainer(threads: 2)
        let state = try trainer.initialState()
        // A block whose deleted row had a batch to itself ends where the block without it ends.
        var recipe = problem.recipe
        recipe.network!.batchSize = 1
        recipe.network!.weightDecay = 0
        recipe.network!.momentum = 0
        recipe.plan.epochs = 1
        let one = SmallProblem(recipe: recipe, input: problem.input, classes: problem.classes)
        let slots = 5, last = one.order(slots: slots, block: 1).last!
        let all = one.rows(slots, seed: 5), without = one.rows(slots, empty: [last], seed: 5)
        let step = try one.trainer().train(block: 1, from: state, rows: without)
        #expect(try one.trainer().train(block: 1, from: state, rows: all) != step)
        // Training on all but the last slot, seen as a block of its own order, takes the same steps.
        let replayed = try one.trainer(threads: 3).train(block: 1, from: state, rows: without)
        #expect(replayed == step)
    }

    @Test("Training on changed images gives the same bits for any number of threads, and others than on unchanged ones", arguments: [2, 3])
    func sameBits(_ threads: Int) throws {
        let problem = Self.problem, rows = problem.rows(90, empty: [4], seed: 8)
        let one = try problem.trainer(), state = try one.initialState()
        let expected = try one.train(block: 2, from: state, rows: rows)
        #expect(try problem.trainer(threads: threads).train(block: 2, from: state, rows: rows) == expected)
        var plain = problem
        plain.recipe.network!.augmentation = Augmentation()
        #expect(try plain.trainer().train(block: 2, from: state, rows: rows) != expected)
    }
}
