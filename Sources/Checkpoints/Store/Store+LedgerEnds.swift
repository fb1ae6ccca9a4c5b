extension Store {
    /// The ledger's first entry and its last, without what they commit to; nil where it has none.
    /// - Complexity: O(1).
    public func ledgerEnds() throws -> (first: LedgerEntry, last: LedgerEntry)? {
        let ends = try database.rows("SELECT position, entry FROM ledger WHERE position IN ((SELECT min(position) FROM ledger), (SELECT max(position) FROM ledger)) ORDER BY position") {
            (position: $0.integer(0), entry: $0.blob(1))
        }
        let entries = try ends.map { position, bytes in
            do { return try LedgerEntry(decoding: bytes, disclosures: []) } catch { throw fault("entry \(position) of the ledger is not readable") }
        }
        return entries.first.map { ($0, entries.last!) }
    }
}
