import Files

/// What each coalition is worth, asked for once: a memo over a utility.
///
/// Knows more than one estimate uses (the rest of a batch after the estimator stopped), so it keeps apart what is *known* and what
/// the estimate at hand *used*: the second does not depend on batches, threads or shards.
public final class UtilityTable {
    public let utility: any Utility
    private var values: [Coalition: Double] = [:]
    private var usedNow: Set<Coalition> = []

    /// Throws where the user asks to stop; called by whatever computes for long without asking for values.
    let checkpoint: @Sendable () throws -> Void

    public init(_ utility: any Utility, checkpoint: @escaping @Sendable () throws -> Void = {}) {
        precondition(utility.playerCount >= 1)
        (self.utility, self.checkpoint) = (utility, checkpoint)
    }

    public var playerCount: Int { utility.playerCount }
    public var usedCount: Int { usedNow.count }

    /// What the last estimate rests on, in canonical order. - Complexity: O(m log m) for m coalitions.
    public var used: [Coalition] { usedNow.sorted() }

    public func isUsed(_ coalition: Coalition) -> Bool { usedNow.contains(coalition) }

    /// v of each coalition, in order. Unknown ones are evaluated, each once, in the order of asking.
    ///
    /// Throws what the utility throws (an interruption, say), and `Failure` of kind `failed` where a value is no finite number.
    public func values(of coalitions: [Coalition]) throws -> [Double] {
        var asked: Set<Coalition> = []
        let missing = coalitions.filter { values[$0] == nil && asked.insert($0).inserted }
        if !missing.isEmpty {
            let found = try utility.values(of: missing)
            precondition(found.count == missing.count, "a value for each coalition")
            for (coalition, value) in zip(missing, found) {
                guard value.isFinite else {
                    throw Failure(.failed, "the utility of coalition \(coalition.members) is \(value), not a finite number: check the metric and the model")
                }
                values[coalition] = value
            }
        }
        return coalitions.map { values[$0]! }
    }

    /// An estimator begins: nothing is used yet.
    public func beginEstimate() { usedNow.removeAll(keepingCapacity: true) }

    /// The estimate rests on these coalitions.
    public func use(_ coalitions: some Sequence<Coalition>) { usedNow.formUnion(coalitions) }
}
