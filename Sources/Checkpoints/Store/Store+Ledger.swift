import Files
import Foundation

/// An entry and its place.
public struct StoredLedgerEntry: Sendable {
    /// From 0.
    public let position: Int
    public let entry: LedgerEntry
    /// The bytes that are hashed.
    public let bytes: [UInt8]
}

/// The append-only record of what was done: a Merkle log with signed tree heads.
extension Store {
    /// Inside a transaction; the tree head is signed once, at its end.
    /// - Complexity: O(entries) hashes for each transaction.
    public func append(_ entry: LedgerEntry) throws {
        let bytes = try entry.encoded()
        let position = try database.rows("SELECT count(*) FROM ledger") { $0.integer(0) }[0]
        try database.run("INSERT INTO ledger VALUES (?, ?, ?)", .integer(position), .blob(bytes), .blob(MerkleTree.leaf(bytes).bytes))
        if ledgerSizeBefore == nil { ledgerSizeBefore = position }
    }

    /// - Throws: `damaged` where the entries before are not those that were signed last: what somebody changed is never
    ///   signed anew.
    /// - Complexity: O(entries) hashes.
    func signTreeHead() throws {
        let tree = try ledgerTree()
        let last = try treeHeads().last
        guard last?.size ?? 0 == ledgerSizeBefore, last == nil || Hexadecimal.encode(tree.root(size: last!.size).bytes) == last!.root else {
            throw fault("the ledger in \(Self.cataloguePath(folder)) is not the one that was signed")
        }
        let head = TreeHead(project: projectID, tree: tree, time: Date.now.formatted(.iso8601), key: signingKey)
        try database.run(
            "INSERT INTO tree_heads VALUES (?, ?, ?, ?)", .integer(head.size), .text(head.root), .text(head.time), .text(head.signature))
    }

    /// The hash tree of the whole ledger, from the leaves as stored.
    public func ledgerTree() throws -> MerkleTree {
        MerkleTree(
            leaves: try database.rows("SELECT leaf FROM ledger ORDER BY position") {
                let bytes = $0.blob(0)
                guard bytes.count == SHA256.length else { throw fault("the ledger holds a leaf of \(bytes.count) bytes") }
                return SHA256(bytes: bytes)
            })
    }

    public func ledger() throws -> [StoredLedgerEntry] {
        try database.rows("SELECT position, entry FROM ledger ORDER BY position") {
            let bytes = $0.blob(1)
            guard let entry = try? LedgerEntry(decoding: bytes) else { throw fault("entry \($0.integer(0)) of the ledger is not readable") }
            return StoredLedgerEntry(position: $0.integer(0), entry: entry, bytes: bytes)
        }
    }

    public func treeHeads() throws -> [TreeHead] {
        try database.rows("SELECT size, root, time, signature FROM tree_heads ORDER BY size") {
            TreeHead(project: projectID, size: $0.integer(0), root: $0.text(1), time: $0.text(2), signature: $0.text(3))
        }
    }

    /// Verifies that no entry was changed, removed, reordered or cut off: every entry against its leaf, every tree head
    /// against the entries and its signature, and requests against entries. Gives every fault.
    /// - Complexity: O(entries · log entries) hashes.
    public func ledgerFaults() throws -> [String] { try database.snapshot { try ledgerFaultsInOneView() } }

    private func ledgerFaultsInOneView() throws -> [String] {
        var faults: [String] = []
        let name = "the ledger in \(Self.cataloguePath(folder))"
        let entries = try database.rows("SELECT position, entry, leaf FROM ledger ORDER BY position") { ($0.integer(0), $0.blob(1), $0.blob(2)) }
        for (index, (position, entry, leaf)) in entries.enumerated() {
            if position != index { faults.append("\(name): entry \(index) is missing") }
            if MerkleTree.leaf(entry).bytes != leaf { faults.append("\(name): entry \(position) was changed") }
            if faults.count > 10 { return faults }
        }
        let roots = MerkleTree(leaves: entries.map { MerkleTree.leaf($0.1) }).roots()
        let heads = try treeHeads()
        for head in heads {
            if !head.isSigned(by: publicKey) {
                faults.append("\(name): the tree head of size \(head.size) is not signed with the project's key")
            } else if head.size > entries.count {
                faults.append("\(name) has \(entries.count) entries, and a signed tree head says \(head.size): its end was cut off")
            } else if head.size < 0 || Hexadecimal.encode(roots[head.size].bytes) != head.root {
                faults.append("\(name): its first \(head.size) entries are not those that were signed")
            }
        }
        if heads.last?.size ?? 0 != entries.count { faults.append("\(name) has \(entries.count) entries, of which \(heads.last?.size ?? 0) are signed for") }
        guard faults.isEmpty else { return faults }
        let closed = Set(try ledger().filter { $0.entry.event == .deletionClosed }.compactMap(\.entry.request))
        for request in try requests() where request.state == .closed && !closed.contains(Self.requestName(request.number)) {
            faults.append("\(name) has no closing entry of \(Self.requestName(request.number))")
        }
        return faults
    }
}
