import CVectorKernels
import TestSupport
import Testing

/// A kernel that works element by element: y[i] from a[i] and b[i].
private struct ElementKernel: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let apply: @Sendable (_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int) -> Void

    static let all = [
        ElementKernel(testDescription: "tanh forward") { vk_tanh_forward($0, $2, $3) },
        ElementKernel(testDescription: "tanh backward") { vk_tanh_backward($0, $1, $2, $3) },
        ElementKernel(testDescription: "ReLU forward") { vk_relu_forward($0, $2, $3) },
        ElementKernel(testDescription: "ReLU backward") { vk_relu_backward($0, $1, $2, $3) },
        ElementKernel(testDescription: "GELU forward") { vk_gelu_forward($0, $2, $3) },
        ElementKernel(testDescription: "GELU backward") { vk_gelu_backward($0, $1, $2, $3) },
        ElementKernel(testDescription: "row sums") { a, b, y, n in
            y.update(from: b, count: n)
            vk_add_row_sums(a, y, 1, n)
        },
        ElementKernel(testDescription: "snap and unsnap") { a, _, y, n in
            let steps = UnsafeMutablePointer<Int32>.allocate(capacity: n)
            defer { steps.deallocate() }
            if vk_snap(a, steps, n, 4096) == n { vk_unsnap(steps, y, n, 1 / 4096) }
        },
        ElementKernel(testDescription: "bytes") { a, _, y, n in
            let bytes = (0..<n).map { UInt8(truncatingIfNeeded: Int(a[$0] * 1000)) }
            vk_standardise_bytes(bytes, y, n, 0.0113, -0.81)
        },
    ]
}

@Suite("Vector kernels, at every length, against one element at a time")
struct VectorKernelTests {
    @Test("A kernel gives each element the same bits at any length and place", arguments: ElementKernel.all)
    private func sameAtEveryLength(_ kernel: ElementKernel) {
        var random = SeededGenerator(21)
        let special: [Float] = [0, -0.0, 9, -9, 8.999, 1e-30, -1e-30, 60, -60]
        for length in 1...67 {
            var a = random.floats(length, in: -4...4)
            let b = random.floats(length), y = GuardedFloats(count: length)
            for place in stride(from: length % 5, to: length, by: 5) { a[place] = special[(place + length) % special.count] }
            kernel.apply(a, b, y.pointer, length)
            #expect(y.isIntact, "length \(length)")
            let single = (0..<length).map { index in
                let one = GuardedFloats(count: 1)
                kernel.apply([a[index]], [b[index]], one.pointer, 1)
                return one.values[0]
            }
            #expect(bits(y.values) == bits(single), "length \(length)")
            #expect(!y.values.contains { $0.isNaN }, "length \(length)")
        }
    }

    @Test("Row sums are added row after row", arguments: [1, 2, 3, 32])
    func rowSums(_ rows: Int) {
        var random = SeededGenerator(22)
        for width in [1, 7, 16, 61] {
            let x = random.floats(rows * width), start = random.floats(width), sums = GuardedFloats(start)
            vk_add_row_sums(x, sums.pointer, rows, width)
            var expected = start
            for row in 0..<rows { for column in 0..<width { expected[column] += x[row * width + column] } }
            #expect(bits(sums.values) == bits(expected))
            #expect(sums.isIntact)
        }
    }

    @Test("Plane sums are sixteen partial sums, halved until one is left")
    func planeSums() {
        var random = SeededGenerator(23)
        for size in 1...67 {
            let planes = 1 + size % 4
            let x = random.floats(planes * size), start = random.floats(planes), sums = GuardedFloats(start)
            vk_add_plane_sums(x, sums.pointer, planes, size)
            let expected = (0..<planes).map { plane in
                var partial = [Float](repeating: 0, count: 16)
                for index in 0..<size { partial[index % 16] += x[plane * size + index] }
                while partial.count > 1 {
                    let half = partial.count / 2
                    partial = (0..<half).map { partial[$0] + partial[half + $0] }
                }
                return start[plane] + partial[0]
            }
            #expect(bits(sums.values) == bits(expected), "planes of \(size)")
            #expect(sums.isIntact)
        }
    }

    @Test("Lanes are summed in order and left zero where they were taken; squares are summed", arguments: [1, 2, 5])
    func laneSums(_ laneCount: Int) {
        var random = SeededGenerator(25)
        for count in [1, 7, 1024, 3001] {
            let from = count / 5, to = count - count / 7, g = (0..<laneCount).map { _ in random.floats(count) }
            let lanes = g.map(GuardedFloats.init), gradient = GuardedFloats(count: to - from)
            var pointers = lanes.map { Optional($0.pointer) }
            vk_take_lanes(&pointers, laneCount, from, to - from, gradient.pointer)
            var sum = Array(g[0][from..<to])
            for lane in g.dropFirst() { for index in from..<to { sum[index - from] += lane[index] } }
            #expect(bits(gradient.values) == bits(sum))
            for (lane, before) in zip(lanes, g) { #expect(lane.values == before.enumerated().map { from..<to ~= $0.offset ? 0 : $0.element }) }
            let exact = sum.reduce(0) { $0 + Double($1) * Double($1) }
            #expect(abs(vk_sum_squares(gradient.pointer, gradient.count) - exact) <= 1e-12 * max(1, exact))
            #expect(gradient.isIntact && lanes.allSatisfy { $0.isIntact })
        }
    }

    @Test("A step of descent is scale, decay, momentum, rate")
    func descentStep() {
        var random = SeededGenerator(24)
        for count in Array(1...67) + [1023, 1024, 1025, 3000] {
            let p = random.floats(count), v = random.floats(count), g = random.floats(count)
            let parameters = GuardedFloats(p), velocity = GuardedFloats(v)
            vk_sgd_step(parameters.pointer, velocity.pointer, g, count, 0.1, 0.9, 0.01, 0.5)
            var expectedP = p, expectedV = v
            for index in 0..<count {
                expectedV[index] = 0.9 * v[index] + (0.5 * g[index] + 0.01 * p[index])
                expectedP[index] = p[index] - 0.1 * expectedV[index]
            }
            #expect(bits(parameters.values) == bits(expectedP), "\(count) parameters")
            #expect(bits(velocity.values) == bits(expectedV), "\(count) parameters")
            #expect(parameters.isIntact && velocity.isIntact)
        }
    }

    @Test("Every byte becomes byte·scale + shift")
    func bytes() {
        let all = Array(UInt8.min...UInt8.max), values = GuardedFloats(count: 256)
        vk_standardise_bytes(all, values.pointer, 256, 1 / 127.5, -1)
        #expect(bits(values.values) == bits(all.map { Float($0) * (1 / 127.5) + -1 }))
    }
}
