import Files

/// What deletions destroyed, object by object: what the closing entries of the ledger commit to with one root each, and how an
/// object that somebody puts back is recognised.
extension Store {
    fileprivate func context(ofDestroyed request: Int) -> [UInt8] { Array("unlearn destroyed \(request)".utf8) + keys.projectID }

    /// What a closed request destroyed.
    public func destroyedObjects(by request: Int) throws -> [ListedObject] {
        if let objects = try listOfDestroyed(by: request) { return objects }
        guard try self.request(request)?.state == .closed else { return [] }
        throw fault("\(cataloguePath): the list of what \(Self.requestName(request)) destroyed is missing")
    }

    /// Nil where there is no list.
    func listOfDestroyed(by request: Int) throws -> [ListedObject]? {
        guard let cell = try database.rows("SELECT cell FROM destroyed WHERE request = ?", .integer(request), map: { $0.blob(0) }).first else { return nil }
        guard let content = cell.withUnsafeBytes({ keys.ledger.open($0, context: context(ofDestroyed: request)) }), let objects = ListedObject.decode(content) else {
            throw fault("\(cataloguePath): the list of what \(Self.requestName(request)) destroyed cannot be opened")
        }
        return objects
    }

    /// A file among the objects that the catalogue does not name.
    public struct StrayFile: Sendable, Equatable {
        public let name: String
        /// The request whose deletion destroyed an object of this name or with this content: somebody put it back. Nil: what an
        /// unfinished change left.
        public let destroyedBy: Int?
    }

    /// Files in the objects folder that the catalogue does not name.
    /// - Complexity: O(1) where there are none; else O(objects ever destroyed + bytes of the stray files).
    public func strayFiles() throws -> [StrayFile] { try findStrayFiles().map(\.file) }

    /// The same, and whether each has the very content of an object that a deletion destroyed.
    func findStrayFiles() throws -> [(file: StrayFile, isCopy: Bool)] {
        // Also objects whose entries cannot be read.
        let known = Set(try database.rows("SELECT name FROM objects") { Hexadecimal.encode($0.blob(0)) })
        let strays = try objectsFolder.names().filter { !known.contains($0) }
        guard !strays.isEmpty else { return [] }
        var names: [String: Int] = [:], digests: [Digest: Int] = [:]
        for request in try requestNumbers(in: .closed) {
            for object in try destroyedObjects(by: request) {
                names[object.name.description] = request
                digests[object.digest] = request
            }
        }
        return strays.map { name in
            let copied = digests.isEmpty ? nil : digest(ofStray: name).flatMap { digests[$0] }
            return (StrayFile(name: name, destroyedBy: names[name] ?? copied), copied != nil)
        }
    }

    /// Nil where no object can have been like it. A sparse file can claim any length: what is far longer than all objects is none.
    private func digest(ofStray name: String) -> Digest? {
        let longest = index.objects.values.reduce(Self.leastLongestObject) { max($0, 4 * $1.bytes) }
        do {
            let file = try objectsFolder.open(name, .read), length = try file.regularLength()
            return length <= longest ? try Digest(of: file, length: length) : nil
        } catch {
            // What cannot be read as a file of its own is no copy of one.
            return nil
        }
    }

    private static let leastLongestObject = 1 << 28
}

extension StoreChange {
    func setDestroyed(_ objects: [ListedObject], by request: Int) throws {
        let sealed = objects.flatMap(\.encoded).withUnsafeBytes { store.keys.ledger.seal($0, context: store.context(ofDestroyed: request)) }
        try store.database.run("INSERT INTO destroyed VALUES (?, ?)", .integer(request), .blob(sealed))
    }
}
