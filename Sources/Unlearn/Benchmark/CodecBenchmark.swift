import Checkpoints
import Files
import Tensors

/// How well checkpoints compress, and how fast.
public struct CompressionReport: Codable, Sendable {
    /// Influences measured.
    public let influences: Int
    /// Values of each.
    public let parameters: Int
    /// Bits a value: as stored, and order-0 entropy, over these influences.
    public let bitsPerValue: Double
    public let entropyBitsPerValue: Double
    /// Stored above entropy, as a fraction.
    public let aboveEntropy: Double
    /// Raw single precision over stored bytes, these influences alone, and all that is stored with keyframes and corrections.
    public let ratioInfluences: Double
    public let ratioStore: Double
    /// Of the codec alone, on one thread, in bytes of raw single precision: the best of some passes over each influence.
    public let encodeGbPerSecond: Double
    public let decodeGbPerSecond: Double
}

/// Measures the codec of checkpoints on a trained project's own influences.
public struct CodecBenchmark {
    private let project: Project
    /// Noise of other programs only ever adds time, so the best pass counts.
    private static let passes = 7

    private let blocks: [Int]?

    /// - Parameter blocks: whose influences are measured; nil: all.
    public init(_ project: Project, blocks: [Int]? = nil) {
        self.project = project
        self.blocks = blocks
    }

    /// - Complexity: holds one influence at a time, read from the store; what is timed is memory to memory.
    public func run() throws -> CompressionReport {
        let lineage = try project.lineage()
        guard !lineage.isEmpty else { throw Failure(.input, "nothing is trained yet; run 'unlearn train' first") }
        let blocks = blocks ?? (1...lineage.shape.blocks).filter(lineage.isTrained)
        for block in blocks { try lineage.expectTrained(block) }
        var entropy = 0.0
        var encoding = Duration.zero, decoding = Duration.zero
        for block in blocks {
            let influence = try lineage.influence(block)
            entropy += LatticeCodec.orderZeroEntropy(influence)
            let (encode, decode) = try Self.time(influence)
            encoding += encode
            decoding += decode
        }
        let objects = try project.store.objects().filter { !$0.kind.isRows }
        let bytes = Dictionary(objects.filter { $0.kind == .influence }.map { ($0.block, $0.bytes) }, uniquingKeysWith: { $1 })
        let influenceBytes = Double(project.parameterCount * 4)
        let raw = Double(blocks.count) * influenceBytes
        let bits = Double(blocks.reduce(0) { $0 + (bytes[$1] ?? 0) }) / raw * 32
        entropy /= Double(blocks.count)
        return CompressionReport(
            influences: blocks.count, parameters: project.parameterCount, bitsPerValue: bits, entropyBitsPerValue: entropy,
            aboveEntropy: entropy > 0 ? bits / entropy - 1 : 0, ratioInfluences: 32 / bits,
            ratioStore: Double(lineage.trainedBlocks) * influenceBytes / Double(objects.reduce(0) { $0 + $1.bytes }),
            encodeGbPerSecond: raw * 1e-9 / (encoding / .seconds(1)), decodeGbPerSecond: raw * 1e-9 / (decoding / .seconds(1)))
    }

    private static func time(_ influence: LatticeVector) throws -> (encode: Duration, decode: Duration) {
        let clock = ContinuousClock()
        var best = (encode: Duration.seconds(1_000_000), decode: Duration.seconds(1_000_000))
        for _ in 0..<passes {
            let start = clock.now
            let bytes = try LatticeCodec.encode(influence)
            let encoded = clock.now
            let back = bytes.withUnsafeBytes { LatticeCodec.decode($0, count: influence.count) }
            let decoded = clock.now
            guard back == influence else { throw Failure(.failed, "an influence comes back from the codec as another one") }
            best = (min(best.encode, encoded - start), min(best.decode, decoded - encoded))
        }
        return best
    }
}
