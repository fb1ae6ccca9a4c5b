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
    static let version: UInt16 = 1
    static let headerLength = 32

    /// Each way in which a file can be something else than the record expected.
    public enum Invalid: DescribedError, Equatable {
        case tooShort(file: String)
        case badMagic(file: String)
        case newerVersion(file: String, version: Int)
        case badHeader(file: String, field: String)
        case badLengths(file: String)
        case badDigest(file: String)
        case badPlanes(file: String)

        public var kind: FailureKind { .damaged }

        public var description: String {
            let (file, fault) =
                switch self {
                case .tooShort(let file): (file, "is too short for a checkpoint record")
                case .badMagic(let file): (file, "is not a checkpoint record")
                case .newerVersion(let file, let version): (file, "has format version \(version), newer than this program reads")
                case .badHeader(let file, let field): (file, "has an unexpected \(field)")
                case .badLengths(let file): (file, "has lengths that do not add up to the file")
                case .badDigest(let file): (file, "does not match its digest")
                case .badPlanes(let file): (file, "holds planes that do not decompress")
                }
            return "\(file) \(fault); run 'unlearn check' and restore the project from a backup"
        }
    }

    public func encoded() throws -> [UInt8] {
        let planes = try PlaneCodec.encode(vector)
        let payload = planes.reduce(0) { $0 + $1.bytes.count }
        var writer = ByteWriter(capacity: Self.headerLength + planes.count * 4 + payload + Digest.length)
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(kind.rawValue)
        writer.append(UInt8(latticeBits))
        writer.append(UInt32(block))
        writer.append(UInt64(vector.count))
        writer.append(UInt8(planes.count))
        writer.append([UInt8](repeating: 0, count: 7))
        for plane in planes { writer.append(UInt32(plane.bytes.count)) }
        for plane in planes { writer.append(plane.bytes) }
        return writer.sealed()
    }

    /// Reads a record that must be of this kind, block, lattice and length: a valid file in the wrong place is an error.
    public init(decoding bytes: [UInt8], kind: Kind, block: Int, latticeBits: Int, count: Int, file: String) throws {
        vector = try bytes.withUnsafeBytes { raw in
            guard raw.count >= Self.headerLength + Digest.length else { throw Invalid.tooShort(file: file) }
            guard raw.prefix(8).elementsEqual(Self.magic) else { throw Invalid.badMagic(file: file) }
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: raw[8..<raw.count - Digest.length]))
            let version = reader.take(UInt16.self)
            guard version <= Self.version else { throw Invalid.newerVersion(file: file, version: Int(version)) }
            let body = UnsafeRawBufferPointer(rebasing: raw[..<(raw.count - Digest.length)])
            guard Digest(of: body).bytes.elementsEqual(raw.suffix(Digest.length)) else { throw Invalid.badDigest(file: file) }
            func expect(_ condition: Bool, _ field: String) throws {
                guard condition else { throw Invalid.badHeader(file: file, field: field) }
            }
            try expect(version == Self.version, "version")
            try expect(reader.take(UInt8.self) == kind.rawValue, "kind")
            try expect(reader.take(UInt8.self) == latticeBits, "number of lattice bits")
            try expect(reader.take(UInt32.self) == block, "block")
            try expect(reader.take(UInt64.self) == count, "number of parameters")
            let planeCount = Int(reader.take(UInt8.self))
            try expect(planeCount <= PlaneCodec.planeCount, "number of planes")
            try expect(reader.take(count: 7).allSatisfy { $0 == 0 }, "reserved field")
            guard reader.remaining >= planeCount * 4 else { throw Invalid.badLengths(file: file) }
            let lengths = (0..<planeCount).map { _ in Int(reader.take(UInt32.self)) }
            guard lengths.reduce(0, +) == reader.remaining, lengths.allSatisfy({ $0 <= PlaneCodec.planeBytes(count) }) else {
                throw Invalid.badLengths(file: file)
            }
            let planes = lengths.map { reader.take(count: $0) }
            guard let vector = PlaneCodec.decode(planes, count: count) else { throw Invalid.badPlanes(file: file) }
            return vector
        }
        self.kind = kind
        self.block = block
        self.latticeBits = latticeBits
    }
}
