import Files

/// The keys of objects. Each object has a random key of its own; the catalogue keeps it in the object's cell, sealed by the
/// keyring's key, and that one, wrapped by the project's key, in a single place that is overwritten. When objects are destroyed
/// the keyring gets a new key and all that survives is sealed anew: whatever copy of an old cell the database or the file
/// system kept, nothing opens it any more.
extension Store {
    private static let keyringContext = Array("unlearn keyring".utf8)

    /// Makes the first keyring key, inside the transaction that creates the project.
    static func newKeyring(_ keys: ProjectKeys) -> (key: SecretKey, wrapped: [UInt8]) {
        let key = SecretKey.random()
        return (key, key.wrapped(by: keys.keyring, context: keyringContext + keys.projectID))
    }

    func loadKeyring() throws -> SecretKey {
        let wrapped = try database.rows("SELECT keyring FROM project") { $0.blob(0) }.first ?? []
        guard let key = SecretKey(unwrapping: wrapped, by: keys.keyring, context: Self.keyringContext + keys.projectID) else {
            throw fault("\(cataloguePath): the keyring cannot be opened with the project's key")
        }
        return key
    }

    /// Faults of the key files in the project's folder.
    public func keyFaults() throws -> [String] {
        let name = Self.publicKeyName, path = projectFolder.path(of: name)
        guard projectFolder.exists(name) else { return ["\(path) is missing; 'unlearn status --json' prints the public key"] }
        guard let length = try? projectFolder.length(name), length < 1000,
            PublicKey(text: String(decoding: try projectFolder.read(name), as: UTF8.self)) == publicKey
        else { return ["\(path) is not the project's public key; 'unlearn status --json' prints it"] }
        return []
    }

    // MARK: - Settings

    private func context(ofSetting name: String) -> [UInt8] { Array("unlearn setting \(name)".utf8) + keys.projectID }

    fileprivate func seal(_ value: String, setting name: String, by key: SecretKey) -> [UInt8] {
        // Padded: the length would tell that of a group's name which is gone.
        Padding.padded(Array(value.utf8)).withUnsafeBytes { key.seal($0, context: context(ofSetting: name)) }
    }

    public func setting(_ name: String) throws -> String? {
        guard let stored = try database.rows("SELECT value FROM settings WHERE key = ?", .text(name), map: { $0.blob(0) }).first else { return nil }
        let content = stored.withUnsafeBytes { keyring.open($0, context: context(ofSetting: name)) }
        guard let content, let text = String(validating: Padding.removed(content), as: UTF8.self) else {
            throw fault("\(cataloguePath): the setting '\(name)' cannot be read")
        }
        return text
    }

    /// Settings whose names begin so depend on which test rows there are; a deletion of some takes them away.
    public static let testRowsSettings = "test-rows/"
}

extension StoreChange {
    /// Seals everything anew under a new keyring key; condemned objects lose their keys. The old one lives on in memory until the
    /// transaction is committed and the new one is adopted.
    /// - Complexity: O(objects + requests + ledger entries).
    func renewKeyring() throws -> SecretKey {
        let (next, wrapped) = Store.newKeyring(store.keys)
        try resealObjects(by: next)
        try resealRequests(by: next)
        try resealDisclosures(by: next)
        for name in try store.database.rows("SELECT key FROM settings", map: { $0.text(0) }) {
            let value = try store.setting(name) ?? ""
            try store.database.run("UPDATE settings SET value = ? WHERE key = ?", .blob(store.seal(value, setting: name, by: next)), .text(name))
        }
        try store.database.run("UPDATE project SET keyring = ?", .blob(wrapped))
        return next
    }

    /// Takes away what depends on which test rows there are.
    public func removeTestRowsSettings() throws {
        try store.database.run("DELETE FROM settings WHERE substr(key, 1, length(?1)) = ?1", .text(Store.testRowsSettings))
    }

    public func set(_ name: String, to value: String) throws {
        try store.database.run(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", .text(name),
            .blob(store.seal(value, setting: name, by: store.keyring)))
    }
}
