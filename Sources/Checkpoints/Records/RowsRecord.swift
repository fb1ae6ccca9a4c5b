import Files

/// Which rows: those that train the model, or those that score it.
public enum Part: UInt8, Sendable, CaseIterable {
    case train = 1
    case test = 2
}

/// The rows of one block as stored: a label for each slot (−1 where it is empty) and the encoded features.
/// The file format is specified in Documentation/Formats.md.
public struct RowsRecord: Sendable, Equatable {
    public static let emptySlot: Int32 = -1

    public let part: Part
    public let block: Int
    public let featureCount: Int
    public let bytesPerFeature: Int
    public private(set) var labels: [Int32]
    /// slots × featureCount × bytesPerFeature; zeros in empty slots.
    public private(set) var features: [UInt8]

    public init(part: Part, block: Int, featureCount: Int, bytesPerFeature: Int, labels: [Int32], features: [UInt8]) {
        precondition(features.count == labels.count * featureCount * bytesPerFeature)
        self.part = part
        self.block = block
        self.featureCount = featureCount
        self.bytesPerFeature = bytesPerFeature
        self.labels = labels
        self.features = features
    }

    public var slots: Int { labels.count }
    public var rowBytes: Int { featureCount * bytesPerFeature }

    /// The same block with these slots empty: label gone, features zero.
    public func emptying(_ slots: some Sequence<Int>) -> RowsRecord {
        var copy = self
        for slot in slots {
            copy.labels[slot] = Self.emptySlot
            for index in slot * rowBytes..<(slot + 1) * rowBytes { copy.features[index] = 0 }
        }
        return copy
    }

    static let magic = Array("UNLROWS\0".utf8)
    static let version: UInt16 = 1
    static let headerLength = 32

    public struct Invalid: DescribedError, Equatable {
        public let file: String
        public let fault: String
        public var kind: FailureKind { .damaged }
        public var description: String { "\(file) \(fault); run 'unlearn check' and restore the project from a backup" }
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: Self.headerLength + slots * 4 + features.count + Digest.length)
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(part.rawValue)
        writer.append(UInt8(bytesPerFeature))
        writer.append(UInt32(block))
        writer.append(UInt32(slots))
        writer.append(UInt32(featureCount))
        writer.append(UInt64(0))
        for label in labels { writer.append(label) }
        writer.append(features)
        return writer.sealed()
    }

    /// Reads the rows of a given block and shape.
    public init(decoding bytes: [UInt8], part: Part, block: Int, slots: Int, featureCount: Int, bytesPerFeature: Int, file: String) throws {
        func expect(_ condition: Bool, _ fault: @autoclosure () -> String) throws {
            guard condition else { throw Invalid(file: file, fault: fault()) }
        }
        let (rowBytes, rowOverflow) = featureCount.multipliedReportingOverflow(by: bytesPerFeature)
        let (content, overflow) = slots.multipliedReportingOverflow(by: rowBytes &+ 4)
        try expect(!rowOverflow && !overflow && slots >= 0 && rowBytes >= 0 && content < 1 << 48, "cannot hold rows of the shape that the catalogue names")
        let length = Self.headerLength + content + Digest.length
        (labels, features) = try bytes.withUnsafeBytes { raw in
            try expect(raw.count >= Self.headerLength + Digest.length && raw.prefix(8).elementsEqual(Self.magic), "is not a file of rows")
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: raw[8..<raw.count - Digest.length]))
            let version = reader.take(UInt16.self)
            try expect(version == Self.version, "has format version \(version), this program reads \(Self.version)")
            try expect(raw.count == length, "has \(raw.count) bytes instead of \(length)")
            let body = UnsafeRawBufferPointer(rebasing: raw[..<(raw.count - Digest.length)])
            try expect(Digest(of: body).bytes.elementsEqual(raw.suffix(Digest.length)), "does not match its digest")
            try expect(reader.take(UInt8.self) == part.rawValue && reader.take(UInt8.self) == bytesPerFeature, "holds rows of another kind")
            try expect(reader.take(UInt32.self) == block, "holds another block")
            try expect(reader.take(UInt32.self) == slots && reader.take(UInt32.self) == featureCount, "holds rows of another shape")
            try expect(reader.take(UInt64.self) == 0, "has an unexpected reserved field")
            let labels = (0..<slots).map { _ in reader.take(Int32.self) }
            return (labels, Array(reader.take(count: reader.remaining)))
        }
        self.part = part
        self.block = block
        self.featureCount = featureCount
        self.bytesPerFeature = bytesPerFeature
    }
}
