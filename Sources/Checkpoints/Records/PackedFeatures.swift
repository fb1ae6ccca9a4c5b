internal import CLZ4

/// Features of a block, packed with LZ4: images take two thirds of the room, tables of categories a fraction of it. Rows are read again in every
/// replay, and unpacking them costs less time than decrypting and hashing the bytes that are saved.
///
/// Lengths tell of what was packed. So that those of two blocks, or of one block before and after a deletion, hardly differ, they are rounded up
/// to sixteenths of what is packed (1024 bytes at least). A block that saves less than that stays as it is.
struct PackedFeatures {
    /// The compressed bytes, then zeros up to a multiple of the step.
    let bytes: [UInt8]
    let used: Int

    /// Fewer bytes are stored as they are.
    private static let fewest = 4096
    /// One byte of an LZ4 block stands for at most so many.
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
        packed.removeLast(packed.count - Self.room(length, of: features.count))
        (bytes, used) = (packed, length)
    }

    /// The room that so many packed bytes take, of so many that they stand for.
    static func room(_ used: Int, of count: Int) -> Int { (used + step(count) - 1) / step(count) * step(count) }

    /// What was packed, nil where the bytes are not those of exactly so many. Nothing is set aside for more than they can stand for.
    static func unpack(_ packed: UnsafeRawBufferPointer, count: Int) -> [UInt8]? {
        guard (fewest...Int(LZ4_MAX_INPUT_SIZE)).contains(count), packed.count <= Int(Int32.max), packed.count > 0, count / mostRatio <= packed.count else { return nil }
        let features = [UInt8](unsafeUninitializedCapacity: count) { target, initialised in
            let length = LZ4_decompress_safe(
                packed.baseAddress?.assumingMemoryBound(to: CChar.self), UnsafeMutableRawPointer(target.baseAddress)?.assumingMemoryBound(to: CChar.self),
                Int32(packed.count), Int32(count))
            initialised = max(0, Int(length))
        }
        return features.count == count ? features : nil
    }
}
