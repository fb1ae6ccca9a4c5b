import Files

/// Authentication of the catalogue: every value in it is under a keyed digest, so that a change by anything but this
/// program is noticed, be it a flipped bit or a hand.
extension Store {
    /// - Complexity: O(objects + blocks + requests); rows and ledger entries count as one value each.
    fileprivate func manifest() throws -> Digest {
        var writer = ByteWriter(capacity: 1 << 16)
        // Catalogues of version 6 and before do not vouch for it.
        let version = try database.pragma("user_version")
        if version > 6 { writer.append(UInt32(truncatingIfNeeded: version)) }
        for query in Self.manifestQueries(version: version) {
            writer.append(UInt8(0xFF))
            _ = try database.rows(query) { row in
                for column in 0..<row.count { row.append(column, to: &writer) }
            }
        }
        return keys.catalogue.authenticate(writer.bytes)
    }

    /// Throws where the catalogue is not what this program left. One consistent view, also beside a writer.
    func verifyManifest() throws {
        let isGenuine = try database.snapshot {
            try database.rows("SELECT manifest FROM project") { $0.blob(0) } == [try manifest().bytes]
        }
        guard isGenuine else {
            throw Failure(.damaged, "\(cataloguePath) was changed by something other than unlearn; run 'unlearn check' and restore the project from a backup")
        }
    }

    func rowEntryDigest(_ id: [UInt8], _ cell: [UInt8]) -> Digest {
        var writer = ByteWriter(capacity: 112)
        writer.append(Array("row".utf8))
        for part in [id, cell] {
            writer.append(UInt32(part.count))
            writer.append(part)
        }
        return keys.catalogue.authenticate(writer.bytes)
    }
}

extension StoreChange {
    /// Recomputes the manifest; the last statement of every transaction.
    func sealManifest() throws { try store.database.run("UPDATE project SET manifest = ?", .blob(try store.manifest().bytes)) }
}

/// A sum of keyed digests, four lanes modulo 2⁶⁴: the same for the same set of rows in any order, kept up to date in O(1).
/// Without the key, nobody can find another set with the same sum (Bellare and Micciancio's AdHash, 1997).
struct RowsSum: Equatable {
    static let length = 32
    private var lanes: SIMD4<UInt64>

    init(bytes: [UInt8]) {
        lanes = bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            return SIMD4((0..<4).map { _ in reader.take(UInt64.self) })
        }
    }

    var bytes: [UInt8] {
        var writer = ByteWriter(capacity: Self.length)
        for lane in 0..<4 { writer.append(lanes[lane]) }
        return writer.bytes
    }

    static let zero = RowsSum(bytes: [UInt8](repeating: 0, count: length))

    init(_ digest: Digest) { self.init(bytes: digest.bytes) }

    mutating func add(_ digest: Digest) { add(RowsSum(digest)) }
    mutating func add(_ other: RowsSum) { lanes &+= other.lanes }
    mutating func subtract(_ other: RowsSum) { lanes &-= other.lanes }
}
