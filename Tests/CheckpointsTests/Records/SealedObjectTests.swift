import Testing

@testable import Checkpoints

@Suite("Sealed object files")
struct SealedObjectTests {
    private static let projectID = [UInt8](repeating: 0xAB, count: 16)

    private func form(
        _ encryption: Encryption = .xchacha20poly1305, kind: ObjectKind = .influence, block: Int = 3, number: Int = 12,
        projectID: [UInt8] = SealedObjectTests.projectID
    ) -> SealedObject {
        SealedObject(encryption: encryption, kind: kind, block: block, number: number, projectID: projectID)
    }

    private func key(_ encryption: Encryption) -> SecretKey? { encryption == .none ? nil : .counting }

    private func content(_ result: Result<[UInt8], SealedObject.Fault>) -> [UInt8]? { try? result.get() }

    private func fault(_ result: Result<[UInt8], SealedObject.Fault>) -> String? {
        if case .failure(let fault) = result { fault.text } else { nil }
    }

    @Test("Contents of every length come back", arguments: [Encryption.none, .xchacha20poly1305], [0, 1, 31, 32, 1000, 100_000])
    func comesBack(encryption: Encryption, length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let file = form(encryption).seal(bytes, key: key(encryption))
        #expect(content(form(encryption).open(file, key: key(encryption))) == bytes)
        #expect(file.count == 32 + length + (encryption == .none ? 32 : 40))
        #expect(length < 31 || file.contains(bytes) == (encryption == .none))
    }

    @Test("The header is laid out as specified, with and without encryption")
    func header() {
        let file = form(kind: .testRows, block: 0x01020304, number: 0x0A0B0C0D).seal([1, 2, 3], key: .counting)
        let header = Array("UNLRSEAL".utf8) + [1, 0, 1, 5, 4, 3, 2, 1, 0x0D, 0x0C, 0x0B, 0x0A, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
        #expect(Array(file.prefix(32)) == header)
        let plain = form(.none, kind: .evidence).seal([1, 2, 3], key: nil)
        #expect(Array(plain[10..<12]) == [0, 6])
        #expect(Array(plain[32..<35]) == [1, 2, 3])
        #expect(Array(plain.suffix(32)) == plain.dropLast(32).withUnsafeBytes { Digest(of: $0) }.bytes)
    }

    @Test("A valid file is nothing in another's place", arguments: [Encryption.none, .xchacha20poly1305])
    func otherPlace(encryption: Encryption) {
        // Long enough that no form takes it for too short.
        let file = form(encryption).seal([UInt8](repeating: 1, count: 20), key: key(encryption))
        let message = "is another object than the catalogue names, or cut short"
        let others = [
            form(encryption, kind: .correction), form(encryption, block: 4), form(encryption, block: 3 | 1 << 31), form(encryption, number: 13),
            form(encryption, number: 12 | 1 << 40), form(encryption == .none ? .xchacha20poly1305 : .none),
        ]
        for other in others { #expect(fault(other.open(file, key: key(encryption))) == message) }
    }

    @Test("An encrypted file of another project is nothing, though its key is known")
    func otherProject() {
        let file = form().seal([1, 2, 3], key: .counting)
        for (_, other) in singleBitFlips(of: Self.projectID) {
            #expect(fault(form(projectID: other).open(file, key: .counting)) == "is not what was sealed with its key")
        }
    }

    @Test("A header rewritten to another place is noticed by the seal")
    func rewrittenHeader() {
        let file = form().seal([1, 2, 3], key: .counting)
        for other in [form(kind: .keyframe), form(block: 4), form(number: 13)] {
            let forged = Array(other.seal([0, 0, 0], key: .random()).prefix(32)) + file.dropFirst(32)
            #expect(fault(other.open(forged, key: .counting)) == "is not what was sealed with its key")
        }
    }

    @Test("Another key opens nothing")
    func otherKey() {
        let file = form().seal([1, 2, 3], key: .counting)
        #expect(fault(form().open(file, key: .random())) == "is not what was sealed with its key")
    }

    @Test("A flip of any bit is noticed", arguments: [Encryption.none, .xchacha20poly1305])
    func flips(encryption: Encryption) {
        let file = form(encryption).seal([1, 2, 3, 4, 5], key: key(encryption))
        let unnoticed = singleBitFlips(of: file).filter { content(form(encryption).open($0.bytes, key: key(encryption))) != nil }.map(\.bit)
        #expect(unnoticed.isEmpty)
    }

    @Test("A file cut short anywhere, or with bytes behind its end, is refused", arguments: [Encryption.none, .xchacha20poly1305])
    func wrongLength(encryption: Encryption) {
        let file = form(encryption).seal([UInt8](repeating: 1, count: 20), key: key(encryption))
        for length in 0..<file.count {
            let reason = fault(form(encryption).open(Array(file[..<length]), key: key(encryption)))
            #expect(reason == (length < file.count - 20 ? "is too short" : "is another object than the catalogue names, or cut short"))
        }
        #expect(fault(form(encryption).open(file + [0], key: key(encryption))) != nil)
    }

    @Test("A length that the file has not is refused", arguments: [0, 4, 6, 1 << 32, 1 << 62, 1 << 63, .max] as [UInt64])
    func hostileLength(length: UInt64) {
        for encryption in [Encryption.none, .xchacha20poly1305] {
            var file = form(encryption).seal([1, 2, 3, 4, 5], key: key(encryption))
            withUnsafeBytes(of: length.littleEndian) { file.replaceSubrange(24..<32, with: $0) }
            if encryption == .none {
                // Whoever can change a plain file can make its digest match too.
                file = Array(file.dropLast(32)) + file.dropLast(32).withUnsafeBytes { Digest(of: $0) }.bytes
            }
            #expect(fault(form(encryption).open(file, key: key(encryption))) == "is another object than the catalogue names, or cut short")
        }
    }

    @Test("A file of another format or version is refused")
    func format() {
        let file = form().seal([1], key: .counting)
        #expect(fault(form().open([0] + file.dropFirst(), key: .counting)) == "is not an object file")
        for place in [8, 9] {
            var other = file
            other[place] ^= 2
            #expect(fault(form().open(other, key: .counting)) == "is another object than the catalogue names, or cut short")
        }
    }
}
