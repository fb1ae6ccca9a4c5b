internal import CSodium

/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha, libsodium's `_ietf_` form): nonce, ciphertext and tag in one run of bytes.
/// Nonces are random; at 192 bits they never repeat in practice. Where equal content is to give equal bytes, a nonce is the keyed digest of
/// what it seals: it repeats with it alone, which tells that the two are equal, and no more (as RFC 5297 has it).
extension SecretKey {
    static let nonceLength = 24
    static let tagLength = 16
    /// What sealing adds.
    static let sealOverhead = nonceLength + tagLength

    /// - Parameter context: must be given again to open; binds the content to its place.
    func seal(_ content: UnsafeRawBufferPointer, context: [UInt8]) -> [UInt8] {
        seal(content, context: context, nonce: Sodium.random(Self.nonceLength))
    }

    /// The same, with the same bytes for the same content and context. The key must be used for nothing else.
    func sealRepeatably(_ content: UnsafeRawBufferPointer, context: [UInt8]) -> [UInt8] {
        let length = withUnsafeBytes(of: UInt64(context.count).littleEndian) { Array($0) }
        return seal(content, context: context, nonce: Array(authenticate(length + context + Array(content)).bytes.prefix(Self.nonceLength)))
    }

    private func seal(_ content: UnsafeRawBufferPointer, context: [UInt8], nonce: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: content.count + Self.sealOverhead) { buffer, count in
            count = content.count + Self.sealOverhead
            let source = content.baseAddress?.assumingMemoryBound(to: UInt8.self)
            _ = buffer.initialize(from: nonce)
            let code = withBytes { key in
                crypto_aead_xchacha20poly1305_ietf_encrypt(
                    buffer.baseAddress! + Self.nonceLength, nil, source, UInt64(content.count), context, UInt64(context.count), nil, nonce, key)
            }
            precondition(code == 0, "XChaCha20-Poly1305 refuses its own parameters")
        }
    }

    /// Seals the content at the end of some bytes where it stands; `nonceLength` bytes in front of it are the nonce's.
    func seal(endOf bytes: inout [UInt8], from start: Int, context: [UInt8]) {
        let nonce = Sodium.random(Self.nonceLength), length = bytes.count - start - Self.nonceLength
        precondition(length >= 0, "room for a nonce")
        bytes.append(contentsOf: repeatElement(0, count: Self.tagLength))
        bytes.withUnsafeMutableBufferPointer { buffer in
            let place = buffer.baseAddress! + start
            place.update(from: nonce, count: Self.nonceLength)
            let content = place + Self.nonceLength
            let code = withBytes { crypto_aead_xchacha20poly1305_ietf_encrypt(content, nil, content, UInt64(length), context, UInt64(context.count), nil, nonce, $0) }
            precondition(code == 0, "XChaCha20-Poly1305 refuses its own parameters")
        }
    }

    /// Opens what some bytes end with, where it stands; gives the place of the content, or nil where the key, the context or a bit is another.
    func open(endOf bytes: inout [UInt8], from start: Int, context: [UInt8]) -> Range<Int>? {
        let length = bytes.count - start - Self.sealOverhead
        guard length >= 0 else { return nil }
        let first = start + Self.nonceLength
        let code = bytes.withUnsafeMutableBufferPointer { buffer in
            let place = buffer.baseAddress! + start, content = place + Self.nonceLength
            return withBytes { crypto_aead_xchacha20poly1305_ietf_decrypt(content, nil, nil, content, UInt64(length + Self.tagLength), context, UInt64(context.count), place, $0) }
        }
        return code == 0 ? first..<first + length : nil
    }

    /// The content, or nil where the key, the context or a bit is another.
    func open(_ sealed: UnsafeRawBufferPointer, context: [UInt8]) -> [UInt8]? {
        guard sealed.count >= Self.sealOverhead, let source = sealed.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        let length = sealed.count - Self.sealOverhead
        var isGenuine = false
        // One byte more than the content, so that there is an address to write to where the content is empty.
        let content = [UInt8](unsafeUninitializedCapacity: length + 1) { buffer, count in
            let code = withBytes { key in
                crypto_aead_xchacha20poly1305_ietf_decrypt(
                    buffer.baseAddress!, nil, nil, source + Self.nonceLength, UInt64(sealed.count - Self.nonceLength), context, UInt64(context.count),
                    source, key)
            }
            isGenuine = code == 0
            count = isGenuine ? length : 0
        }
        return isGenuine ? content : nil
    }

    /// This key sealed under another.
    func wrapped(by other: SecretKey, context: [UInt8]) -> [UInt8] {
        withBytes { other.seal(UnsafeRawBufferPointer(start: $0, count: Self.length), context: context) }
    }

    convenience init?(unwrapping wrapped: [UInt8], by other: SecretKey, context: [UInt8]) {
        guard var bytes = wrapped.withUnsafeBytes({ other.open($0, context: context) }), bytes.count == Self.length else { return nil }
        self.init(wiping: &bytes)
    }
}
