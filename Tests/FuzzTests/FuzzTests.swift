import FuzzTargets
import TestSupport
import Testing

/// The brief form; `make fuzz` runs millions of inputs with libFuzzer.
@Suite("Parsers under inputs that nobody wrote")
struct FuzzTests {
    @Test("Every sample is what its parser takes", arguments: FuzzTarget.all.map(\.name))
    func samples(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        #expect(!target.samples.isEmpty)
        for sample in target.samples { #expect(try target.feed(sample) == .accepted) }
    }

    @Test("A changed input is read soundly or refused, never worse", arguments: FuzzTarget.all.map(\.name), [1] as [UInt64])
    func changed(name: String, seed: UInt64) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name }), mutator = Mutator(target)
        var random = SeededGenerator(seed), accepted = 0, refused = 0
        for round in 0..<3000 {
            var input = try #require(target.samples.randomElement(using: &random))
            let other = try #require(target.samples.randomElement(using: &random))
            mutator.mutate(&input, with: other, most: 64 * 1024, using: &random)
            do {
                if try target.feed(input) == .accepted { accepted += 1 } else { refused += 1 }
            } catch {
                Issue.record("\(name), seed \(seed), round \(round): \(error); the input is \(input)")
                return
            }
        }
        // Both answers were seen.
        #expect(accepted > 0 && refused > 0, "\(accepted) accepted, \(refused) refused")
    }
}
