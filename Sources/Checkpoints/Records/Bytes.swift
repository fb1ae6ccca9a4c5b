/// Appends little-endian numbers to a file image.
package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int) { bytes.reserveCapacity(capacity) }

    package mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }
    package mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

    /// Closes the image with the digest of all bytes so far.
    package consuming func sealed() -> [UInt8] {
        let digest = bytes.withUnsafeBytes { Digest(of: $0) }
        return bytes + digest.bytes
    }
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
