import Files

/// The file format is specified in Documentation/Formats.md: version 3 holds features as they are, version 4 packed.
extension RowsRecord {
    static let magic = Array("UNLROWS\0".utf8)
    static let version: UInt16 = 3
    static let packedVersion: UInt16 = 4
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
        let packed = PackedFeatures(packing: features)
        var writer = ByteWriter(capacity: Self.headerLength + 16 + slots * 8 + (packed?.bytes.count ?? features.count) + idBytes + Digest.length)
        writer.append(Self.magic)
        writer.append(packed == nil ? Self.version : Self.packedVersion)
        writer.append(part.rawValue)
        writer.append(UInt8(bytesPerFeature))
        writer.append(UInt32(block))
        writer.append(UInt32(slots))
        writer.append(UInt32(featureCount))
        writer.append(UInt64(idBytes))
        if let packed {
            writer.append(UInt64(packed.bytes.count))
            writer.append(UInt64(packed.used))
        }
        for label in labels { writer.append(label) }
        writer.append(packed?.bytes ?? features)
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
        let notAddingUp = "has lengths that do not add up to the file"
        let decoded: (labels: [Int32], features: [UInt8], ids: [String]) = try bytes.withUnsafeBytes { raw in
            try expect(raw.count >= Self.headerLength + Digest.length && raw.prefix(8).elementsEqual(Self.magic), "is not a file of rows")
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: raw[8..<raw.count - Digest.length]))
            let version = reader.take(UInt16.self)
            try expect([Self.version, Self.packedVersion].contains(version), "has format version \(version), this program reads \(Self.version) and \(Self.packedVersion)")
            let isPacked = version == Self.packedVersion
            let least = Self.headerLength + Digest.length + (isPacked ? 16 + slots * 8 : content)
            try expect(raw.count >= least, "has \(raw.count) bytes instead of at least \(least)")
            let body = UnsafeRawBufferPointer(rebasing: raw[..<(raw.count - Digest.length)])
            try expect(Digest(of: body).bytes.elementsEqual(raw.suffix(Digest.length)), "does not match its digest")
            try expect(reader.take(UInt8.self) == part.rawValue && reader.take(UInt8.self) == bytesPerFeature, "holds rows of another kind")
            try expect(reader.take(UInt32.self) == block, "holds another block")
            try expect(reader.take(UInt32.self) == slots && reader.take(UInt32.self) == featureCount, "holds rows of another shape")
            let idBytes = reader.take(UInt64.self), stored = isPacked ? reader.take(UInt64.self) : 0, used = isPacked ? reader.take(UInt64.self) : 0
            // No sum of these can overflow once each is below what the file has.
            try expect(idBytes <= UInt64(raw.count) && stored <= UInt64(raw.count) && used <= stored, notAddingUp)
            try expect(least + Int(idBytes) + Int(stored) == raw.count, notAddingUp)
            let labels = (0..<slots).map { _ in reader.take(Int32.self) }
            let features: [UInt8]
            if isPacked {
                let room = reader.take(count: Int(stored)), packed = UnsafeRawBufferPointer(rebasing: room[..<Int(used)])
                let unpacked = PackedFeatures.unpack(packed, count: slots * rowBytes)
                try expect(unpacked != nil, "holds features that cannot be unpacked")
                try expect(room[Int(used)...].allSatisfy { $0 == 0 }, "has other than zeros behind its features")
                try expect(stored == UInt64(PackedFeatures.room(Int(used), of: slots * rowBytes)), notAddingUp)
                features = unpacked!
            } else {
                features = Array(reader.take(count: slots * rowBytes))
            }
            let lengths = (0..<slots).map { _ in Int(reader.take(UInt32.self)) }
            let padding = reader.remaining - lengths.reduce(0, +)
            try expect((0..<Self.idStep).contains(padding), notAddingUp)
            let ids = try lengths.map { length in
                let id = String(validating: reader.take(count: length), as: UTF8.self)
                try expect(id != nil, "holds an id that is not UTF-8")
                return id!
            }
            try expect(reader.take(count: padding).allSatisfy { $0 == 0 }, "has other than zeros behind its ids")
            return (labels, features, ids)
        }
        self.init(part: part, block: block, featureCount: featureCount, bytesPerFeature: bytesPerFeature, labels: decoded.labels, features: decoded.features, ids: decoded.ids)
    }
}
