import Tensors
import TestSupport
import Testing

@testable import Checkpoints

/// A lattice record put together by hand and sealed with a digest that matches, whatever it holds.
private struct ForgedRecord {
    var magic = Array("UNLRECRD".utf8)
    var version: UInt16 = 1
    var kind: UInt8 = 1
    var bits: UInt8 = 18
    var block: UInt32 = 7
    var count: UInt64 = 3
    var planeCount: UInt8 = 0
    var reserved = [UInt8](repeating: 0, count: 7)
    var lengths: [UInt32] = []
    var payload: [UInt8] = []

    var sealed: [UInt8] {
        var writer = ByteWriter(capacity: 200)
        writer.append(magic)
        writer.append(version)
        writer.append(kind)
        writer.append(bits)
        writer.append(block)
        writer.append(count)
        writer.append(planeCount)
        writer.append(reserved)
        for length in lengths { writer.append(length) }
        writer.append(payload)
        return writer.sealed()
    }

    init(_ change: (inout ForgedRecord) -> Void) { change(&self) }

    /// One plane of 64 bytes for each entry.
    init(planes: [[UInt8]]) {
        planeCount = UInt8(planes.count)
        lengths = planes.map { UInt32($0.count) }
        payload = planes.flatMap { $0 }
    }
}

@Suite("Hostile records with a digest that matches")
struct HostileRecordTests {
    private func decode(_ bytes: [UInt8]) throws -> LatticeVector {
        try LatticeRecord(decoding: bytes, kind: .influence, block: 7, latticeBits: 18, count: 3, file: "F").vector
    }

    private func refusal(_ record: ForgedRecord) -> LatticeRecord.Invalid? {
        #expect(throws: LatticeRecord.Invalid.self) { _ = try decode(record.sealed) }
    }

    @Test("The forger's honest records are read")
    func control() throws {
        #expect(try decode(ForgedRecord { _ in }.sealed) == LatticeVector([0, 0, 0]))
        // Bit 0 of words 0, 1 and 2 of plane 0: three values of −1.
        let plane: [UInt8] = (0..<64).map { $0 < 12 && $0 % 4 == 0 ? 1 : 0 }
        #expect(try decode(ForgedRecord(planes: [plane]).sealed) == LatticeVector([-1, -1, -1]))
        #expect(try decode(ForgedRecord(planes: [zstdFrame(repeating: 0, count: 64)]).sealed) == LatticeVector([0, 0, 0]))
    }

    @Test("A file of another kind is refused")
    func magic() { #expect(refusal(ForgedRecord { $0.magic[7] = 0 }) == .badMagic(file: "F")) }

    @Test("A newer format is told apart from damage", arguments: [2, 3, 256, .max] as [UInt16])
    func newer(version: UInt16) {
        #expect(refusal(ForgedRecord { $0.version = version }) == .newerVersion(file: "F", version: Int(version)))
    }

    @Test("Version zero never was")
    func versionZero() { #expect(refusal(ForgedRecord { $0.version = 0 }) == .badHeader(file: "F", field: "version")) }

    @Test("A header field out of its range is refused by name")
    func fields() {
        #expect(refusal(ForgedRecord { $0.kind = 0 }) == .badHeader(file: "F", field: "kind"))
        #expect(refusal(ForgedRecord { $0.kind = 255 }) == .badHeader(file: "F", field: "kind"))
        #expect(refusal(ForgedRecord { $0.bits = 255 }) == .badHeader(file: "F", field: "number of lattice bits"))
        #expect(refusal(ForgedRecord { $0.block = .max }) == .badHeader(file: "F", field: "block"))
        for count in [0, 2, 4, 1 << 30, 1 << 62, 1 << 63, .max] as [UInt64] {
            #expect(refusal(ForgedRecord { $0.count = count }) == .badHeader(file: "F", field: "number of parameters"))
        }
    }

    @Test("Reserved bytes must be zero", arguments: 0..<7)
    func reserved(place: Int) {
        #expect(refusal(ForgedRecord { $0.reserved[place] = 1 }) == .badHeader(file: "F", field: "reserved field"))
    }

    @Test("More planes than a number has bits are refused", arguments: [33, 64, 255] as [UInt8])
    func planeCount(count: UInt8) {
        let record = ForgedRecord {
            $0.planeCount = count
            $0.lengths = [UInt32](repeating: 0, count: Int(count))
        }
        #expect(refusal(record) == .badHeader(file: "F", field: "number of planes"))
        #expect(refusal(ForgedRecord { $0.planeCount = count }) == .badHeader(file: "F", field: "number of planes"))
    }

    @Test("Lengths that the file is too short to hold are refused")
    func lengthsMissing() {
        #expect(refusal(ForgedRecord { $0.planeCount = 1 }) == .badLengths(file: "F"))
        let record = ForgedRecord {
            $0.planeCount = 32
            $0.lengths = [UInt32](repeating: 0, count: 31)
        }
        #expect(refusal(record) == .badLengths(file: "F"))
    }

    @Test("Lengths that do not add up to the file are refused", arguments: [0, 1, 63, 65, .max] as [UInt32])
    func lengthsDoNotAddUp(length: UInt32) {
        let record = ForgedRecord {
            $0.planeCount = 1
            $0.lengths = [length]
            $0.payload = [UInt8](repeating: 0, count: 64)
        }
        #expect(refusal(record) == .badLengths(file: "F"))
    }

    @Test("Bytes that belong to no plane are refused")
    func bytesWithoutPlane() { #expect(refusal(ForgedRecord { $0.payload = [0] }) == .badLengths(file: "F")) }

    @Test("A plane longer than it could be uncompressed is refused", arguments: [65, 128, 10_000])
    func planeTooLong(length: Int) {
        #expect(refusal(ForgedRecord(planes: [[UInt8](repeating: 0, count: length)])) == .badLengths(file: "F"))
        #expect(refusal(ForgedRecord(planes: [[UInt8](repeating: 0, count: length), zstdFrame(repeating: 0, count: 64)])) == .badLengths(file: "F"))
    }

    @Test(
        "A plane that does not decompress to its size is refused",
        arguments: [
            [], [0], [0x28, 0xB5, 0x2F, 0xFD], [UInt8](repeating: 0xFF, count: 63), zstdFrame(repeating: 0, count: 63),
            zstdFrame(repeating: 0, count: 65), zstdFrame(repeating: 0, count: 128 * 1024), zstdFrame(repeating: 0, count: 64).dropLast(),
            zstdFrame(repeating: 0, count: 64) + zstdFrame(repeating: 0, count: 64), zstdFrame(repeating: 0, count: 64) + [0],
        ] as [[UInt8]])
    func badPlane(plane: [UInt8]) {
        #expect(refusal(ForgedRecord(planes: [plane])) == .badPlanes(file: "F"))
        #expect(refusal(ForgedRecord(planes: [zstdFrame(repeating: 0, count: 64), plane])) == .badPlanes(file: "F"))
    }
}
