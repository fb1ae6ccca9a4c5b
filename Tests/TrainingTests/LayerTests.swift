import TestSupport
import Testing

@testable import Training

@Suite("Layers, each against its definition")
struct LayerTests {
    /// Inputs at least 0.02 apart and 0.01 away from zero, so that no finite difference steps over a kink.
    private func inputs(_ count: Int, _ random: inout SeededGenerator) -> [Float] {
        var levels = (0..<count).map { (Float($0 - count / 2) + 0.5) * 0.02 }
        levels.shuffle(using: &random)
        return levels
    }

    @Test("The forward pass agrees with the definition in double precision", arguments: LayerCase.all)
    func forward(_ test: LayerCase) {
        var random = SeededGenerator(11)
        let x = random.floats(test.rows * test.layer.inputCount, in: -2...2), parameters = random.floats(test.reference.parameterCount)
        #expect(test.layer.parameterCount == test.reference.parameterCount)
        let y = test.layer.forward(parameters, x, rows: test.rows)
        expectClose(y, test.referenceForward(x.map(Double.init), parameters.map(Double.init)), relative: 2e-6, floor: 3e-6, "y")
    }

    @Test("The backward pass agrees with finite differences of the definition", arguments: LayerCase.all)
    func backward(_ test: LayerCase) {
        var random = SeededGenerator(12)
        let x = inputs(test.rows * test.layer.inputCount, &random), parameters = random.floats(test.reference.parameterCount)
        let dy = random.floats(test.rows * test.layer.outputCount)
        let start = random.floats(test.reference.parameterCount)
        let y = test.layer.forward(parameters, x, rows: test.rows)
        let (dx, gradient) = test.layer.backward(parameters, x, y, dy, onto: start, rows: test.rows)

        let exactX = x.map(Double.init), exactParameters = parameters.map(Double.init)
        func weighted(_ x: [Double], _ parameters: [Double]) -> Double {
            zip(test.referenceForward(x, parameters), dy).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        func slopes(_ values: [Double], _ function: ([Double]) -> Double) -> [Double] {
            let step = 1e-5
            return values.indices.map { index in
                var above = values, below = values
                above[index] += step
                below[index] -= step
                return (function(above) - function(below)) / (2 * step)
            }
        }
        expectClose(dx, slopes(exactX) { weighted($0, exactParameters) }, relative: 1e-5, floor: 1e-5, "dx")
        let added = slopes(exactParameters) { weighted(exactX, $0) }
        expectClose(gradient, zip(start, added).map { Double($0) + $1 }, relative: 1e-5, floor: 1e-5, "parameter gradient")
    }

    @Test("Without a wish for the input's gradient, the parameters' gradient has the same bits", arguments: LayerCase.all)
    func withoutInputGradient(_ test: LayerCase) {
        var random = SeededGenerator(13)
        let x = inputs(test.rows * test.layer.inputCount, &random), parameters = random.floats(test.reference.parameterCount)
        let dy = random.floats(test.rows * test.layer.outputCount), start = random.floats(test.reference.parameterCount)
        let y = test.layer.forward(parameters, x, rows: test.rows)
        let with = test.layer.backward(parameters, x, y, dy, onto: start, rows: test.rows)
        let without = test.layer.backward(parameters, x, y, dy, onto: start, rows: test.rows, wantsInput: false)
        #expect(bits(with.gradient) == bits(without.gradient))
        // Nothing was written there: it is still the NaN that the memory was filled with.
        #expect(without.dx.allSatisfy { $0.isNaN })
    }

    @Test("A layer that works in place gives the same bits there", arguments: LayerCase.all.filter { $0.layer.worksInPlace })
    func inPlace(_ test: LayerCase) {
        var random = SeededGenerator(14)
        let x = inputs(test.rows * test.layer.inputCount, &random), dy = random.floats(test.rows * test.layer.outputCount)
        let y = test.layer.forward([], x, rows: test.rows)
        let dx = test.layer.backward([], x, y, dy, onto: [], rows: test.rows).dx
        let values = GuardedFloats(x), gradients = GuardedFloats(dy), nothing = GuardedFloats(count: 0)
        test.layer.forward(nothing.pointer, values.pointer, values.pointer, rows: test.rows, scratch: nothing.pointer)
        #expect(bits(values.values) == bits(y))
        test.layer.backward(
            nothing.pointer, values.pointer, values.pointer, gradients.pointer, gradients.pointer, nothing.pointer, rows: test.rows,
            scratch: nothing.pointer)
        #expect(bits(gradients.values) == bits(dx))
        #expect(values.isIntact && gradients.isIntact && nothing.isIntact)
    }

    @Test("A layer that goes back in place gives the same bits there", arguments: LayerCase.all.filter { $0.layer.goesBackInPlace })
    func goesBackInPlace(_ test: LayerCase) {
        var random = SeededGenerator(16)
        let x = inputs(test.rows * test.layer.inputCount, &random), dy = random.floats(test.rows * test.layer.outputCount)
        let y = test.layer.forward([], x, rows: test.rows), dx = test.layer.backward([], x, y, dy, onto: [], rows: test.rows).dx
        let gradients = GuardedFloats(dy), nothing = GuardedFloats(count: 0)
        test.layer.backward(nothing.pointer, x, y, gradients.pointer, gradients.pointer, nothing.pointer, rows: test.rows, scratch: nothing.pointer)
        #expect(bits(gradients.values) == bits(dx) && gradients.isIntact)
    }

    @Test("Tanh and ReLU work in place; GELU, whose derivative needs its input, does not")
    func whoWorksInPlace() {
        let inPlace = ActivationName.allCases.filter { Activation(function: $0, inputCount: 1).worksInPlace }
        #expect(inPlace == [.tanh, .relu])
    }

    @Test("Of equal maxima the first in row order gets the gradient")
    func maximumTies() {
        let pooling = Pooling(function: .max, input: RowShape(channels: 1, height: 2, width: 4))
        let x: [Float] = [1, 1, 0, 2, 1, 1, 2, 2]
        let y = pooling.forward([], x, rows: 1)
        #expect(y == [1, 2])
        #expect(pooling.backward([], x, y, [5, 7], onto: [], rows: 1).dx == [5, 0, 0, 7, 0, 0, 0, 0])
    }

    @Test("Rows do not touch each other", arguments: LayerCase.all.filter { $0.rows > 1 })
    func rowsAreApart(_ test: LayerCase) {
        var random = SeededGenerator(15)
        let width = test.layer.inputCount, out = test.layer.outputCount
        let x = random.floats(test.rows * width), parameters = random.floats(test.reference.parameterCount)
        let together = test.layer.forward(parameters, x, rows: test.rows)
        for row in 0..<test.rows {
            let alone = test.layer.forward(parameters, Array(x[row * width..<(row + 1) * width]), rows: 1)
            expectClose(Array(together[row * out..<(row + 1) * out]), alone.map(Double.init), relative: 1e-6, floor: 3e-6, "row \(row)")
        }
    }
}
