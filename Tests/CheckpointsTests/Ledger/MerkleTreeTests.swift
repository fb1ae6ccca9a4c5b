import TestSupport
import Testing

@testable import Checkpoints

@Suite("The hash tree of the ledger")
struct MerkleTreeTests {
    /// The plain version (RFC 6962, section 2.1, word by word).
    private static func reference(_ entries: ArraySlice<[UInt8]>) -> [UInt8] {
        if entries.isEmpty { return SHA256(of: []).bytes }
        if entries.count == 1 { return SHA256(of: [0] + entries.first!).bytes }
        var k = 1
        while 2 * k < entries.count { k *= 2 }
        let middle = entries.startIndex + k
        return SHA256(of: [1] + reference(entries[..<middle]) + reference(entries[middle...])).bytes
    }

    private static func tree(_ entries: [[UInt8]]) -> MerkleTree { MerkleTree(leaves: entries.map(MerkleTree.leaf)) }

    private static func entries(_ count: Int) -> [[UInt8]] {
        var random = SeededGenerator(6962)
        return (0..<count).map { _ in (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) } }
    }

    // The inputs and roots that implementations of Certificate Transparency are tested with.
    private static let knownEntries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    private static let knownRoots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    @Test("The roots are those of Certificate Transparency's vectors", arguments: 0...8)
    func knownRoots(size: Int) throws {
        let tree = Self.tree(try Self.knownEntries.map(hex))
        #expect(Hexadecimal.encode(tree.root(size: size).bytes) == Self.knownRoots[size])
    }

    @Test("Roots of every size are those of the plain version")
    func agrees() {
        let entries = Self.entries(130), tree = Self.tree(entries)
        let roots = tree.roots()
        for size in 0...130 {
            #expect(tree.root(size: size).bytes == Self.reference(entries[..<size]), "size \(size)")
            #expect(roots[size].bytes == Self.reference(entries[..<size]), "all roots, size \(size)")
        }
    }

    @Test("A leaf is never a node: the hash of two nodes as an entry is another than that of the tree above them")
    func domains() {
        let tree = Self.tree([[1], [2]])
        #expect(MerkleTree.leaf(tree.leaves[0].bytes + tree.leaves[1].bytes) != tree.root(size: 2))
    }

    @Test("Every leaf of every size is proved, with as many hashes as its place asks for", arguments: 1...40)
    func proofs(size: Int) {
        let tree = Self.tree(Self.entries(40)), root = tree.root(size: size)
        var depth = 0
        while 1 << depth < size { depth += 1 }
        for index in 0..<size {
            let proof = tree.inclusionProof(of: index, size: size)
            #expect(proof.count <= depth)
            #expect(MerkleTree.root(from: tree.leaves[index], index: index, size: size, proof: proof) == root)
        }
    }

    @Test("A proof with anything changed leads to no root or another one", arguments: 1...40)
    func changedProofs(size: Int) {
        let tree = Self.tree(Self.entries(41)), root = tree.root(size: size), other = SHA256(of: [7])
        func leads(_ leaf: SHA256, _ index: Int, _ size: Int, _ proof: [SHA256]) -> Bool {
            MerkleTree.root(from: leaf, index: index, size: size, proof: proof) == root
        }
        for index in 0..<size {
            let leaf = tree.leaves[index], proof = tree.inclusionProof(of: index, size: size)
            #expect(leads(leaf, index, size, proof))
            #expect(!leads(other, index, size, proof))
            for wrong in 0...size where wrong != index { #expect(!leads(leaf, wrong, size, proof), "leaf \(index) as \(wrong) of \(size)") }
            for place in proof.indices {
                var changed = proof
                changed[place] = other
                #expect(!leads(leaf, index, size, changed))
                changed = proof
                changed.remove(at: place)
                #expect(!leads(leaf, index, size, changed))
            }
            for place in 0...proof.count {
                var longer = proof
                longer.insert(other, at: place)
                #expect(!leads(leaf, index, size, longer))
            }
            #expect(!leads(leaf, index, size, proof.reversed()) || proof.count < 2)
        }
    }

    @Test("A proof for a size is none for a size that asks for another number of hashes")
    func otherSize() {
        let tree = Self.tree(Self.entries(40))
        for size in 1...40 {
            for index in 0..<size {
                let proof = tree.inclusionProof(of: index, size: size)
                // Some places have the same path in trees of several sizes: the size itself is signed with the root. Where
                // the number of hashes differs, nothing can come out.
                for wrong in index + 1...80 where Self.pathLength(index, wrong) != proof.count {
                    #expect(MerkleTree.root(from: tree.leaves[index], index: index, size: wrong, proof: proof) == nil, "\(index) of \(size) as of \(wrong)")
                }
            }
        }
    }

    /// How many nodes lie above a leaf, counted by walking down.
    private static func pathLength(_ index: Int, _ size: Int) -> Int {
        var (index, size, length) = (index, size, 0)
        while size > 1 {
            var half = 1
            while 2 * half < size { half *= 2 }
            if index < half { size = half } else { (index, size) = (index - half, size - half) }
            length += 1
        }
        return length
    }

    @Test("A place that no tree has leads nowhere", arguments: [(-1, 5), (5, 5), (0, 0), (1, 0), (0, -1), (.max, 5), (.min, 5)])
    func noPlace(index: Int, size: Int) {
        #expect(MerkleTree.root(from: SHA256(of: []), index: index, size: size, proof: []) == nil)
    }

    @Test("The longest tree and the longest proof are no trouble")
    func extremes() {
        let leaf = SHA256(of: [])
        #expect(MerkleTree.root(from: leaf, index: .max - 1, size: .max, proof: []) == nil)
        #expect(MerkleTree.root(from: leaf, index: 0, size: .max, proof: [SHA256](repeating: leaf, count: 63)) != nil)
        #expect(MerkleTree.root(from: leaf, index: 0, size: .max, proof: [SHA256](repeating: leaf, count: 62)) == nil)
        #expect(MerkleTree.root(from: leaf, index: 0, size: 1, proof: [SHA256](repeating: leaf, count: 10_000)) == nil)
    }
}
