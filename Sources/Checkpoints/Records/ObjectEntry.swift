public enum ObjectKind: Int, Sendable, CaseIterable {
    case influence = 1, keyframe = 2, correction = 3, trainRows = 4, testRows = 5, evidence = 6, utilities = 7

    init(_ kind: LatticeRecord.Kind) {
        switch kind {
        case .influence: self = .influence
        case .keyframe: self = .keyframe
        case .correction: self = .correction
        }
    }

    init(_ part: Part) { self = part == .train ? .trainRows : .testRows }

    public var name: String {
        switch self {
        case .influence: "influence"
        case .keyframe: "keyframe"
        case .correction: "correction"
        case .trainRows: "rows"
        case .testRows: "test-rows"
        case .evidence: "evidence"
        case .utilities: "utilities"
        }
    }

    public var isRows: Bool { self == .trainRows || self == .testRows }
    /// Whether it is part of the chain.
    public var isCheckpoint: Bool { self == .influence || self == .keyframe || self == .correction }
}

/// What the catalogue keeps of one object, sealed in one cell of fixed length. The format is specified in
/// Documentation/Formats.md.
package struct ObjectEntry: Equatable {
    var kind: ObjectKind
    /// The block that it belongs to; of evidence the request, of utilities the run.
    var block: Int
    /// Length and digest of the file.
    var bytes: Int
    var digest: Digest
    /// Whether the running or the last transaction will destroy it.
    var isCondemned = false
    /// Of an influence: whether it was trained from a state that training reached without a stitch.
    var baseIsExact = false
    /// Of rows: slots of the block, and how many hold a row.
    var slots = 0
    var live = 0
    /// Of utilities: what tells their table from others; else zeros.
    var tag = [UInt8](repeating: 0, count: tagLength)

    package static let tagLength = 32
    package static let keyLength = SecretKey.length
    static let length = 1 + 1 + 4 + 8 + Digest.length + 4 + 4 + tagLength + keyLength

    private enum Flag {
        static let condemned: UInt8 = 1, baseIsExact: UInt8 = 2
    }

    /// - Parameter key: the object's own key; nil: there is none, or it is destroyed.
    func encoded(key: SecretKey?) -> [UInt8] {
        var writer = ByteWriter(capacity: Self.length)
        writer.append(UInt8(kind.rawValue))
        writer.append((isCondemned ? Flag.condemned : 0) | (baseIsExact ? Flag.baseIsExact : 0))
        writer.append(UInt32(block))
        writer.append(UInt64(bytes))
        writer.append(digest.bytes)
        writer.append(UInt32(slots))
        writer.append(UInt32(live))
        writer.append(tag)
        if let key {
            key.withBytes { writer.append(UnsafeRawBufferPointer(start: $0, count: Self.keyLength)) }
        } else {
            writer.append([UInt8](repeating: 0, count: Self.keyLength))
        }
        return writer.bytes
    }

    /// All but the key.
    package var encodedWithoutKey: [UInt8] { Array(encoded(key: nil).dropLast(Self.keyLength)) }

    /// Nil where the bytes are not what `encoded` makes. The key at their end is left where it is.
    package init?(_ content: [UInt8]) {
        guard content.count == Self.length else { return nil }
        let found: ObjectEntry? = content.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            guard let kind = ObjectKind(rawValue: Int(reader.take(UInt8.self))) else { return nil }
            let flags = reader.take(UInt8.self), block = Int(reader.take(UInt32.self))
            guard flags < 4, let bytes = Int(exactly: reader.take(UInt64.self)) else { return nil }
            let digest = Digest(bytes: Array(reader.take(count: Digest.length)))
            let slots = Int(reader.take(UInt32.self)), live = Int(reader.take(UInt32.self))
            guard live <= slots else { return nil }
            let tag = Array(reader.take(count: Self.tagLength))
            return ObjectEntry(
                kind: kind, block: block, bytes: bytes, digest: digest, isCondemned: flags & Flag.condemned != 0,
                baseIsExact: flags & Flag.baseIsExact != 0, slots: slots, live: live, tag: tag)
        }
        guard let found else { return nil }
        self = found
    }

    package init(
        kind: ObjectKind, block: Int, bytes: Int, digest: Digest, isCondemned: Bool = false, baseIsExact: Bool = false, slots: Int = 0, live: Int = 0,
        tag: [UInt8] = [UInt8](repeating: 0, count: tagLength)
    ) {
        self.kind = kind
        self.block = block
        self.bytes = bytes
        self.digest = digest
        self.isCondemned = isCondemned
        self.baseIsExact = baseIsExact
        self.slots = slots
        self.live = live
        self.tag = tag
    }
}
