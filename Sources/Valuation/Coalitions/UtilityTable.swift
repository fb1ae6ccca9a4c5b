import Files

/// What each coalition is worth, asked for once: a memo over a utility.
///
/// Knows more than one estimate uses (values preloaded from an earlier run or from shards, the rest of a batch after the
/// estimator stopped), so it keeps apart what is *known* and what the estimate at hand *used*: the second does not depend
/// on batches, threads or shards.
public final class UtilityTable {
    public let utility: any Utility
    /// Coalitions that the utility was asked for, here; preloaded ones cost nothing.
    public private(set) var evaluations = 0
    private var values: [Coalition: Double] = [:]
    private var usedNow: Set<Coalition> = []
    private let evaluationLimit: Int?
    private let largestBatch: Int
    private let onNew: ([(Coalition, Double)]) throws -> Void

    /// - Parameters:
    ///   - evaluationLimit: no more than so many coalitions are ever evaluated here; a request past it throws before any work.
    ///   - largestBatch: of one call of the utility. Large batches share more, small ones lose less when the program is killed.
    ///   - onNew: called after each batch with its new values, in the order of asking: the place to persist them.
    public init(
        _ utility: any Utility, evaluationLimit: Int? = nil, largestBatch: Int = .max, onNew: @escaping ([(Coalition, Double)]) throws -> Void = { _ in }
    ) {
        precondition(utility.playerCount >= 1 && largestBatch >= 1)
        (self.utility, self.evaluationLimit, self.largestBatch, self.onNew) = (utility, evaluationLimit, largestBatch, onNew)
    }

    public var playerCount: Int { utility.playerCount }
    public var knownCount: Int { values.count }
    public var usedCount: Int { usedNow.count }

    /// Everything known, in canonical order. - Complexity: O(m log m) for m coalitions.
    public var known: [(coalition: Coalition, value: Double)] { values.sorted { $0.key < $1.key }.map { (coalition: $0.key, value: $0.value) } }

    /// What the last estimate rests on, in canonical order.
    public var used: [Coalition] { usedNow.sorted() }

    public func knows(_ coalition: Coalition) -> Bool { values[coalition] != nil }

    public func isUsed(_ coalition: Coalition) -> Bool { usedNow.contains(coalition) }

    /// Takes over values found elsewhere. Throws `.input` where one contradicts what is known already.
    public func preload(_ found: some Sequence<(Coalition, Double)>) throws {
        for (coalition, value) in found {
            precondition(coalition.playerCount == playerCount, "a coalition of another game")
            if let old = values[coalition], old.bitPattern != value.bitPattern {
                throw Failure(
                    .input, "coalition \(coalition.members) is worth \(old) in one source and \(value) in another: "
                        + "combine values of one project and one seed only")
            }
            values[coalition] = value
        }
    }

    /// v of each coalition, in order. Unknown ones are evaluated, each once, in the order of asking.
    ///
    /// Throws what the utility throws (an interruption, say); the batches before stay known.
    public func values(of coalitions: [Coalition]) throws -> [Double] {
        var asked: Set<Coalition> = []
        let missing = coalitions.filter { values[$0] == nil && asked.insert($0).inserted }
        if let evaluationLimit, evaluations + missing.count > evaluationLimit {
            throw Failure(
                .input, "\(missing.count) more coalitions have to be evaluated after \(evaluations), past the limit of \(evaluationLimit): "
                    + "raise --max-evaluations")
        }
        var start = 0
        while start < missing.count {
            let batch = Array(missing[start..<min(missing.count, start + min(largestBatch, missing.count))])
            let found = try utility.values(of: batch)
            precondition(found.count == batch.count, "a value for each coalition")
            for (coalition, value) in zip(batch, found) {
                guard value.isFinite else {
                    throw Failure(.failed, "the utility of coalition \(coalition.members) is \(value), not a finite number: check the metric and the model")
                }
                values[coalition] = value
            }
            evaluations += batch.count
            start += batch.count
            try onNew(Array(zip(batch, found)))
        }
        return coalitions.map { values[$0]! }
    }

    /// v of one coalition.
    public func value(of coalition: Coalition) throws -> Double { try values(of: [coalition])[0] }

    /// An estimator begins: nothing is used yet.
    public func beginEstimate() { usedNow.removeAll(keepingCapacity: true) }

    /// The estimate rests on these coalitions.
    public func use(_ coalitions: some Sequence<Coalition>) { usedNow.formUnion(coalitions) }
}
