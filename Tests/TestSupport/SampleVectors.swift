import Foundation

/// What influences and states look like, and what they never should.
public enum SampleVector: CaseIterable, Sendable {
    case zeros, ones, minusOnes, lowest, highest, edges, small, gaussian, large, random, sparse

    public func steps(_ count: Int, seed: UInt64) -> [Int32] {
        var random = SeededGenerator(seed &+ UInt64(count))
        switch self {
        case .zeros: return [Int32](repeating: 0, count: count)
        case .ones: return [Int32](repeating: 1, count: count)
        case .minusOnes: return [Int32](repeating: -1, count: count)
        case .lowest: return [Int32](repeating: .min, count: count)
        case .highest: return [Int32](repeating: .max, count: count)
        case .edges: return (0..<count).map { [.min, .max, 0, -1, 1, .min + 1, .max - 1][$0 % 7] }
        case .small: return random.integers(count, in: -3...3)
        case .gaussian: return gaussians(count, deviation: 20, &random)
        case .large: return random.integers(count, in: -(1 << 20)...(1 << 20))
        case .random: return random.integers(count, in: .min ... .max)
        case .sparse: return (0..<count).map { _ in Int.random(in: 0..<100, using: &random) == 0 ? random.integers(1, in: .min ... .max)[0] : 0 }
        }
    }
}

/// Whole numbers around zero, by the Box–Muller transform.
public func gaussians(_ count: Int, deviation: Double, _ random: inout SeededGenerator) -> [Int32] {
    (0..<count).map { _ in
        let radius = (-2 * log(Double.random(in: Double.leastNormalMagnitude...1, using: &random))).squareRoot()
        return Int32((deviation * radius * cos(2 * .pi * Double.random(in: 0..<1, using: &random))).rounded())
    }
}

public let vectorLengths = [1, 2, 15, 16, 17, 31, 32, 33, 511, 512, 513, 1000, 1024, 5000]

/// The images that differ from `bytes` in one bit, and where.
public func singleBitFlips(of bytes: [UInt8]) -> some Sequence<(bit: Int, bytes: [UInt8])> {
    (0..<bytes.count * 8).lazy.map { bit in
        var flipped = bytes
        flipped[bit / 8] ^= 1 << UInt8(bit % 8)
        return (bit, flipped)
    }
}
