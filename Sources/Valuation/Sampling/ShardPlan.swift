import Files

/// The share of one of several processes that evaluate the coalitions of one estimate: samples k with k mod count = index.
///
/// Shards share nothing and know nothing of each other. What an estimator may need is a pure function of its settings, so
/// each shard works out the whole plan, and a coalition that several samples contain belongs to the first of them: no
/// coalition is evaluated twice. A shard can't stop early, because intervals need everybody's values. The merge is the
/// estimator itself, run over the union of what they evaluated (`MergedShards`).
public struct ShardPlan: Sendable, Equatable {
    public let index: Int
    public let count: Int

    /// Shard `index` of 0..<`count`. Throws `.input` where there is no such shard.
    public init(index: Int, count: Int) throws {
        guard count >= 1, (0..<count).contains(index) else {
            throw Failure(.input, "there is no shard \(index)/\(count): shards are numbered from 0/n to (n − 1)/n")
        }
        (self.index, self.count) = (index, count)
    }

    /// This shard's coalitions of a plan, each once: those that a sample of its own is the first to contain.
    func share(of plan: [[Coalition]]) -> [Coalition] {
        var seen: Set<Coalition> = []
        var own: [Coalition] = []
        for (k, unit) in plan.enumerated() {
            for coalition in unit where seen.insert(coalition).inserted && k % count == index { own.append(coalition) }
        }
        return own
    }
}
