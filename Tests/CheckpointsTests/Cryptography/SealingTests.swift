import TestSupport
import Testing

@testable import Checkpoints

@Suite("Sealing with a secret key")
struct SealingTests {
    private let key = SecretKey.counting
    private let context = Array("context".utf8)

    private func open(_ sealed: [UInt8], by key: SecretKey? = nil, context: [UInt8]? = nil) -> [UInt8]? {
        sealed.withUnsafeBytes { (key ?? self.key).open($0, context: context ?? self.context) }
    }

    private func sealed(_ content: [UInt8]) -> [UInt8] { content.withUnsafeBytes { key.seal($0, context: context) } }

    @Test("What was sealed comes back, whatever its length", arguments: [0, 1, 15, 16, 17, 63, 64, 65, 1000, 100_000])
    func comesBack(length: Int) {
        let content = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let sealed = sealed(content)
        #expect(sealed.count == length + SecretKey.sealOverhead)
        #expect(open(sealed) == content)
        if length >= 15 { #expect(!sealed.contains(content)) }
    }

    @Test("The same content is sealed differently each time")
    func nonces() {
        let all = (0..<100).map { _ in sealed([1, 2, 3]) }
        #expect(Set(all.map { $0.prefix(SecretKey.nonceLength) }).count == 100)
        #expect(Set(all.map { $0.suffix(SecretKey.tagLength) }).count == 100)
    }

    @Test("A flip of any bit of nonce, content or tag is noticed", arguments: [0, 1, 40])
    func flips(length: Int) {
        let unnoticed = singleBitFlips(of: sealed([UInt8](repeating: 5, count: length))).filter { open($0.bytes) != nil }.map(\.bit)
        #expect(unnoticed.isEmpty)
    }

    @Test("Another key opens nothing")
    func otherKey() {
        let sealed = sealed([1, 2, 3])
        #expect(open(sealed, by: .another) == nil)
        for (bit, bytes) in singleBitFlips(of: key.exposed) { #expect(open(sealed, by: SecretKey(bytes: bytes)) == nil, "bit \(bit)") }
    }

    @Test("Another context opens nothing")
    func otherContext() {
        let sealed = sealed([1, 2, 3])
        for (bit, bytes) in singleBitFlips(of: context) { #expect(open(sealed, context: bytes) == nil, "bit \(bit)") }
        for other in [[], context.dropLast(), context + [0]] as [[UInt8]] { #expect(open(sealed, context: other) == nil) }
    }

    @Test("What is cut short anywhere, or has a byte more, opens nothing")
    func truncated() {
        let sealed = sealed([UInt8](repeating: 9, count: 20))
        for length in 0..<sealed.count { #expect(open(Array(sealed[..<length])) == nil, "\(length) bytes") }
        #expect(open(sealed + [0]) == nil)
        #expect(open(Array(sealed.dropFirst())) == nil)
    }

    @Test("A wrapped key is unwrapped by the key and in the context that wrapped it, and by nothing else")
    func wrapping() {
        let inner = SecretKey.another
        let wrapped = inner.wrapped(by: key, context: context)
        #expect(wrapped.count == SecretKey.length + SecretKey.sealOverhead)
        #expect(SecretKey(unwrapping: wrapped, by: key, context: context)?.exposed == inner.exposed)
        #expect(SecretKey(unwrapping: wrapped, by: inner, context: context) == nil)
        #expect(SecretKey(unwrapping: wrapped, by: key, context: []) == nil)
        for (bit, bytes) in singleBitFlips(of: wrapped) { #expect(SecretKey(unwrapping: bytes, by: key, context: context) == nil, "bit \(bit)") }
    }

    @Test("Sealed content of another length than a key's is no key", arguments: [0, 31, 33, 64])
    func noKey(length: Int) {
        let sealed = sealed([UInt8](repeating: 1, count: length))
        #expect(open(sealed) != nil)
        #expect(SecretKey(unwrapping: sealed, by: key, context: context) == nil)
    }
}
