import CZstd
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Lattice codec")
struct LatticeCodecTests {
    private func decode(_ bytes: [UInt8], count: Int) -> LatticeVector? { bytes.withUnsafeBytes { LatticeCodec.decode($0, count: count) } }

    private func chunks(_ values: [Int32]) -> [ReferenceChunk] {
        stride(from: 0, to: values.count, by: 65_536).map { ReferenceChunk(values[$0..<min($0 + 65_536, values.count)]) }
    }

    private static let lengths = vectorLengths + [65_535, 65_536, 65_537, 100_003, 131_072]

    @Test("Vectors of every length and magnitude come back", arguments: SampleVector.allCases)
    func comesBack(kind: SampleVector) throws {
        for length in Self.lengths {
            let vector = LatticeVector(kind.steps(length, seed: 3))
            #expect(try decode(LatticeCodec.encode(vector), count: length) == vector, "\(length) values")
        }
    }

    @Test("On several cores the bytes are those of one, and pieces and differences those of the whole")
    func pieces() throws {
        let segment = 16 * 65_536, length = 2 * segment + 70_001, kind = SampleVector.allCases[0]
        let vector = LatticeVector(kind.steps(length, seed: 8)), before = LatticeVector(kind.steps(length, seed: 9)), after = try before.adding(vector), bytes = try LatticeCodec.encode(vector)
        let one = try stride(from: 0, to: length, by: segment).flatMap { try LatticeCodec.encode(LatticeVector(Array(vector.steps[$0..<min($0 + segment, length)]))) }
        #expect(bytes == one)
        var difference = ByteWriter(capacity: 0)
        try LatticeCodec.encode(.difference(from: before, to: after), into: &difference)
        #expect(difference.bytes == bytes)
        var sum = before
        let isWhole = try bytes.withUnsafeBytes { try LatticeCodec.decode($0, count: length) { try sum.add($1, at: $0) } }
        #expect(isWhole && sum == after)
        #expect(throws: LatticeOverflow.self) {
            try LatticeCodec.encode(.difference(from: LatticeVector([-2]), to: LatticeVector([.max])), into: &difference)
        }
        // Cut short or with more behind, they are pieces of nothing.
        for damaged in [Array(bytes.dropLast()), bytes + [0]] {
            let isWhole = try damaged.withUnsafeBytes { try LatticeCodec.decode($0, count: length) { _, _ in } }
            #expect(!isWhole)
        }
    }

    @Test("All cores decode what one does where the lengths of chunks are known, and refuse lengths that are not theirs")
    func lengths() throws {
        let length = 18 * 65_536 + 3, vector = LatticeVector(SampleVector.gaussian.steps(length, seed: 10))
        var writer = ByteWriter(capacity: 0)
        let lengths = try LatticeCodec.encode(.vector(vector), into: &writer), bytes = writer.bytes
        #expect(lengths.count == 19 && lengths.reduce(0, +) == bytes.count && LatticeCodec.isShared(length))
        func decoded(_ lengths: [UInt32], count: Int = length, _ bytes: [UInt8] = bytes) throws -> LatticeVector? {
            let whole = bytes.withUnsafeBytes { LatticeCodec.decode($0, count: count, lengths: lengths) }
            var next = 0, steps: [Int32] = []
            let isWhole = try bytes.withUnsafeBytes {
                try LatticeCodec.decode($0, count: count, lengths: lengths) { offset, piece in
                    #expect(offset == next)
                    next += piece.count
                    steps += piece
                }
            }
            #expect((whole != nil) == isWhole && (whole == nil || whole?.steps == steps))
            return whole
        }
        #expect(try decoded(lengths) == vector && decode(bytes, count: length) == vector)
        var moved = lengths, swapped = lengths, wild = lengths
        moved[3] += 1
        moved[4] -= 1
        swapped.swapAt(0, 18)
        wild[18] = .max
        for wrong in [moved, swapped, wild, Array(lengths.dropLast()), lengths + [0], []] { #expect(try decoded(wrong) == nil) }
        #expect(try decoded(lengths, count: length - 1) == nil && decoded(lengths, Array(bytes.dropLast())) == nil)
        var damaged = bytes
        // The head of a frame.
        damaged[Int(lengths[0]) + 4] ^= 1
        #expect(try decoded(lengths, damaged) == nil)
    }

    @Test("What is stored is what the plain version says", arguments: SampleVector.allCases)
    func agrees(kind: SampleVector) throws {
        for length in [1, 513, 5000, 66_000] {
            let values = kind.steps(length, seed: 4)
            var rest = try LatticeCodec.encode(LatticeVector(values))[...]
            for chunk in chunks(values) {
                let frame = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(4)
                #expect(try decompress(rest.prefix(frame)) == chunk.shifts + chunk.symbols)
                #expect(Array(rest.dropFirst(frame).prefix(chunk.low.count)) == chunk.low)
                rest = rest.dropFirst(frame + chunk.low.count)
            }
            #expect(rest.isEmpty)
        }
    }

    @Test("What the plain version stores is read", arguments: SampleVector.allCases)
    func reads(kind: SampleVector) {
        for length in [1, 513, 5000, 66_000] {
            let values = kind.steps(length, seed: 5)
            var writer = ByteWriter(capacity: 5 * length)
            for chunk in chunks(values) {
                let frame = zstdFrame(chunk.shifts + chunk.symbols)
                writer.append(UInt32(frame.count))
                writer.append(frame + chunk.low)
            }
            #expect(decode(writer.bytes, count: length) == LatticeVector(values), "\(length) values")
            #expect(decode(writer.bytes, count: length + 1) == nil && decode(writer.bytes + [0], count: length) == nil)
        }
    }

    @Test("No vector is stored much longer than it is", arguments: SampleVector.allCases)
    func neverLonger(kind: SampleVector) throws {
        for length in Self.lengths {
            // Low bits come in whole groups.
            let padded = (length + 511) / 512 * 512
            #expect(try LatticeCodec.encode(LatticeVector(kind.steps(length, seed: 6))).count <= 4 * padded + padded / 256 + 32)
        }
    }

    /// A prefix code gives whole bits to each symbol, which shows where there are few of them.
    @Test("Small numbers cost hardly more than their entropy", arguments: [(1, 1.1), (2, 1.05), (20, 1.03), (200, 1.03), (2000, 1.03)])
    func nearEntropy(deviation: Double, limit: Double) throws {
        var random = SeededGenerator(UInt64(deviation))
        let vector = LatticeVector(gaussians(200_000, deviation: deviation, &random))
        let bits = try Double(LatticeCodec.encode(vector).count * 8) / Double(vector.count)
        #expect(bits < LatticeCodec.orderZeroEntropy(vector) * limit)
    }

    @Test("Layers of other magnitudes cost less than coding all values alike could")
    func adapts() throws {
        var random = SeededGenerator(14)
        let vector = LatticeVector([10, 1000, 50, 4000, 3].flatMap { gaussians(20_000, deviation: $0, &random) })
        let bits = try Double(LatticeCodec.encode(vector).count * 8) / Double(vector.count)
        #expect(bits < LatticeCodec.orderZeroEntropy(vector))
    }
}

/// What a zstd frame holds; none of them is long here.
func decompress(_ frame: some Collection<UInt8>) throws -> [UInt8] {
    let frame = Array(frame)
    return [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
        let length = ZSTD_decompress(buffer.baseAddress!, buffer.count, frame, frame.count)
        #expect(ZSTD_isError(length) == 0)
        count = ZSTD_isError(length) == 0 ? length : 0
    }
}

/// A zstd frame of one repeated byte (RFC 8878: single segment, one last block of type RLE).
func zstdFrame(repeating byte: UInt8, count: Int) -> [UInt8] { zstdFrame(count: count, block: 1, [byte]) }

/// A zstd frame of at most 128 KiB as they are (one last block of type raw).
func zstdFrame(_ content: [UInt8]) -> [UInt8] { zstdFrame(count: content.count, block: 0, content) }

private func zstdFrame(count: Int, block: UInt32, _ content: [UInt8]) -> [UInt8] {
    var writer = ByteWriter(capacity: 12 + content.count)
    writer.append([0x28, 0xB5, 0x2F, 0xFD, 0xA0])
    writer.append(UInt32(count))
    withUnsafeBytes(of: (1 | block << 1 | UInt32(count) << 3).littleEndian) { writer.append($0.prefix(3)) }
    writer.append(content)
    return writer.bytes
}

@Suite("Order-0 entropy")
struct OrderZeroEntropyTests {
    private func entropy(_ steps: [Int32]) -> Double { LatticeCodec.orderZeroEntropy(LatticeVector(steps)) }

    @Test("One value alone carries no information")
    func constant() {
        #expect(entropy([Int32](repeating: -7, count: 1000)) == 0)
        #expect(entropy([5]) == 0)
    }

    @Test("Equally frequent values take the logarithm of their number", arguments: [2, 4, 8, 256, 1024])
    func uniform(values: Int) {
        let steps = (0..<values * 3).map { Int32($0 % values - values / 2) }
        #expect(abs(entropy(steps) - log2(Double(values))) < 1e-9)
    }

    @Test("Halves and quarters take one and a half bits")
    func uneven() { #expect(abs(entropy([0, 0, 1, -1, 0, 0, 1, -1]) - 1.5) < 1e-12) }

    @Test("A rounded normal distribution takes the bits that the textbook says")
    func gaussian() {
        var random = SeededGenerator(12)
        let deviation = 50.0
        let expected = 0.5 * log2(2 * .pi * M_E * deviation * deviation)
        #expect(abs(entropy(gaussians(500_000, deviation: deviation, &random)) - expected) < 0.01)
    }

    @Test("Order and names of the values do not matter, to the last bit")
    func invariant() {
        var random = SeededGenerator(13)
        let steps = gaussians(5000, deviation: 10, &random)
        let shuffled = steps.shuffled(using: &random)
        #expect(entropy(shuffled).bitPattern == entropy(steps).bitPattern)
        #expect(entropy(steps.map { $0 * -3 + 11 }).bitPattern == entropy(steps).bitPattern)
    }
}
