import CVectorKernels
import TestSupport
import Testing
import TrainingReference

@Suite("Softmax and the gradient of its cross-entropy")
struct LossTests {
    private func run(_ logits: [Float], label: Int, smoothing: Float, scale: Float) -> [Float] {
        let gradient = GuardedFloats(count: logits.count)
        vk_softmax_gradient(logits, gradient.pointer, Int32(logits.count), Int32(label), smoothing, scale)
        #expect(gradient.isIntact)
        return gradient.values
    }

    @Test("The gradient agrees with finite differences of the definition", arguments: [0, 0.1, 0.5] as [Float], [1, 0.02] as [Float])
    func agreesWithDefinition(_ smoothing: Float, _ scale: Float) {
        var random = SeededGenerator(41)
        for classes in [2, 3, 10, 257] {
            let logits = random.floats(classes, in: -5...5), label = Int.random(in: 0..<classes, using: &random)
            let gradient = run(logits, label: label, smoothing: smoothing, scale: scale)
            let exact = logits.map(Double.init), s = Double(smoothing)
            let slopes = exact.indices.map { index in
                var above = exact, below = exact
                above[index] += 1e-5
                below[index] -= 1e-5
                let rise = ReferenceNetwork.crossEntropy(above, label: label, smoothing: s)
                let fall = ReferenceNetwork.crossEntropy(below, label: label, smoothing: s)
                return Double(scale) * (rise - fall) / 2e-5
            }
            expectClose(gradient, slopes, relative: 1e-5, floor: 2e-6 * Double(scale), "gradient")
        }
    }

    @Test("The gradient of one row sums to zero: the loss does not feel a shift of all logits")
    func gradientSumsToZero() {
        var random = SeededGenerator(42)
        for _ in 0..<100 {
            let gradient = run(random.floats(10, in: -8...8), label: 3, smoothing: 0.1, scale: 1)
            #expect(abs(gradient.reduce(0, +)) < 1e-6)
        }
    }

    @Test("Logits in the hundreds overflow nothing")
    func largeLogits() {
        let gradient = run([500, -500, 480], label: 2, smoothing: 0, scale: 1)
        expectClose(gradient, [1, 0, -1], floor: 1e-6, "gradient")
        let probabilities = GuardedFloats(count: 3)
        vk_softmax([500, -500, 480], probabilities.pointer, 3)
        expectClose(probabilities.values, [1, 0, 0], floor: 1e-6, "probabilities")
    }

    @Test("Softmax agrees with its definition and sums to one", arguments: [1, 2, 10, 257])
    func softmax(_ classes: Int) {
        var random = SeededGenerator(43)
        let logits = random.floats(classes, in: -10...10), probabilities = GuardedFloats(count: classes)
        vk_softmax(logits, probabilities.pointer, Int32(classes))
        expectClose(probabilities.values, ReferenceNetwork.softmax(logits.map(Double.init)), relative: 1e-5, floor: 1e-9)
        let sum: Float = probabilities.values.reduce(0, +)
        #expect(abs(sum - 1) < 1e-5)
        #expect(probabilities.isIntact)
    }
}
