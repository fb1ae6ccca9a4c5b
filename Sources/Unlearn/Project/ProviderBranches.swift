import Files
import Training

/// Which branches belong to whom: a provider's rows have branches of their own, as many as they call for, or, where providers are more than
/// branches, share one with those of others. None are cut apart.
struct ProviderBranches {
    /// What goes into branches together: one provider's rows, or those of several that share a branch.
    struct Holding {
        /// Of the provider, or of the largest of several.
        let name: String
        var rows: [Int]
        var providers = 1
        var branches = 1
    }

    private(set) var holdings: [Holding]
    let providers: Int

    /// - Parameters:
    ///   - groups: of each row, -1 for none: those rows are nobody's, and not among these.
    ///   - count: branches in all.
    /// - Complexity: O(rows + providers · log providers).
    init(_ groups: [Int32], names: [String], branches count: Int) {
        var ofGroup: [Int32: [Int]] = [:]
        for (row, group) in groups.enumerated() where group >= 0 { ofGroup[group, default: []].append(row) }
        holdings = ofGroup.keys.sorted().map { Holding(name: names[Int($0)], rows: ofGroup[$0]!) }
        providers = holdings.count
        if count < providers { share(count) } else if providers > 0 { widen(to: count) }
    }

    /// The largest first, each into the branch that has the fewest rows.
    private mutating func share(_ branches: Int) {
        let bySize = holdings.enumerated().sorted { ($1.element.rows.count, $0.offset) < ($0.element.rows.count, $1.offset) }.map(\.element)
        holdings = Array(bySize.prefix(branches))
        // A heap: nobody has fewer rows than whoever stands at half its place. The largest first, it is one from back to front.
        var heap = Array((0..<branches).reversed())
        func isBelow(_ a: Int, _ b: Int) -> Bool { (holdings[heap[a]].rows.count, heap[a]) < (holdings[heap[b]].rows.count, heap[b]) }
        for provider in bySize.dropFirst(branches) {
            holdings[heap[0]].rows += provider.rows
            holdings[heap[0]].providers += 1
            var place = 0
            while let child = [2 * place + 1, 2 * place + 2].filter({ $0 < branches }).min(by: isBelow), isBelow(child, place) {
                heap.swapAt(place, child)
                place = child
            }
        }
    }

    /// One branch each, and the others, one after the other, to whoever has the most rows for each of its branches. That ends where nobody
    /// has more than a limit for each (Adams' method of apportionment), and the limit is searched for.
    private mutating func widen(to branches: Int) {
        func counts(_ limit: Double) -> [Int] { holdings.map { max(1, Int((Double($0.rows.count) / limit).rounded(.up))) } }
        var high = Double(holdings.map(\.rows.count).max()!), low = high / Double(2 * branches)
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if counts(middle).reduce(0, +) <= branches { high = middle } else { low = middle }
        }
        for (place, count) in counts(high).enumerated() { holdings[place].branches = count }
        // Several reach the limit at once, and what is left is not enough for all of them.
        let left = branches - count
        func load(_ place: Int) -> Double { Double(holdings[place].rows.count) / Double(holdings[place].branches) }
        for place in holdings.indices.sorted(by: { (load($0), $0) > (load($1), $1) }).prefix(left) { holdings[place].branches += 1 }
    }

    /// In an order that tells nothing: by their sizes, or as a file names them, a branch's number would say whose it is to whoever reads in a
    /// certificate which blocks were trained anew.
    mutating func shuffle(using generator: inout PlacementGenerator) { generator.shuffle(&holdings) }

    /// The most blocks that every branch can fill: its rows, or the people whose rows stay together.
    /// - Parameter persons: of each row, -1 for nobody; empty where nobody is known.
    func longest(persons: [Int32]) -> Int {
        holdings.map { (RowBundles(persons: persons.isEmpty ? [] : $0.rows.map { persons[$0] })?.count ?? $0.rows.count) / $0.branches }.min() ?? 0
    }

    var areShared: Bool { holdings.count < providers }
    var count: Int { holdings.reduce(0) { $0 + $1.branches } }

    /// The branches' blocks in a lineage, in the order of the holdings.
    /// - Throws: `Failure` of kind `input` where a block would have no row.
    func pools(in lineage: Lineage) throws -> [LineagePools.Pool] {
        var branch = 1
        return try holdings.map { holding in
            let range = lineage.blocks(ofBranch: branch).lowerBound...lineage.blocks(ofBranch: branch + holding.branches - 1).upperBound
            guard holding.rows.count >= range.count else {
                let others = holding.providers - 1, rows = "\(holding.rows.count) row\(holding.rows.count == 1 ? "" : "s")"
                let whose = others == 0 ? "has \(rows)" : "and \(others) other\(others == 1 ? "" : "s") in its branch have \(rows)"
                throw Failure(.input, "'\(holding.name.prefix(80))' \(whose) for \(range.count) blocks; choose fewer blocks (--blocks), or fewer branches")
            }
            branch += holding.branches
            return LineagePools.Pool(rows: holding.rows, blocks: range, policy: .stratified)
        }
    }

    /// Who shares a branch with others, or has more of them. Branches weigh alike in the merge, and so providers weigh by the branches
    /// that they have.
    /// - Parameter option: what asks for so many branches.
    func remarks(_ option: (Int) -> String) -> [String] {
        guard !areShared else {
            return [
                "\(providers) providers share \(holdings.count == 1 ? "a branch" : "\(holdings.count) branches, up to \(holdings.map(\.providers).max()!) in one"): "
                    + "when one leaves, its branch is trained anew on the rows of the others; with \(option(providers)) each has its own"
            ]
        }
        guard let most = holdings.max(by: { $0.branches < $1.branches }), let fewest = holdings.map(\.branches).min(), most.branches > fewest else { return [] }
        let heavier = holdings.count { $0.branches > fewest }
        let others = heavier > 1 ? " (\(heavier) of \(providers) providers have more than \(fewest))" : ""
        return [
            "'\(most.name.prefix(80))' has \(most.branches) branches and weighs that many times as much as a provider with one branch\(others), "
                + "in the model and in what 'unlearn value' finds; "
                + "with \(option(providers)), or a multiple of it whose blocks go round, all weigh alike"
        ]
    }
}
