import TestSupport

/// Uniform numbers in [0, 1).
struct SeededUniforms {
    private var generator: SeededGenerator
    init(_ seed: UInt64) { generator = SeededGenerator(seed) }
    mutating func next() -> Double { Double.random(in: 0..<1, using: &generator) }
}
