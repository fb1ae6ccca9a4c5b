/// Appends little-endian numbers to a file image.
package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int) { bytes.reserveCapacity(capacity) }

    package mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }
    package mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

    package var count: Int { bytes.count }

    /// Writes a number over bytes that are there.
    package mutating func replace<Number: FixedWidthInteger>(_ number: Number, at place: Int) {
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: number.littleEndian, toByteOffset: place, as: Number.self) }
    }

    /// Appends the digest of all bytes from a place on.
    package mutating func appendDigest(from start: Int = 0) {
        let digest = bytes.withUnsafeBytes { Digest(of: UnsafeRawBufferPointer(rebasing: $0[start...])) }
        append(digest.bytes)
    }

    /// Closes the image with the digest of all bytes so far.
    package consuming func sealed() -> [UInt8] {
        appendDigest()
        return bytes
    }

    /// Changes the image where it stands.
    mutating func change<Result>(_ body: (inout [UInt8]) throws -> Result) rethrows -> Result { try body(&bytes) }
}

/// Takes little-endian numbers from a file image whose length was checked before.
package struct ByteReader {
    package let bytes: UnsafeRawBufferPointer
    package private(set) var position = 0

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package var remaining: Int { bytes.count - position }

    package mutating func take<Number: FixedWidthInteger>(_: Number.Type) -> Number {
        defer { position += MemoryLayout<Number>.size }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
    }

    package mutating func take(count: Int) -> UnsafeRawBufferPointer {
        precondition(count >= 0 && count <= remaining)
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }
}
