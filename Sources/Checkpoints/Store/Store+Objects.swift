import Files

/// An object file that is on the device but that the catalogue does not name yet.
public struct StagedObject {
    public let number: Int
    public let bytes: Int
    public let kind: ObjectKind
    public let block: Int
    public let digest: Digest
    /// The object's own key; nil where nothing is encrypted.
    let key: SecretKey?
}

public enum ObjectKind: Int, Sendable {
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

/// An object that the catalogue names.
public struct StoredObject: Sendable {
    public let number: Int
    public let kind: ObjectKind
    public let block: Int
    /// Length and digest of the file.
    public let bytes: Int
    public let digest: Digest
    /// The object's own key, as the catalogue keeps it.
    let wrappedKey: [UInt8]
    public var file: String { Store.fileName(number, kind, block) }
}

extension Store {
    /// NNNNNNN-kind-block.
    static func fileName(_ number: Int, _ kind: ObjectKind?, _ block: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 7 - digits.count)) + digits + "-\(kind?.name ?? "unknown")-\(block)"
    }

    private func form(_ kind: ObjectKind, _ block: Int, _ number: Int) -> SealedObject {
        SealedObject(encryption: keys.encryption, kind: kind, block: block, number: number, projectID: keys.projectID)
    }

    /// Writes an object's file under a new key. Nothing refers to it until a transaction registers it.
    public func stage(_ kind: ObjectKind, block: Int, _ content: [UInt8]) throws -> StagedObject {
        let number = takeNumber()
        let key = keys.encryption == .none ? nil : SecretKey.random()
        let bytes = form(kind, block, number).seal(content, key: key)
        try writeObject(bytes, name: Self.fileName(number, kind, block))
        return StagedObject(number: number, bytes: bytes.count, kind: kind, block: block, digest: bytes.withUnsafeBytes { Digest(of: $0) }, key: key)
    }

    public func stage(_ record: LatticeRecord) throws -> StagedObject {
        try stage(ObjectKind(record.kind), block: record.block, record.encoded())
    }

    public func stage(_ rows: RowsRecord) throws -> StagedObject {
        try stage(ObjectKind(rows.part), block: rows.block, rows.encoded())
    }

    /// Removes a staged file that no transaction has registered. One that the catalogue names stays: a caller that
    /// clears up after an error cannot know whether the commit came before it.
    public func discard(_ object: StagedObject) throws {
        let named = try database.rows("SELECT count(*) FROM objects WHERE number = ?", .integer(object.number)) { $0.integer(0) }
        guard named == [0], !isUncertain else { return }
        try FileSystem.remove(objectsFolder + "/" + Self.fileName(object.number, object.kind, object.block))
    }

    func register(_ object: StagedObject) throws {
        try database.run(
            "INSERT INTO objects (number, kind, block, bytes, digest, key) VALUES (?, ?, ?, ?, ?, ?)", .integer(object.number),
            .integer(object.kind.rawValue), .integer(object.block), .integer(object.bytes), .blob(object.digest.bytes),
            .blob(wrap(object.key, ofObject: object.number)))
    }

    func condemn(_ number: Int) throws { try database.run("UPDATE objects SET condemned = 1 WHERE number = ?", .integer(number)) }

    /// Objects that the running transaction will destroy.
    public func condemnedObjects() throws -> [StoredObject] { try objects(where: "condemned = 1 ORDER BY number") }

    /// All objects in use, in the order in which they were written.
    public func objects() throws -> [StoredObject] { try objects(where: "condemned = 0 ORDER BY number") }

    func object(_ number: Int) throws -> StoredObject {
        guard let object = try objects(where: "number = ?", .integer(number)).first else {
            throw fault("the catalogue names an object \(number) that it does not list")
        }
        return object
    }

    private func objects(where condition: String, _ values: SQLValue...) throws -> [StoredObject] {
        var objects: [StoredObject] = []
        try database.prepare("SELECT number, kind, block, bytes, digest, key FROM objects WHERE \(condition)").forEach(values) { row in
            let digest = row.blob(4)
            guard let kind = ObjectKind(rawValue: row.integer(1)), digest.count == Digest.length, row.integer(0) >= 0,
                UInt32(exactly: row.integer(2)) != nil
            else { throw Failure(.damaged, "the catalogue's entry of object \(row.integer(0)) is not readable; run 'unlearn check'") }
            objects.append(
                StoredObject(
                    number: row.integer(0), kind: kind, block: row.integer(2), bytes: row.integer(3), digest: Digest(bytes: digest),
                    wrappedKey: row.blob(5)))
        }
        return objects
    }

    /// The content of an object, which must be what was sealed there.
    public func contents(of object: StoredObject) throws -> [UInt8] { try open(object, try file(of: object)) }

    /// Verifies an object's file against the digest that the catalogue keeps of it, and its seal.
    public func verify(_ object: StoredObject) throws {
        let file = try file(of: object)
        try expectDigest(of: file, object)
        _ = try open(object, file)
    }

    private func file(of object: StoredObject) throws -> [UInt8] {
        let path = path(of: object)
        guard FileSystem.exists(path) else { throw fault("\(path) is missing") }
        guard FileSystem.isRegularFile(path) else { throw fault("\(path) is no regular file") }
        guard try FileSystem.length(path) == object.bytes else { throw fault("\(path) has not the length that was written") }
        do {
            return try FileSystem.read(path)
        } catch where !FileSystem.exists(path) {
            // Destroyed between the checks and the reading.
            throw fault("\(path) is missing")
        }
    }

    private func expectDigest(of file: [UInt8], _ object: StoredObject) throws {
        guard file.withUnsafeBytes({ Digest(of: $0) }) == object.digest else {
            throw fault("\(path(of: object)) is not what was written there: its digest is another")
        }
    }

    private func open(_ object: StoredObject, _ file: [UInt8]) throws -> [UInt8] {
        // A seal cannot be made without the object's key; a digest in the file itself, by anybody.
        if keys.encryption == .none { try expectDigest(of: file, object) }
        let key = try unwrap(object.wrappedKey, ofObject: object.number, by: keyring)
        switch form(object.kind, object.block, object.number).open(file, key: key) {
        case .success(let content): return content
        case .failure(let reason): throw fault("\(path(of: object)) \(reason.text)")
        }
    }

    public func path(of object: StoredObject) -> String { objectsFolder + "/" + object.file }

    /// Bytes of all lattice records, and of all blocks of rows.
    public func storedBytes() throws -> (records: Int, rows: Int) {
        let objects = try objects()
        return (
            objects.filter(\.kind.isCheckpoint).reduce(0) { $0 + $1.bytes },
            objects.filter(\.kind.isRows).reduce(0) { $0 + $1.bytes }
        )
    }

    /// Files of condemned objects that are still there.
    public func unerasedFiles() throws -> [String] {
        try condemnedObjects().map(\.file).filter { FileSystem.exists(objectsFolder + "/" + $0) }
    }

    /// Files in the objects folder that the catalogue does not name.
    public func strayFiles() throws -> [String] {
        let known = Set(try objects().map(\.file) + condemnedObjects().map(\.file))
        return try FileSystem.names(in: objectsFolder).filter { !known.contains($0) }
    }
}
