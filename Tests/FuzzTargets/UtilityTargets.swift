import Checkpoints
import Files
import TestSupport
import Valuation

extension FuzzTarget {
    private static let tables: [UtilityRecord] = [
        UtilityRecord(key: SHA256(of: []), playerCount: 3, entries: (0..<8).map { .init(words: [$0], scores: .init(accuracy: Double($0) / 8, loss: -Double($0)), source: .exact) }),
        UtilityRecord(key: SHA256(of: [1]), playerCount: 70, entries: [.init(words: [5, 33], scores: .init(accuracy: 0.5, loss: -2.5), source: .stitch), .init(words: [7, 1], scores: .init(accuracy: 0, loss: 0), source: .additive)]),
    ]

    private static func readUtilities(_ bytes: [UInt8]) throws {
        let record = try UtilityRecord(decoding: bytes, file: "F")
        try expect(record.encoded() == bytes, "a table that changes when it is read and written")
        try expect(record.entries.allSatisfy { $0.scores.areFinite && $0.words.count == (record.playerCount + 63) / 64 }, "scores of no coalition")
        for entry in record.entries {
            try expect(Coalition(words: entry.words, of: record.playerCount).words == entry.words, "a coalition of other players")
        }
    }

    static let utilities = FuzzTarget("utilities", samples: tables.map { $0.encoded() }, dictionary: ["UNLRUTIL"], parse: readUtilities)

    /// With a digest that fits whatever was changed.
    static let sealedUtilities = FuzzTarget("utilities-sealed", samples: tables.map { unsealed($0.encoded()) }, dictionary: ["UNLRUTIL"]) {
        try readUtilities(sealed($0))
    }

    private static let provenance =
        #"{"fingerprint":{"arithmetic":"3","lattice_bits":"18"},"format":2,"order":[2,1],"players":[{"digest":"00","name":"a\"b","rows":3},"#
        + #"{"digest":"01","name":"größe","rows":1}],"split_digest":"02","split_share":0.5,"state_digest":"03","utility":"exact"}"#

    /// A shard's header and texts, before its table.
    private static func shard(_ plan: String) -> [UInt8] {
        let texts = ["0.2.0", plan, provenance].map { Array($0.utf8) }
        let head = Array("UNLRSHRD".utf8) + SampleNPZ.number(1, 2) + [1, 0] + SampleNPZ.number(2, 4) + SampleNPZ.number(3, 4) + SampleNPZ.number(0, 4)
        let table = UtilityRecord(key: SHA256(of: texts[2]), playerCount: 2, entries: [.init(words: [1], scores: .init(accuracy: 0.25, loss: -1), source: .exact)])
        return head + SampleNPZ.number(77, 8) + texts.flatMap { SampleNPZ.number($0.count, 4) } + texts.flatMap { $0 } + table.encoded()
    }

    /// With digests that fit, its own and its table's where there is room for one.
    static let shard = FuzzTarget("shard", samples: [shard("exact"), shard("")], dictionary: ["UNLRSHRD", "UNLRUTIL", "fingerprint"]) { input in
        let shard = try ShardFile(decoding: sealed(input), path: "F")
        try expect((1...shard.shards).contains(shard.index) && !shard.provenance.players.isEmpty, "shard \(shard.index) of \(shard.shards)")
        for entry in shard.entries { _ = Coalition(words: entry.words, of: shard.provenance.players.count) }
    }

    private static func unsealed(_ record: [UInt8]) -> [UInt8] { record.dropLast(Digest.length) }
    private static func sealed(_ body: [UInt8]) -> [UInt8] { body + body.withUnsafeBytes { Digest(of: $0) }.bytes }
}
