import Files

/// A witness of the ledger's end that does not lie in the catalogue: whoever puts an older catalogue back, and nothing else,
/// takes entries out of the ledger that the witness still vouches for.
///
/// The file has two places, written in turn and in place, so that a power failure spoils one at most; each has the ledger's
/// size and root under a key that only the project has. The format is specified in Documentation/Formats.md.
extension Store {
    static let witnessName = "ledger-witness"
    static let mostWitnessBytes = Witness.places * Witness.stride

    private struct Witness {
        let size: Int
        let root: [UInt8]

        static let length = 8 + SHA256.length + Digest.length
        /// Each place has a sector of its own.
        static let stride = 512
        static let places = 2

        func encoded(_ keys: ProjectKeys) -> [UInt8] {
            var writer = ByteWriter(capacity: Self.length)
            writer.append(UInt64(size))
            writer.append(root)
            writer.append(keys.catalogue.authenticate(Array("unlearn witness".utf8) + keys.projectID + writer.bytes).bytes)
            return writer.bytes
        }

        /// Nil where the bytes are not what `encoded` makes.
        init?(_ bytes: [UInt8], _ keys: ProjectKeys) {
            guard bytes.count == Self.length else { return nil }
            let size = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
            guard let size = Int(exactly: size) else { return nil }
            self.init(size: size, root: Array(bytes[8..<8 + SHA256.length]))
            guard encoded(keys) == bytes else { return nil }
        }

        init(size: Int, root: [UInt8]) { (self.size, self.root) = (size, root) }
    }

    /// Notes the end of the ledger after a commit that added to it. A witness that lags behind, because a crash came between, is
    /// none the worse: it must never be ahead.
    /// - Throws: a `Failure` that says that the change stands.
    func updateWitness() throws {
        guard let head = unwitnessedHead else { return }
        do {
            try writeWitness(head)
        } catch where !isCreation {
            throw Failure(
                .failed, "the change is made, but \(projectFolder.path(of: Self.witnessName)) does not vouch for it yet (\(error)); "
                    + "the next entry of the ledger brings it up to date")
        }
        unwitnessedHead = nil
    }

    private func writeWitness(_ head: TreeHead) throws {
        let witness = Witness(size: head.size, root: Hexadecimal.decode(head.root) ?? [])
        // What a failed attempt left in its place is not to be relied on; the other place is.
        let place = try failedWitnessPlace ?? readWitnesses().newest.map { 1 - $0.place } ?? 0
        let file = try projectFolder.open(Self.witnessName, .write)
        failedWitnessPlace = place
        try witness.encoded(keys).withUnsafeBytes { try file.write($0, at: place * Witness.stride) }
        try file.synchroniseContent()
        failedWitnessPlace = nil
    }

    /// What is odd about the witness and may be a crash's doing: one of its places cannot be read, though the ledger has grown
    /// often enough to have filled both. An older catalogue that is put back with the newest place spoilt looks the same.
    public func witnessRemarks() throws -> [String] {
        let heads = try database.rows("SELECT count(*) FROM tree_heads") { $0.integer(0) }.first ?? 0
        guard heads >= Witness.places, try readWitnesses().readable < Witness.places else { return [] }
        return [
            "\(PathText.printable(projectFolder.path(of: Self.witnessName))): one of its two places is not what this project wrote: a write was cut off, "
                + "or somebody spoilt it, who then could put back the catalogue of before the last entry; compare a certificate or a tree head that you have"
        ]
    }

    private func readWitnesses() throws -> (newest: (place: Int, witness: Witness)?, readable: Int, isThere: Bool) {
        let length: Int?
        do { length = try projectFolder.length(Self.witnessName) } catch let failure as Failure { throw fault(failure.description) }
        guard let length else { return (nil, 0, false) }
        let bytes = length <= Self.mostWitnessBytes ? try projectFolder.read(Self.witnessName) : []
        let found = (0..<Witness.places).compactMap { place -> (place: Int, witness: Witness)? in
            let start = place * Witness.stride
            guard bytes.count >= start + Witness.length else { return nil }
            return Witness(Array(bytes[start..<start + Witness.length]), keys).map { (place, $0) }
        }
        return (found.max { $0.witness.size < $1.witness.size }, found.count, true)
    }

    /// What the witness vouches for, to be read before the ledger that it is compared with.
    func expectedLedger() throws -> (size: Int, root: [UInt8]) {
        let (newest, _, isThere) = try readWitnesses()
        guard let newest else {
            let path = projectFolder.path(of: Self.witnessName)
            throw fault("\(path) \(isThere ? "is not what this project wrote there" : "is missing"): nothing outside the catalogue vouches for the ledger")
        }
        return (newest.witness.size, newest.witness.root)
    }

    /// Throws where the ledger ends before what the witness has seen, or went another way.
    func verifyLedger(against expected: (size: Int, root: [UInt8])) throws {
        let heads = try database.rows("SELECT size, root FROM tree_heads WHERE size >= ? ORDER BY size LIMIT 1", .integer(expected.size)) {
            (size: $0.integer(0), root: $0.text(1))
        }
        guard let head = heads.first else {
            throw fault(
                "\(cataloguePath): the ledger ends before its entry \(expected.size), which was there: an older catalogue was put back")
        }
        guard head.size == expected.size, Hexadecimal.decode(head.root) == expected.root else {
            throw fault("\(cataloguePath): the ledger is not the one whose \(expected.size) entries were seen: another catalogue was put in place")
        }
    }

    /// Throws where the ledger is not one that the witness has seen, or that grew from one: for whoever opened the project only
    /// to look, and verified nothing then.
    public func verifyWitness() throws {
        // The witness first: the ledger may only have grown since.
        let expected = try expectedLedger()
        try database.snapshot { try verifyLedger(against: expected) }
    }
}
