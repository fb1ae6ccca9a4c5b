import TestSupport
import Testing

@testable import Tensors

@Suite("Layouts and buffers")
struct ParameterLayoutTests {
    @Test("A buffer is aligned to 64 bytes and zero at first", arguments: [0] + sampleLengths + [100_000])
    func buffer(count: Int) {
        // Some at once, so that the allocator cannot hand out one lucky place again and again.
        let buffers = (0..<8).map { _ in FloatBuffer(count: count) }
        for buffer in buffers {
            #expect(UInt(bitPattern: buffer.pointer) % 64 == 0)
            #expect(buffer.values.count == count)
            #expect(buffer.values.allSatisfy { $0.bitPattern == 0 })
        }
    }

    @Test("A buffer whose memory was used before is zero again")
    func reusedBuffer() {
        for _ in 0..<20 {
            let buffer = FloatBuffer(count: 1000)
            #expect(buffer.values.allSatisfy { $0 == 0 })
            for index in 0..<1000 { buffer.pointer[index] = 1 }
        }
    }

    @Test("Tensors lie one behind the other without gaps")
    func offsets() {
        let layout = ParameterLayout([
            TensorSpec("conv.weight", [6, 1, 5, 5]), TensorSpec("conv.bias", [6]), TensorSpec("dense.weight", [10, 84]),
            TensorSpec("dense.bias", [10]),
        ])
        #expect(layout.offsets == [0, 150, 156, 996])
        #expect(layout.count == 1006)
    }

    @Test("A tensor without dimensions is one value, one with a zero dimension none")
    func unusualShapes() {
        #expect(TensorSpec("scalar", []).count == 1)
        #expect(TensorSpec("none", [3, 0, 2]).count == 0)
        #expect(ParameterLayout([]).count == 0)
    }

    @Test("Each parameter is held by the tensor whose place it is in, also beside empty tensors")
    func holder() {
        let tensors = [
            TensorSpec("none", [0]), TensorSpec("a", [2, 3]), TensorSpec("none between", [4, 0]), TensorSpec("scalar", []),
            TensorSpec("b", [5]), TensorSpec("none at the end", [0]),
        ]
        let layout = ParameterLayout(tensors)
        let expected = tensors.flatMap { tensor in (0..<tensor.count).map { _ in tensor.name } }
        #expect((0..<layout.count).map { layout.tensor(holding: $0).name } == expected)
    }

    @Test("A tensor's values are those at its place")
    func values() {
        let layout = ParameterLayout([TensorSpec("a", [2, 2]), TensorSpec("none", [0]), TensorSpec("b", [3])])
        let tensors = NamedTensors(layout: layout, values: [1, 2, 3, 4, 5, 6, 7])
        #expect(Array(tensors.values(of: 0)) == [1, 2, 3, 4])
        #expect(tensors.values(of: 1).isEmpty)
        #expect(Array(tensors.values(of: 2)) == [5, 6, 7])
    }
}
