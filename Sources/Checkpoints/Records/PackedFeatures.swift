internal import CLZ4

/// Features of a block as LZ4 leaves them: images become half as long again smaller, and tables of categories many times; what is read again in
/// every replay is then faster to decrypt and to compare with its digest than it takes to unpack.
///
/// Lengths tell of what was packed. So that those of two blocks, or of one before and after a deletion, hardly differ, they are rounded up to
/// sixteenths of what is packed. A block that saves no sixteenth stays as it is.
struct PackedFeatures {
    /// The compressed bytes, then zeros up to a multiple of the step.
    let bytes: [UInt8]
    let used: Int

    /// Less is not worth a call.
    private static let fewest = 4096
    /// LZ4 stands for at most so many bytes with one, and a few with the last.
    private static let mostRatio = 255

    static func step(_ count: Int) -> Int { max(1024, (count + 15) / 16) }

    /// Nil where it would save nothing, or less than what its length would tell.
    init?(packing features: [UInt8]) {
        guard features.count >= Self.fewest, features.count <= LZ4_MAX_INPUT_SIZE else { return nil }
        let step = Self.step(features.count), most = features.count - step
        // No room for more than what is worth keeping: LZ4 gives up where that does not do.
        var packed = [UInt8](repeating: 0, count: most / step * step)
        let length = packed.withUnsafeMutableBytes { target in
            features.withUnsafeBytes { source in
                Int(LZ4_compress_default(
                    source.baseAddress?.assumingMemoryBound(to: CChar.self), target.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(source.count), Int32(target.count)))
            }
        }
        guard length > 0 else { return nil }
        // Behind its end LZ4 leaves what it tried.
        for index in length..<packed.count { packed[index] = 0 }
        packed.removeLast(packed.count - (length + step - 1) / step * step)
        (bytes, used) = (packed, length)
    }

    /// Whether so few bytes can stand for so many.
    static func canHold(_ count: Int, used: Int) -> Bool { used > 0 && count <= Int(LZ4_MAX_INPUT_SIZE) && count / mostRatio <= used }

    /// What was packed, nil where the bytes are not those of exactly so many.
    static func unpack(_ packed: UnsafeRawBufferPointer, count: Int) -> [UInt8]? {
        guard packed.count <= Int(Int32.max), canHold(count, used: packed.count) else { return nil }
        let features = [UInt8](unsafeUninitializedCapacity: count) { target, initialised in
            let length = LZ4_decompress_safe(
                packed.baseAddress?.assumingMemoryBound(to: CChar.self), UnsafeMutableRawPointer(target.baseAddress)?.assumingMemoryBound(to: CChar.self),
                Int32(packed.count), Int32(count))
            initialised = max(0, Int(length))
        }
        return features.count == count ? features : nil
    }
}
