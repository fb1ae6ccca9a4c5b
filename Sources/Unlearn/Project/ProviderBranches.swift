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
    /// - Complexity: O(rows + providers · branches).
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
        for provider in bySize.dropFirst(branches) {
            let place = holdings.indices.min { holdings[$0].rows.count < holdings[$1].rows.count }!
            holdings[place].rows += provider.rows
            holdings[place].providers += 1
        }
    }

    /// One branch each, and the others to whoever has the most rows for each of its branches.
    private mutating func widen(to branches: Int) {
        for _ in 0..<branches - providers {
            func load(_ place: Int) -> Double { Double(holdings[place].rows.count) / Double(holdings[place].branches) }
            let next = holdings.indices.max { (load($0), $0) < (load($1), $1) }!
            holdings[next].branches += 1
        }
    }

    /// The most blocks that every branch can fill: its rows, or the people whose rows stay together.
    /// - Parameter persons: of each row, -1 for nobody; empty where nobody is known.
    func longest(persons: [Int32]) -> Int {
        holdings.map { (RowBundles(persons: persons.isEmpty ? [] : $0.rows.map { persons[$0] })?.count ?? $0.rows.count) / $0.branches }.min() ?? 0
    }

    /// The branches' blocks in a lineage, in the order of the holdings.
    /// - Throws: `Failure` of kind `input` where a block would have no row.
    func pools(in lineage: Lineage) throws -> [LineagePools.Pool] {
        var branch = 1
        return try holdings.map { holding in
            let range = lineage.blocks(ofBranch: branch).lowerBound...lineage.blocks(ofBranch: branch + holding.branches - 1).upperBound
            guard holding.rows.count >= range.count else {
                throw Failure(
                    .input, "'\(holding.name.prefix(80))' has \(holding.rows.count) row\(holding.rows.count == 1 ? "" : "s") for \(range.count) blocks of its own; choose fewer --blocks or --branches")
            }
            branch += holding.branches
            return LineagePools.Pool(rows: holding.rows, blocks: range, policy: .stratified)
        }
    }

    /// Who shares a branch with others, or has more of them. Branches weigh alike in the merge, and so providers weigh by the branches
    /// that they have.
    var remarks: [String] {
        guard holdings.count == providers else {
            return [
                "\(providers) providers share \(holdings.count == 1 ? "a branch" : "\(holdings.count) branches, up to \(holdings.map(\.providers).max()!) of them one"): "
                    + "when a provider leaves, its branch is trained anew on the rows of the others; with \(providers) branches each has its own"
            ]
        }
        guard let most = holdings.max(by: { $0.branches < $1.branches }), let fewest = holdings.map(\.branches).min(), most.branches > fewest else { return [] }
        let heavier = holdings.count { $0.branches > fewest }
        let others = heavier > 1 ? " (\(heavier) of \(providers) providers have more than \(fewest))" : ""
        return [
            "'\(most.name.prefix(80))' has \(most.branches) branches and weighs that many times as much as a provider with one branch\(others), "
                + "in the model and in what 'unlearn value' finds; "
                + "with --branches \(providers), or a multiple of it whose blocks go round, all weigh alike"
        ]
    }
}
