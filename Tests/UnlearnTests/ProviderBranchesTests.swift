import Testing
import Training

@testable import Unlearn

struct ProviderBranchesTests {
    /// Rows of each provider, and branches.
    private static let shapes: [([Int], Int)] = [
        ([5, 5, 5], 3), ([5, 5, 5], 2), ([5, 5, 5], 1), ([100, 1, 1, 1], 2), ([100, 1, 1, 1], 7), ([1], 1), ([9], 4), ([3, 8, 2, 8, 1, 1, 4], 3), ([40, 20], 6),
        ([6, 6, 6, 6], 6), ([7, 3, 1], 11), ([50, 30, 20, 10, 5, 1], 40), ((1...60).map { $0 * $0 % 37 + 1 }, 13), ((1...60).map { $0 * $0 % 37 + 1 }, 400),
    ]

    @Test("Every provider's rows lie in one holding, branches are as many as asked for, and none is far fuller than others need be", arguments: shapes)
    func deals(sizes: [Int], count: Int) {
        // Provider after provider in turn, and a row of nobody between.
        var groups: [Int32] = []
        for turn in 0..<sizes.max()! { groups += sizes.indices.filter { turn < sizes[$0] }.map(Int32.init) + [-1] }
        let branches = ProviderBranches(groups, names: sizes.indices.map { "p\($0)" }, branches: count)
        #expect(branches.count == count && branches.holdings.reduce(0) { $0 + $1.branches } == count)
        #expect(branches.holdings.reduce(0) { $0 + $1.providers } == sizes.count && branches.providers == sizes.count)
        #expect(branches.holdings.flatMap(\.rows).sorted() == groups.indices.filter { groups[$0] >= 0 })
        #expect(branches.areShared == (count < sizes.count))
        for provider in sizes.indices.map(Int32.init) {
            #expect(branches.holdings.count { $0.rows.contains { groups[$0] == provider } } == 1)
        }
        // The same as dealt out one by one.
        var plain = branches.holdings.isEmpty ? [] : sizes.map { _ in 1 }
        if !branches.areShared {
            for _ in 0..<count - sizes.count {
                let next = sizes.indices.max { (Double(sizes[$0]) / Double(plain[$0]), $0) < (Double(sizes[$1]) / Double(plain[$1]), $1) }!
                plain[next] += 1
            }
            #expect(branches.holdings.map(\.branches) == plain)
        } else {
            var loads = [Int](repeating: 0, count: count)
            for size in sizes.sorted(by: >) { loads[loads.firstIndex(of: loads.min()!)!] += size }
            #expect(branches.holdings.map(\.rows.count).sorted() == loads.sorted())
        }
        // The largest first: no branch has more than the fewest and its last provider.
        let rows = branches.holdings.map(\.rows.count)
        if branches.areShared { #expect(rows.max()! <= max(sizes.max()!, rows.min()! + sizes.max()!)) } else { #expect(branches.holdings.count == sizes.count) }
        #expect(branches.longest(persons: []) == branches.holdings.map { $0.rows.count / $0.branches }.min()!)
    }

    @Test("A branch's number does not say how large its provider is")
    func order() {
        // Twelve providers, each larger than the one before it, share six branches.
        let groups = (0..<12).flatMap { [Int32](repeating: Int32($0), count: 10 + $0) }, names = (0..<12).map { "p\($0)" }
        let orders = Set((0..<20).map { seed in
            var branches = ProviderBranches(groups, names: names, branches: 6), generator = PlacementGenerator(seed: UInt64(seed))
            branches.shuffle(using: &generator)
            return branches.holdings.map(\.name)
        })
        #expect(orders.count > 15 && Set(orders.map { $0[0] }).count > 3)
    }

    @Test("What fills a block is people, where they are known")
    func people() {
        // Four rows of one person, two of two.
        let branches = ProviderBranches([0, 0, 0, 0, 1, 1], names: ["a", "b"], branches: 2)
        #expect(branches.longest(persons: []) == 2 && branches.longest(persons: [7, 7, 7, 7, 8, 9]) == 1)
    }
}
