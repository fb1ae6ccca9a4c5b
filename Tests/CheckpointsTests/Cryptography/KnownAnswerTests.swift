import TestSupport
import Testing

@testable import Checkpoints

/// Bytes from hexadecimal digits that the test itself wrote.
func hex(_ digits: String) throws -> [UInt8] { try #require(Hexadecimal.decode(digits)) }

extension SecretKey {
    convenience init(bytes: [UInt8]) {
        var copy = bytes
        self.init(wiping: &copy)
    }

    /// Keys are secret everywhere else.
    var exposed: [UInt8] { withBytes { Array(UnsafeBufferPointer(start: $0, count: Self.length)) } }

    /// 00 01 02 … 1F.
    static var counting: SecretKey { SecretKey(bytes: (0..<32).map { UInt8($0) }) }

    /// 20 21 22 … 3F, and no other's.
    static var another: SecretKey { SecretKey(bytes: (32..<64).map { UInt8($0) }) }
}

/// libsodium does the work; these vectors show that it is called rightly.
@Suite("Cryptography against published answers")
struct KnownAnswerTests {
    // Python's hashlib.blake2b(message, key=bytes(range(32)), digest_size=32), the reference implementation of RFC 7693.
    @Test(
        "A keyed digest is BLAKE2b with a key of 256 bits and as many of output",
        arguments: [
            ([], "4e51e7a913fc80137da52880fecca175bf81e117d5c68126dc2774033517ea0d"),
            ([0], "41ff93a4eaeebd3b78a93438a6f62a92ab5959c859e682b72c7def406197ca4d"),
            ((0..<255).map { UInt8($0) }, "f60f5c4a575c43db6c93608515866ea998e04b35792f5a92b27aa5880cd6721e"),
            (Array("abc".utf8), "d63a32d3e44738d7907f964316c241adaba0abfeabc32349677578a15a203f7f"),
        ] as [([UInt8], String)])
    func keyedBLAKE2b(message: [UInt8], digest: String) { #expect(SecretKey.counting.authenticate(message).description == digest) }

    // Python's hashlib.blake2b(key=…, salt=<number>, person=b"unlearn1", digest_size=32): what libsodium documents of its KDF.
    @Test(
        "A derived key is BLAKE2b of nothing, with the purpose as salt",
        arguments: [
            (.keyring, "b3901847d9f68c86b4cc4497c33afd742f8614b41d354aa1c333a16848a8b003"),
            (.rowIDs, "ecc65358134969d966b1ccba169f91aa6bfdae289d0799e799c4010053ad07e0"),
            (.catalogue, "42148e30a738c6e91af56d515ae78c78c37bea6cbe9dea71ae99f8071be171fb"),
            (.signing, "081013e3a19e47e2b77eeaeee0d2a6c41f473cff3fad326b9ead7892c8646e15"),
        ] as [(SecretKey.Purpose, String)])
    func derivation(purpose: SecretKey.Purpose, key: String) throws {
        #expect(try SecretKey.counting.derived(purpose).exposed == hex(key))
    }

    // FIPS 180-4's examples, and the digest of nothing.
    @Test(
        "SHA-256 gives the digests of its standard",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        ])
    func sha256(text: String, digest: String) throws { #expect(try SHA256(of: Array(text.utf8)).bytes == hex(digest)) }

    // draft-irtf-cfrg-xchacha-03, A.3.1.
    @Test("What the draft of XChaCha20-Poly1305 sealed is opened, with its context alone")
    func xchacha() throws {
        let key = try SecretKey(bytes: hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"))
        let nonce = try hex("404142434445464748494a4b4c4d4e4f5051525354555657")
        let context = try hex("50515253c0c1c2c3c4c5c6c7")
        let ciphertext = try hex(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
                + "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e")
        let tag = try hex("c0875924c1c7987947deafd8780acf49")
        let sealed = nonce + ciphertext + tag
        let text = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
        #expect(sealed.withUnsafeBytes { key.open($0, context: context) } == Array(text.utf8))
        #expect(sealed.withUnsafeBytes { key.open($0, context: []) } == nil)
    }

    // RFC 8032, section 7.1, tests 1 to 3.
    @Test(
        "Ed25519 gives the public keys and signatures of RFC 8032",
        arguments: [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
            ),
        ])
    func ed25519(seed: String, publicKey: String, message: String, signature: String) throws {
        let key = SigningKey(seed: try SecretKey(bytes: hex(seed))), message = try hex(message), signature = try hex(signature)
        #expect(key.publicKey.description == publicKey)
        #expect(key.sign(message) == signature)
        #expect(key.publicKey.verify(signature, of: message))
        #expect(!key.publicKey.verify(signature, of: message + [0]))
    }

    @Test("A signature with any bit changed, cut short or made longer is none, and no other key's")
    func badSignatures() {
        let key = SigningKey(seed: .counting), message = Array("message".utf8), signature = key.sign(message)
        for (bit, flipped) in singleBitFlips(of: signature) { #expect(!key.publicKey.verify(flipped, of: message), "bit \(bit)") }
        for (bit, flipped) in singleBitFlips(of: message) { #expect(!key.publicKey.verify(signature, of: flipped), "bit \(bit)") }
        for length in [0, 1, 63] { #expect(!key.publicKey.verify(Array(signature[..<length]), of: message)) }
        #expect(!key.publicKey.verify(signature + [0], of: message))
        #expect(!SigningKey(seed: .another).publicKey.verify(signature, of: message))
    }

    @Test("Random keys and random bytes never repeat, and a key's bytes are wiped where it is taken from")
    func secrets() {
        #expect(Set((0..<100).map { _ in SecretKey.random().exposed }).count == 100)
        #expect(Set((0..<100).map { _ in Sodium.random(24) }).count == 100)
        var bytes = [UInt8](repeating: 7, count: 32)
        let key = SecretKey(wiping: &bytes)
        #expect(bytes == [UInt8](repeating: 0, count: 32))
        #expect(key.exposed == [UInt8](repeating: 7, count: 32))
    }
}
