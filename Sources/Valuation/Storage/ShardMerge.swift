import Checkpoints
import Files

/// All shards of one valuation, put together.
public struct MergedShards: Sendable {
    public let provenance: Provenance
    public let plan: String
    public let seed: UInt64
    /// Of all shards, each coalition once, in the order of coalitions.
    public let entries: [UtilityRecord.Entry]

    public func utility(by metric: Metric) -> RecordedUtility { RecordedUtility(entries, by: metric, playerCount: provenance.players.count) }

    /// - Parameter paths: in any order.
    /// - Throws: `Failure` of kind `input` where a file is no whole shard, the shards are not of one valuation, one is missing or
    ///   there twice, or two value a coalition differently.
    public init(reading paths: [String]) throws {
        precondition(!paths.isEmpty, "at least one shard")
        var byIndex: [Int: String] = [:], first: ShardFile?, table: [Coalition: (entry: UtilityRecord.Entry, path: String)] = [:]
        for path in paths {
            let shard = try ShardFile(reading: path)
            if let first, let difference = first.firstDifference(from: shard) {
                throw Failure(.input, "\(paths[0]) and \(path) have different \(difference); merge shards of one valuation")
            }
            first = first ?? shard
            guard shard.isComplete else {
                throw Failure(.input, "\(path) is not complete: \(shard.entries.count) coalitions are evaluated; run its command again, which goes on from there")
            }
            if let twin = byIndex.updateValue(path, forKey: shard.index) {
                throw Failure(.input, "\(twin) and \(path) are both shard \(shard.index)/\(shard.shards); name each shard once")
            }
            for entry in shard.entries {
                let coalition = Coalition(words: entry.words, of: shard.provenance.players.count)
                if let known = table.updateValue((entry, path), forKey: coalition), known.entry != entry {
                    throw Failure(.input, "\(known.path) and \(path) value a coalition of \(coalition.count) players differently; compute both shards again")
                }
            }
        }
        let shard = first!
        let missing = (1...shard.shards).filter { byIndex[$0] == nil }
        guard missing.isEmpty else {
            let named = missing.prefix(10).map(String.init).joined(separator: ", ") + (missing.count > 10 ? " and \(missing.count - 10) more" : "")
            throw Failure(.input, "of \(shard.shards) shards \(named) \(missing.count == 1 ? "is" : "are") missing; name all of them")
        }
        (provenance, plan, seed) = (shard.provenance, shard.plan, shard.seed)
        entries = table.keys.sorted().map { table[$0]!.entry }
    }
}
