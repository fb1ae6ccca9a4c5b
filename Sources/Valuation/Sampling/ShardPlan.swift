import Files

/// The share of one of several processes that evaluate the coalitions of one estimate: samples k (from 0) with k mod count = index − 1.
///
/// Shards share nothing and know nothing of each other. What an estimator may need is a pure function of its settings, so
/// each shard works out the whole plan, and a coalition that several samples contain belongs to the first of them: no
/// coalition is evaluated twice. A shard can't stop early, because intervals need everybody's values. The merge is the
/// estimator itself, run over the union of what they evaluated (`MergedShards`).
public struct ShardPlan: Sendable, Equatable {
    public let index: Int
    public let count: Int

    /// Shard `index` of 1…`count`. Throws `.input` where there is no such shard.
    public init(index: Int, count: Int) throws {
        guard count >= 1, (1...count).contains(index) else {
            throw Failure(.input, "there is no shard \(index) of \(count); shards go from 1/\(count) to \(count)/\(count)")
        }
        (self.index, self.count) = (index, count)
    }

    /// This shard's coalitions of a plan, each once: those that a sample of its own is the first to contain.
    func share(of plan: [[Coalition]]) -> [Coalition] {
        var seen: Set<Coalition> = []
        var own: [Coalition] = []
        for (k, unit) in plan.enumerated() {
            for coalition in unit where seen.insert(coalition).inserted && k % count == index - 1 { own.append(coalition) }
        }
        return own
    }
}
