import Checkpoints
import Files
import Unlearn

/// A place that keeps the table of utilities of one provenance.
public protocol UtilityStorage: AnyObject {
    /// What is there of this table; empty where nothing is.
    func load() throws -> [UtilityRecord.Entry]

    /// Puts the whole table in the place of what was there, at once or not at all.
    func save(_ entries: [UtilityRecord.Entry]) throws
}

/// Keeps the table in the project, which is open for writing: sealed, named by the catalogue, destroyed with the next deletion.
public final class ProjectStorage: UtilityStorage {
    private let store: Store
    private let key: SHA256
    private let playerCount: Int

    public init(_ project: Project, _ provenance: Provenance) throws {
        store = project.store
        key = try provenance.key
        playerCount = provenance.players.count
    }

    public func load() throws -> [UtilityRecord.Entry] {
        guard let record = try store.utilities(key) else { return [] }
        guard record.playerCount == playerCount else { throw Failure(.damaged, "the stored utilities are of other players; run 'unlearn check'") }
        return record.entries
    }

    public func save(_ entries: [UtilityRecord.Entry]) throws {
        let record = UtilityRecord(key: key, playerCount: playerCount, entries: entries)
        try store.transaction { change in try change.setUtilities(record) }
    }
}

/// A utility whose every model is scored once and its scores stored, whichever of them is the value: what a run that was killed had
/// found is there for the next one, by any metric.
///
/// Scores are committed while others are evaluated, at most every two seconds and for at most a twentieth of the time; what an
/// error or the user ends early is committed before the error goes on. Whoever is done calls `flush`.
public final class StoredUtility: Utility {
    private let base: any StreamingUtility
    private let storage: any UtilityStorage
    private var table: [Coalition: UtilityRecord.Entry]
    /// Seconds of a clock that only goes forwards.
    private let clock: () -> Double
    private var nextCommit: Double
    private var isDirty = false

    /// Coalitions evaluated since this utility was made.
    public private(set) var evaluations = 0

    static let secondsBetweenCommits = 2.0
    /// Of the time, so much goes into commits at most.
    static let shareOfCommits = 0.05

    public convenience init(_ base: any StreamingUtility, in storage: any UtilityStorage) throws {
        let watch = ContinuousClock(), start = watch.now
        try self.init(base, in: storage) { (watch.now - start) / .seconds(1) }
    }

    init(_ base: any StreamingUtility, in storage: any UtilityStorage, clock: @escaping () -> Double) throws {
        self.base = base
        self.storage = storage
        self.clock = clock
        let count = base.playerCount
        table = Dictionary(try storage.load().map { (Coalition(words: $0.words, of: count), $0) }) { first, _ in first }
        nextCommit = clock() + Self.secondsBetweenCommits
    }

    public var playerCount: Int { base.playerCount }

    public func values(of coalitions: [Coalition]) throws -> [Double] {
        var seen: Set<Coalition> = []
        let missing = coalitions.filter { table[$0] == nil && seen.insert($0).inserted }
        if !missing.isEmpty {
            do {
                try base.evaluate(missing) { index, scores in
                    guard scores.areFinite else {
                        throw Failure(.failed, "a coalition's model has accuracy \(scores.accuracy) and log-loss \(-scores.loss); train with a lower rate")
                    }
                    table[missing[index]] = UtilityRecord.Entry(words: missing[index].words, scores: scores, source: base.source)
                    evaluations += 1
                    isDirty = true
                    if clock() >= nextCommit { try flush() }
                }
            } catch {
                // What is known stays known; the first error is the one to hear of.
                try? flush()
                throw error
            }
        }
        return coalitions.map { base.metric.value(of: table[$0]!.scores) }
    }

    /// Stores what is not stored yet.
    public func flush() throws {
        guard isDirty else { return }
        let start = clock()
        try storage.save(Array(table.values))
        isDirty = false
        let end = clock()
        nextCommit = end + max(Self.secondsBetweenCommits, (end - start) * (1 / Self.shareOfCommits - 1))
    }
}

/// Values that were evaluated before and nothing else.
public final class RecordedUtility: Utility {
    public let playerCount: Int
    private let table: [Coalition: Double]

    public init(_ entries: [UtilityRecord.Entry], by metric: Metric, playerCount: Int) {
        self.playerCount = playerCount
        table = Dictionary(entries.map { (Coalition(words: $0.words, of: playerCount), metric.value(of: $0.scores)) }) { first, _ in first }
    }

    /// - Throws: `Failure` of kind `input` where a coalition was not evaluated.
    public func values(of coalitions: [Coalition]) throws -> [Double] {
        try coalitions.map { coalition in
            guard let value = table[coalition] else {
                throw Failure(.input, "a coalition of \(coalition.count) players was not evaluated; let every shard run to its end with the same options")
            }
            return value
        }
    }
}
