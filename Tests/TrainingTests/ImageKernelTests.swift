import CVectorKernels
import TestSupport
import Testing

@Suite("Unrolling of images")
struct ImageKernelTests {
    @Test("Columns show the shifted image, with zeros beyond its edges", arguments: Window.all)
    func columns(_ window: Window) {
        var random = SeededGenerator(31)
        let image = random.floats(window.imageCount), columns = GuardedFloats(count: window.columnCount + 15), padded = window.padded
        vk_im2col(
            image, columns.pointer, padded.pointer, Int32(window.channels), Int32(window.height), Int32(window.width), Int32(window.kernel),
            Int32(window.padding), Int32(window.stride))
        #expect(columns.values.prefix(window.columnCount) == window.pixels.map { $0.map { image[$0] } ?? 0 }[...])
        #expect(columns.isIntact && padded.isIntact)
    }

    @Test("The way back adds every column entry to the pixel it showed", arguments: Window.all)
    func image(_ window: Window) {
        var random = SeededGenerator(32)
        let columns = random.floats(window.columnCount), image = GuardedFloats(count: window.imageCount)
        // What lies behind the columns is read, and must not matter.
        let padded = window.padded
        vk_col2im(
            columns + [Float](repeating: .nan, count: 15), image.pointer, padded.pointer, Int32(window.channels), Int32(window.height), Int32(window.width), Int32(window.kernel),
            Int32(window.padding), Int32(window.stride))
        var expected = [Double](repeating: 0, count: window.imageCount)
        for (entry, pixel) in zip(columns, window.pixels) { if let pixel { expected[pixel] += Double(entry) } }
        expectClose(image.values, expected, floor: 1e-5)
        #expect(image.isIntact && padded.isIntact)
    }

    @Test("Shifting moves an image over its repeated edge, and mirrors it", arguments: [(0, 0), (1, 0), (0, -2), (-3, 2), (9, -9)], [false, true])
    func shift(_ by: (Int, Int), _ isMirrored: Bool) {
        var random = SeededGenerator(33)
        let (channels, height, width) = (2, 4, 5), image = random.floats(40), shifted = GuardedFloats(count: 40)
        vk_shift_image(image, shifted.pointer, 2, 4, 5, Int32(by.0), Int32(by.1), isMirrored ? 1 : 0)
        var expected: [Float] = []
        for c in 0..<channels {
            for y in 0..<height {
                let row = (0..<width).map { x in image[(c * height + min(max(y - by.0, 0), height - 1)) * width + min(max(x - by.1, 0), width - 1)] }
                expected += isMirrored ? row.reversed() : row
            }
        }
        #expect(shifted.values == expected)
        #expect(shifted.isIntact)
    }

    @Test("A shortcut adds every stride-th pixel to the first channels; the way back is its transpose", arguments: [1, 2, 3])
    func shortcut(_ stride: Int) {
        var random = SeededGenerator(34)
        let (height, width) = (5, 7), outHeight = (height + stride - 1) / stride, outWidth = (width + stride - 1) / stride
        let x = random.floats(2 * height * width), start = random.floats(3 * outHeight * outWidth), y = GuardedFloats(start)
        vk_add_shortcut(x, y.pointer, 2, Int32(height), Int32(width), Int32(stride))
        var expected = start
        for c in 0..<2 {
            for i in 0..<outHeight {
                for j in 0..<outWidth { expected[(c * outHeight + i) * outWidth + j] += x[(c * height + i * stride) * width + j * stride] }
            }
        }
        #expect(bits(y.values) == bits(expected))
        let dy = random.floats(start.count), dx = GuardedFloats([Float](repeating: 0, count: x.count))
        vk_add_shortcut_gradient(dy, dx.pointer, 2, Int32(height), Int32(width), Int32(stride))
        // <Sx, dy> = <x, Sᵀdy>
        let forward = zip(zip(expected, start).map { Double($0) - Double($1) }, dy).reduce(0) { $0 + $1.0 * Double($1.1) }
        let backward = zip(x, dx.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        #expect(abs(forward - backward) < 1e-5)
        #expect(y.isIntact && dx.isIntact)
    }
}
