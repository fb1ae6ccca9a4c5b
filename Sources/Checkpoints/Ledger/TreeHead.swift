
/// A signed statement of how long the ledger is and what its root hash is.
public struct TreeHead: Sendable, Equatable, Codable {
    /// The project whose ledger it is: 32 hexadecimal digits.
    public let project: String
    public let size: Int
    /// Hexadecimal.
    public let root: String
    /// ISO 8601, UTC.
    public let time: String
    /// Ed25519 over `body`, hexadecimal.
    public let signature: String

    /// What is signed: lines of text, so that any program can put it together.
    public var body: [UInt8] { Self.body(project: project, size: size, root: root, time: time) }

    private static func body(project: String, size: Int, root: String, time: String) -> [UInt8] {
        Array("unlearn ledger \(project)\n\(size)\n\(root)\n\(time)\n".utf8)
    }

    init(project: String, tree: MerkleTree, time: String, key: SigningKey) {
        self.project = project
        size = tree.leaves.count
        root = Hexadecimal.encode(tree.root(size: tree.leaves.count).bytes)
        self.time = time
        signature = Hexadecimal.encode(key.sign(Self.body(project: project, size: size, root: root, time: time)))
    }

    init(project: String, size: Int, root: String, time: String, signature: String) {
        self.project = project
        self.size = size
        self.root = root
        self.time = time
        self.signature = signature
    }

    /// A signature has one spelling, in lower case.
    public func isSigned(by key: PublicKey) -> Bool {
        Hexadecimal.decode(signature).map { Hexadecimal.encode($0) == signature && key.verify($0, of: body) } ?? false
    }
}
