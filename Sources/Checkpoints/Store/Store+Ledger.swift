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
    func ledgerSize() throws -> Int { try database.rows("SELECT count(*) FROM ledger") { $0.integer(0) }[0] }

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
        let rows = try database.rows("SELECT l.position, l.entry, d.lasting, d.perishable FROM ledger l LEFT JOIN disclosures d ON d.position = l.position ORDER BY l.position") {
            (position: $0.integer(0), entry: $0.blob(1), lasting: $0.blob(2), perishable: $0.blob(3))
        }
        return try rows.map { position, bytes, lasting, perishable in
            let disclosures = try disclosures(at: position, lasting: lasting, perishable: perishable)
            do {
                return StoredLedgerEntry(position: position, entry: try LedgerEntry(decoding: bytes, disclosures: disclosures), bytes: bytes)
            } catch LedgerEntry.Invalid.foreignDisclosure {
                throw fault("what the catalogue discloses of the ledger's entry \(position) is not what the entry committed to")
            } catch {
                throw fault("entry \(position) of the ledger is not readable")
            }
        }
    }

    /// The same, where every entry is the one that was signed last: what is done by it cannot be undone.
    /// - Complexity: O(entries) hashes.
    public func verifiedLedger() throws -> [StoredLedgerEntry] {
        try database.snapshot {
            let entries = try ledger(), tree = MerkleTree(leaves: entries.map { MerkleTree.leaf($0.bytes) })
            // The heads themselves are under the manifest.
            let head = try database.rows("SELECT size, root FROM tree_heads ORDER BY size DESC LIMIT 1") { (size: $0.integer(0), root: $0.text(1)) }.first
            guard let head, head.size == entries.count, Hexadecimal.encode(tree.root(size: head.size).bytes) == head.root else {
                throw fault("the ledger in \(cataloguePath) is not the one that was signed")
            }
            return entries
        }
    }

    public func treeHeads() throws -> [TreeHead] {
        try database.rows("SELECT size, root, time, signature FROM tree_heads ORDER BY size") {
            TreeHead(project: projectID, size: $0.integer(0), root: $0.text(1), time: $0.text(2), signature: $0.text(3))
        }
    }

    // MARK: - Disclosures

    private func context(ofDisclosures position: Int) -> [UInt8] { Array("unlearn disclosures \(position)".utf8) + keys.projectID }

    fileprivate func sealed(_ list: [[JSONValue]], at position: Int, by key: SecretKey) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return try Padding.padded([UInt8](encoder.encode(list))).withUnsafeBytes { key.seal($0, context: context(ofDisclosures: position)) }
    }

    fileprivate func disclosures(at position: Int, _ cell: [UInt8], by key: SecretKey) throws -> [(DisclosureLifetime, String)] {
        guard let content = cell.withUnsafeBytes({ key.open($0, context: context(ofDisclosures: position)) }),
            case .array(let list)? = try? StrictJSON.value(of: content, nul: .read)
        else { throw fault("what the catalogue discloses of the ledger's entry \(position) cannot be opened") }
        return try list.map { pair in
            guard case .array(let pair) = pair, pair.count == 2, case .integer(let number) = pair[0], let lifetime = DisclosureLifetime(rawValue: number), let text = pair[1].text else {
                throw fault("what the catalogue discloses of the ledger's entry \(position) is not readable")
            }
            return (lifetime, text)
        }
    }

    fileprivate func disclosures(at position: Int, lasting: [UInt8], perishable: [UInt8]) throws -> [(DisclosureLifetime, String)] {
        try disclosures(at: position, lasting, by: keys.ledger) + disclosures(at: position, perishable, by: keyring)
    }

    // MARK: - Verification

    /// Verifies that no entry was changed, removed, reordered or cut off: every entry against its leaf, every tree head
    /// against the entries and its signature, what is disclosed against the commitments, and requests against entries. Gives
    /// every fault.
    /// - Complexity: O(entries · log entries) hashes.
    public func ledgerFaults() throws -> [String] { try database.snapshot { try ledgerFaultsInOneView() } }

    private func ledgerFaultsInOneView() throws -> [String] {
        var faults: [String] = []
        let name = "the ledger in \(cataloguePath)"
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
        let closing = try ledger().map(\.entry).filter { $0.event == .deletionClosed }
        for request in try requests() where request.state == .closed {
            let requestName = Self.requestName(request.number)
            guard let entry = closing.first(where: { $0.request == requestName }) else {
                faults.append("\(name) has no closing entry of \(requestName)")
                continue
            }
            let objects = try listOfDestroyed(by: request.number) ?? []
            if entry.destroyed != ObjectSummary(objects) { faults.append("\(name): what \(requestName) destroyed is not what its closing entry says") }
        }
        return faults
    }
}

extension StoreChange {
    /// The tree head is signed once, at its end.
    /// - Complexity: O(entries) hashes for each transaction.
    public func append(_ entry: LedgerEntry) throws {
        let bytes = try entry.encoded()
        let position = try store.ledgerSize()
        try store.database.run("INSERT INTO ledger VALUES (?, ?, ?)", .integer(position), .blob(bytes), .blob(MerkleTree.leaf(bytes).bytes))
        try writeDisclosures(entry, at: position)
        if store.ledgerSizeBefore == nil { store.ledgerSizeBefore = position }
    }

    /// - Throws: `damaged` where the entries before are not those that were signed last: what somebody changed is never
    ///   signed anew.
    /// - Complexity: O(entries) hashes.
    func signTreeHead() throws {
        let tree = try store.ledgerTree()
        let last = try store.treeHeads().last
        guard last?.size ?? 0 == store.ledgerSizeBefore, last == nil || Hexadecimal.encode(tree.root(size: last!.size).bytes) == last!.root else {
            throw store.fault("the ledger in \(store.cataloguePath) is not the one that was signed")
        }
        let head = TreeHead(project: store.projectID, tree: tree, time: Date.now.formatted(.iso8601), key: store.signingKey)
        try store.database.run(
            "INSERT INTO tree_heads VALUES (?, ?, ?, ?)", .integer(head.size), .text(head.root), .text(head.time), .text(head.signature))
        store.signedHead = head
    }

    private func writeDisclosures(_ entry: LedgerEntry, at position: Int) throws {
        func list(_ isWanted: (DisclosureLifetime) -> Bool) -> [[JSONValue]] {
            entry.disclosures.filter { isWanted($0.lifetime) }.map { [.integer($0.lifetime.rawValue), .string($0.disclosure.text)] }
        }
        try store.database.run(
            "INSERT INTO disclosures VALUES (?, ?, ?)", .integer(position), .blob(store.sealed(list { $0 == .lasting }, at: position, by: store.keys.ledger)),
            .blob(store.sealed(list { $0 != .lasting }, at: position, by: store.keyring)))
    }

    /// Destroys what opens commitments to models that knew the rows which it deletes, and to what was
    /// measured on them.
    /// - Parameter stitches: also what was measured for stitches: none lies in the chain any more.
    /// - Complexity: O(entries).
    public func destroyPerishableDisclosures(ofStitches stitches: Bool) throws {
        try eachPerishable { position, list in
            let kept = list.filter { $0.0 == .whileStitched && !stitches }
            return kept.count == list.count ? nil : try store.sealed(kept.map { [.integer($0.0.rawValue), .string($0.1)] }, at: position, by: store.keyring)
        }
    }

    /// Seals perishable disclosures anew under another keyring key.
    func resealDisclosures(by next: SecretKey) throws {
        try eachPerishable { position, list in try store.sealed(list.map { [.integer($0.0.rawValue), .string($0.1)] }, at: position, by: next) }
    }

    private func eachPerishable(_ body: (_ position: Int, [(DisclosureLifetime, String)]) throws -> [UInt8]?) throws {
        for (position, cell) in try store.database.rows("SELECT position, perishable FROM disclosures", map: { ($0.integer(0), $0.blob(1)) }) {
            guard let next = try body(position, store.disclosures(at: position, cell, by: store.keyring)) else { continue }
            try store.database.run("UPDATE disclosures SET perishable = ? WHERE position = ?", .blob(next), .integer(position))
        }
    }
}
