import Files
import Tensors

/// One stored lattice vector and what it is. The file format is specified in Documentation/Formats.md.
public struct LatticeRecord: Sendable, Equatable {
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// `D_i`, what training on block i added.
        case influence = 1
        /// `M_i`, a whole state.
        case keyframe = 2
        /// What a damped stitch leaves of the gap, right behind block i.
        case correction = 3
    }

    public let kind: Kind
    public let block: Int
    public let latticeBits: Int
    public let vector: LatticeVector

    public init(kind: Kind, block: Int, latticeBits: Int, vector: LatticeVector) {
        self.kind = kind
        self.block = block
        self.latticeBits = latticeBits
        self.vector = vector
    }

    static let magic = Array("UNLRECRD".utf8)
    /// Of vectors that one core works on. Earlier versions of the program wrote no other, and it is read whatever the vector's length.
    static let plainVersion: UInt16 = 2
    /// With the lengths of chunks in front of them, so that several cores find what to decode.
    static let version: UInt16 = 3
    static let headerLength = 32

    /// Each way in which a file can be something else than the record expected.
    public enum Invalid: DescribedError, Equatable {
        case tooShort(file: String)
        case badMagic(file: String)
        case newerVersion(file: String, version: Int)
        case badHeader(file: String, field: String)
        case badDigest(file: String)
        case badSteps(file: String)

        public var kind: FailureKind { .damaged }

        public var description: String {
            let (file, fault) =
                switch self {
                case .tooShort(let file): (file, "is too short for a checkpoint record")
                case .badMagic(let file): (file, "is not a checkpoint record")
                case .newerVersion(let file, let version): (file, "has format version \(version), newer than this program reads")
                case .badHeader(let file, let field): (file, "has an unexpected \(field)")
                case .badDigest(let file): (file, "does not match its digest")
                case .badSteps(let file): (file, "holds values that do not decompress")
                }
            let repair = "run 'unlearn check' and restore the project from a backup"
            if case .newerVersion = self { return "\(file) \(fault); use a newer unlearn; where none has worked here, \(repair)" }
            return "\(file) \(fault); \(repair)"
        }
    }

    public func encoded() throws -> [UInt8] {
        var writer = ByteWriter(capacity: Self.likelyBytes(vector.count))
        try Self.write(kind, block: block, latticeBits: latticeBits, .vector(vector), into: &writer)
        return writer.bytes
    }

    /// Room that is enough for all but wild vectors, most of which is never touched.
    static func likelyBytes(_ count: Int) -> Int { 2 * count + 128 }

    /// Appends a record.
    static func write(_ kind: Kind, block: Int, latticeBits: Int, _ steps: LatticeSteps, into writer: inout ByteWriter) throws {
        let start = writer.count
        writer.append(magic)
        let isIndexed = LatticeCodec.isShared(steps.count)
        writer.append(isIndexed ? version : plainVersion)
        writer.append(kind.rawValue)
        writer.append(UInt8(latticeBits))
        writer.append(UInt32(block))
        writer.append(UInt64(steps.count))
        writer.append(UInt64(0))
        let index = writer.count
        if isIndexed { for _ in 0..<LatticeCodec.chunks(steps.count) { writer.append(UInt32(0)) } }
        let lengths = try LatticeCodec.encode(steps, into: &writer)
        if isIndexed { for (chunk, length) in lengths.enumerated() { writer.replace(length, at: index + 4 * chunk) } }
        writer.appendDigest(from: start)
    }

    /// Reads a record that must be of this kind, block, lattice and length: a valid file in the wrong place is an error.
    public init(decoding bytes: [UInt8], kind: Kind, block: Int, latticeBits: Int, count: Int, file: String) throws {
        self = try bytes.withUnsafeBytes { try LatticeRecord(decoding: $0, kind: kind, block: block, latticeBits: latticeBits, count: count, file: file) }
    }

    init(decoding raw: UnsafeRawBufferPointer, kind: Kind, block: Int, latticeBits: Int, count: Int, file: String) throws {
        let steps = try Self.steps(raw, kind: kind, block: block, latticeBits: latticeBits, count: count, file: file)
        guard let vector = LatticeCodec.decode(steps.bytes, count: count, lengths: steps.lengths) else { throw Invalid.badSteps(file: file) }
        self.init(kind: kind, block: block, latticeBits: latticeBits, vector: vector)
    }

    /// Visits the steps of such a record piece by piece, without making its vector.
    static func forEachPiece(
        of raw: UnsafeRawBufferPointer, kind: Kind, block: Int, latticeBits: Int, count: Int, file: String, _ body: (_ offset: Int, _ steps: UnsafeBufferPointer<Int32>) throws -> Void
    ) throws {
        let steps = try steps(raw, kind: kind, block: block, latticeBits: latticeBits, count: count, file: file)
        guard try LatticeCodec.decode(steps.bytes, count: count, lengths: steps.lengths, body) else { throw Invalid.badSteps(file: file) }
    }

    /// The encoded steps of a record that is what it must be, and the lengths of their chunks where it has them.
    private static func steps(
        _ raw: UnsafeRawBufferPointer, kind: Kind, block: Int, latticeBits: Int, count: Int, file: String
    ) throws -> (bytes: UnsafeRawBufferPointer, lengths: [UInt32]?) {
        guard raw.count >= headerLength + Digest.length else { throw Invalid.tooShort(file: file) }
        guard raw.prefix(8).elementsEqual(magic) else { throw Invalid.badMagic(file: file) }
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: raw[8..<raw.count - Digest.length]))
        let found = reader.take(UInt16.self)
        guard found <= version else { throw Invalid.newerVersion(file: file, version: Int(found)) }
        let body = UnsafeRawBufferPointer(rebasing: raw[..<(raw.count - Digest.length)])
        guard Digest(of: body).bytes.elementsEqual(raw.suffix(Digest.length)) else { throw Invalid.badDigest(file: file) }
        func expect(_ condition: Bool, _ field: String) throws {
            guard condition else { throw Invalid.badHeader(file: file, field: field) }
        }
        try expect(found == plainVersion || found == version && LatticeCodec.isShared(count), "version")
        try expect(reader.take(UInt8.self) == kind.rawValue, "kind")
        try expect(reader.take(UInt8.self) == latticeBits, "number of lattice bits")
        try expect(reader.take(UInt32.self) == block, "block")
        try expect(reader.take(UInt64.self) == count, "number of parameters")
        try expect(reader.take(UInt64.self) == 0, "reserved field")
        guard found == version else { return (reader.take(count: reader.remaining), nil) }
        let chunks = LatticeCodec.chunks(count)
        try expect(reader.remaining >= 4 * chunks, "number of chunks")
        let lengths = (0..<chunks).map { _ in reader.take(UInt32.self) }
        return (reader.take(count: reader.remaining), lengths)
    }
}
