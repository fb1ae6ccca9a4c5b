import CVectorKernels
import TestSupport
import Testing

/// A convolution's window and the image it moves over.
private struct Window: Sendable, CustomTestStringConvertible {
    let channels, height, width, kernel, padding: Int

    var testDescription: String { "\(channels)×\(height)×\(width), kernel \(kernel), padding \(padding)" }
    var outHeight: Int { height + 2 * padding - kernel + 1 }
    var outWidth: Int { width + 2 * padding - kernel + 1 }
    var imageCount: Int { channels * height * width }
    var columnCount: Int { channels * kernel * kernel * outHeight * outWidth }

    /// For each entry of the columns the pixel it shows, nil beyond the edge.
    var pixels: [Int?] {
        var pixels: [Int?] = []
        for c in 0..<channels {
            for u in 0..<kernel {
                for v in 0..<kernel {
                    for i in 0..<outHeight {
                        for j in 0..<outWidth {
                            let y = i + u - padding, x = j + v - padding
                            let inside = 0..<height ~= y && 0..<width ~= x
                            pixels.append(inside ? (c * height + y) * width + x : nil)
                        }
                    }
                }
            }
        }
        return pixels
    }

    static let all: [Window] = [
        Window(channels: 1, height: 3, width: 3, kernel: 3, padding: 0), Window(channels: 2, height: 5, width: 7, kernel: 3, padding: 0),
        Window(channels: 3, height: 7, width: 5, kernel: 5, padding: 2), Window(channels: 1, height: 28, width: 28, kernel: 5, padding: 2),
        Window(channels: 2, height: 4, width: 4, kernel: 1, padding: 0), Window(channels: 2, height: 3, width: 2, kernel: 2, padding: 1),
        Window(channels: 1, height: 1, width: 1, kernel: 5, padding: 2), Window(channels: 2, height: 2, width: 1, kernel: 5, padding: 4),
    ]
}

@Suite("Unrolling of images")
struct ImageKernelTests {
    @Test("Columns show the shifted image, with zeros beyond its edges", arguments: Window.all)
    private func columns(_ window: Window) {
        var random = SeededGenerator(31)
        let image = random.floats(window.imageCount), columns = GuardedFloats(count: window.columnCount)
        vk_im2col(
            image, columns.pointer, Int32(window.channels), Int32(window.height), Int32(window.width), Int32(window.kernel),
            Int32(window.padding))
        #expect(columns.values == window.pixels.map { $0.map { image[$0] } ?? 0 })
        #expect(columns.isIntact)
    }

    @Test("The way back adds every column entry to the pixel it showed", arguments: Window.all)
    private func image(_ window: Window) {
        var random = SeededGenerator(32)
        let columns = random.floats(window.columnCount), image = GuardedFloats(count: window.imageCount)
        vk_col2im(
            columns, image.pointer, Int32(window.channels), Int32(window.height), Int32(window.width), Int32(window.kernel),
            Int32(window.padding))
        var expected = [Double](repeating: 0, count: window.imageCount)
        for (entry, pixel) in zip(columns, window.pixels) { if let pixel { expected[pixel] += Double(entry) } }
        expectClose(image.values, expected, floor: 1e-5)
        #expect(image.isIntact)
    }
}
