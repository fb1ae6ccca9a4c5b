import Testing

@testable import Checkpoints

@Suite("Keys and bytes as text")
struct KeyTextTests {
    @Test("Every byte is written as two lower-case digits and read in either case")
    func roundTrip() {
        let bytes = (0...255).map { UInt8($0) }
        let text = Hexadecimal.encode(bytes)
        #expect(text.hasPrefix("000102030405060708090a0b0c0d0e0f10") && text.hasSuffix("fdfeff"))
        #expect(Hexadecimal.decode(text) == bytes)
        #expect(Hexadecimal.decode(text.uppercased()) == bytes)
        #expect(Hexadecimal.decode("aAbBcCdDeEfF") == [0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF])
        #expect(Hexadecimal.encode([UInt8]()) == "" && Hexadecimal.decode("") == [])
    }

    @Test("A character that is no digit is refused, in either place", arguments: 0...127 as ClosedRange<UInt8>)
    func characters(code: UInt8) {
        let character = String(UnicodeScalar(code))
        let isDigit = "0123456789abcdefABCDEF".contains(character)
        // Some control characters fall on a digit, and some signs on a letter, where bit 5 is set to fold the case.
        #expect((Hexadecimal.decode("0" + character) != nil) == isDigit)
        #expect((Hexadecimal.decode(character + "0") != nil) == isDigit)
    }

    @Test(
        "Text that is no pairs of digits is refused",
        arguments: ["ZZ", "0", "abc", "0x00", " 00", "00 ", "00\n", "0 0", "é", "ée", "٠٠", "００", "\u{10}\u{10}", "-1", "+1", "G0", "@@", "``"])
    func rejects(text: String) { #expect(Hexadecimal.decode(text) == nil) }

    // The key of RFC 8032's first test, as openssl writes it.
    private static let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n"
    private static let digits = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

    @Test("A public key is written as openssl writes it, and as its digits")
    func writes() throws {
        let key = try PublicKey(bytes: hex(Self.digits))
        #expect(key.pem == Self.pem)
        #expect(key.description == Self.digits)
    }

    @Test(
        "A public key is read as PEM or digits, whatever its line ends and the spaces around it",
        arguments: [
            pem, digits, pem.replacing("\n", with: "\r\n"), "\n\n" + pem + "\n", digits + "\n", "  " + digits + " \r\n", digits.uppercased(),
            pem.replacing("7TyWQ", with: "7Ty\n  WQ"),
        ])
    func reads(text: String) throws { #expect(PublicKey(text: text)?.bytes == (try hex(Self.digits))) }

    @Test(
        "What is no public key is refused",
        arguments: [
            "", "\n", "key", String(digits.dropLast()), String(digits.dropLast(2)), digits + "00", digits + "\n" + digits, digits.replacing("d", with: "g"),
            pem.replacing("PUBLIC", with: "PRIVATE"), pem.replacing("-----END PUBLIC KEY-----\n", with: ""),
            pem.replacing("-----BEGIN PUBLIC KEY-----\n", with: ""), pem + "more", pem.replacing("MCow", with: "MCox"), pem.replacing("URo=", with: ""),
            pem.replacing("URo=", with: "URoAAA=="), pem.replacing("11qY", with: "!!!!"), "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
            // X25519 in place of Ed25519.
            pem.replacing("K2Vw", with: "K2Vu"),
        ])
    func rejectsKeys(text: String) { #expect(PublicKey(text: text) == nil) }
}
