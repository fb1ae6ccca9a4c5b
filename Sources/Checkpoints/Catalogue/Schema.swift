extension Store {
    /// Version of the catalogue's tables and of everything that they name.
    static let formatVersion = 4
    static let applicationID = 0x554E_4C52  // "UNLR"

    /// No table holds a row's id, its content or its group's name: ids stand as keyed digests, the rest is sealed.
    static let schema = """
        CREATE TABLE project (
            one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL, public_key BLOB NOT NULL, encryption INTEGER NOT NULL,
            keyring BLOB NOT NULL, rows_sum BLOB NOT NULL, manifest BLOB NOT NULL);
        CREATE TABLE settings (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE objects (
            number INTEGER PRIMARY KEY, kind INTEGER NOT NULL, block INTEGER NOT NULL, bytes INTEGER NOT NULL, digest BLOB NOT NULL,
            key BLOB NOT NULL, condemned INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE row_blocks (
            part INTEGER NOT NULL, block INTEGER NOT NULL, slots INTEGER NOT NULL,
            object INTEGER NOT NULL REFERENCES objects, PRIMARY KEY (part, block)) WITHOUT ROWID;
        CREATE TABLE rows (
            id BLOB PRIMARY KEY, part INTEGER NOT NULL, block INTEGER NOT NULL, slot INTEGER NOT NULL,
            "group" INTEGER, request INTEGER) WITHOUT ROWID;
        CREATE UNIQUE INDEX rows_by_place ON rows (part, block, slot);
        CREATE TABLE influences (
            block INTEGER PRIMARY KEY, object INTEGER NOT NULL REFERENCES objects, base_exact INTEGER NOT NULL);
        CREATE TABLE corrections (block INTEGER PRIMARY KEY, object INTEGER NOT NULL REFERENCES objects);
        CREATE TABLE keyframes (block INTEGER PRIMARY KEY, object INTEGER NOT NULL REFERENCES objects);
        CREATE TABLE requests (
            number INTEGER PRIMARY KEY, state INTEGER NOT NULL, report TEXT NOT NULL, evidence INTEGER REFERENCES objects);
        CREATE TABLE utilities (run INTEGER PRIMARY KEY, key BLOB NOT NULL, object INTEGER NOT NULL REFERENCES objects);
        CREATE TABLE ledger (position INTEGER PRIMARY KEY, entry BLOB NOT NULL, leaf BLOB NOT NULL);
        CREATE TABLE tree_heads (size INTEGER PRIMARY KEY, root TEXT NOT NULL, time TEXT NOT NULL, signature TEXT NOT NULL);
        """

    /// Tables whose every value the manifest authenticates, in the order in which it reads them. Rows are under the running
    /// sum in `project`, ledger entries under the signed tree heads.
    static let manifestQueries = [
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name",
        "SELECT id, public_key, encryption, keyring, rows_sum FROM project",
        "SELECT key, value FROM settings ORDER BY key",
        "SELECT number, kind, block, bytes, digest, key, condemned FROM objects ORDER BY number",
        "SELECT part, block, slots, object FROM row_blocks ORDER BY part, block",
        "SELECT block, object, base_exact FROM influences ORDER BY block",
        "SELECT block, object FROM corrections ORDER BY block",
        "SELECT block, object FROM keyframes ORDER BY block",
        "SELECT number, state, report, evidence FROM requests ORDER BY number",
        "SELECT run, key, object FROM utilities ORDER BY run",
        "SELECT size, root, time, signature FROM tree_heads ORDER BY size",
    ]
}
