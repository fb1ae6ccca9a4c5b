import Foundation
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Plane codec")
struct PlaneCodecTests {
    private func decode(_ planes: [[UInt8]], count: Int) -> LatticeVector? {
        // One allocation that outlives the pointers into it.
        planes.flatMap { $0 }.withUnsafeBytes { raw in
            var start = 0
            let parts = planes.map { plane in
                defer { start += plane.count }
                return UnsafeRawBufferPointer(rebasing: raw[start..<start + plane.count])
            }
            return PlaneCodec.decode(parts, count: count)
        }
    }

    @Test("Vectors of every length and magnitude come back", arguments: SampleVector.allCases)
    func comesBack(kind: SampleVector) throws {
        for length in vectorLengths + [100_003] {
            let vector = LatticeVector(kind.steps(length, seed: 3))
            let planes = try PlaneCodec.encode(vector).map(\.bytes)
            #expect(decode(planes, count: length) == vector, "\(length) values")
        }
    }

    @Test("No plane is stored longer than it is", arguments: SampleVector.allCases)
    func neverLonger(kind: SampleVector) throws {
        for length in vectorLengths {
            let planes = try PlaneCodec.encode(LatticeVector(kind.steps(length, seed: 4)))
            #expect(planes.allSatisfy { (1...PlaneCodec.planeBytes(length)).contains($0.bytes.count) })
        }
    }

    @Test(
        "Planes above the highest bit in use are left out",
        arguments: [(0, 0), (-1, 1), (1, 2), (-2, 2), (2, 3), (127, 8), (-128, 8), (1 << 20, 22), (.max, 32), (.min, 32)] as [(Int32, Int)])
    func leavesOutEmpty(highest: Int32, planes: Int) throws {
        #expect(try PlaneCodec.encode(LatticeVector([0, highest, 0])).count == planes)
    }

    @Test("Small numbers cost little more than their entropy", arguments: [2, 20, 200, 2000])
    func nearEntropy(deviation: Double) throws {
        var random = SeededGenerator(UInt64(deviation))
        let vector = LatticeVector(gaussians(200_000, deviation: deviation, &random))
        let bits = try Double(PlaneCodec.encode(vector).reduce(0) { $0 + $1.bytes.count } * 8) / Double(vector.count)
        #expect(bits < PlaneCodec.orderZeroEntropy(vector) * 1.1)
    }

    @Test("A plane that is no compressed frame, or one of another length, gives nothing")
    func refuses() {
        let size = PlaneCodec.planeBytes(3)
        #expect(decode([zstdFrame(repeating: 0, count: size)], count: 3) == LatticeVector([0, 0, 0]))
        #expect(decode([zstdFrame(repeating: 0, count: size - 1)], count: 3) == nil)
        #expect(decode([zstdFrame(repeating: 0, count: size + 1)], count: 3) == nil)
        #expect(decode([[]], count: 3) == nil)
        #expect(decode([[1, 2, 3]], count: 3) == nil)
        #expect(decode([zstdFrame(repeating: 0, count: size).dropLast()], count: 3) == nil)
    }
}

/// A zstd frame of one repeated byte (RFC 8878: single segment, one last block of type RLE).
func zstdFrame(repeating byte: UInt8, count: Int) -> [UInt8] {
    var writer = ByteWriter(capacity: 13)
    writer.append([0x28, 0xB5, 0x2F, 0xFD, 0xA0])
    writer.append(UInt32(count))
    let block = 1 | 1 << 1 | UInt32(count) << 3
    withUnsafeBytes(of: block.littleEndian) { writer.append($0.prefix(3)) }
    writer.append(byte)
    return writer.bytes
}

@Suite("Order-0 entropy")
struct OrderZeroEntropyTests {
    private func entropy(_ steps: [Int32]) -> Double { PlaneCodec.orderZeroEntropy(LatticeVector(steps)) }

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
