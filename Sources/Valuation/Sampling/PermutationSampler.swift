import Files

/// Draws pairs of permutations one after another and has their coalitions evaluated, several pairs at a time.
///
/// Pair k depends on (seed, stream, k) alone and pairs are handed on in order, so the batch size changes nothing but speed.
struct PermutationSampler {
    var seed: UInt64
    var stream = ValuationStream.permutations.rawValue
    var stopping: StoppingRule
    /// A permutation stops at the first prefix with |v(N) − v(prefix)| below this; 0 never stops it.
    var truncation = 0.0
    var pairsPerBatch = 8

    /// Until the visitor or the rule says stop. Marks as used exactly the coalitions of the pairs visited, and the two ends.
    ///
    /// The next pair is drawn while its coalitions fit the budget even if none were truncated.
    func run(_ table: UtilityTable, visit: (PathValues) throws -> StopReason?) throws -> StopReason {
        let n = table.playerCount
        let ends = [Coalition.none(of: n), .all(of: n)]
        _ = try table.values(of: ends)
        table.use(ends)
        var next = 0
        while true {
            var batch: [PermutationPair] = []
            var fresh: Set<Coalition> = []
            var end = StopReason.samples
            while batch.count < pairsPerBatch && next + batch.count < stopping.maxSamples {
                let pair = PermutationPair(seed: seed, stream: stream, index: next + batch.count, playerCount: n)
                let before = fresh.count
                let new = pair.coalitions.filter { !table.isUsed($0) && !fresh.contains($0) }
                if let budget = stopping.maxEvaluations, table.usedCount + before + new.count > budget {
                    end = .budget
                    break
                }
                fresh.formUnion(new)
                batch.append(pair)
            }
            guard !batch.isEmpty else { return end }
            for (path, asked) in try evaluate(batch, table) {
                table.use(asked)
                if let reason = try visit(path) { return reason }
                if Self.isComplete(table.usedCount, playerCount: n) { return .everyCoalition }
            }
            next += batch.count
        }
    }

    /// The coalitions of each pair that would be drawn if nothing stopped the sampling but budget and number; the two ends are the
    /// first pair's.
    func plan(playerCount n: Int) -> [[Coalition]] {
        var used: Set<Coalition> = [.none(of: n), .all(of: n)]
        var units: [[Coalition]] = []
        while units.count < stopping.maxSamples && !(units.count > 0 && Self.isComplete(used.count, playerCount: n)) {
            let coalitions = PermutationPair(seed: seed, stream: stream, index: units.count, playerCount: n).coalitions
            let new = coalitions.count { !used.contains($0) }
            if let budget = stopping.maxEvaluations, used.count + new > budget { break }
            used.formUnion(coalitions)
            units.append(units.isEmpty ? [.none(of: n), .all(of: n)] + coalitions : coalitions)
        }
        return units
    }

    /// For two pairs, which an interval needs.
    static func sufficientBudget(playerCount n: Int) -> Int { 2 + 4 * max(n - 1, 1) }

    /// nil where the budget allows two pairs, or every coalition; else one that does.
    func lackingBudget(playerCount n: Int) -> Int? {
        guard let budget = stopping.maxEvaluations else { return nil }
        var two = self
        two.stopping.maxSamples = 2
        let units = two.plan(playerCount: n)
        let isEnough = units.count == 2 || Self.isComplete(Set(units.joined()).count, playerCount: n)
        return isEnough ? nil : max(budget + 1, Self.sufficientBudget(playerCount: n))
    }

    /// Whether so many distinct coalitions are all there are: nothing new can be learned.
    static func isComplete(_ count: Int, playerCount: Int) -> Bool { playerCount <= mostComplete && count == 1 << playerCount }

    /// Players at most whose coalitions are all listed.
    static let mostComplete = 30

    /// Values along each pair and the coalitions they rest on, without the two ends.
    private func evaluate(_ batch: [PermutationPair], _ table: UtilityTable) throws -> [(PathValues, [Coalition])] {
        let n = table.playerCount
        let ends = try table.values(of: [.none(of: n), .all(of: n)])
        guard truncation > 0 else {
            let coalitions = batch.map(\.coalitions)
            let values = try table.values(of: coalitions.flatMap { $0 })
            return zip(batch, coalitions).enumerated().map { index, item in
                let own = Array(values[index * 2 * (n - 1)..<(index + 1) * 2 * (n - 1)])
                let forward = [ends[0]] + own.prefix(n - 1) + [ends[1]]
                return (PathValues(pair: item.0, forward: forward, backward: [ends[0]] + own.suffix(n - 1).reversed() + [ends[1]]), item.1)
            }
        }
        // Both directions of every pair advance together, a size at a time, until each is near v(N).
        var walks = batch.flatMap { pair in
            [pair.prefixes, pair.prefixes.map(\.complement).reversed()].map { (prefixes: $0, values: [ends[0]]) }
        }
        for size in 1..<max(n, 1) {
            let live = walks.indices.filter { walks[$0].values.count == size && !(abs(ends[1] - walks[$0].values[size - 1]) < truncation) }
            for (walk, value) in zip(live, try table.values(of: live.map { walks[$0].prefixes[size] })) { walks[walk].values.append(value) }
        }
        return batch.enumerated().map { index, pair in
            let both = walks[2 * index...2 * index + 1]
            let values = both.map { Self.completed($0.values, to: ends[1], count: n + 1) }
            return (PathValues(pair: pair, forward: values[0], backward: values[1]), both.flatMap { $0.prefixes[1..<$0.values.count] })
        }
    }

    /// A truncated permutation shares what is left up to v(N) equally among the players it did not reach.
    static func completed(_ values: [Double], to last: Double, count: Int) -> [Double] {
        let known = values.count, gap = last - values[known - 1], steps = Double(count - known)
        return values + (known..<count).map { $0 == count - 1 ? last : values[known - 1] + gap * Double($0 - known + 1) / steps }
    }
}
