import Files

/// The keys of objects. Each object has a random key of its own; the catalogue keeps it wrapped by the keyring's key, and
/// that one, wrapped by the project's key, in a single place that is overwritten. When objects are destroyed the keyring
/// gets a new key and all surviving keys are wrapped anew: whatever copy of an old wrapped key the database or the file
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
            throw fault("\(Self.cataloguePath(folder)): the keyring cannot be opened with the project's key")
        }
        return key
    }

    private func context(ofObject number: Int) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.append(Array("unlearn object key".utf8))
        writer.append(UInt64(number))
        writer.append(keys.projectID)
        return writer.bytes
    }

    func wrap(_ key: SecretKey?, ofObject number: Int) -> [UInt8] { key?.wrapped(by: keyring, context: context(ofObject: number)) ?? [] }

    func unwrap(_ wrapped: [UInt8], ofObject number: Int, by keyring: SecretKey) throws -> SecretKey? {
        guard keys.encryption != .none else { return nil }
        guard let key = SecretKey(unwrapping: wrapped, by: keyring, context: context(ofObject: number)) else {
            throw fault("\(Self.cataloguePath(folder)): the key of object \(number) cannot be opened")
        }
        return key
    }

    /// Wraps everything anew under a new keyring key, inside a transaction. The old one lives on in memory until the
    /// transaction is committed and the new one is adopted.
    /// - Complexity: O(objects).
    func renewKeyring() throws -> SecretKey {
        let (next, wrapped) = Self.newKeyring(keys)
        for (number, old) in try database.rows("SELECT number, key FROM objects", map: { ($0.integer(0), $0.blob(1)) }) {
            guard !old.isEmpty, let key = try unwrap(old, ofObject: number, by: keyring) else { continue }
            try database.run("UPDATE objects SET key = ? WHERE number = ?", .blob(key.wrapped(by: next, context: context(ofObject: number))), .integer(number))
        }
        for name in try database.rows("SELECT key FROM settings", map: { $0.text(0) }) {
            let value = try setting(name) ?? ""
            try database.run("UPDATE settings SET value = ? WHERE key = ?", .blob(seal(value, setting: name, by: next)), .text(name))
        }
        try database.run("UPDATE project SET keyring = ?", .blob(wrapped))
        return next
    }

    /// Faults of the key files in the project's folder.
    public func keyFaults() throws -> [String] {
        let path = folder + "/" + Self.publicKeyName
        guard FileSystem.exists(path) else { return ["\(path) is missing; 'unlearn status --json' prints the public key"] }
        guard FileSystem.isRegularFile(path), let length = try FileSystem.length(path), length < 1000,
            PublicKey(text: String(decoding: try FileSystem.read(path), as: UTF8.self)) == publicKey
        else { return ["\(path) is not the project's public key; 'unlearn status --json' prints it"] }
        return []
    }

    // MARK: - Settings

    private func context(ofSetting name: String) -> [UInt8] { Array("unlearn setting \(name)".utf8) + keys.projectID }

    private func seal(_ value: String, setting name: String, by key: SecretKey) -> [UInt8] {
        guard keys.encryption != .none else { return Array(value.utf8) }
        return Array(value.utf8).withUnsafeBytes { key.seal($0, context: context(ofSetting: name)) }
    }

    public func setting(_ name: String) throws -> String? {
        guard let stored = try database.rows("SELECT value FROM settings WHERE key = ?", .text(name), map: { $0.blob(0) }).first else { return nil }
        let content: [UInt8]? = keys.encryption == .none ? stored : stored.withUnsafeBytes { keyring.open($0, context: context(ofSetting: name)) }
        guard let content, let text = String(validating: content, as: UTF8.self) else {
            throw fault("\(Self.cataloguePath(folder)): the setting '\(name)' cannot be read")
        }
        return text
    }

    /// Inside a transaction.
    public func set(_ name: String, to value: String) throws {
        try database.run(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", .text(name),
            .blob(seal(value, setting: name, by: keyring)))
    }
}
