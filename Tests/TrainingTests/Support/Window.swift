import CVectorKernels
import Testing

/// A convolution's window and the image it moves over.
struct Window: Sendable, CustomTestStringConvertible {
    let channels, height, width, kernel, padding: Int
    var stride = 1

    var testDescription: String { "\(channels)×\(height)×\(width), kernel \(kernel), padding \(padding), stride \(stride)" }
    var outHeight: Int { (height + 2 * padding - kernel) / stride + 1 }
    var outWidth: Int { (width + 2 * padding - kernel) / stride + 1 }
    var imageCount: Int { channels * height * width }
    var columnCount: Int { channels * kernel * kernel * outHeight * outWidth }

    var padded: GuardedFloats {
        GuardedFloats(count: vk_padded_floats(Int32(channels), Int32(height), Int32(width), Int32(kernel), Int32(padding), Int32(stride)))
    }

    /// For each entry of the columns the pixel it shows, nil beyond the edge.
    var pixels: [Int?] {
        var pixels: [Int?] = []
        for c in 0..<channels {
            for u in 0..<kernel {
                for v in 0..<kernel {
                    for i in 0..<outHeight {
                        for j in 0..<outWidth {
                            let y = stride * i + u - padding, x = stride * j + v - padding
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
        Window(channels: 2, height: 4, width: 16, kernel: 3, padding: 1), Window(channels: 1, height: 3, width: 40, kernel: 3, padding: 0),
        Window(channels: 2, height: 8, width: 8, kernel: 3, padding: 1, stride: 2), Window(channels: 1, height: 7, width: 37, kernel: 3, padding: 1, stride: 2),
        Window(channels: 1, height: 9, width: 9, kernel: 2, padding: 0, stride: 3),
    ]
}
