import Tensors
import TestSupport
import Testing

@testable import Checkpoints

/// A lattice record put together by hand and sealed with a digest that matches, whatever it holds.
private struct ForgedRecord {
    var magic = Array("UNLRECRD".utf8)
    var version: UInt16 = 2
    var kind: UInt8 = 1
    var bits: UInt8 = 18
    var block: UInt32 = 7
    var count: UInt64 = 3
    var reserved = [UInt8](repeating: 0, count: 8)
    /// One group of three zeros with shift 0.
    var payload = chunk([0, 0, 0, 0])

    var sealed: [UInt8] {
        var writer = ByteWriter(capacity: 200)
        writer.append(magic)
        writer.append(version)
        writer.append(kind)
        writer.append(bits)
        writer.append(block)
        writer.append(count)
        writer.append(reserved)
        writer.append(payload)
        return writer.sealed()
    }

    init(_ change: (inout ForgedRecord) -> Void) { change(&self) }

    init(payload: [UInt8]) { self.payload = payload }
}

/// Three values as one chunk: a frame of `content` (shift, then symbols), then low bits.
private func chunk(_ content: [UInt8], low: [UInt8] = []) -> [UInt8] { chunk(frame: zstdFrame(content), low: low) }

private func chunk(frame: [UInt8], low: [UInt8] = []) -> [UInt8] {
    var writer = ByteWriter(capacity: 100)
    writer.append(UInt32(frame.count))
    writer.append(frame)
    writer.append(low)
    return writer.bytes
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
        #expect(try decode(ForgedRecord(payload: chunk([0, 1, 2, 255])).sealed) == LatticeVector([-1, 1, -128]))
        #expect(try decode(ForgedRecord(payload: chunk([24, 255, 255, 0], low: highest)).sealed) == LatticeVector([.min, .max, 0]))
        #expect(try decode(ForgedRecord(payload: chunk(frame: zstdFrame(repeating: 0, count: 4))).sealed) == LatticeVector([0, 0, 0]))
    }

    /// Low bits of shift 24 for the zigzag codes 2³² − 1, 2³² − 2 and 0.
    private var highest: [UInt8] {
        var low = [UInt8](repeating: 0, count: 64 * 24)
        for byte in 0..<3 { low[byte] = 255 }
        (low[4], low[5], low[6]) = (254, 255, 255)
        return low
    }

    @Test("A file of another kind is refused")
    func magic() { #expect(refusal(ForgedRecord { $0.magic[7] = 0 }) == .badMagic(file: "F")) }

    @Test("An index in front of few values is refused")
    func index() {
        let record = ForgedRecord {
            $0.version = 3
            $0.payload = [UInt8($0.payload.count), 0, 0, 0] + $0.payload
        }
        #expect(refusal(record) == .badHeader(file: "F", field: "version"))
    }

    @Test("A newer format is told apart from damage", arguments: [4, 5, 256, .max] as [UInt16])
    func newer(version: UInt16) {
        #expect(refusal(ForgedRecord { $0.version = version }) == .newerVersion(file: "F", version: Int(version)))
    }

    @Test("Version zero never was, and version 1 is read no more", arguments: [0, 1] as [UInt16])
    func older(version: UInt16) { #expect(refusal(ForgedRecord { $0.version = version }) == .badHeader(file: "F", field: "version")) }

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

    @Test("Reserved bytes must be zero", arguments: 0..<8)
    func reserved(place: Int) {
        #expect(refusal(ForgedRecord { $0.reserved[place] = 1 }) == .badHeader(file: "F", field: "reserved field"))
    }

    private func expectRefused(_ payload: [UInt8], _ comment: Comment? = nil) {
        #expect(refusal(ForgedRecord(payload: payload)) == .badSteps(file: "F"), comment)
    }

    @Test("A chunk cut short anywhere, or with bytes behind it, is refused")
    func lengths() {
        let whole = chunk([1, 0, 1, 2], low: [UInt8](repeating: 0, count: 64))
        #expect(throws: Never.self) { try decode(ForgedRecord(payload: whole).sealed) }
        for length in 0..<whole.count { expectRefused(Array(whole[..<length]), "\(length) bytes") }
        for more in [[0], [255], [0, 0, 0, 0], whole, chunk([]), chunk([0, 0, 0, 0])] { expectRefused(whole + more) }
    }

    @Test("A frame's length that the file does not have is refused", arguments: [0, 1, 15, 17, 1 << 20, 1 << 31, .max] as [UInt32])
    func frameLength(length: UInt32) {
        var payload = chunk([0, 0, 0, 0])
        payload.replaceSubrange(..<4, with: withUnsafeBytes(of: length.littleEndian) { Array($0) })
        #expect(payload.count - 4 == 16)
        expectRefused(payload)
        expectRefused(payload + [UInt8](repeating: 0, count: 4096))
    }

    @Test("A shift that leaves no byte for the symbol is refused, whatever low bits follow", arguments: [25, 31, 32, 64, 128, 255] as [UInt8])
    func shift(shift: UInt8) {
        for low in [0, 64, 24 * 64, Int(shift) * 64] { expectRefused(chunk([shift, 0, 0, 0], low: [UInt8](repeating: 0, count: low))) }
    }

    @Test("Low bits of values behind the last are zero", arguments: [3, 15, 16, 511])
    func padding(place: Int) {
        for shift in [1, 7, 24] {
            for bit in [place / 16 * shift, place / 16 * shift + shift - 1] {
                var low = [UInt8](repeating: 0, count: 64 * shift)
                low[(bit / 32 * 16 + place % 16) * 4 + bit % 32 / 8] = 1 << UInt8(bit % 8)
                expectRefused(chunk([UInt8(shift), 0, 0, 0], low: low), "bit \(bit) of shift \(shift)")
            }
        }
    }

    @Test(
        "A frame that is not one frame of a shift and three symbols is refused",
        arguments: [
            [], [0], [0x28, 0xB5, 0x2F, 0xFD], [UInt8](repeating: 0xFF, count: 63), zstdFrame([]), zstdFrame([0, 0, 0]), zstdFrame([0, 0, 0, 0, 0]),
            zstdFrame(repeating: 0, count: 3), zstdFrame(repeating: 0, count: 5), zstdFrame(repeating: 0, count: 128 * 1024),
            zstdFrame([0, 0, 0, 0]).dropLast(), zstdFrame([0, 0, 0, 0]) + [0], zstdFrame([0, 0]) + zstdFrame([0, 0]),
            // A frame that holds nothing, and one that zstd skips, before and behind.
            zstdFrame([0, 0, 0, 0]) + zstdFrame([]), zstdFrame([]) + zstdFrame([0, 0, 0, 0]), zstdFrame([0, 0, 0, 0]) + skippableFrame,
            skippableFrame + zstdFrame([0, 0, 0, 0]), skippableFrame,
            // A version of zstd before its format was final (0.7).
            [0x27] + zstdFrame([0, 0, 0, 0]).dropFirst(),
        ] as [[UInt8]])
    func badFrame(frame: [UInt8]) { expectRefused(chunk(frame: frame)) }
}

/// RFC 8878, 3.1.2: four bytes for whoever knows them.
private let skippableFrame: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]
