/// The hash tree of an append-only log (RFC 6962, section 2.1): whoever has its root can be shown that an entry is in the
/// log, and that a later log continues an earlier one.
public struct MerkleTree: Sendable {
    /// Leaf hashes in order.
    public let leaves: [SHA256]

    public init(leaves: [SHA256]) { self.leaves = leaves }

    /// A leaf's hash; the prefixes keep leaves and nodes apart.
    public static func leaf(_ entry: [UInt8]) -> SHA256 { SHA256(of: [0] + entry) }

    static func node(_ left: SHA256, _ right: SHA256) -> SHA256 { SHA256(of: [1] + left.bytes + right.bytes) }

    /// The root over the first `size` leaves.
    /// - Complexity: O(size) hashes.
    public func root(size: Int) -> SHA256 {
        precondition(size >= 0 && size <= leaves.count)
        return Self.root(leaves[..<size])
    }

    private static func root(_ leaves: ArraySlice<SHA256>) -> SHA256 {
        switch leaves.count {
        case 0: return SHA256(of: [])
        case 1: return leaves.first!
        default:
            let middle = leaves.startIndex + split(leaves.count)
            return node(root(leaves[..<middle]), root(leaves[middle...]))
        }
    }

    /// The largest power of two below a size of at least two.
    private static func split(_ size: Int) -> Int { 1 << (Int.bitWidth - 1 - (size - 1).leadingZeroBitCount) }

    /// The roots over the first 0, 1, … all leaves.
    /// - Complexity: O(leaves · log leaves) hashes.
    public func roots() -> [SHA256] {
        // Roots of the complete subtrees that a size is made of, the largest first: one for each bit of the size.
        var peaks: [(root: SHA256, size: Int)] = []
        var roots = [root(size: 0)]
        for leaf in leaves {
            peaks.append((leaf, 1))
            while peaks.count > 1, peaks[peaks.count - 2].size == peaks[peaks.count - 1].size {
                let right = peaks.removeLast(), left = peaks.removeLast()
                peaks.append((Self.node(left.root, right.root), left.size + right.size))
            }
            roots.append(peaks.dropLast().reversed().reduce(peaks.last!.root) { Self.node($1.root, $0) })
        }
        return roots
    }

    /// The audit path of a leaf in the tree of the first `size` leaves, from the leaf's sibling up (section 2.1.1).
    public func inclusionProof(of index: Int, size: Int) -> [SHA256] {
        precondition(index >= 0 && index < size && size <= leaves.count)
        return Self.path(index, leaves[..<size])
    }

    private static func path(_ index: Int, _ leaves: ArraySlice<SHA256>) -> [SHA256] {
        guard leaves.count > 1 else { return [] }
        let half = split(leaves.count), middle = leaves.startIndex + half
        return index < half
            ? path(index, leaves[..<middle]) + [root(leaves[middle...])]
            : path(index - half, leaves[middle...]) + [root(leaves[..<middle])]
    }

    /// The root that a leaf and its audit path lead to; nil where the path has the wrong length for that place
    /// (RFC 9162, section 2.1.3.2, is the same algorithm from the bottom up).
    public static func root(from leaf: SHA256, index: Int, size: Int, proof: [SHA256]) -> SHA256? {
        guard index >= 0, index < size else { return nil }
        guard size > 1 else { return proof.isEmpty ? leaf : nil }
        guard let last = proof.last else { return nil }
        let half = split(size), rest = Array(proof.dropLast())
        return index < half
            ? root(from: leaf, index: index, size: half, proof: rest).map { node($0, last) }
            : root(from: leaf, index: index - half, size: size - half, proof: rest).map { node(last, $0) }
    }
}
