import Files
import Tensors

/// Object files, and what the catalogue keeps of each.
extension Store {
    private func form(_ kind: ObjectKind, _ block: Int, _ name: ObjectName) -> SealedObject {
        SealedObject(encryption: keys.encryption, kind: kind, block: block, name: name, projectID: keys.projectID)
    }

    /// Writes an object's file under a new key. Nothing refers to it until a transaction registers it.
    public func stage(_ kind: ObjectKind, block: Int, _ content: [UInt8]) throws -> StagedObject {
        try stage(kind, block: block, reserving: content.count) { $0.append(content) }
    }

    /// The same of content that is written into its place, so that it is nowhere twice.
    private func stage(_ kind: ObjectKind, block: Int, reserving: Int, _ write: (inout ByteWriter) throws -> Void) throws -> StagedObject {
        let name = ObjectName.random()
        let key = keys.encryption == .none ? nil : SecretKey.random()
        let bytes = try form(kind, block, name).seal(key: key, reserving: reserving, write)
        try writeObject(bytes, name: name.description)
        return StagedObject(name: name, bytes: bytes.count, kind: kind, block: block, digest: bytes.withUnsafeBytes { Digest(of: $0) }, key: key)
    }

    public func stage(_ record: LatticeRecord) throws -> StagedObject { try stage(record.kind, block: record.block, latticeBits: record.latticeBits, .vector(record.vector)) }

    /// What training on a block added to the state before it, without making it whole in memory.
    /// - Throws: `LatticeOverflow` where the two lie farther apart than the lattice reaches.
    public func stageInfluence(ofBlock block: Int, latticeBits: Int, from before: LatticeVector, to after: LatticeVector) throws -> StagedObject {
        try stage(.influence, block: block, latticeBits: latticeBits, .difference(from: before, to: after))
    }

    private func stage(_ kind: LatticeRecord.Kind, block: Int, latticeBits: Int, _ steps: LatticeSteps) throws -> StagedObject {
        try stage(ObjectKind(kind), block: block, reserving: LatticeRecord.likelyBytes(steps.count)) {
            try LatticeRecord.write(kind, block: block, latticeBits: latticeBits, steps, into: &$0)
        }
    }

    /// Destroys staged files that no transaction has registered, all together. Those that the catalogue names stay: a caller
    /// that clears up after an error cannot know whether the commit came before it.
    public func discard(_ objects: [StagedObject]) throws {
        guard !isUncertain else { return }
        try objectsFolder.destroy(objects.filter { index[$0.name] == nil }.map(\.name.description))
    }

    /// Room on disk, among the objects, for rows that wait to find their places.
    public func makeScratchFile(rows: Int, rowBytes: Int) throws -> ScratchFile { try ScratchFile(in: objectsFolder, rows: rows, rowBytes: rowBytes) }

    // MARK: - Entries

    private func context(of name: ObjectName) -> [UInt8] { Array("unlearn object".utf8) + name.bytes + keys.projectID }

    fileprivate func seal(_ entry: ObjectEntry, _ key: SecretKey?, of name: ObjectName, by keyring: SecretKey) -> [UInt8] {
        var content = entry.encoded(key: key)
        defer { Sodium.wipe(&content) }
        return content.withUnsafeBytes { keyring.seal($0, context: context(of: name)) }
    }

    /// An object's cell under the next key. Its own key, where it has one yet, goes from cell to cell: of thousands, each in guarded memory of
    /// its own, the system calls would take longer than all else.
    fileprivate func resealed(_ object: StoredObject, by next: SecretKey) throws -> [UInt8] {
        var content = object.entry.encoded(key: nil)
        defer { Sodium.wipe(&content) }
        if keys.encryption != .none, !object.entry.isCondemned {
            var before = try openCell(object.cell, index[object.name]?.cell, of: object.name, by: keyring)
            defer { Sodium.wipe(&before) }
            content.replaceSubrange(content.count - ObjectEntry.keyLength..<content.count, with: before.suffix(ObjectEntry.keyLength))
        }
        return content.withUnsafeBytes { next.seal($0, context: context(of: object.name)) }
    }

    /// The content of an object's cell: its entry and, at the end, its key. Of several cells the first that opens.
    private func openCell(_ cells: [UInt8]?..., of name: ObjectName, by keyring: SecretKey) throws -> [UInt8] {
        for case let cell? in cells {
            if let content = cell.withUnsafeBytes({ keyring.open($0, context: context(of: name)) }), content.count == ObjectEntry.length { return content }
        }
        throw fault("\(cataloguePath): the entry of object \(name) cannot be opened")
    }

    fileprivate func key(of object: StoredObject) throws -> SecretKey? {
        guard keys.encryption != .none else { return nil }
        // What was looked up before a destruction has a cell of the keyring that went with it; the index has the one that was sealed anew.
        // That of what is condemned by now, which must still be read, has no key in it, and so comes second.
        var content = try openCell(object.cell, index[object.name]?.cell, of: object.name, by: keyring)
        defer { Sodium.wipe(&content) }
        var bytes = Array(content.suffix(ObjectEntry.keyLength))
        return SecretKey(wiping: &bytes)
    }

    /// Reads every object's entry.
    /// - Complexity: O(objects).
    /// - Parameter report: takes the fault of an entry that is left out then, or throws it.
    func loadIndex(reporting report: (Failure) throws -> Void) throws -> ObjectIndex {
        var index = ObjectIndex()
        for (bytes, cell) in try database.rows("SELECT name, cell FROM objects", map: { ($0.blob(0), $0.blob(1)) }) {
            do {
                guard bytes.count == ObjectName.length else { throw fault("\(cataloguePath): an object's name is not readable") }
                let name = ObjectName(bytes: bytes)
                var content = try openCell(cell, of: name, by: keyring)
                defer { Sodium.wipe(&content) }
                guard let entry = ObjectEntry(content), index.set(StoredObject(name: name, entry: entry, cell: cell)) else {
                    throw fault("\(cataloguePath): the entry of object \(name) is not readable")
                }
            } catch let failure as Failure {
                try report(failure)
            }
        }
        return index
    }

    /// Objects that the running transaction will destroy.
    public func condemnedObjects() throws -> [StoredObject] { index.condemned }

    /// All objects in use, by kind and block.
    public func objects() throws -> [StoredObject] { index.inUse() }

    // MARK: - Files

    /// The content of an object, which must be what was sealed there.
    public func contents(of object: StoredObject) throws -> [UInt8] { try withContents(of: object) { Array($0) } }

    /// The same where they were read, for as long as `body` takes.
    func withContents<Result>(of object: StoredObject, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        var file = try file(of: object)
        let place = try open(object, &file)
        return try file.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[place])) }
    }

    /// Verifies an object's file against the digest that the catalogue keeps of it, and its seal.
    public func verify(_ object: StoredObject) throws {
        var file = try file(of: object)
        try expectDigest(of: file, object)
        _ = try open(object, &file)
    }

    /// The file and what is in it, for messages.
    public func description(of object: StoredObject) -> String { "\(path(of: object)) (\(object.kind.name) \(object.block))" }

    private func file(of object: StoredObject) throws -> [UInt8] {
        let name = object.file, what = description(of: object)
        let length: Int?
        do { length = try objectsFolder.length(name) } catch let failure as Failure { throw fault(failure.description) }
        guard let length else { throw fault("\(what) is missing") }
        guard length == object.bytes else { throw fault("\(what) has not the length that was written") }
        do {
            return try objectsFolder.read(name)
        } catch where !objectsFolder.exists(name) {
            // Destroyed between the checks and the reading.
            throw fault("\(what) is missing")
        }
    }

    private func expectDigest(of file: [UInt8], _ object: StoredObject) throws {
        guard file.withUnsafeBytes({ Digest(of: $0) }) == object.digest else {
            throw fault("\(description(of: object)) is not what was written there: its digest is another")
        }
    }

    /// Opens a file where its bytes stand; gives the place of the content.
    private func open(_ object: StoredObject, _ file: inout [UInt8]) throws -> Range<Int> {
        // A seal cannot be made without the object's key; a digest in the file itself, by anybody.
        if keys.encryption == .none { try expectDigest(of: file, object) }
        switch form(object.kind, object.block, object.name).openInPlace(&file, key: try key(of: object)) {
        case .success(let content): return content
        case .failure(let reason): throw fault("\(description(of: object)) \(reason.text)")
        }
    }

    public func path(of object: StoredObject) -> String { objectsFolder.path(of: object.file) }

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
        try condemnedObjects().map(\.file).filter { objectsFolder.exists($0) }
    }
}

extension StoreChange {
    /// Names a staged object in the catalogue, in the place of the one that has its kind and block, which is condemned.
    func register(_ object: StagedObject, _ change: (inout ObjectEntry) -> Void = { _ in }) throws {
        if let old = store.index.object(object.kind, object.block) { try condemn(old) }
        var entry = ObjectEntry(kind: object.kind, block: object.block, bytes: object.bytes, digest: object.digest)
        change(&entry)
        let cell = store.seal(entry, object.key, of: object.name, by: store.keyring)
        try store.database.run("INSERT INTO objects VALUES (?, ?)", .blob(object.name.bytes), .blob(cell))
        store.index.set(StoredObject(name: object.name, entry: entry, cell: cell))
    }

    /// Changes what the catalogue keeps of an object.
    /// - Parameter withoutKey: its key is destroyed with it.
    func update(_ object: StoredObject, withoutKey: Bool = false, _ change: (inout ObjectEntry) -> Void) throws {
        var entry = object.entry
        change(&entry)
        let cell = store.seal(entry, withoutKey ? nil : try store.key(of: object), of: object.name, by: store.keyring)
        try store.database.run("UPDATE objects SET cell = ? WHERE name = ?", .blob(cell), .blob(object.name.bytes))
        store.index.set(StoredObject(name: object.name, entry: entry, cell: cell))
    }

    func condemn(_ object: StoredObject) throws { try update(object) { $0.isCondemned = true } }

    func condemn(_ kind: ObjectKind, _ block: Int) throws {
        if let object = store.index.object(kind, block) { try condemn(object) }
    }

    func forget(_ object: StoredObject) throws {
        try store.database.run("DELETE FROM objects WHERE name = ?", .blob(object.name.bytes))
        store.index.remove(object.name)
    }

    /// Seals all entries anew under another keyring key; those that are condemned lose their own key.
    /// - Complexity: O(objects).
    func resealObjects(by next: SecretKey) throws {
        for object in store.index.objects.values {
            let cell = try store.resealed(object, by: next)
            try store.database.run("UPDATE objects SET cell = ? WHERE name = ?", .blob(cell), .blob(object.name.bytes))
            store.index.set(StoredObject(name: object.name, entry: object.entry, cell: cell))
        }
    }
}
