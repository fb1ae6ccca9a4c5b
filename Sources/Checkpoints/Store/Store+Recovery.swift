import Files

/// What follows a change, and what a crash leaves of one.
extension Store {
    /// Clears what earlier commands left: files that the catalogue does not name, condemned objects, requests that were begun
    /// and not published.
    func clearRemains() throws {
        // An older catalogue put back names what is gone and does not name what is there: then nothing may be removed.
        for object in try objects() {
            let length = try? objectsFolder.length(object.file)
            guard length == object.bytes else {
                throw Failure(
                    .damaged, "\(description(of: object)) is missing or has not the length that was written; nothing was changed: "
                        + "run 'unlearn check' and restore the project from a backup")
            }
        }
        try destroyStrayFiles()
        finishedOnOpening = try requestNumbers(in: .published)
        try destroyCondemned()
        try updateWitness()
        undoneOnOpening = try requestNumbers(in: .planned)
        try undoUnpublishedRequests()
        // Also what a log kept that could not be emptied when it should have been.
        if try projectFolder.length(Self.catalogueName + "-wal") ?? 0 > 0 { try emptyLog() }
    }

    /// Destroys files that the catalogue does not name. Where one is a copy of what a deletion had destroyed, the ledger says so.
    private func destroyStrayFiles() throws {
        let found = try findStrayFiles(), strays = found.map(\.file)
        guard !strays.isEmpty else { return }
        try expectLockInPlace()
        // What is no object of ours may be a second name of somebody's file: it goes, and the file stays what it is.
        let files = found.filter { !objectsFolder.isFolder($0.file.name) }
        try objectsFolder.destroy(files.filter(\.isCopy).map(\.file.name))
        try objectsFolder.destroy(files.filter { !$0.isCopy }.map(\.file.name), sparingLinked: true)
        // Files together, folders one by one.
        for stray in strays { try objectsFolder.destroyTree(stray.name) }
        try objectsFolder.synchronise()
        let returned = strays.filter { $0.destroyedBy != nil }
        guard !returned.isEmpty else { return }
        let requests = Set(returned.compactMap(\.destroyedBy)).sorted().map { JSONValue.string(Self.requestName($0)) }
        try commit { change in
            try change.append(LedgerEntry(.erasedAgain, details: .object(["objects": .integer(returned.count), "requests": .array(requests)])))
        }
    }

    /// Overwrites and removes the files of condemned objects, destroys their keys, and closes the requests that condemned them, in
    /// this order: when the ledger says that something is destroyed, no file and no log holds it any more. The witness of the
    /// ledger's end is the caller's to update.
    func destroyCondemned() throws {
        let condemned = try condemnedObjects(), published = try requestNumbers(in: .published)
        guard !condemned.isEmpty || !published.isEmpty else { return }
        try expectLockInPlace()
        try objectsFolder.destroy(condemned.map(\.file))
        do {
            try objectsFolder.synchronise()
        } catch {
            uncertainty = error
            throw error
        }
        keyring = try commitAlone { change in try change.renewKeyring() }
        try emptyLog()
        try commitAlone { change in
            for object in condemned { try change.forget(object) }
            for number in published { try change.closeRequest(number, destroyed: condemned) }
        }
        try emptyLog()
    }

    /// Empties the database's log, and overwrites it before: what it held was superseded. Readers that follow each other cannot
    /// hold this up, only one that is under way, for as long as it takes.
    func emptyLog() throws {
        // Another writer's commit, which may be all that is in the log by the time that it is overwritten, is not ours to lose.
        try expectLockInPlace()
        try objectsFolder.shutDoor {
            try database.checkpointLog()
            // From here on nobody reads from the log, and its content is in the database, on the device.
            try projectFolder.overwrite(Self.catalogueName + "-wal", headLength: Database.logHeaderLength)
            try database.truncateLog()
        }
    }

    /// Rebuilds the catalogue without free pages and empties its log.
    public func compact() throws {
        if let uncertainty { throw uncertainty }
        try expectLockInPlace()
        try database.vacuum()
        try emptyLog()
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
