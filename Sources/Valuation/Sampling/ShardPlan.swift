import Files

/// The share of one of several processes that evaluate the coalitions of one estimate: samples k with k mod count = index.
///
/// Shards share nothing and know nothing of each other. What an estimator may need is a pure function of its settings, so
/// each shard works out the whole plan, and a coalition that several samples contain belongs to the first of them: no
/// coalition is evaluated twice. A shard can't stop early, because intervals need everybody's values. The merge is the
/// estimator itself, run over a table preloaded with the union.
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

    /// The coalitions that are this shard's to evaluate, each once.
    public func coalitions(of estimator: some ValueEstimator, playerCount: Int) throws -> [Coalition] {
        share(of: try estimator.plan(playerCount: playerCount))
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

    /// Evaluates this shard's share.
    public func evaluate(_ estimator: some ValueEstimator, _ table: UtilityTable) throws {
        _ = try table.values(of: coalitions(of: estimator, playerCount: table.playerCount))
    }

    /// Runs the estimator over merged values, evaluating nothing. Throws `.input` where coalitions of the plan are missing.
    public static func merge(_ estimator: some ValueEstimator, _ table: UtilityTable) throws -> ValueEstimate {
        let planned = Set(try estimator.plan(playerCount: table.playerCount).joined())
        let missing = planned.count { !table.knows($0) }
        guard missing == 0 else {
            throw Failure(.input, "\(missing) of \(planned.count) coalitions are missing from the shards: run the shards that did not finish, then merge again")
        }
        return try estimator.estimate(table)
    }
}
