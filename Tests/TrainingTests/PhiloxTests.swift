import Testing

@testable import Training

@Suite("The counter-based generator")
struct PhiloxTests {
    /// The known answers that Random123 publishes for philox4x32 with ten rounds (kat_vectors).
    @Test(
        "Philox gives the published words",
        arguments: [
            (SIMD4<UInt32>(repeating: 0), 0 as UInt64, SIMD4<UInt32>(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)),
            (SIMD4(repeating: .max), .max, SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)),
            (
                SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), 0x299f_31d0_a409_3822,
                SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
            ),
        ])
    func knownAnswers(_ counter: SIMD4<UInt32>, _ seed: UInt64, _ words: SIMD4<UInt32>) {
        #expect(Philox(seed: seed).words(counter) == words)
    }

    @Test("A stream is the words at counters 0, 1, 2 … of its block, epoch and purpose")
    func streamFollowsTheCounter() {
        let philox = Philox(seed: 99)
        var stream = RandomStream(seed: 99, purpose: .slotOrder, block: 7, epoch: 3)
        for counter in 0..<5 as Range<UInt32> {
            let words = philox.words(SIMD4(counter, 7, 3, RandomPurpose.slotOrder.rawValue))
            for place in 0..<4 { #expect(stream.nextWord() == words[place]) }
        }
    }

    @Test("A 64-bit number is two words, the lower one first")
    func wideNumbers() {
        var words = RandomStream(seed: 5, purpose: .holdout), wide = words
        for _ in 0..<10 {
            let low = UInt64(words.nextWord()), high = UInt64(words.nextWord())
            #expect(wide.next() == high << 32 | low)
        }
    }

    @Test("Streams of another seed, purpose, block or epoch hold other numbers; the same key holds the same")
    func streamsAreDistinct() {
        var seen: Set<[UInt32]> = []
        var streams = 0
        let purposes: [RandomPurpose] = [.initialisation, .assignment, .slotOrder, .holdout, .evidenceSample, .bench, .valuationSplit, .valuation]
        for seed in [0, 1, 1 << 32] as [UInt64] {
            for purpose in purposes {
                for block in [0, 1, 2, 600] {
                    for epoch in [0, 1, 9] {
                        func words() -> [UInt32] {
                            var stream = RandomStream(seed: seed, purpose: purpose, block: block, epoch: epoch)
                            return (0..<4).map { _ in stream.nextWord() }
                        }
                        let first = words()
                        #expect(words() == first)
                        seen.insert(first)
                        streams += 1
                    }
                }
            }
        }
        #expect(seen.count == streams)
    }
}
