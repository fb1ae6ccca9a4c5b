import Files

/// A table of utilities as the catalogue knows it.
public struct UtilityRun: Sendable {
    public let run: Int
    /// Over all that its values depend on: another chain, other players or another split make another run.
    public let key: SHA256
    let object: Int
}

extension Store {
    /// All tables of utilities, in the order in which they were begun.
    public func utilityRuns() throws -> [UtilityRun] {
        try database.rows("SELECT run, key, object FROM utilities ORDER BY run") {
            let key = $0.blob(1)
            guard key.count == SHA256.length else { throw fault("the catalogue's entry of utilities \($0.integer(0)) is not readable") }
            return UtilityRun(run: $0.integer(0), key: SHA256(bytes: key), object: $0.integer(2))
        }
    }

    public func utilities(of run: UtilityRun) throws -> UtilityRecord {
        let object = try object(run.object)
        let record = try UtilityRecord(decoding: contents(of: object), file: path(of: object))
        guard object.kind == .utilities, object.block == run.run, record.key == run.key else {
            throw fault("\(path(of: object)) does not hold the utilities that the catalogue names")
        }
        return record
    }

    /// The table with a key, or nil where there is none.
    public func utilities(_ key: SHA256) throws -> UtilityRecord? { try utilityRuns().first { $0.key == key }.map { try utilities(of: $0) } }

    // MARK: - Changes, inside a transaction

    /// Writes a table in the place of the one with its key, which is condemned, or as a new run.
    public func setUtilities(_ record: UtilityRecord) throws {
        let runs = try utilityRuns(), old = runs.first { $0.key == record.key }
        let run = old?.run ?? 1 + (runs.last?.run ?? 0)
        let object = try stage(.utilities, block: run, record.encoded())
        try register(object)
        try database.run("INSERT OR REPLACE INTO utilities VALUES (?, ?, ?)", .integer(run), .blob(record.key.bytes), .integer(object.number))
        if let old { try condemn(old.object) }
    }

    /// Condemns all tables: they score models that knew the rows which the running transaction deletes.
    public func condemnUtilities() throws {
        for run in try utilityRuns() { try condemn(run.object) }
        try database.run("DELETE FROM utilities")
    }
}
