import Files

/// Every key of a project, derived from the one in its key file.
final class ProjectKeys {
    let projectID: [UInt8]
    let encryption: Encryption
    let keyring: SecretKey
    let rowIDs: SecretKey
    let openings: SecretKey
    let catalogue: SecretKey
    let rows: SecretKey
    let ledger: SecretKey
    let results: SecretKey
    let signing: SigningKey

    init(_ master: SecretKey, projectID: [UInt8], encryption: Encryption) {
        self.projectID = projectID
        self.encryption = encryption
        keyring = master.derived(.keyring)
        rowIDs = master.derived(.rowIDs)
        openings = master.derived(.openings)
        catalogue = master.derived(.catalogue)
        rows = master.derived(.rows)
        ledger = master.derived(.ledger)
        results = master.derived(.results)
        // Two projects may share a key file; their ledgers are still signed apart, because each head names its project.
        signing = SigningKey(seed: master.derived(.signing))
    }
}

/// How content is stored.
public enum Encryption: Int, Sendable, Codable {
    /// As it is, with a digest.
    case none = 0
    /// XChaCha20-Poly1305.
    case xchacha20poly1305 = 1

    public var name: String { self == .none ? "none" : "xchacha20-poly1305" }
}
