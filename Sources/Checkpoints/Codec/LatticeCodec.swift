import Glibc
internal import CVectorKernels
internal import CZstd
import Files
import Foundation
import Tensors

/// Compresses lattice vectors: of every value the low bits that are noise as they are, the rest as one byte through zstd's
/// entropy stage.
///
/// Influences are small integers around zero whose magnitude differs from layer to layer. A group of 512 consecutive values
/// has a shift of its own: the bits below it are packed uncompressed, those above (the *symbol*, below 16 on average) are
/// worth compressing. So one entropy-coded byte a value is all the work there is, and the size stays within 2 per cent of the
/// order-0 entropy (`unlearn bench --codec` prints sizes and speeds for the project at hand). The layout is specified in
/// Documentation/Formats.md.
///
/// - Complexity: O(n) either way, on all cores where there is work for them and, to decode, the chunks' lengths are known; in memory for a
///   few chunks a core beside the input and the output.
public struct LatticeCodec {
    static let groupValues = 512
    /// One zstd frame each: its table costs little beside so many, and all that is worked on stays in the cache.
    static let chunkValues = 65_536

    /// Repetitions in noise are chance: the entropy stage is worth having and runs of zeros are, but matches that a larger table
    /// finds cost more than they save, in bits and in time.
    private static let zstdParameters = [(ZSTD_c_compressionLevel, Int32(1)), (ZSTD_c_hashLog, 6), (ZSTD_c_minMatch, 7)]

    /// The most values in one vector: keeps every size below within Int.
    public static let mostValues = 1 << 30

    private static func groups(_ count: Int) -> Int { (count + groupValues - 1) / groupValues }
    /// Bytes that the low bits of one group take for each bit of its shift.
    private static let lowBytesPerBit = groupValues / 8
    /// Room for what a chunk's frame holds: the shifts of its groups, then the symbols, padded to whole groups.
    private static let contentBytes = groups(chunkValues) + chunkValues
    private static let mostLowBytes = groups(chunkValues) * lowBytesPerBit * Int(VK_MOST_SHIFT)

    /// Chunks that one core works on at a time: a few megabytes of steps.
    private static let segmentChunks = 16

    static func chunks(_ count: Int) -> Int { (count + chunkValues - 1) / chunkValues }

    /// Whether vectors of so many values are worked on by several cores, where there are several.
    static func isShared(_ count: Int) -> Bool { chunks(count) > segmentChunks }

    /// The chunks of the vector, one behind the other.
    public static func encode(_ vector: LatticeVector) throws -> [UInt8] {
        var writer = ByteWriter(capacity: LatticeRecord.likelyBytes(vector.count))
        try encode(.vector(vector), into: &writer)
        return writer.bytes
    }

    /// The same of steps that need not exist as a whole, on all cores, behind what is written already.
    /// - Returns: the length of each chunk.
    @discardableResult
    static func encode(_ steps: LatticeSteps, into writer: inout ByteWriter) throws -> [UInt32] {
        let count = steps.count, segment = segmentChunks * chunkValues
        precondition(count > 0 && count <= mostValues)
        let lanes = min((count + segment - 1) / segment, Processor.cores)
        guard lanes > 1 else { return try encode(steps, 0..<count, into: &writer) }
        var lengths: [UInt32] = []
        for start in stride(from: 0, to: count, by: lanes * segment) {
            var pieces = [Result<(bytes: [UInt8], lengths: [UInt32]), any Error>](repeating: .success(([], [])), count: lanes)
            pieces.withUnsafeMutableBufferPointer { pieces in
                // Each lane writes to a place of its own; the steps are only read.
                nonisolated(unsafe) let pieces = pieces
                DispatchQueue.concurrentPerform(iterations: lanes) { lane in
                    let first = start + lane * segment, last = min(first + segment, count)
                    guard first < last else { return }
                    pieces[lane] = Result {
                        var piece = ByteWriter(capacity: LatticeRecord.likelyBytes(last - first))
                        let lengths = try encode(steps, first..<last, into: &piece)
                        return (piece.bytes, lengths)
                    }
                }
            }
            for piece in pieces {
                let piece = try piece.get()
                writer.append(piece.bytes)
                lengths += piece.lengths
            }
        }
        return lengths
    }

    /// - Parameter range: begins with a chunk.
    private static func encode(_ steps: LatticeSteps, _ range: Range<Int>, into writer: inout ByteWriter) throws -> [UInt32] {
        guard let context = ZSTD_createCCtx() else { throw Failure(.failed, "out of memory in zstd") }
        defer { ZSTD_freeCCtx(context) }
        for (parameter, value) in zstdParameters {
            guard ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0 else { throw Failure(.failed, "zstd refuses its parameters") }
        }
        let frameBytes = ZSTD_compressBound(contentBytes)
        var lengths: [UInt32] = []
        try withUnsafeTemporaryAllocation(of: Int32.self, capacity: chunkValues) { room in
            try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: contentBytes + mostLowBytes + frameBytes) { scratch in
                let content = scratch.baseAddress!, low = content + contentBytes, frame = low + mostLowBytes
                for start in stride(from: range.lowerBound, to: range.upperBound, by: chunkValues) {
                    let count = min(chunkValues, range.upperBound - start), groups = groups(count)
                    let lowBytes = try steps.withSteps(start..<start + count, room: room.baseAddress!) { vk_split_steps($0, count, content, content + groups, low) }
                    let length = ZSTD_compress2(context, frame, frameBytes, content, groups + count)
                    guard ZSTD_isError(length) == 0 else { throw Failure(.failed, "zstd cannot compress a checkpoint") }
                    writer.append(UInt32(length))
                    writer.append(UnsafeRawBufferPointer(start: frame, count: length))
                    writer.append(UnsafeRawBufferPointer(start: low, count: lowBytes))
                    lengths.append(UInt32(4 + length + lowBytes))
                }
            }
        }
        return lengths
    }

    /// The vector of `count` values, or nil where the bytes are not chunks of so many, to the last byte.
    /// - Parameter lengths: of each chunk, where they are known: then all cores decode.
    public static func decode(_ bytes: UnsafeRawBufferPointer, count: Int, lengths: [UInt32]? = nil) -> LatticeVector? {
        precondition(count > 0 && count <= mostValues)
        var isWhole = false
        let steps = [Int32](unsafeUninitializedCapacity: count) { steps, initialised in
            if let chunks = lengths.map({ places(of: $0, in: bytes, count: count) }) {
                guard let chunks else { return }
                isWhole = decode(chunks, into: UnsafeMutableBufferPointer(rebasing: steps[..<count]))
            } else {
                guard let context = ZSTD_createDCtx() else { return }
                defer { ZSTD_freeDCtx(context) }
                var reader = ByteReader(bytes)
                let isDecoded = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: contentBytes) { content in
                    stride(from: 0, to: count, by: chunkValues).allSatisfy {
                        decodeChunk(&reader, context, content, into: UnsafeMutableBufferPointer(rebasing: steps[$0..<min(count, $0 + chunkValues)]))
                    }
                }
                isWhole = isDecoded && reader.remaining == 0
            }
            initialised = isWhole ? count : 0
        }
        return isWhole ? LatticeVector(steps) : nil
    }

    /// Visits the steps in order, piece by piece; false where the bytes are not chunks of `count` values, to the last byte.
    /// - Parameter lengths: of each chunk, where they are known: then all cores decode.
    static func decode(
        _ bytes: UnsafeRawBufferPointer, count: Int, lengths: [UInt32]? = nil, _ body: (_ offset: Int, _ steps: UnsafeBufferPointer<Int32>) throws -> Void
    ) throws -> Bool {
        precondition(count > 0 && count <= mostValues)
        if let lengths {
            guard let chunks = places(of: lengths, in: bytes, count: count) else { return false }
            return try decode(chunks, count: count, body)
        }
        guard let context = ZSTD_createDCtx() else { return false }
        defer { ZSTD_freeDCtx(context) }
        var reader = ByteReader(bytes)
        return try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: contentBytes) { content in
            try withUnsafeTemporaryAllocation(of: Int32.self, capacity: chunkValues) { room in
                for start in stride(from: 0, to: count, by: chunkValues) {
                    let chunk = UnsafeMutableBufferPointer(rebasing: room[..<min(chunkValues, count - start)])
                    guard decodeChunk(&reader, context, content, into: chunk) else { return false }
                    try body(start, UnsafeBufferPointer(chunk))
                }
                return reader.remaining == 0
            }
        }
    }

    /// The same of chunks that are known one by one, on all cores.
    /// - Parameter count: of the values in them.
    static func decode(
        _ chunks: ArraySlice<UnsafeRawBufferPointer>, count: Int, _ body: (_ offset: Int, _ steps: UnsafeBufferPointer<Int32>) throws -> Void
    ) throws -> Bool {
        let together = Processor.cores * chunksTogether
        return try withUnsafeTemporaryAllocation(of: Int32.self, capacity: min(together, chunks.count) * chunkValues) { room in
            for first in stride(from: 0, to: chunks.count, by: together) {
                let start = first * chunkValues, piece = UnsafeMutableBufferPointer(rebasing: room[..<min(together * chunkValues, count - start)])
                guard decode(chunks[first..<min(chunks.count, first + together)], into: piece) else { return false }
                try body(start, UnsafeBufferPointer(piece))
            }
            return true
        }
    }

    /// Chunks that each core decodes before their steps are handed on.
    private static let chunksTogether = 4

    /// Where chunks of these lengths lie; nil where they are not as many as `count` values have, or do not fill the bytes.
    private static func places(of lengths: [UInt32], in bytes: UnsafeRawBufferPointer, count: Int) -> ArraySlice<UnsafeRawBufferPointer>? {
        guard lengths.count == chunks(count), lengths.reduce(0, { $0 + Int($1) }) == bytes.count else { return nil }
        var start = 0
        return lengths.map { length in
            defer { start += Int(length) }
            return UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(length)])
        }[...]
    }

    /// Decodes chunks that lie one behind the other in the vector, on all cores; false where one of them is not what it should be.
    private static func decode(_ chunks: ArraySlice<UnsafeRawBufferPointer>, into steps: UnsafeMutableBufferPointer<Int32>) -> Bool {
        let lanes = min(Processor.cores, chunks.count), share = (chunks.count + lanes - 1) / lanes
        var isWhole = [Bool](repeating: false, count: lanes)
        isWhole.withUnsafeMutableBufferPointer { isWhole in
            // Each lane writes to a place of its own; the bytes are only read.
            nonisolated(unsafe) let isWhole = isWhole, chunks = chunks, steps = steps
            DispatchQueue.concurrentPerform(iterations: lanes) { lane in
                guard let context = ZSTD_createDCtx() else { return }
                defer { ZSTD_freeDCtx(context) }
                isWhole[lane] = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: contentBytes) { content in
                    (min(chunks.count, lane * share)..<min(chunks.count, (lane + 1) * share)).allSatisfy { place in
                        var reader = ByteReader(chunks[chunks.startIndex + place])
                        let start = place * chunkValues
                        return decodeChunk(&reader, context, content, into: UnsafeMutableBufferPointer(rebasing: steps[start..<min(steps.count, start + chunkValues)]))
                            && reader.remaining == 0
                    }
                }
            }
        }
        return isWhole.allSatisfy { $0 }
    }

    private static func decodeChunk(
        _ reader: inout ByteReader, _ context: OpaquePointer, _ content: UnsafeMutableBufferPointer<UInt8>,
        into steps: UnsafeMutableBufferPointer<Int32>
    ) -> Bool {
        let groups = groups(steps.count), length = groups + steps.count
        guard reader.remaining >= 4 else { return false }
        let frameLength = Int(reader.take(UInt32.self))
        guard frameLength <= reader.remaining else { return false }
        let frame = reader.take(count: frameLength)
        // One frame of today's format and nothing behind it: zstd would read its ancestors', and skip frames that hold nothing.
        guard frameLength >= 4, UInt32(littleEndian: frame.loadUnaligned(as: UInt32.self)) == ZSTD_MAGICNUMBER,
            ZSTD_findFrameCompressedSize(frame.baseAddress, frameLength) == frameLength,
            ZSTD_decompressDCtx(context, content.baseAddress!, length, frame.baseAddress, frameLength) == length
        else { return false }
        let shifts = content[..<groups]
        guard shifts.allSatisfy({ $0 <= VK_MOST_SHIFT }) else { return false }
        let lowBytes = shifts.reduce(0) { $0 + Int($1) * lowBytesPerBit }
        guard lowBytes <= reader.remaining else { return false }
        let low = reader.take(count: lowBytes)
        content[length..<groups + groups * groupValues].update(repeating: 0)
        let first = content.baseAddress!
        return vk_join_steps(first, first + groups, low.baseAddress, steps.baseAddress!, steps.count) == 0
    }

    /// Order-0 entropy of the step counts, in bits a value: what no coder that treats values alike can go below.
    /// - Complexity: O(n) and a table of the distinct values.
    public static func orderZeroEntropy(_ vector: LatticeVector) -> Double {
        var occurrences: [Int32: Int] = [:]
        for value in vector.steps { occurrences[value, default: 0] += 1 }
        let total = Double(vector.count)
        // Summed in a fixed order, so that the figure is the same in every run.
        return occurrences.values.sorted().reduce(0) { $0 - Double($1) / total * log2(Double($1) / total) }
    }
}
