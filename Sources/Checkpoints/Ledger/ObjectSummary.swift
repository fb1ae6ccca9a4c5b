/// Objects that a deletion wrote or destroyed, as one entry of fixed size: how many of each kind, and the root of a hash tree
/// over all of them, so that an entry does not grow with them. The list itself stands beside the ledger.
public struct ObjectSummary: Codable, Sendable, Equatable {
    public let count: Int
    /// Objects of each kind that there are any of.
    public let kinds: [String: Int]
    /// Merkle root (RFC 6962) over the objects in the list's order, hexadecimal.
    public let root: String

    init(_ objects: [ListedObject]) {
        count = objects.count
        kinds = Dictionary(objects.map { ($0.kind.name, 1) }, uniquingKeysWith: +)
        root = Hexadecimal.encode(ListedObject.root(objects).bytes)
    }

    init?(_ value: JSONValue) {
        guard case .integer(let count)? = value["count"], case .object(let kinds)? = value["kinds"], let root = value["root"]?.text, count >= 0 else {
            return nil
        }
        self.count = count
        self.root = root
        var counts: [String: Int] = [:]
        for (name, value) in kinds {
            guard case .integer(let number) = value, number > 0 else { return nil }
            counts[name] = number
        }
        self.kinds = counts
        guard counts.values.reduce(0, { $0 &+ $1 }) == count else { return nil }
    }

    public func count(where isWanted: (ObjectKind) -> Bool) -> Int {
        ObjectKind.allCases.filter(isWanted).reduce(0) { $0 + (kinds[$1.name] ?? 0) }
    }
}

/// One object as lists name it: by what it was called and its file's digest, never by its content.
public struct ListedObject: Sendable, Equatable {
    public let name: ObjectName
    public let kind: ObjectKind
    public let block: Int
    public let digest: Digest

    /// name ‖ kind ‖ block ‖ digest.
    static let length = ObjectName.length + 1 + 4 + Digest.length

    init(_ object: StoredObject) {
        (name, kind, block, digest) = (object.name, object.kind, object.block, object.digest)
    }

    init(_ object: StagedObject) {
        (name, kind, block, digest) = (object.name, object.kind, object.block, object.digest)
    }

    package init(name: ObjectName, kind: ObjectKind, block: Int, digest: Digest) {
        (self.name, self.kind, self.block, self.digest) = (name, kind, block, digest)
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter(capacity: Self.length)
        writer.append(name.bytes)
        writer.append(UInt8(kind.rawValue))
        writer.append(UInt32(block))
        writer.append(digest.bytes)
        return writer.bytes
    }

    /// Nil where the bytes are no list.
    package static func decode(_ bytes: [UInt8]) -> [ListedObject]? {
        guard bytes.count % length == 0 else { return nil }
        return bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw), objects: [ListedObject] = []
            for _ in 0..<bytes.count / length {
                let name = ObjectName(bytes: Array(reader.take(count: ObjectName.length)))
                guard let kind = ObjectKind(rawValue: Int(reader.take(UInt8.self))) else { return nil }
                let block = Int(reader.take(UInt32.self))
                objects.append(ListedObject(name: name, kind: kind, block: block, digest: Digest(bytes: Array(reader.take(count: Digest.length)))))
            }
            return objects
        }
    }

    static func root(_ objects: [ListedObject]) -> SHA256 {
        MerkleTree(leaves: objects.map { MerkleTree.leaf($0.encoded) }).root(size: objects.count)
    }
}
