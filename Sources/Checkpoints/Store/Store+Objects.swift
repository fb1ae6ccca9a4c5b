import Files

/// An object file that is on the device but that the catalogue does not name yet.
public struct StagedObject: Sendable {
    public let number: Int
    public let bytes: Int
    let file: String
    public let kind: ObjectKind
    public let block: Int
    let digest: Digest
}

public enum ObjectKind: Int, Sendable {
    case influence = 1, keyframe = 2, correction = 3, trainRows = 4, testRows = 5

    init(_ kind: LatticeRecord.Kind) {
        switch kind {
        case .influence: self = .influence
        case .keyframe: self = .keyframe
        case .correction: self = .correction
        }
    }

    init(_ part: Part) { self = part == .train ? .trainRows : .testRows }

    var name: String {
        switch self {
        case .influence: "influence"
        case .keyframe: "keyframe"
        case .correction: "correction"
        case .trainRows: "rows"
        case .testRows: "test-rows"
        }
    }

    public var isRows: Bool { self == .trainRows || self == .testRows }
}

/// An object that the catalogue names.
public struct StoredObject: Sendable {
    public let number: Int
    public let file: String
    public let kind: ObjectKind
    public let block: Int
    public let bytes: Int
    public let digest: Digest
}

extension Store {
    /// Writes an object's file. Nothing refers to it until a transaction registers it.
    public func stage(_ kind: ObjectKind, block: Int, _ bytes: [UInt8]) throws -> StagedObject {
        let number = takeNumber()
        let digits = String(number)
        let file = String(repeating: "0", count: max(0, 7 - digits.count)) + digits + "-\(kind.name)-\(block)"
        try bytes.withUnsafeBytes { try FileSystem.publish($0, at: objectsFolder + "/" + file) }
        return StagedObject(
            number: number, bytes: bytes.count, file: file, kind: kind, block: block, digest: bytes.withUnsafeBytes { Digest(of: $0) })
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
        guard named == [0] else { return }
        try FileSystem.remove(objectsFolder + "/" + object.file)
    }

    func register(_ object: StagedObject) throws {
        try database.run(
            "INSERT INTO objects (number, file, kind, block, bytes, digest) VALUES (?, ?, ?, ?, ?, ?)", .integer(object.number),
            .text(object.file), .integer(object.kind.rawValue), .integer(object.block), .integer(object.bytes), .blob(object.digest.bytes))
    }

    func condemn(_ number: Int) throws { try database.run("UPDATE objects SET condemned = 1 WHERE number = ?", .integer(number)) }

    /// Objects whose files the running transaction will remove.
    public func condemnedObjects() throws -> [StoredObject] {
        try database.rows("SELECT number, file, kind, block, bytes, digest FROM objects WHERE condemned = 1") { try Self.object($0) }
    }

    /// Removes the files of condemned objects, then their entries.
    func sweep() throws {
        let condemned = try database.rows("SELECT number, file FROM objects WHERE condemned = 1") { ($0.integer(0), $0.text(1)) }
        guard !condemned.isEmpty else { return }
        for (_, file) in condemned { try FileSystem.remove(objectsFolder + "/" + file) }
        try FileSystem.synchroniseFolder(objectsFolder)
        try database.transaction {
            for (number, _) in condemned { try database.run("DELETE FROM objects WHERE number = ?", .integer(number)) }
        }
    }

    /// All objects in use, in the order in which they were written.
    public func objects() throws -> [StoredObject] {
        try database.rows("SELECT number, file, kind, block, bytes, digest FROM objects WHERE condemned = 0 ORDER BY number") {
            try Self.object($0)
        }
    }

    func object(_ number: Int) throws -> StoredObject {
        let found = try database.rows(
            "SELECT number, file, kind, block, bytes, digest FROM objects WHERE number = ?", .integer(number)) { try Self.object($0) }
        guard let object = found.first else { throw fault("the catalogue names an object \(number) that it does not list") }
        return object
    }

    private static func object(_ row: SQLRow) throws -> StoredObject {
        let digest = row.blob(5)
        guard let kind = ObjectKind(rawValue: row.integer(2)), digest.count == Digest.length else {
            throw Failure(.damaged, "the catalogue's entry of object \(row.integer(0)) is not readable; run 'unlearn check'")
        }
        return StoredObject(
            number: row.integer(0), file: row.text(1), kind: kind, block: row.integer(3), bytes: row.integer(4),
            digest: Digest(bytes: digest))
    }

    /// The bytes of an object, which must be those that were written.
    public func contents(of object: StoredObject) throws -> [UInt8] {
        let path = path(of: object)
        guard FileSystem.exists(path) else { throw fault("\(path) is missing") }
        guard FileSystem.isRegularFile(path) else { throw fault("\(path) is no regular file") }
        let bytes = try FileSystem.read(path)
        guard bytes.count == object.bytes, bytes.withUnsafeBytes({ Digest(of: $0) }) == object.digest else {
            throw fault("\(path) is not what was written there")
        }
        return bytes
    }

    public func path(of object: StoredObject) -> String { objectsFolder + "/" + object.file }

    /// Bytes of all lattice records, and of all blocks of rows.
    public func storedBytes() throws -> (records: Int, rows: Int) {
        let objects = try objects()
        return (
            objects.filter { !$0.kind.isRows }.reduce(0) { $0 + $1.bytes },
            objects.filter { $0.kind.isRows }.reduce(0) { $0 + $1.bytes }
        )
    }

    /// Files of condemned objects that are still there.
    public func unerasedFiles() throws -> [String] {
        try condemnedObjects().map(\.file).filter { FileSystem.exists(objectsFolder + "/" + $0) }
    }

    /// Files in the objects folder that the catalogue does not name.
    public func strayFiles() throws -> [String] {
        let known = Set(try database.rows("SELECT file FROM objects") { $0.text(0) })
        return try FileSystem.names(in: objectsFolder).filter { !known.contains($0) }
    }
}
