import CVectorKernels
import TestSupport
import Testing

@testable import Checkpoints

/// What Documentation/Formats.md says of a chunk, one bit at a time.
struct ReferenceChunk: Equatable {
    var shifts: [UInt8] = []
    /// As stored: none of the padding.
    var symbols: [UInt8] = []
    var low: [UInt8] = []

    init(_ values: ArraySlice<Int32>) {
        let codes = values.map { $0 >= 0 ? 2 * UInt32($0) : UInt32(-2 * Int64($0) - 1) }
        for start in stride(from: 0, to: codes.count, by: 512) {
            let group = codes[start..<min(start + 512, codes.count)]
            let sum = group.reduce(0) { $0 + UInt64($1) }
            var shift = 0
            while shift < 24, sum >= UInt64(512 * 16) << shift || group.contains(where: { $0 >> UInt32(shift) > 255 }) { shift += 1 }
            shifts.append(UInt8(shift))
            symbols += group.map { UInt8($0 >> UInt32(shift)) }
            var bits = [UInt8](repeating: 0, count: 64 * shift)
            for (place, code) in group.enumerated() {
                for bit in 0..<shift where code >> UInt32(bit) & 1 == 1 {
                    let position = place / 16 * shift + bit
                    bits[(position / 32 * 16 + place % 16) * 4 + position % 32 / 8] |= 1 << UInt8(position % 8)
                }
            }
            low += bits
        }
    }

    /// The values again.
    var values: [Int32] {
        var result: [Int32] = [], used = 0
        for (place, symbol) in symbols.enumerated() {
            let shift = Int(shifts[place / 512]), place = place % 512
            var code = UInt32(symbol) << shift
            for bit in 0..<shift {
                let position = place / 16 * shift + bit
                let byte = low[used + (position / 32 * 16 + place % 16) * 4 + position % 32 / 8]
                code |= UInt32(byte >> UInt8(position % 8) & 1) << UInt32(bit)
            }
            result.append(code % 2 == 0 ? Int32(code / 2) : Int32(-Int64(code / 2) - 1))
            if place == 511 { used += 64 * shift }
        }
        return result
    }
}

@Suite("Splitting into symbols and low bits")
struct SplitKernelTests {
    private static let lengths = vectorLengths + [1535, 1536, 1537]

    private func split(_ values: [Int32]) -> ReferenceChunk {
        let groups = (values.count + 511) / 512
        // Not zero before, so that a byte the kernel leaves out shows, and one more, to see that it stops.
        var shifts = [UInt8](repeating: 0xDE, count: groups + 1), symbols = [UInt8](repeating: 0xDE, count: groups * 512 + 1)
        var low = [UInt8](repeating: 0xDE, count: groups * 64 * Int(VK_MOST_SHIFT) + 1)
        let used = vk_split_steps(values, values.count, &shifts, &symbols, &low)
        #expect(shifts.last == 0xDE && symbols.last == 0xDE && low[used...].allSatisfy { $0 == 0xDE })
        #expect(symbols[values.count..<groups * 512].allSatisfy { $0 == 0 })
        var result = ReferenceChunk([])
        (result.shifts, result.symbols, result.low) = (shifts.dropLast(), Array(symbols.prefix(values.count)), Array(low.prefix(used)))
        return result
    }

    @Test("The kernel's parts are those of the plain version", arguments: SampleVector.allCases)
    func agrees(kind: SampleVector) {
        for length in Self.lengths {
            let values = kind.steps(length, seed: 1)
            #expect(split(values) == ReferenceChunk(values[...]), "\(length) values")
        }
    }

    @Test("So are those of values of every width", arguments: 0..<32)
    func widths(width: Int) {
        var random = SeededGenerator(UInt64(width))
        let values = random.integers(1200, in: Int32(truncatingIfNeeded: -1 << width)...Int32(truncatingIfNeeded: 1 << width - 1))
        let reference = ReferenceChunk(values[...])
        #expect(split(values) == reference && reference.values == values)
    }

    @Test("Each single value stands in one place", arguments: [0, 1, 15, 16, 17, 255, 256, 511, 512, 1023])
    func singleValue(place: Int) {
        for value in [1, -1, 127, -128, 128, -129, 1 << 20, .min, .max] as [Int32] {
            var values = [Int32](repeating: 0, count: 1024)
            values[place] = value
            #expect(split(values) == ReferenceChunk(values[...]), "\(value)")
        }
    }

    @Test("The kernel takes its parts back", arguments: SampleVector.allCases)
    func takesBack(kind: SampleVector) {
        for length in Self.lengths {
            let values = kind.steps(length, seed: 2)
            let parts = ReferenceChunk(values[...])
            let symbols = parts.symbols + [UInt8](repeating: 0, count: parts.shifts.count * 512 - length)
            // One more than asked for, to see that the kernel stops.
            var joined = [Int32](repeating: 77, count: length + 1)
            #expect(vk_join_steps(parts.shifts, symbols, parts.low, &joined, length) == 0)
            #expect(joined == values + [77] && parts.values == values, "\(length) values")
        }
    }

    @Test("A value of the padding that is not zero is told", arguments: [3, 511])
    func padding(place: Int) {
        var symbols = [UInt8](repeating: 0, count: 512)
        symbols[place] = 1
        var joined: [Int32] = [0, 0, 0]
        #expect(vk_join_steps([0], symbols, [0], &joined, 3) == 1 && joined == [0, 0, 0])
    }
}
