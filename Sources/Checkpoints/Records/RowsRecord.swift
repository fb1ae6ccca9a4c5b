import Files

/// Which rows: those that train the model, or those that score it.
public enum Part: UInt8, Sendable, CaseIterable {
    case train = 1
    case test = 2
}

/// The rows of one block as stored: a label for each slot (−1 where it is empty), the encoded features, and the ids.
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
    /// An id for each slot, empty where the slot is.
    public private(set) var ids: [String]

    public init(part: Part, block: Int, featureCount: Int, bytesPerFeature: Int, labels: [Int32], features: [UInt8], ids: [String]) {
        precondition(features.count == labels.count * featureCount * bytesPerFeature && ids.count == labels.count)
        self.part = part
        self.block = block
        self.featureCount = featureCount
        self.bytesPerFeature = bytesPerFeature
        self.labels = labels
        self.features = features
        self.ids = ids
    }

    public var slots: Int { labels.count }
    public var rowBytes: Int { featureCount * bytesPerFeature }

    /// The same block with these slots empty: label and id gone, features zero.
    public func emptying(_ slots: some Sequence<Int>) -> RowsRecord {
        var copy = self
        for slot in slots {
            copy.labels[slot] = Self.emptySlot
            copy.ids[slot] = ""
            for index in slot * rowBytes..<(slot + 1) * rowBytes { copy.features[index] = 0 }
        }
        return copy
    }

    static let magic = Array("UNLROWS\0".utf8)
    static let version: UInt16 = 3
    static let headerLength = 32
    /// The room for ids is a multiple of so many bytes.
    static let idStep = 1024

    public struct Invalid: DescribedError, Equatable {
        public let file: String
        public let fault: String
        public var kind: FailureKind { .damaged }
        public var description: String { "\(file) \(fault); run 'unlearn check' and restore the project from a backup" }
    }

    public func encoded() -> [UInt8] {
        // Padded: of a sum of lengths, that of an id which is gone could be worked out.
        let usedBytes = ids.reduce(0) { $0 + $1.utf8.count }
        let idBytes = (usedBytes + Self.idStep - 1) / Self.idStep * Self.idStep
        var writer = ByteWriter(capacity: Self.headerLength + slots * 8 + features.count + idBytes + Digest.length)
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(part.rawValue)
        writer.append(UInt8(bytesPerFeature))
        writer.append(UInt32(block))
        writer.append(UInt32(slots))
        writer.append(UInt32(featureCount))
        writer.append(UInt64(idBytes))
        for label in labels { writer.append(label) }
        writer.append(features)
        for id in ids { writer.append(UInt32(id.utf8.count)) }
        for id in ids { writer.append(id.utf8) }
        writer.append([UInt8](repeating: 0, count: idBytes - usedBytes))
        return writer.sealed()
    }

    /// Reads the rows of a given block and shape.
    public init(decoding bytes: [UInt8], part: Part, block: Int, slots: Int, featureCount: Int, bytesPerFeature: Int, file: String) throws {
        func expect(_ condition: Bool, _ fault: @autoclosure () -> String) throws {
            guard condition else { throw Invalid(file: file, fault: fault()) }
        }
        let (rowBytes, rowOverflow) = featureCount.multipliedReportingOverflow(by: bytesPerFeature)
        let (content, overflow) = slots.multipliedReportingOverflow(by: rowBytes &+ 8)
        try expect(!rowOverflow && !overflow && slots >= 0 && rowBytes >= 0 && content < 1 << 48, "cannot hold rows of the shape that the catalogue names")
        let lengthWithoutIDs = Self.headerLength + content + Digest.length
        (labels, features, ids) = try bytes.withUnsafeBytes { raw in
            try expect(raw.count >= Self.headerLength + Digest.length && raw.prefix(8).elementsEqual(Self.magic), "is not a file of rows")
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: raw[8..<raw.count - Digest.length]))
            let version = reader.take(UInt16.self)
            try expect(version == Self.version, "has format version \(version), this program reads \(Self.version)")
            try expect(raw.count >= lengthWithoutIDs, "has \(raw.count) bytes instead of at least \(lengthWithoutIDs)")
            let body = UnsafeRawBufferPointer(rebasing: raw[..<(raw.count - Digest.length)])
            try expect(Digest(of: body).bytes.elementsEqual(raw.suffix(Digest.length)), "does not match its digest")
            try expect(reader.take(UInt8.self) == part.rawValue && reader.take(UInt8.self) == bytesPerFeature, "holds rows of another kind")
            try expect(reader.take(UInt32.self) == block, "holds another block")
            try expect(reader.take(UInt32.self) == slots && reader.take(UInt32.self) == featureCount, "holds rows of another shape")
            try expect(reader.take(UInt64.self) == UInt64(raw.count - lengthWithoutIDs), "has lengths that do not add up to the file")
            let labels = (0..<slots).map { _ in reader.take(Int32.self) }
            let features = Array(reader.take(count: slots * rowBytes))
            let lengths = (0..<slots).map { _ in Int(reader.take(UInt32.self)) }
            let padding = reader.remaining - lengths.reduce(0, +)
            try expect((0..<Self.idStep).contains(padding), "has lengths that do not add up to the file")
            let ids = try lengths.map { length in
                let id = String(validating: reader.take(count: length), as: UTF8.self)
                try expect(id != nil, "holds an id that is not UTF-8")
                return id!
            }
            try expect(reader.take(count: padding).allSatisfy { $0 == 0 }, "has other than zeros behind its ids")
            return (labels, features, ids)
        }
        self.part = part
        self.block = block
        self.featureCount = featureCount
        self.bytesPerFeature = bytesPerFeature
    }
}
