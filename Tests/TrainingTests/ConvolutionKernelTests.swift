import CVectorKernels
import Foundation
import TestSupport
import Testing

@Suite("Convolutions and pooling without unrolling")
struct ConvolutionKernelTests {
    private static let levels: [vk_instructions] = [VK_ANY, VK_X86_64_V3, VK_X86_64_V4].filter { $0.rawValue <= vk_best_instructions().rawValue }
    private static let windows = Window.all.filter { $0.stride == 1 }

    private func padded(_ window: Window, _ image: [Float]) -> GuardedFloats {
        let padded = window.padded
        vk_pad(
            image, padded.pointer, Int32(window.channels), Int32(window.height), Int32(window.width), Int32(window.kernel), Int32(window.padding), 1)
        return padded
    }

    /// The columns (fan, positions) that unrolling would give.
    private func columns(_ window: Window, _ image: [Float]) -> [Float] { window.pixels.map { $0.map { image[$0] } ?? 0 } }

    @Test("A convolution has the bits of the product with the columns, with the instructions of every level", arguments: windows, [1, 2, 5, 6, 7, 16, 33])
    func forward(_ window: Window, _ outputs: Int) {
        var random = SeededGenerator(41)
        let image = random.floats(window.imageCount), fan = window.channels * window.kernel * window.kernel
        let weights = random.floats(outputs * fan), bias = random.floats(outputs)
        let positions = window.outHeight * window.outWidth, columns = columns(window, image), padded = padded(window, image)
        for bias in [nil, bias] {
            var expected: [Float] = []
            for o in 0..<outputs {
                for position in 0..<positions {
                    expected.append((0..<fan).reduce(bias?[o] ?? 0) { fma(weights[o * fan + $1], columns[$1 * positions + position], $0) })
                }
            }
            for level in Self.levels {
                let y = GuardedFloats(count: outputs * positions)
                vk_convolve_by(
                    level, padded.pointer, weights, bias, y.pointer, Int32(window.channels), Int32(window.height), Int32(window.width),
                    Int32(window.kernel), Int32(window.padding), Int32(outputs))
                #expect(bits(y.values) == bits(expected), "level \(level.rawValue)")
                #expect(y.isIntact && padded.isIntact)
            }
        }
    }

    @Test("The gradient of the weights has the bits of its definition, with the instructions of every level", arguments: windows, [1, 3, 4, 6])
    func gradient(_ window: Window, _ outputs: Int) {
        var random = SeededGenerator(42)
        let image = random.floats(window.imageCount), fan = window.channels * window.kernel * window.kernel
        let positions = window.outHeight * window.outWidth, columns = columns(window, image), padded = padded(window, image)
        let dy = random.floats(outputs * positions), start = random.floats(outputs * fan)
        var expected = start
        for o in 0..<outputs {
            for weight in 0..<fan {
                var chains = [Float](repeating: 0, count: 16)
                for position in 0..<positions {
                    let lane = position % window.outWidth % 16
                    chains[lane] = fma(dy[o * positions + position], columns[weight * positions + position], chains[lane])
                }
                while chains.count > 1 { chains = (0..<chains.count / 2).map { chains[$0] + chains[$0 + chains.count / 2] } }
                expected[o * fan + weight] += chains[0]
            }
        }
        for level in Self.levels {
            let result = GuardedFloats(start)
            vk_add_convolution_gradient_by(
                level, padded.pointer, dy, result.pointer, Int32(window.channels), Int32(window.height), Int32(window.width), Int32(window.kernel),
                Int32(window.padding), Int32(outputs))
            #expect(bits(result.values) == bits(expected), "level \(level.rawValue)")
            #expect(result.isIntact)
        }
    }

    @Test("A narrow image convolved as one row has the same bits, forward and in the weights' gradient", arguments: windows, [1, 5, 8, 16, 20, 33])
    func narrow(_ window: Window, _ outputs: Int) {
        var random = SeededGenerator(44)
        let image = random.floats(window.imageCount), fan = window.channels * window.kernel * window.kernel
        let weights = random.floats(outputs * fan), bias = random.floats(outputs), columns = columns(window, image)
        let positions = window.outHeight * window.outWidth, padded = window.padded
        let (channels, height, width) = (Int32(window.channels), Int32(window.height), Int32(window.width))
        let (kernel, padding) = (Int32(window.kernel), Int32(window.padding))
        vk_pad_narrow(image, padded.pointer, channels, height, width, kernel, padding)
        for bias in [nil, bias] {
            var expected: [Float] = []
            for o in 0..<outputs {
                for position in 0..<positions {
                    expected.append((0..<fan).reduce(bias?[o] ?? 0) { fma(weights[o * fan + $1], columns[$1 * positions + position], $0) })
                }
            }
            for level in Self.levels {
                let y = GuardedFloats(count: outputs * positions)
                vk_convolve_narrow_by(level, padded.pointer, weights, bias, y.pointer, channels, height, width, kernel, padding, Int32(outputs))
                #expect(bits(y.values) == bits(expected), "level \(level.rawValue)")
                #expect(y.isIntact && padded.isIntact)
            }
        }
        guard window.kernel == 3 || window.kernel == 5 else { return }
        // (positions, outputs) and (fan, outputs).
        let dy = random.floats(positions * outputs), start = random.floats(fan * outputs)
        for fromZero in [true, false] {
            var expected = fromZero ? [Float](repeating: 0, count: start.count) : start
            for weight in 0..<fan {
                for o in 0..<outputs {
                    for position in 0..<positions {
                        expected[weight * outputs + o] = fma(columns[weight * positions + position], dy[position * outputs + o], expected[weight * outputs + o])
                    }
                }
            }
            for level in Self.levels {
                let result = GuardedFloats(start)
                vk_narrow_convolution_gradient_by(
                    level, padded.pointer, dy, result.pointer, fromZero ? 1 : 0, channels, height, width, kernel, padding, Int32(outputs))
                #expect(bits(result.values) == bits(expected), "level \(level.rawValue)")
                #expect(result.isIntact)
            }
        }
    }

    @Test("Average pooling of any size gives means, and spreads their gradients", arguments: [2, 3, 8, 10, 28, 33], [2, 3, 7, 10, 28, 66, 67])
    func pooling(_ height: Int, _ width: Int) {
        for planes in 1...3 { pooling(planes, height, width) }
    }

    private func pooling(_ planes: Int, _ height: Int, _ width: Int) {
        var random = SeededGenerator(43)
        let x = random.floats(planes * height * width), (outHeight, outWidth) = (height / 2, width / 2)
        let y = GuardedFloats(count: planes * outHeight * outWidth), dx = GuardedFloats(count: x.count)
        let dy = random.floats(y.count)
        var means: [Float] = [], slopes = [Float](repeating: 0, count: x.count)
        for p in 0..<planes {
            for i in 0..<outHeight {
                for j in 0..<outWidth {
                    let places = [0, 1, width, width + 1].map { (p * height + 2 * i) * width + 2 * j + $0 }
                    means.append(0.25 * ((x[places[0]] + x[places[1]]) + (x[places[2]] + x[places[3]])))
                    for place in places { slopes[place] = 0.25 * dy[means.count - 1] }
                }
            }
        }
        vk_average_pool_forward(x, y.pointer, Int32(planes), Int32(height), Int32(width))
        vk_average_pool_backward(dy, dx.pointer, Int32(planes), Int32(height), Int32(width))
        #expect(bits(y.values) == bits(means) && bits(dx.values) == bits(slopes))
        #expect(y.isIntact && dx.isIntact)
    }
}
