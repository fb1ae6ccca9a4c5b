import Files

/// A table of utilities as the catalogue knows it.
public struct UtilityRun: Sendable {
    let object: StoredObject
    public var run: Int { object.block }
    /// Over all that its values depend on: another chain, other players or another split make another run.
    public var key: SHA256 { SHA256(bytes: object.entry.tag) }
}

extension Store {
    /// All tables of utilities, in the order in which they were begun.
    public func utilityRuns() throws -> [UtilityRun] { index.inUse { $0 == .utilities }.map(UtilityRun.init) }

    public func utilities(of run: UtilityRun) throws -> UtilityRecord {
        let record = try UtilityRecord(decoding: contents(of: run.object), file: description(of: run.object))
        guard record.key == run.key else { throw fault("\(description(of: run.object)) does not hold the utilities that the catalogue names") }
        return record
    }

    /// The table with a key, or nil where there is none.
    public func utilities(_ key: SHA256) throws -> UtilityRecord? { try utilityRuns().first { $0.key == key }.map { try utilities(of: $0) } }
}

extension StoreChange {
    /// Writes a table in the place of the one with its key, which is condemned, or as a new run.
    public func setUtilities(_ record: UtilityRecord) throws {
        let runs = try store.utilityRuns()
        let run = runs.first { $0.key == record.key }?.run ?? 1 + (runs.last?.run ?? 0)
        try register(try store.stage(.utilities, block: run, record.encoded())) { $0.tag = record.key.bytes }
    }

    /// Condemns all tables: they score models that knew the rows which the running transaction deletes.
    public func condemnUtilities() throws {
        for run in try store.utilityRuns() { try condemn(run.object) }
    }
}
