/// Rows that stay together, because they are one person's, and rows that stand for themselves.
public struct RowBundles {
    /// Indices of rows, at the first in the order in which they appear.
    private var bundles: [[Int]] = []

    /// Nil where nobody has several rows: then nothing has to stay together.
    /// - Parameter persons: of each row, -1 for nobody; empty where nobody is known.
    public init?(persons: [Int32]) {
        var placeOf: [Int32: Int] = [:]
        for (row, person) in persons.enumerated() {
            if person >= 0, let place = placeOf[person] {
                bundles[place].append(row)
            } else {
                if person >= 0 { placeOf[person] = bundles.count }
                bundles.append([row])
            }
        }
        if bundles.count == persons.count { return nil }
    }

    public var count: Int { bundles.count }
    public var all: [[Int]] { bundles }

    public mutating func shuffle(using generator: inout PlacementGenerator) { generator.shuffle(&bundles) }

    /// Gives bundles, in their order, to blocks of about as many rows: a block is closed where the next bundle would take it farther from its
    /// share of the rows that are left. Each block gets one bundle at least.
    func fill(_ blocks: inout [Int32], _ count: Int) {
        precondition(count >= 1 && count <= bundles.count)
        var rowsLeft = bundles.reduce(0) { $0 + $1.count }, next = 0
        for block in 1...count {
            let blocksLeft = count - block, share = rowsLeft / (blocksLeft + 1)
            var rows = 0
            while next < bundles.count - blocksLeft, rows == 0 || blocksLeft == 0 || rows + bundles[next].count / 2 < share {
                for row in bundles[next] { blocks[row] = Int32(block) }
                rows += bundles[next].count
                next += 1
            }
            rowsLeft -= rows
        }
    }

    /// Adds to a set of rows all that belong to the same persons.
    public func complete(_ rows: inout Set<Int>) {
        for bundle in bundles where bundle.count > 1 && bundle.contains(where: rows.contains) { rows.formUnion(bundle) }
    }

    /// Gives every row of a person the largest number of any of them.
    public func raise(_ numbers: inout [Double]) {
        for bundle in bundles where bundle.count > 1 {
            let largest = bundle.reduce(-Double.infinity) { max($0, numbers[$1]) }
            for row in bundle { numbers[row] = largest }
        }
    }

    /// Brings rows of one person together in a list of rows, where the first of them stands.
    public func gather(_ rows: inout [Int]) {
        var bundleOf: [Int: Int] = [:]
        for (place, bundle) in bundles.enumerated() where bundle.count > 1 { for row in bundle { bundleOf[row] = place } }
        var members: [Int: [Int]] = [:]
        for row in rows { if let bundle = bundleOf[row] { members[bundle, default: []].append(row) } }
        rows = rows.flatMap { row -> [Int] in
            guard let bundle = bundleOf[row] else { return [row] }
            return members.removeValue(forKey: bundle) ?? []
        }
    }
}
