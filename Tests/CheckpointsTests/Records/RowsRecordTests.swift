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
            features: (0..<slots * features * bytesPerFeature).map { _ in UInt8.random(in: 1...255, using: &random) },
            ids: (0..<slots).map { "id-\(String(repeating: "é", count: $0))-\(seed)" })
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
        let rows = RowsRecord(part: .test, block: 258, featureCount: 2, bytesPerFeature: 1, labels: [5, -1], features: [1, 2, 0, 0], ids: ["é1", ""])
        let bytes = rows.encoded()
        let header = Array("UNLROWS\0".utf8) + [3, 0, 2, 1, 2, 1, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0] + [0, 4, 0, 0, 0, 0, 0, 0]
        let ids = [3, 0, 0, 0, 0, 0, 0, 0, 0xC3, 0xA9, 0x31] + [UInt8](repeating: 0, count: 1021)
        #expect(Array(bytes.dropLast(32)) == header + [5, 0, 0, 0, 255, 255, 255, 255, 1, 2, 0, 0] + ids)
        #expect(Array(bytes.suffix(32)) == bytes.dropLast(32).withUnsafeBytes { Digest(of: $0) }.bytes)
    }

    @Test("The length of a record does not tell that of an id which was emptied, and nothing is hidden in its padding")
    func padding() throws {
        let records = [3, 40, 700].map { length in
            RowsRecord(
                part: .train, block: 3, featureCount: 1, bytesPerFeature: 1, labels: [1, 2], features: [1, 2],
                ids: [String(repeating: "x", count: length), "a row that stays"])
        }
        let lengths: [Int] = records.flatMap { (record: RowsRecord) -> [Int] in [record.encoded().count, record.emptying([0]).encoded().count] }
        #expect(Set(lengths).count == 1)
        var bytes = Array(records[0].encoded().dropLast(32))
        bytes[bytes.count - 1] = 1
        let sealed = bytes + bytes.withUnsafeBytes { Digest(of: $0) }.bytes
        #expect(fault { try decode(sealed, slots: 2, features: 1) } == "has other than zeros behind its ids")
    }

    /// Rows as tables of categories have them: mostly zeros, with a few random bytes each.
    private func sparse(slots: Int = 100) -> RowsRecord {
        var random = SeededGenerator(5), features = [UInt8](repeating: 0, count: slots * 100)
        for slot in 0..<slots { for place in 0..<8 { features[slot * 100 + 12 * place] = UInt8.random(in: 1...255, using: &random) } }
        return RowsRecord(
            part: .train, block: 3, featureCount: 100, bytesPerFeature: 1, labels: random.integers(slots, in: 0...9), features: features, ids: (0..<slots).map { "id \($0)" })
    }

    @Test("Features that shrink are packed, those that do not stay as they are, and both come back", arguments: [41, 100, 1000])
    func packed(slots: Int) throws {
        let rows = sparse(slots: slots), bytes = rows.encoded(), idRoom = (rows.ids.joined().utf8.count + 1023) / 1024 * 1024
        #expect(sample(slots: slots, features: 100).encoded()[8] == 3 && sparse(slots: 40).encoded()[8] == 3)
        #expect(bytes[8] == 4 && bytes.count <= 32 + 16 + slots * 8 + idRoom + 32 + max(2048, slots * 60))
        #expect(try decode(bytes, slots: slots, features: 100) == rows)
        #expect(try decode(rows.emptying([0, 7]).encoded(), slots: slots, features: 100) == rows.emptying([0, 7]))
    }

    @Test("A packed block's length changes by sixteenths of the features alone, and nothing is hidden behind them")
    func packedLengths() throws {
        let rows = sparse(slots: 1000), lengths = Set((0..<40).map { rows.emptying(0..<$0).encoded().count })
        #expect(lengths.count <= 2 && lengths.allSatisfy { ($0 - rows.encoded().count) % 6250 == 0 }, "\(lengths)")
        var bytes = Array(rows.encoded().dropLast(32))
        let stored = bytes[32..<40].reversed().reduce(0) { $0 << 8 | Int($1) }, used = bytes[40..<48].reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(stored % 6250 == 0 && used <= stored && stored - used < 6250)
        bytes[48 + 4000 + stored - 1] = 1
        let sealed = bytes + bytes.withUnsafeBytes { Digest(of: $0) }.bytes
        #expect(fault { try decode(sealed, slots: 1000, features: 100) } == "has other than zeros behind its features")
    }

    @Test("Packed features that are none, or not as many as there should be, are refused though the digest matches")
    func packedFaults() {
        let whole = Array(sparse().encoded().dropLast(32))
        func fault(features: Int = 100, _ change: (inout [UInt8]) -> Void) -> String? {
            var bytes = whole
            change(&bytes)
            let sealed = bytes + bytes.withUnsafeBytes { Digest(of: $0) }.bytes
            return self.fault { try decode(sealed, slots: 100, features: features) }
        }
        let start = 48 + 400, lengths = "has lengths that do not add up to the file", unpacked = "holds features that cannot be unpacked"
        for place in 32..<48 { #expect(fault { $0[place] ^= 0x80 } == (place == 40 ? unpacked : lengths), "byte \(place)") }
        // A step more of zeros than there is room for.
        #expect(fault { bytes in
            bytes.insert(contentsOf: [UInt8](repeating: 0, count: 1024), at: start + Int(bytes[32]) + Int(bytes[33]) << 8)
            bytes[33] += 4
        } == lengths)
        #expect(fault { for place in start..<start + 8 { $0[place] = 255 } } == unpacked)
        #expect(fault { $0[20] = 101 } == "holds rows of another shape")
        #expect(fault(features: 101) { $0[20] = 101 } == unpacked && fault(features: 99) { $0[20] = 99 } == unpacked)
        // 2³¹ features of 100 rows are more than so few bytes can stand for, and nothing is set aside for them.
        #expect(fault(features: 1 << 31) { $0[20...23] = [0, 0, 0, 128] } == unpacked)
        #expect(fault { $0[8] = 3 }?.hasPrefix("has \(whole.count + 32) bytes instead of at least") == true)
    }

    @Test("Ids come back byte by byte", arguments: ["", " ", "größe", "e\u{301}", "🧠", "a\u{0}b", String(repeating: "x", count: 100_000)].map(Abridged.init))
    func ids(id: Abridged<String>) throws {
        let rows = RowsRecord(part: .train, block: 3, featureCount: 0, bytesPerFeature: 1, labels: [1, 2, 3], features: [], ids: ["a", id.value, "b"])
        let decoded = try decode(rows.encoded(), slots: 3, features: 0)
        #expect(decoded.ids.map { Array($0.utf8) } == rows.ids.map { Array($0.utf8) })
    }

    @Test("Emptying slots takes label, id and features of these slots alone", arguments: [[], [0], [4], [1, 3], [0, 1, 2, 3, 4], [2, 2]])
    func emptying(slots: [Int]) {
        for bytesPerFeature in [1, 4] {
            let rows = sample(bytesPerFeature: bytesPerFeature)
            let emptied = rows.emptying(slots)
            for slot in 0..<5 {
                let place = slot * rows.rowBytes..<(slot + 1) * rows.rowBytes
                if slots.contains(slot) {
                    #expect(emptied.labels[slot] == RowsRecord.emptySlot)
                    #expect(emptied.ids[slot] == "")
                    #expect(emptied.features[place].allSatisfy { $0 == 0 })
                } else {
                    #expect(emptied.labels[slot] == rows.labels[slot])
                    #expect(emptied.ids[slot] == rows.ids[slot])
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
        for secret in [Array(rows.features[100..<200]), Array(rows.ids[1].utf8)] {
            #expect(rows.encoded().contains(secret))
            #expect(!rows.emptying([1]).encoded().contains(secret))
        }
    }

    @Test("A valid file in the wrong place is refused by what differs")
    func wrongPlace() {
        let bytes = sample().encoded()
        #expect(fault { try decode(bytes, part: .test) } == "holds rows of another kind")
        #expect(fault { try decode(bytes, block: 4) } == "holds another block")
        // Fewer or smaller rows leave bytes that only ids could take.
        #expect(fault { try decode(bytes, slots: 4) } == "holds rows of another shape")
        #expect(fault { try decode(bytes, bytesPerFeature: 4) } == "holds rows of another kind")
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
        let least = 64 + 5 * (4 + 8)
        for length in 64..<least { #expect(fault { try decode(Array(bytes[..<length])) } == "has \(length) bytes instead of at least \(least)") }
        for length in least..<bytes.count { #expect(fault { try decode(Array(bytes[..<length])) } == "does not match its digest") }
        #expect(fault { try decode(bytes + [0]) } == "does not match its digest")
    }

    /// The sample with some bytes of its body changed, and a digest that matches.
    private func resealed(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
        var body = Array(sample().encoded().dropLast(Digest.length))
        change(&body)
        var writer = ByteWriter(capacity: body.count)
        writer.append(body)
        return writer.sealed()
    }

    @Test("Another version or another kind is refused though the digest matches")
    func resealed() {
        func changed(_ place: Int, to value: UInt8) -> [UInt8] { resealed { $0[place] = value } }
        for version in [0, 1, 2, 5] as [UInt8] {
            #expect(fault { try decode(changed(8, to: version)) } == "has format version \(version), this program reads 3 and 4")
        }
        #expect(fault { try decode(changed(0, to: 0)) } == "is not a file of rows")
        #expect(fault { try decode(changed(10, to: 3)) } == "holds rows of another kind")
    }

    @Test("Lengths of ids that do not add up are refused though the digest matches")
    func idLengths() {
        let fault = "has lengths that do not add up to the file"
        // The header's sum of lengths, in each of its bytes.
        for place in 24..<32 { #expect(self.fault { try decode(resealed { $0[place] ^= 0x80 }) } == fault) }
        // Each id's own length, from just too long to as long as it can be said.
        for slot in 0..<5 {
            let place = 32 + 5 * (4 + 4) + slot * 4
            #expect(self.fault { try decode(resealed { $0[place + 1] += 4 }) } == fault)
            #expect(self.fault { try decode(resealed { for byte in 0..<4 { $0[place + byte] = 255 } }) } == fault)
        }
        #expect(self.fault { try decode(resealed { $0.append(0) }) } == fault)
        #expect(self.fault { try decode(resealed { $0.removeLast() }) } == fault)
    }

    @Test("An id that is not UTF-8 is refused though the digest matches")
    func invalidID() {
        #expect(fault { try decode(resealed { $0[32 + 5 * (4 + 4) + 5 * 4] = 0xC3 }) } == "holds an id that is not UTF-8")
        // The second id is "id-é-1": two lengths that cut between the two bytes of its é.
        let cut = resealed {
            $0[32 + 40] += 4
            $0[32 + 40 + 4] -= 4
        }
        #expect(fault { try decode(cut) } == "holds an id that is not UTF-8")
    }

    @Test("Shapes beyond what a file can hold are refused before anything is read", arguments: [(Int.max, 1, 1), (1, .max, 1), (5, .max, 2), (-1, 4, 1), (1 << 32, 1 << 20, 4)])
    func impossibleShape(slots: Int, features: Int, bytesPerFeature: Int) {
        #expect(fault { try decode(sample().encoded(), slots: slots, features: features, bytesPerFeature: bytesPerFeature) } != nil)
    }

    @Test("A fault is damage, told in one line that names the file")
    func message() {
        let fault = RowsRecord.Invalid(file: "F", fault: "holds another block")
        #expect(fault.description == "F holds another block; run 'unlearn check' and restore the project from a backup")
        #expect(fault.kind == .damaged)
    }
}
