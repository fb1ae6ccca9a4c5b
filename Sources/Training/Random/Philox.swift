/// Philox4x32-10, a counter-based generator (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3;
/// SC 2011). Four words are a pure function of a key and a counter: nothing to carry along, nothing to skip.
public struct Philox: Sendable {
    let key: (UInt32, UInt32)

    public init(seed: UInt64) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    }

    /// The four words at a counter.
    public func words(_ counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
        var c = counter
        var (k0, k1) = key
        for _ in 0..<10 {
            let p0 = UInt64(0xD251_1F53) * UInt64(c[0])
            let p1 = UInt64(0xCD9E_8D57) * UInt64(c[2])
            c = SIMD4(
                UInt32(truncatingIfNeeded: p1 >> 32) ^ c[1] ^ k0, UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 >> 32) ^ c[3] ^ k1, UInt32(truncatingIfNeeded: p0))
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return c
    }
}

/// What a stream of random numbers is for: streams with different purposes never share a counter.
public enum RandomPurpose: UInt32, Sendable {
    case initialisation = 1
    case assignment = 2
    case slotOrder = 3
    case holdout = 4
    case evidenceSample = 5
    case bench = 6
    case augmentation = 7
    case valuationSplit = 8
    case valuation = 9
    case reduction = 10
    case program = 11
}

/// The numbers of one (seed, purpose, block, epoch, slot), in order.
public struct RandomStream: RandomNumberGenerator, Sendable {
    private let philox: Philox
    private var counter: SIMD4<UInt32>
    private var buffer = SIMD4<UInt32>()
    private var used = 4

    public init(seed: UInt64, purpose: RandomPurpose, block: Int = 0, epoch: Int = 0, slot: Int? = nil) {
        precondition(epoch >= 0 && epoch < 1 << 24, "epoch out of range")
        philox = Philox(seed: seed)
        // A slot's stream is short and begins in the upper half of its epoch's counters.
        let first = slot.map { Self.slotStreams | UInt32($0) * Self.wordsPerSlot } ?? 0
        counter = SIMD4(first, UInt32(block), UInt32(epoch), purpose.rawValue)
    }

    private static let slotStreams: UInt32 = 1 << 31
    /// In fours. Enough for every purpose that draws by slot, rejections included.
    private static let wordsPerSlot: UInt32 = 16

    public mutating func nextWord() -> UInt32 {
        if used == 4 {
            buffer = philox.words(counter)
            counter[0] &+= 1
            used = 0
        }
        defer { used += 1 }
        return buffer[used]
    }

    public mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return low | UInt64(nextWord()) << 32
    }

    /// Uniform in 0..<bound without bias (Lemire 2019: multiply, reject the short first interval).
    public mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0 && bound <= Int(UInt32.max), "bound out of range")
        let range = UInt32(bound)
        let threshold = (0 &- range) % range
        while true {
            let product = UInt64(nextWord()) * UInt64(range)
            if UInt32(truncatingIfNeeded: product) >= threshold { return Int(product >> 32) }
        }
    }

    /// Uniform in [-limit, limit), on a grid of 2⁻²³ limit.
    public mutating func symmetric(_ limit: Float) -> Float {
        (Float(nextWord() >> 8) * 0x1p-23 - 1) * limit
    }

    /// Fisher–Yates, written out so that the order is ours and not a library's.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        guard elements.count > 1 else { return }
        for last in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(last, below(last + 1))
        }
    }
}
