import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("Stored features")
struct FeatureEncodingTests {
    @Test("A byte decodes to byte·scale + shift", arguments: [0, 1, 5, 256, 1000])
    func bytes(_ count: Int) {
        let stored = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) }
        let encoding = FeatureEncoding.bytes(scale: 0.011, shift: -0.81)
        #expect(encoding.bytesPerFeature == 1)
        expectClose(encoding.decode(stored), stored.map { 0.011 * Double($0) - 0.81 }, floor: 1e-6)
    }

    @Test("Floats come back with their bits", arguments: [0, 1, 6, 1000])
    func floats(_ count: Int) {
        var random = SeededGenerator(91)
        let special: [Float] = [0, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
        let values = Array((special + random.floats(1000)).prefix(count))
        #expect(FeatureEncoding.floats.bytesPerFeature == 4)
        #expect(bits(FeatureEncoding.floats.decode(values.withUnsafeBytes { Array($0) })) == bits(values))
    }

    @Test("An encoding survives being written down", arguments: [.floats, .bytes(scale: 1 / 127.5, shift: -1)] as [FeatureEncoding])
    func coded(_ encoding: FeatureEncoding) throws {
        #expect(try JSONDecoder().decode(FeatureEncoding.self, from: JSONEncoder().encode(encoding)) == encoding)
    }

    @Test("The encoding of a project made before there were dates, gaps and pooled categories is read as it is")
    func earlierEncoding() throws {
        let text = #"{"columns":[{"numeric":{"deviation":3,"mean":0.5,"name":"x"}},{"oneHot":{"categories":["a","b"],"name":"y"}}]}"#
        let scale = TableEncoding.Standardisation(mean: 0.5, deviation: 3)
        #expect(
            try JSONDecoder().decode(TableEncoding.self, from: Data(text.utf8))
                == TableEncoding(columns: [.init(name: "x", kind: .number(scale)), .init(name: "y", kind: .categories(["a", "b"], pooled: false))]))
    }

    @Test("A table's encoding survives being written down")
    func codedTable() throws {
        let scale = TableEncoding.Standardisation(mean: 0.1, deviation: 3)
        let encoding = TableEncoding(
            columns: [
                .init(name: "x", kind: .number(scale)), .init(name: "g", kind: .number(scale), hasGaps: true), .init(name: "y", kind: .categories(["a", "b"], pooled: true)),
                .init(name: "d", kind: .date(day: scale, time: nil)), .init(name: "t", kind: .date(day: scale, time: scale), hasGaps: true), .init(name: "b", kind: .boolean),
            ], decimalComma: true)
        #expect(encoding.features == 11)
        #expect(try JSONDecoder().decode(TableEncoding.self, from: JSONEncoder().encode(encoding)) == encoding)
    }
}
