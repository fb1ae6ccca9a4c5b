import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Lattice records")
struct LatticeRecordTests {
    private func record(_ steps: [Int32], kind: LatticeRecord.Kind = .influence) -> LatticeRecord {
        LatticeRecord(kind: kind, block: 7, latticeBits: 18, vector: LatticeVector(steps))
    }

    private func decode(
        _ bytes: [UInt8], kind: LatticeRecord.Kind = .influence, block: Int = 7, bits: Int = 18, count: Int
    ) throws -> LatticeRecord {
        try LatticeRecord(decoding: bytes, kind: kind, block: block, latticeBits: bits, count: count, file: "F")
    }

    private func refusal(_ body: () throws -> LatticeRecord) -> LatticeRecord.Invalid? {
        #expect(throws: LatticeRecord.Invalid.self) { _ = try body() }
    }

    @Test("Records of every length and magnitude come back", arguments: SampleVector.allCases)
    func comesBack(sample: SampleVector) throws {
        for length in vectorLengths {
            for kind in LatticeRecord.Kind.allCases {
                let original = record(sample.steps(length, seed: 5), kind: kind)
                #expect(try decode(original.encoded(), kind: kind, count: length) == original)
            }
        }
    }

    @Test("The largest block number and each lattice come back", arguments: Lattice.allowedBits)
    func comesBackFromEdges(bits: Int) throws {
        let original = LatticeRecord(kind: .keyframe, block: Int(UInt32.max), latticeBits: bits, vector: LatticeVector([1, -1]))
        #expect(try decode(original.encoded(), kind: .keyframe, block: Int(UInt32.max), bits: bits, count: 2) == original)
    }

    @Test("The same vector gives the same bytes")
    func deterministic() throws {
        let steps = SampleVector.gaussian.steps(5000, seed: 6)
        #expect(try record(steps).encoded() == record(steps).encoded())
    }

    @Test("A vector of zeros is a header, a digest and a few bytes a chunk")
    func zerosAreSmall() throws { #expect(try record([Int32](repeating: 0, count: 100_000)).encoded().count < 64 + 2 * 32) }

    @Test("The bytes are laid out as specified")
    func format() throws {
        let bytes = try record([0, -1, 1]).encoded()
        let header = Array("UNLRECRD".utf8) + [2, 0, 1, 18, 7, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        #expect(Array(bytes.prefix(32)) == header)
        // One chunk of one group with shift 0, so without low bits.
        #expect(Array(bytes[33..<36]) == [0, 0, 0] && bytes.count == 32 + 4 + Int(bytes[32]) + 32)
        #expect(try decompress(bytes[36..<bytes.count - 32]) == [0, 0, 1, 2])
        #expect(Array(bytes.suffix(32)) == bytes.dropLast(32).withUnsafeBytes { Digest(of: $0) }.bytes)
    }

    @Test("A vector of many chunks has an index in front of them; one without, as it was once written, is read")
    func index() throws {
        let count = 16 * 65_536 + 5, original = record(SampleVector.gaussian.steps(count, seed: 9)), bytes = try original.encoded()
        #expect(bytes[8..<10] == [3, 0])
        #expect(try decode(bytes, count: count) == original)
        let lengths = bytes.withUnsafeBytes { raw in (0..<17).map { Int(raw.loadUnaligned(fromByteOffset: 32 + 4 * $0, as: UInt32.self)) } }
        #expect(lengths.reduce(32 + 4 * 17 + 32, +) == bytes.count)
        func sealed(_ body: [UInt8]) -> [UInt8] { body + body.withUnsafeBytes { Digest(of: $0) }.bytes }
        let older = sealed(Array(bytes[..<8]) + [2, 0] + bytes[10..<32] + bytes[(32 + 4 * 17)..<(bytes.count - 32)])
        #expect(try decode(older, count: count) == original)
        // Lengths of other chunks, and none at all.
        var moved = Array(bytes.dropLast(32))
        moved[32] ^= 1
        #expect(refusal { try decode(sealed(moved), count: count) } == .badSteps(file: "F"))
        #expect(refusal { try decode(sealed(Array(bytes.prefix(32 + 4 * 17 - 1))), count: count) } == .badHeader(file: "F", field: "number of chunks"))
    }

    @Test("A change of any single bit is noticed", arguments: [SampleVector.gaussian, .random, .zeros])
    func bitFlips(sample: SampleVector) throws {
        let bytes = try record(sample.steps(40, seed: 7)).encoded()
        var unnoticed: [Int] = []
        for (bit, flipped) in singleBitFlips(of: bytes) {
            do {
                _ = try decode(flipped, count: 40)
                unnoticed.append(bit)
            } catch is LatticeRecord.Invalid {}
        }
        #expect(unnoticed.isEmpty)
    }

    @Test("A file cut short anywhere is refused")
    func truncated() throws {
        let bytes = try record(SampleVector.gaussian.steps(40, seed: 8)).encoded()
        for length in 0..<bytes.count {
            let fault = refusal { try decode(Array(bytes[..<length]), count: 40) }
            #expect(fault == (length < 64 ? .tooShort(file: "F") : .badDigest(file: "F")))
        }
    }

    @Test("A file with a byte behind its end is refused", arguments: [0, 1, 255] as [UInt8])
    func extended(byte: UInt8) throws {
        let bytes = try record(SampleVector.gaussian.steps(40, seed: 9)).encoded() + [byte]
        #expect(refusal { try decode(bytes, count: 40) } == .badDigest(file: "F"))
    }

    @Test("A valid file in the wrong place is refused by the field that differs")
    func wrongPlace() throws {
        let bytes = try record([1, 2, 3]).encoded()
        #expect(refusal { try decode(bytes, kind: .keyframe, count: 3) } == .badHeader(file: "F", field: "kind"))
        #expect(refusal { try decode(bytes, kind: .correction, count: 3) } == .badHeader(file: "F", field: "kind"))
        #expect(refusal { try decode(bytes, block: 8, count: 3) } == .badHeader(file: "F", field: "block"))
        #expect(refusal { try decode(bytes, bits: 17, count: 3) } == .badHeader(file: "F", field: "number of lattice bits"))
        #expect(refusal { try decode(bytes, count: 4) } == .badHeader(file: "F", field: "number of parameters"))
        #expect(refusal { try decode(bytes, count: 513) } == .badHeader(file: "F", field: "number of parameters"))
    }

    @Test(
        "Each fault is told in one line that names the file",
        arguments: [
            (.tooShort(file: "F"), "F is too short for a checkpoint record"),
            (.badMagic(file: "F"), "F is not a checkpoint record"),
            (.newerVersion(file: "F", version: 9), "F has format version 9, newer than this program reads; use a newer unlearn; where none has worked here"),
            (.badHeader(file: "F", field: "block"), "F has an unexpected block"),
            (.badDigest(file: "F"), "F does not match its digest"),
            (.badSteps(file: "F"), "F holds values that do not decompress"),
        ] as [(LatticeRecord.Invalid, String)])
    func messages(fault: LatticeRecord.Invalid, message: String) {
        let isNewer = if case .newerVersion = fault { true } else { false }
        #expect(fault.description == message + (isNewer ? "," : ";") + " run 'unlearn check' and restore the project from a backup")
        #expect(fault.kind == .damaged)
    }
}
