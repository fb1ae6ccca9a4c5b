import Tensors
import Testing

@testable import Checkpoints

@Suite("Digests")
struct DigestTests {
    private func digest(_ text: String) -> String { Array(text.utf8).withUnsafeBytes { Digest(of: $0).description } }

    @Test(
        "A digest is BLAKE2b with 256 bits",
        arguments: [
            ("", "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"),
            ("abc", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
        ])
    func knownAnswers(text: String, hexadecimal: String) { #expect(digest(text) == hexadecimal) }

    @Test("No memory at all has the digest of the empty text")
    func nothing() { #expect(Digest(of: UnsafeRawBufferPointer(start: nil, count: 0)).description == digest("")) }

    @Test("The digest of a state is that of its little-endian step counts")
    func vector() {
        let bytes: [UInt8] = [1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0x80]
        #expect(Digest(of: LatticeVector([1, -2, .min])) == bytes.withUnsafeBytes { Digest(of: $0) })
    }

    @Test("States that differ in one step, or in order, have different digests")
    func distinguishes() {
        let digests = [[1, 2, 3], [1, 2, 4], [2, 1, 3], [1, 2], [1, 2, 3, 0], []].map { Digest(of: LatticeVector($0)) }
        #expect(Set(digests).count == digests.count)
    }

    @Test("A digest is written as 64 digits, two for each byte")
    func description() {
        let digest = Digest(bytes: (0..<32).map { UInt8($0 * 8 + 7) })
        #expect(digest.description == "070f171f272f373f474f575f676f777f878f979fa7afb7bfc7cfd7dfe7eff7ff")
    }
}
