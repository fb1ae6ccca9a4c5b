import Checkpoints
import Tensors
import TestSupport

extension FuzzTarget {
    private static let count = 700

    private static let records: [[UInt8]] = {
        var random = SeededGenerator(1)
        let vectors = [
            (0..<count).map { _ in Int32.random(in: -3...3, using: &random) }, [Int32](repeating: 0, count: count),
            (0..<count).map { _ in Int32.random(in: .min ... .max, using: &random) },
        ]
        // Small integers compress without a failure.
        return vectors.compactMap { try? LatticeRecord(kind: .influence, block: 7, latticeBits: 18, vector: LatticeVector($0)).encoded() }
    }()

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

    /// Planes on their own: a number of values, then planes behind their lengths.
    static let planes = FuzzTarget(
        "planes",
        samples: [SampleNPZ.number(3, 2) + joined([UInt8](repeating: 1, count: 64), [])] + records.map { planes(of: $0) }
    ) { input in
        var (head, rest) = (Array(input.prefix(2)), Array(input.dropFirst(2)))
        while head.count < 2 { head.append(0) }
        let count = max(1, Int(head[0]) | Int(head[1]) << 8)
        var parts: [[UInt8]] = []
        while !rest.isEmpty && parts.count < 32 {
            let (part, following) = split(rest)
            // What decode promises to be given: no plane longer than uncompressed.
            parts.append(Array(part.prefix(PlaneCodec.planeBytes(count))))
            rest = following
        }
        let bytes = parts.flatMap { $0 }
        let vector = bytes.withUnsafeBytes { raw in
            var start = 0
            let views = parts.map { part in
                defer { start += part.count }
                return UnsafeRawBufferPointer(rebasing: raw[start..<start + part.count])
            }
            return PlaneCodec.decode(views, count: count)
        }
        guard let vector else { throw LatticeRecord.Invalid.badPlanes(file: "F") }
        try expect(vector.count == count, "\(vector.count) values of \(count)")
    }

    /// The planes of a record, each behind its length.
    private static func planes(of record: [UInt8]) -> [UInt8] {
        let planes = Int(record[24])
        var place = 32 + 4 * planes, result = SampleNPZ.number(count, 2)
        for index in 0..<planes {
            let length = Int(record[32 + 4 * index]) | Int(record[33 + 4 * index]) << 8
            result += SampleNPZ.number(length, 2)
            result += record[place..<place + length]
            place += length
        }
        return result
    }

    private static func unsealed(_ record: [UInt8]) -> [UInt8] { record.dropLast(Digest.length) }
    private static func sealed(_ body: [UInt8]) -> [UInt8] { body + body.withUnsafeBytes { Digest(of: $0) }.bytes }
}
