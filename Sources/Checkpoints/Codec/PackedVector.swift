import Tensors

/// A vector in memory as records hold it: packed it takes about half the room of a large model's state, and its steps are decoded where they are
/// asked for. Nothing of it touches the disk.
///
/// - Complexity: packing and reading are O(n) each, on all cores, with room for a few chunks beside it.
public struct PackedVector: LatticePieces {
    public let count: Int
    private let bytes: [UInt8]
    /// The place behind each chunk.
    private let ends: [Int]

    public init(_ vector: LatticeVector) throws {
        count = vector.count
        var writer = ByteWriter(capacity: LatticeRecord.likelyBytes(count))
        var end = 0
        ends = try LatticeCodec.encode(.vector(vector), into: &writer).map { length in
            end += Int(length)
            return end
        }
        bytes = writer.bytes
    }

    public func forEachPiece(in range: Range<Int>, _ body: (_ offset: Int, _ steps: UnsafeBufferPointer<Int32>) throws -> Void) throws {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "steps of this vector")
        guard !range.isEmpty else { return }
        let chunk = LatticeCodec.chunkValues, first = range.lowerBound / chunk, last = (range.upperBound - 1) / chunk
        try bytes.withUnsafeBytes { bytes in
            let chunks = (first...last).map { UnsafeRawBufferPointer(rebasing: bytes[($0 == 0 ? 0 : ends[$0 - 1])..<ends[$0]]) }
            let isWhole = try LatticeCodec.decode(chunks[...], count: min((last + 1) * chunk, count) - first * chunk) { offset, steps in
                let start = first * chunk + offset, wanted = range.clamped(to: start..<start + steps.count)
                try body(wanted.lowerBound, UnsafeBufferPointer(rebasing: steps[wanted.lowerBound - start..<wanted.upperBound - start]))
            }
            precondition(isWhole, "what was packed here is unpacked as it was")
        }
    }

    /// The vector as it was.
    public func vector() -> LatticeVector {
        guard let vector = bytes.withUnsafeBytes({ LatticeCodec.decode($0, count: count, lengths: zip(ends, [0] + ends).map { UInt32($0 - $1) }) }) else {
            preconditionFailure("what was packed here is unpacked as it was")
        }
        return vector
    }
}
