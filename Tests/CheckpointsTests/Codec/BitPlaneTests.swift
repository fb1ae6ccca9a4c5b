import CVectorKernels
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Bit planes")
struct BitPlaneTests {
    /// The plain version: value j·16 + l of a group of 512 is bit j of word l of each plane, after zigzag.
    private func reference(_ values: [Int32]) -> [UInt32] {
        let words = (values.count + 511) / 512 * 16
        var planes = [UInt32](repeating: 0, count: 32 * words)
        for (index, value) in values.enumerated() {
            let zigzag = value >= 0 ? 2 * UInt32(value) : UInt32(-2 * Int64(value) - 1)
            let group = index / 512, j = index % 512 / 16, l = index % 16
            for plane in 0..<32 where zigzag >> UInt32(plane) & 1 == 1 { planes[plane * words + group * 16 + l] |= 1 << UInt32(j) }
        }
        return planes
    }

    private func encode(_ values: [Int32]) -> [UInt32] {
        let groups = PlaneCodec.groups(values.count)
        // Not zero before, so that a word the kernel leaves out shows.
        var planes = [UInt32](repeating: 0xDEAD_BEEF, count: 32 * 16 * groups)
        vk_planes_encode(values, values.count, &planes, groups)
        return planes
    }

    @Test("The kernel's planes are those of the plain version", arguments: SampleVector.allCases)
    func agrees(kind: SampleVector) {
        for length in vectorLengths {
            let values = kind.steps(length, seed: 1)
            #expect(encode(values) == reference(values), "\(length) values")
        }
    }

    @Test("Each single value has its bits in one word of each plane", arguments: [0, 1, 15, 16, 17, 255, 256, 511, 512, 1023])
    func singleValue(place: Int) {
        for value in [1, -1, 2, -2, .min, .max] as [Int32] {
            var values = [Int32](repeating: 0, count: 1024)
            values[place] = value
            #expect(encode(values) == reference(values), "\(value)")
        }
    }

    @Test("The kernel takes its planes back", arguments: SampleVector.allCases)
    func takesBack(kind: SampleVector) {
        for length in vectorLengths {
            let values = kind.steps(length, seed: 2)
            // One more than asked for, to see that the kernel stops.
            var decoded = [Int32](repeating: 77, count: length + 1)
            vk_planes_decode(reference(values), PlaneCodec.groups(length), &decoded, length)
            #expect(decoded == values + [77], "\(length) values")
        }
    }
}
