import Files

/// What follows a change, and what a crash leaves of one.
extension Store {
    /// Clears what earlier commands left: files that the catalogue does not name, condemned objects, requests that were begun
    /// and not published.
    func clearRemains() throws {
        let known = Set(
            try database.rows("SELECT number, kind, block FROM objects") { Self.fileName($0.integer(0), ObjectKind(rawValue: $0.integer(1)), $0.integer(2)) })
        // An older catalogue put back names what is gone and does not name what is there: then nothing may be removed.
        for object in try objects() where try FileSystem.length(path(of: object)) != object.bytes {
            throw Failure(
                .damaged, "\(path(of: object)) is missing or has not the length that was written; nothing was changed: "
                    + "run 'unlearn check' and restore the project from a backup")
        }
        var removed = false
        for name in try FileSystem.names(in: objectsFolder) where !known.contains(name) {
            try FileSystem.removeTree(objectsFolder + "/" + name)
            removed = true
        }
        if removed { try FileSystem.synchroniseFolder(objectsFolder) }
        nextNumber = 1 + (try database.rows("SELECT max(number) FROM objects") { $0.integer(0) }.first ?? 0)
        try destroyCondemned()
        try undoUnpublishedRequests()
        // Also what a log kept that could not be emptied when it should have been.
        if try FileSystem.length(Self.cataloguePath(folder) + "-wal") ?? 0 > 0 { try database.truncateLog() }
    }

    /// Removes the files of condemned objects, destroys their keys, and closes the requests that condemned them, in this
    /// order: when the ledger says that something is destroyed, no file and no log holds it any more.
    func destroyCondemned() throws {
        let condemned = try condemnedObjects(), published = try requestNumbers(in: .published)
        guard !condemned.isEmpty || !published.isEmpty else { return }
        for object in condemned { try FileSystem.remove(path(of: object)) }
        do {
            try FileSystem.synchroniseFolder(objectsFolder)
        } catch {
            uncertainty = error
            throw error
        }
        keyring = try commit {
            for object in condemned { try database.run("UPDATE objects SET key = x'' WHERE number = ?", .integer(object.number)) }
            return try renewKeyring()
        }
        try database.truncateLog()
        try commit {
            for object in condemned { try database.run("DELETE FROM objects WHERE number = ?", .integer(object.number)) }
            for number in published { try closeRequest(number, destroyed: condemned) }
        }
        try database.truncateLog()
    }

    /// Rebuilds the catalogue without free pages and empties its log.
    public func compact() throws {
        if let uncertainty { throw uncertainty }
        try database.vacuum()
        try database.truncateLog()
    }

    /// Has SQLite verify the catalogue's pages, indices and references, and that only this program wrote it.
    /// - Complexity: O(catalogue).
    public func checkCatalogue() throws {
        let faults =
            try database.rows("PRAGMA integrity_check") { $0.text(0) }.filter { $0 != "ok" }
            + database.rows("PRAGMA foreign_key_check") { "table \($0.text(0)) refers to an object that is not there" }
        guard faults.isEmpty else {
            throw Failure(.damaged, "the catalogue is damaged: \(faults.prefix(3).joined(separator: "; ")); restore the project from a backup")
        }
        try verifyManifest()
        try verifyRows()
    }
}
