extension Store {
    /// Version of the catalogue's tables and of everything that they name.
    static let formatVersion = 8
    /// A project of version 7 has no receipts and one sum of all its rows, one of version 6 knows no persons, one of version 5 is a chain besides, and otherwise they are
    /// the same: the first command that writes makes this version of them.
    static let readableVersions = 5...8
    /// The first version with receipts, and with sums of parts of the rows.
    static let receiptsVersion = 8
    static let applicationID = 0x554E_4C52  // "UNLR"

    /// No table holds a row's id or its content, or says where a row stands, which rows or blocks a request touched or what a
    /// file holds: ids stand as keyed digests, all else is sealed in cells. What lies open: how many rows, files and requests
    /// there are, how far each request has come, and what happened when.
    static let schema = """
        CREATE TABLE project (
            one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL, public_key BLOB NOT NULL, encryption INTEGER NOT NULL,
            keyring BLOB NOT NULL, rows_sum BLOB NOT NULL, manifest BLOB NOT NULL);
        CREATE TABLE settings (key TEXT PRIMARY KEY, value BLOB NOT NULL);
        CREATE TABLE objects (name BLOB PRIMARY KEY, cell BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE rows (id BLOB PRIMARY KEY, cell BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE requests (number INTEGER PRIMARY KEY, state INTEGER NOT NULL, cell BLOB NOT NULL);
        CREATE TABLE destroyed (request INTEGER PRIMARY KEY, cell BLOB NOT NULL);
        \(receiptsTable)
        \(rowSumsTable)
        CREATE TABLE ledger (position INTEGER PRIMARY KEY, entry BLOB NOT NULL, leaf BLOB NOT NULL);
        CREATE TABLE disclosures (position INTEGER PRIMARY KEY, lasting BLOB NOT NULL, perishable BLOB NOT NULL);
        CREATE TABLE tree_heads (size INTEGER PRIMARY KEY, root TEXT NOT NULL, time TEXT NOT NULL, signature TEXT NOT NULL);
        """

    static let receiptsTable = "CREATE TABLE receipts (request INTEGER PRIMARY KEY, cell BLOB NOT NULL);"
    static let rowSumsTable = "CREATE TABLE row_sums (chunk INTEGER PRIMARY KEY, sums BLOB NOT NULL);"

    /// Tables whose every value the manifest authenticates, in the order in which it reads them. Rows are under the sums of their parts,
    /// ledger entries under the signed tree heads, and lists of what was destroyed, and what is disclosed for good, under the entries.
    static func manifestQueries(version: Int = formatVersion) -> [String] {
        let isNew = version >= receiptsVersion
        return [
            "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name",
            "SELECT id, public_key, encryption, keyring, rows_sum FROM project",
            "SELECT key, value FROM settings ORDER BY key",
            "SELECT name, cell FROM objects ORDER BY name",
            "SELECT number, state, cell FROM requests ORDER BY number",
        ] + (isNew ? ["SELECT request, cell FROM receipts ORDER BY request", rowSumsQuery] : []) + [
            // What is disclosed for good is under the commitments of its entry, and by far the most: whoever reads it verifies it.
            "SELECT position, \(isNew ? "length(lasting)" : "lasting"), perishable FROM disclosures ORDER BY position",
            "SELECT size, root, time, signature FROM tree_heads ORDER BY size",
        ]
    }

    static let rowSumsQuery = "SELECT chunk, sums FROM row_sums ORDER BY chunk"
}
