import Checkpoints
import Tensors
import TestSupport

extension FuzzTarget {
    private static let count = 700

    private static let vectors: [LatticeVector] = {
        var random = SeededGenerator(1)
        return [
            (0..<count).map { _ in Int32.random(in: -3...3, using: &random) }, [Int32](repeating: 0, count: count),
            (0..<count).map { _ in Int32.random(in: -5000...5000, using: &random) },
            (0..<count).map { _ in Int32.random(in: .min ... .max, using: &random) },
        ].map { LatticeVector($0) }
    }()

    // They compress without a failure.
    private static let records = vectors.compactMap { try? LatticeRecord(kind: .influence, block: 7, latticeBits: 18, vector: $0).encoded() }

    private static func readLatticeRecord(_ bytes: [UInt8]) throws {
        let record = try LatticeRecord(decoding: bytes, kind: .influence, block: 7, latticeBits: 18, count: count, file: "F")
        try expect(record.vector.count == count && record.kind == .influence && record.block == 7, "another record than was asked for")
        let again = try LatticeRecord(
            decoding: try record.encoded(), kind: .influence, block: 7, latticeBits: 18, count: count, file: "F")
        try expect(again == record, "a record that changes when it is written and read")
    }

    static let latticeRecord = FuzzTarget("lattice-record", samples: records, dictionary: ["UNLRECRD"], parse: readLatticeRecord)

    /// With a digest that fits whatever was changed.
    static let sealedLatticeRecord = FuzzTarget("lattice-record-sealed", samples: records.map(unsealed), dictionary: ["UNLRECRD"]) {
        try readLatticeRecord(sealed($0))
    }

    private static let rows = RowsRecord(part: .train, block: 3, featureCount: 5, bytesPerFeature: 4, labels: [0, -1, 2, 1], features: (0..<80).map { UInt8($0) }, ids: ["a", "", "größe", "d"])

    private static let sparseRows = RowsRecord(
        part: .train, block: 3, featureCount: 5, bytesPerFeature: 4, labels: [Int32](repeating: 1, count: 256), features: (0..<5120).map { $0 % 40 == 0 ? UInt8($0 / 40) : 0 },
        ids: (0..<256).map(String.init))

    /// Packed features, whatever becomes of them, are as many as there should be or damage.
    static let packedRowsRecord = FuzzTarget("rows-record-packed", samples: [unsealed(sparseRows.encoded())], dictionary: ["UNLROWS\0"]) { input in
        let bytes = sealed(input)
        let record = try RowsRecord(decoding: bytes, part: .train, block: 3, slots: 256, featureCount: 5, bytesPerFeature: 4, file: "F")
        try expect(record.features.count == 5120, "\(record.features.count) bytes of features")
        let again = try RowsRecord(decoding: record.encoded(), part: .train, block: 3, slots: 256, featureCount: 5, bytesPerFeature: 4, file: "F")
        try expect(again == record, "a record that changes when it is written and read")
    }

    private static func readRowsRecord(_ bytes: [UInt8]) throws {
        let record = try RowsRecord(decoding: bytes, part: .train, block: 3, slots: 4, featureCount: 5, bytesPerFeature: 4, file: "F")
        try expect(record.labels.count == 4 && record.features.count == 80, "\(record.labels.count) labels, \(record.features.count) bytes")
        try expect(record.encoded() == bytes, "a record that changes when it is read and written")
        let emptied = record.emptying([0, 3])
        try expect(emptied.labels[3] == RowsRecord.emptySlot && emptied.features.prefix(20).allSatisfy { $0 == 0 }, "a slot that is not empty")
    }

    static let rowsRecord = FuzzTarget("rows-record", samples: [rows.encoded()], dictionary: ["UNLROWS\0"], parse: readRowsRecord)

    /// With a digest that fits. Two bytes in front choose the shape that the catalogue names.
    static let sealedRowsRecord = FuzzTarget("rows-record-sealed", samples: [[0, 0] + unsealed(rows.encoded())], dictionary: ["UNLROWS\0"]) { input in
        let bytes = sealed(Array(input.dropFirst(2)))
        let shift = Int(input.first ?? 0) % 64, choice = Int(input.dropFirst().first ?? 0)
        guard choice > 0 else { return try readRowsRecord(bytes) }
        let (slots, features) = choice % 2 == 0 ? (4 << shift, 5) : (4, 5 &<< shift)
        let record = try RowsRecord(
            decoding: bytes, part: .train, block: 3, slots: slots, featureCount: features, bytesPerFeature: choice % 4 < 2 ? 4 : 1, file: "F")
        try expect(record.features.count == slots * features * record.bytesPerFeature, "features of another shape")
    }

    /// Chunks on their own behind a number that says how many values, up to three chunks of them.
    static let latticeCodec = FuzzTarget(
        "lattice-codec", samples: vectors.compactMap { vector in (try? LatticeCodec.encode(vector)).map { SampleNPZ.number(count / 3, 2) + $0 } }
    ) { input in
        let head = Array((input + [0, 0]).prefix(2))
        let count = 1 + 3 * (Int(head[0]) | Int(head[1]) << 8)
        guard let vector = Array(input.dropFirst(2)).withUnsafeBytes({ LatticeCodec.decode($0, count: count) }) else {
            throw LatticeRecord.Invalid.badSteps(file: "F")
        }
        try expect(vector.count == count, "\(vector.count) values of \(count)")
        let again = try LatticeCodec.encode(vector).withUnsafeBytes { LatticeCodec.decode($0, count: count) }
        try expect(again == vector, "a vector that changes when it is encoded and decoded")
    }

    /// The same with the chunks' lengths in front, as an index has them: all cores decode, and find what one finds.
    static let indexedLatticeCodec = FuzzTarget("lattice-codec-indexed", samples: vectors.compactMap(indexed)) { input in
        let head = Array((input + [0, 0]).prefix(2)), count = 1 + 3 * (Int(head[0]) | Int(head[1]) << 8), chunks = (count + 65_535) / 65_536
        let rest = Array(input.dropFirst(2)), index = Array(rest.prefix(4 * chunks)), body = Array(rest.dropFirst(4 * chunks))
        let lengths = stride(from: 0, to: index.count - index.count % 4, by: 4).map { place in (0..<4).reduce(UInt32(0)) { $0 | UInt32(index[place + $1]) << (8 * $1) } }
        let alone = body.withUnsafeBytes { LatticeCodec.decode($0, count: count) }
        guard let shared = body.withUnsafeBytes({ LatticeCodec.decode($0, count: count, lengths: lengths) }) else { throw LatticeRecord.Invalid.badSteps(file: "F") }
        try expect(shared == alone, "chunks that one core decodes otherwise")
    }

    /// Of a vector of one chunk.
    private static func indexed(_ vector: LatticeVector) -> [UInt8]? {
        (try? LatticeCodec.encode(vector)).map { SampleNPZ.number(vector.count / 3, 2) + SampleNPZ.number($0.count, 4) + $0 }
    }

    private static func unsealed(_ record: [UInt8]) -> [UInt8] { record.dropLast(Digest.length) }
    private static func sealed(_ body: [UInt8]) -> [UInt8] { body + body.withUnsafeBytes { Digest(of: $0) }.bytes }
}
