import Tensors
import Testing

@testable import Training

/// A change of bits must not go unnoticed: projects trained before it would no longer replay.
@Suite("What training gives is what this version of the arithmetic has always given")
struct PinnedBitsTests {
    private struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let problem: SmallProblem
        let slots: Int
        let digest: UInt64

        init(_ name: String, _ model: ModelName, _ input: RowShape, slots: Int, digest: UInt64, _ change: (inout Recipe) -> Void) {
            var recipe = Recipe.builtIn(model)
            (recipe.plan.blocks, recipe.plan.epochs, recipe.network!.batchSize) = (5, 2, 50)
            change(&recipe)
            problem = SmallProblem(recipe: recipe, input: input, classes: 10)
            (testDescription, self.slots, self.digest) = (name, slots, digest)
        }

        static let image = RowShape(channels: 1, height: 28, width: 28), colours = RowShape(channels: 3, height: 32, width: 32)

        static let all = [
            Case("logistic, clipped", .logistic, RowShape(features: 20), slots: 120, digest: 0x8f13_1a41_0138_7e47) { $0.network!.gradientClip = 0.1 },
            Case("mlp, large layers", .mlp, image, slots: 120, digest: 0xc51c_3ea3_ff9d_f2e1) { _ in },
            Case("mlp, tanh", .mlp, RowShape(features: 33), slots: 70, digest: 0x551c_2b9a_e7d5_0a5c) { ($0.network!.activation, $0.network!.hidden) = (.tanh, [90, 17]) },
            Case("lenet5", .lenet5, image, slots: 70, digest: 0x0fb4_6048_ced8_d157) { _ in },
            Case("lenet5, ReLU and max pooling", .lenet5, image, slots: 70, digest: 0x2a17_d677_2069_fee8) { ($0.network!.activation, $0.network!.pooling, $0.plan.learningRate) = (.relu, .max, 0.01) },
            Case("lenet5, four times as wide", .lenet5, image, slots: 33, digest: 0x7409_20c3_e6b8_2751) { $0.network!.width = 4 },
            Case("resnet20", .resnet20, colours, slots: 12, digest: 0x01ba_9edf_086f_c86b) { $0.network!.batchSize = 8 },
        ]
    }

    @Test("Two blocks, one slot empty", arguments: Case.all)
    private func digests(_ test: Case) throws {
        #expect(SGDTrainer.arithmetic == 4, "these digests are those of version 4")
        let trainer = try test.problem.trainer()
        var state = try trainer.initialState()
        for block in 1...2 { state = try trainer.train(block: block, from: state, rows: test.problem.rows(test.slots, empty: [3], seed: UInt64(block))) }
        #expect(Self.digest(state.steps) == test.digest)
    }

    /// FNV-1a over the steps, low byte first.
    private static func digest(_ steps: [Int32]) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for step in steps {
            for shift in stride(from: 0, to: 32, by: 8) { hash = (hash ^ UInt64(UInt8(truncatingIfNeeded: step >> shift))) &* 0x100_0000_01b3 }
        }
        return hash
    }
}
