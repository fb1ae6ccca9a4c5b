import Files

/// Whether the table of rows is the one that this program left.
extension Store {
    /// Nil where the catalogue is of a version that has one sum of all rows.
    func loadRowSums() throws -> RowSums? {
        guard try hasReceipts else { return nil }
        guard let sums = RowSums(chunks: try database.rows(Self.rowSumsQuery) { $0.blob(1) }) else { throw fault("\(cataloguePath) has no sums of its rows") }
        return sums
    }

    private var rowsWereChanged: Failure {
        Failure(.damaged, "\(cataloguePath): the table of rows was changed by something other than unlearn; restore the project from a backup")
    }

    /// Throws where the rows are not those that this program put there or deleted. Whatever answers from all of the table, or builds on it, asks
    /// this first.
    /// - Complexity: O(rows) keyed digests.
    public func verifyRows() throws {
        let isGenuine = try database.snapshot {
            let stored = try currentRowSums()
            var sums = [RowsSum](repeating: .zero, count: stored?.parts ?? 1), all = RowsSum.zero
            _ = try database.rows("SELECT id, cell FROM rows") { row in
                let id = row.blob(0), digest = rowEntryDigest(id, row.blob(1))
                sums[stored?.part(of: id) ?? 0].add(digest)
                all.add(digest)
            }
            let whole = isWritable ? rowsSum.bytes : try database.rows("SELECT rows_sum FROM project") { $0.blob(0) }.first
            guard whole == all.bytes else { return false }
            return stored.map { stored in sums.indices.allSatisfy { stored[$0] == sums[$0] } } ?? true
        }
        guard isGenuine else { throw rowsWereChanged }
    }

    /// Verifies all of the table, once.
    public func expectVerifiedRows() throws {
        guard !allRowsAreVerified else { return }
        try verifyRows()
        // Nobody else changes it while this process may.
        if isWritable { allRowsAreVerified = true }
    }

    /// Verifies that these rows' entries, and that there are none of those that are missing, are what this program left.
    /// - Complexity: O(digests) parts of some 64 rows; in a project of a version before 8 all rows.
    func verifyRows(ofDigests digests: some Sequence<[UInt8]>) throws {
        guard !allRowsAreVerified, !isCreation else { return }
        try database.snapshot {
            guard let sums = try currentRowSums() else { return try expectVerifiedRows() }
            let parts = Set(digests.lazy.map(sums.part)).subtracting(verifiedParts)
            // One pass over the table takes less than many look-ups of its parts.
            if parts.count > sums.parts * 3 / 4 { return try expectVerifiedRows() }
            for part in parts.sorted() {
                let (first, end) = sums.bounds(of: part)
                var sum = RowsSum.zero
                _ = try database.rows("SELECT id, cell FROM rows WHERE id >= ? AND id < ?", .blob(first), .blob(end)) { sum.add(rowEntryDigest($0.blob(0), $0.blob(1))) }
                guard sum == sums[part] else { throw rowsWereChanged }
                if isWritable { verifiedParts.insert(part) }
            }
        }
    }

    /// Those that a writer is changing, or else those that stand in the catalogue.
    func currentRowSums() throws -> RowSums? {
        if let rowSums { return rowSums }
        let sums = try loadRowSums()
        if isWritable { rowSums = sums }
        return sums
    }

    func countRows() throws -> Int { try database.rows("SELECT count(*) FROM rows") { $0.integer(0) }[0] }

    /// The sums of a table that was verified, in parts for so many rows.
    func makeRowSums(for count: Int) throws -> RowSums {
        var sums = RowSums(rows: count)
        _ = try database.rows("SELECT id, cell FROM rows") { row in
            let id = row.blob(0), digest = rowEntryDigest(id, row.blob(1))
            sums.change(sums.part(of: id)) { $0.add(digest) }
        }
        return sums
    }

    /// Takes entries of one part into its sum, and out of it; what stands there was verified.
    func changeSum(ofPartOf id: [UInt8], adding added: RowsSum, taking taken: RowsSum? = nil) throws {
        let sums = try currentRowSums()
        if rowSums == nil { rowSums = sums }
        if let taken { rowsSum.subtract(taken) }
        rowsSum.add(added)
        guard let part = rowSums?.part(of: id) else { return }
        rowSums!.change(part) { sum in
            if let taken { sum.subtract(taken) }
            sum.add(added)
        }
    }

    func storeRowSums() throws {
        guard let sums = rowSums, !sums.changed.isEmpty else { return }
        for chunk in sums.changed { try database.run("INSERT OR REPLACE INTO row_sums VALUES (?, ?)", .integer(chunk), .blob(sums.chunks[chunk])) }
        rowSums!.areStored()
    }

    fileprivate func prepareRowSums(for count: Int) throws {
        if isCreation, try countRows() == 0 {
            rowSums = RowSums(rows: count)
        } else {
            let rows = try countRows() + count
            guard let sums = try currentRowSums(), sums.isTooFew(for: rows) else { return }
            try expectVerifiedRows()
            rowSums = try makeRowSums(for: rows)
        }
        try database.execute("DELETE FROM row_sums")
    }
}

extension StoreChange {
    /// Makes room for so many rows more: where parts would become much larger than they should be, the table is verified and dealt out anew.
    public func prepareRows(_ count: Int) throws { try store.prepareRowSums(for: count) }
}
