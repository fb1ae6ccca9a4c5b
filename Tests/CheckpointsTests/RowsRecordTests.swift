import TestSupport
import Testing

@testable import Checkpoints

@Suite("Stored rows")
struct RowsRecordTests {
    private func sample(
        part: Part = .train, block: Int = 3, slots: Int = 5, features: Int = 4, bytesPerFeature: Int = 1, seed: UInt64 = 1
    ) -> RowsRecord {
        var random = SeededGenerator(seed)
        return RowsRecord(
            part: part, block: block, featureCount: features, bytesPerFeature: bytesPerFeature, labels: random.integers(slots, in: 0...9),
            features: (0..<slots * features * bytesPerFeature).map { _ in UInt8.random(in: 1...255, using: &random) })
    }

    private func decode(
        _ bytes: [UInt8], part: Part = .train, block: Int = 3, slots: Int = 5, features: Int = 4, bytesPerFeature: Int = 1
    ) throws -> RowsRecord {
        try RowsRecord(
            decoding: bytes, part: part, block: block, slots: slots, featureCount: features, bytesPerFeature: bytesPerFeature, file: "F")
    }

    private func fault(_ body: () throws -> RowsRecord) -> String? {
        #expect(throws: RowsRecord.Invalid.self) { _ = try body() }?.fault
    }

    @Test("Rows of many shapes come back", arguments: [(0, 4, 1), (1, 1, 1), (5, 4, 4), (100, 784, 1), (3, 0, 1), (17, 13, 4)])
    func comesBack(slots: Int, features: Int, bytesPerFeature: Int) throws {
        for part in Part.allCases {
            let rows = sample(part: part, slots: slots, features: features, bytesPerFeature: bytesPerFeature)
            let decoded = try decode(rows.encoded(), part: part, slots: slots, features: features, bytesPerFeature: bytesPerFeature)
            #expect(decoded == rows)
        }
    }

    @Test("The bytes are laid out as specified")
    func format() {
        let rows = RowsRecord(part: .test, block: 258, featureCount: 2, bytesPerFeature: 1, labels: [5, -1], features: [1, 2, 0, 0])
        let bytes = rows.encoded()
        let header = Array("UNLROWS\0".utf8) + [1, 0, 2, 1, 2, 1, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        #expect(Array(bytes.dropLast(32)) == header + [5, 0, 0, 0, 255, 255, 255, 255, 1, 2, 0, 0])
        #expect(Array(bytes.suffix(32)) == bytes.dropLast(32).withUnsafeBytes { Digest(of: $0) }.bytes)
    }

    @Test("Emptying slots zeroes label and features of these slots alone", arguments: [[], [0], [4], [1, 3], [0, 1, 2, 3, 4], [2, 2]])
    func emptying(slots: [Int]) {
        for bytesPerFeature in [1, 4] {
            let rows = sample(bytesPerFeature: bytesPerFeature)
            let emptied = rows.emptying(slots)
            for slot in 0..<5 {
                let place = slot * rows.rowBytes..<(slot + 1) * rows.rowBytes
                if slots.contains(slot) {
                    #expect(emptied.labels[slot] == RowsRecord.emptySlot)
                    #expect(emptied.features[place].allSatisfy { $0 == 0 })
                } else {
                    #expect(emptied.labels[slot] == rows.labels[slot])
                    #expect(emptied.features[place] == rows.features[place])
                }
            }
            #expect(emptied.features.count == rows.features.count)
        }
    }

    @Test("A block with empty slots comes back")
    func emptiedComesBack() throws {
        let rows = sample().emptying([1, 4])
        #expect(try decode(rows.encoded()) == rows)
    }

    @Test("Nothing of an emptied row is left in the bytes")
    func emptiedBytes() {
        let rows = sample(slots: 3, features: 100, seed: 9)
        let secret = Array(rows.features[100..<200])
        let holds = { (bytes: [UInt8]) in bytes.indices.contains { bytes[$0...].starts(with: secret) } }
        #expect(holds(rows.encoded()))
        #expect(!holds(rows.emptying([1]).encoded()))
    }

    @Test("A valid file in the wrong place is refused by what differs")
    func wrongPlace() {
        let bytes = sample().encoded()
        #expect(fault { try decode(bytes, part: .test) } == "holds rows of another kind")
        #expect(fault { try decode(bytes, block: 4) } == "holds another block")
        #expect(fault { try decode(bytes, slots: 4) } == "has \(bytes.count) bytes instead of \(bytes.count - 8)")
        #expect(fault { try decode(bytes, bytesPerFeature: 4) } == "has \(bytes.count) bytes instead of \(bytes.count + 60)")
        // Shapes of the same length.
        #expect(fault { try decode(sample(slots: 2, features: 4).encoded(), slots: 1, features: 12) } == "holds rows of another shape")
        #expect(fault { try decode(sample(bytesPerFeature: 4).encoded(), features: 16) } == "holds rows of another kind")
    }

    @Test("A change of any single bit is noticed")
    func bitFlips() throws {
        var unnoticed: [Int] = []
        for (bit, flipped) in singleBitFlips(of: sample().encoded()) {
            do {
                _ = try decode(flipped)
                unnoticed.append(bit)
            } catch is RowsRecord.Invalid {}
        }
        #expect(unnoticed.isEmpty)
    }

    @Test("A file cut short anywhere, or with a byte behind its end, is refused")
    func wrongLength() {
        let bytes = sample().encoded()
        for length in 0..<64 { #expect(fault { try decode(Array(bytes[..<length])) } == "is not a file of rows") }
        for length in 64..<bytes.count {
            #expect(fault { try decode(Array(bytes[..<length])) } == "has \(length) bytes instead of \(bytes.count)")
        }
        #expect(fault { try decode(bytes + [0]) } == "has \(bytes.count + 1) bytes instead of \(bytes.count)")
    }

    @Test("Another version, and reserved bytes in use, are refused though the digest matches")
    func resealed() {
        func changed(_ place: Int, to value: UInt8) -> [UInt8] {
            var body = Array(sample().encoded().dropLast(Digest.length))
            body[place] = value
            var writer = ByteWriter(capacity: body.count)
            writer.append(body)
            return writer.sealed()
        }
        #expect(fault { try decode(changed(8, to: 2)) } == "has format version 2, this program reads 1")
        #expect(fault { try decode(changed(8, to: 0)) } == "has format version 0, this program reads 1")
        #expect(fault { try decode(changed(0, to: 0)) } == "is not a file of rows")
        #expect(fault { try decode(changed(10, to: 3)) } == "holds rows of another kind")
        for place in 24..<32 { #expect(fault { try decode(changed(place, to: 1)) } == "has an unexpected reserved field") }
    }

    @Test("A fault is damage, told in one line that names the file")
    func message() {
        let fault = RowsRecord.Invalid(file: "F", fault: "holds another block")
        #expect(fault.description == "F holds another block; run 'unlearn check' and restore the project from a backup")
        #expect(fault.kind == .damaged)
    }
}
