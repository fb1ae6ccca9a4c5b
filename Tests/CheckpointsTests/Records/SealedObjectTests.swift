import TestSupport
import Testing

@testable import Checkpoints

@Suite("Sealed object files")
struct SealedObjectTests {
    private static let projectID = [UInt8](repeating: 0xAB, count: 16)
    private static let name = ObjectName(bytes: (1...16).map { UInt8($0) })
    private static let otherName = ObjectName(bytes: (2...17).map { UInt8($0) })

    private func form(
        _ encryption: Encryption = .xchacha20poly1305, kind: ObjectKind = .influence, block: Int = 3, name: ObjectName = SealedObjectTests.name,
        projectID: [UInt8] = SealedObjectTests.projectID
    ) -> SealedObject {
        SealedObject(encryption: encryption, kind: kind, block: block, name: name, projectID: projectID)
    }

    private func key(_ encryption: Encryption) -> SecretKey? { encryption == .none ? nil : .counting }

    private func content(_ result: Result<[UInt8], SealedObject.Fault>) -> [UInt8]? { try? result.get() }

    private func fault(_ result: Result<[UInt8], SealedObject.Fault>) -> String? {
        if case .failure(let fault) = result { fault.text } else { nil }
    }

    /// What is said of content that is not what was sealed.
    private func notGenuine(_ encryption: Encryption) -> String {
        encryption == .none ? "does not match its digest" : "is not what was sealed with its key"
    }

    @Test("Contents of every length come back", arguments: [Encryption.none, .xchacha20poly1305], [0, 1, 31, 32, 1000, 100_000])
    func comesBack(encryption: Encryption, length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let file = form(encryption).seal(bytes, key: key(encryption))
        #expect(content(form(encryption).open(file, key: key(encryption))) == bytes)
        var inPlace = file
        #expect((try? form(encryption).openInPlace(&inPlace, key: key(encryption)).get()).map { Array(inPlace[$0]) } == bytes)
        #expect(file.count == 32 + length + (encryption == .none ? 32 + 32 : 40))
        #expect(length < 31 || file.contains(bytes) == (encryption == .none))
    }

    @Test("The file is laid out as specified, with and without encryption")
    func layout() {
        let encrypted = form(kind: .testRows, block: 0x01020304).seal([1, 2, 3], key: .counting)
        let numbers: [UInt8] = [2, 0, 1, 0, 0, 0, 0, 0], salt = [UInt8](1...16)
        let header = Array("UNLRSEAL".utf8) + numbers + salt
        #expect(Array(encrypted.prefix(32)) == header)
        let plain = form(.none, kind: .evidence, block: 0x01020304).seal([1, 2, 3], key: nil)
        var plainHeader = header
        plainHeader[10] = 0
        #expect(Array(plain.prefix(32)) == plainHeader)
        #expect(Array(plain[64..<67]) == [1, 2, 3])
        // project ‖ header ‖ kind ‖ block ‖ salt ‖ content
        let place: [UInt8] = [6, 4, 3, 2, 1]
        let digested = Self.projectID + plain[..<32] + place + plain[32..<67]
        #expect(Array(plain.suffix(32)) == digested.withUnsafeBytes { Digest(of: $0) }.bytes)
    }

    @Test("Neither kind nor block changes a byte of the header")
    func silentHeader() {
        for encryption in [Encryption.none, .xchacha20poly1305] {
            let headers = ObjectKind.allCases.flatMap { kind in
                [0, 1, 77].map { block in Array(form(encryption, kind: kind, block: block).seal([1, 2, 3], key: key(encryption)).prefix(32)) }
            }
            #expect(Set(headers).count == 1)
        }
    }

    @Test("The same content sealed twice makes two files, so that no digest confirms a guess", arguments: [Encryption.none, .xchacha20poly1305])
    func salted(encryption: Encryption) {
        let files = (0..<2).map { _ in form(encryption).seal([1, 2, 3], key: key(encryption)) }
        #expect(files[0] != files[1])
        #expect(files[0].prefix(32) == files[1].prefix(32))
        for file in files { #expect(content(form(encryption).open(file, key: key(encryption))) == [1, 2, 3]) }
    }

    @Test("A valid file is nothing in another's place", arguments: [Encryption.none, .xchacha20poly1305])
    func otherPlace(encryption: Encryption) {
        // Long enough that no form takes it for too short.
        let file = form(encryption).seal([UInt8](repeating: 1, count: 40), key: key(encryption))
        for other in [form(encryption, name: Self.otherName), form(encryption == .none ? .xchacha20poly1305 : .none)] {
            #expect(fault(other.open(file, key: key(encryption))) == "is another object than the catalogue names")
        }
        for other in [form(encryption, kind: .correction), form(encryption, block: 4), form(encryption, block: 3 | 1 << 31)] {
            #expect(fault(other.open(file, key: key(encryption))) == notGenuine(encryption))
        }
    }

    @Test("A file of another project is nothing, though its key is known", arguments: [Encryption.none, .xchacha20poly1305])
    func otherProject(encryption: Encryption) {
        let file = form(encryption).seal([1, 2, 3], key: key(encryption))
        for (_, other) in singleBitFlips(of: Self.projectID) {
            #expect(fault(form(encryption, projectID: other).open(file, key: key(encryption))) == notGenuine(encryption))
        }
    }

    @Test("A header rewritten to another name is noticed by what follows it", arguments: [Encryption.none, .xchacha20poly1305])
    func rewrittenHeader(encryption: Encryption) {
        let file = form(encryption).seal([1, 2, 3], key: key(encryption)), other = form(encryption, name: Self.otherName)
        let forged = Array(other.seal([0, 0, 0], key: key(encryption)).prefix(32)) + file.dropFirst(32)
        #expect(fault(other.open(forged, key: key(encryption))) == notGenuine(encryption))
    }

    @Test("Another key opens nothing")
    func otherKey() {
        let file = form().seal([1, 2, 3], key: .counting)
        #expect(fault(form().open(file, key: .another)) == "is not what was sealed with its key")
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
            #expect(reason == (length < file.count - 20 ? "is too short" : notGenuine(encryption)))
        }
        #expect(fault(form(encryption).open(file + [0], key: key(encryption))) == notGenuine(encryption))
    }

    @Test("A file of another format or version is refused")
    func format() {
        let file = form().seal([1], key: .counting)
        #expect(fault(form().open([0] + file.dropFirst(), key: .counting)) == "is not an object file")
        for place in [8, 9] {
            var other = file
            other[place] ^= 3
            #expect(fault(form().open(other, key: .counting)) == "is another object than the catalogue names")
        }
    }
}

@Suite("Entries of objects")
struct ObjectEntryTests {
    private static let entries: [ObjectEntry] = [
        ObjectEntry(kind: .influence, block: 0, bytes: 0, digest: Digest(bytes: [UInt8](repeating: 0, count: 32)), baseIsExact: true),
        ObjectEntry(
            kind: .trainRows, block: Int(UInt32.max), bytes: 1 << 40, digest: Digest(bytes: (0..<32).map { UInt8($0) }), isCondemned: true,
            slots: 1 << 31, live: 1 << 31),
        ObjectEntry(
            kind: .utilities, block: 7, bytes: 12, digest: Digest(bytes: [UInt8](repeating: 255, count: 32)), isCondemned: true, baseIsExact: true,
            tag: (1...32).map { UInt8($0) }),
    ]

    @Test("An entry comes back, and has one length with and without a key", arguments: entries.indices)
    func comesBack(index: Int) {
        let entry = Self.entries[index]
        for key in [nil, SecretKey.counting] {
            let bytes = entry.encoded(key: key)
            #expect(bytes.count == ObjectEntry.length)
            #expect(ObjectEntry(bytes) == entry)
            #expect(Array(bytes.suffix(32)) == key?.exposed ?? [UInt8](repeating: 0, count: 32))
        }
    }

    @Test("An entry is laid out as specified")
    func layout() {
        let entry = ObjectEntry(
            kind: .testRows, block: 0x01020304, bytes: 0x0A0B0C, digest: Digest(bytes: [UInt8](repeating: 9, count: 32)), isCondemned: true, slots: 5,
            live: 4, tag: [UInt8](repeating: 8, count: 32))
        let numbers: [UInt8] = [5, 1, 4, 3, 2, 1, 0x0C, 0x0B, 0x0A, 0, 0, 0, 0, 0]
        let tail: [UInt8] = [5, 0, 0, 0, 4, 0, 0, 0] + [UInt8](repeating: 8, count: 32)
        #expect(entry.encoded(key: .counting) == numbers + [UInt8](repeating: 9, count: 32) + tail + SecretKey.counting.exposed)
    }

    @Test("Bytes that no entry has are none: other lengths, kinds and flags, more live rows than slots, a length beyond all files")
    func refused() {
        let bytes = Self.entries[1].encoded(key: nil)
        for length in [0, 1, bytes.count - 1] { #expect(ObjectEntry(Array(bytes[..<length])) == nil) }
        #expect(ObjectEntry(bytes + [0]) == nil)
        for (place, value) in [(0, 0), (0, 8), (0, 255), (1, 4), (1, 255), (13, 255), (46, 0xFF)] as [(Int, UInt8)] {
            var changed = bytes
            changed[place] = value
            // More slots are no fault; the last pair shows that the change before it is what is refused.
            #expect((ObjectEntry(changed) == nil) == (place != 46), "\(place)")
        }
        var more = bytes
        more[50] = 1
        #expect(ObjectEntry(more) == nil)
    }
}

@Suite("Names of objects")
struct ObjectNameTests {
    @Test("A name is 128 bits in hexadecimal, and no two are the same")
    func random() {
        let names = (0..<1000).map { _ in ObjectName.random() }
        #expect(Set(names).count == 1000)
        for name in names { #expect(name.description.utf8.count == 32 && Hexadecimal.decode(name.description) == name.bytes) }
        // Each of the 128 bits takes both values among them; by chance it would not in one of 2^992 runs.
        for bit in 0..<128 {
            let values: [UInt8] = names.map { $0.bytes[bit / 8] >> UInt8(bit % 8) & 1 }
            #expect(Set(values).count == 2)
        }
    }
}
