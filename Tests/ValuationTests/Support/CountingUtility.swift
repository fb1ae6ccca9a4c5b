import Checkpoints
import Files

@testable import Valuation

/// The value of a coalition, by either metric, is what the closure says; counts how often it was asked.
final class CountingUtility: StreamingUtility {
    let playerCount: Int
    let source = UtilityRecord.Source.exact
    let metric = Metric.loss
    private let value: (Coalition) throws -> Double
    private(set) var asked: [Coalition] = []

    init(players: Int, _ value: @escaping (Coalition) throws -> Double = { Double($0.words[0]) }) {
        playerCount = players
        self.value = value
    }

    func evaluate(_ coalitions: [Coalition], receive: (Int, UtilityRecord.Scores) throws -> Void) throws {
        for (index, coalition) in coalitions.enumerated() {
            asked.append(coalition)
            let value = try value(coalition)
            try receive(index, UtilityRecord.Scores(accuracy: value, loss: value))
        }
    }
}

/// Keeps the table in memory and counts how often it is saved.
final class MemoryStorage: UtilityStorage {
    private(set) var entries: [UtilityRecord.Entry] = []
    private(set) var saves = 0
    /// Called whenever the table is saved.
    var onSave: () -> Void = {}

    func load() -> [UtilityRecord.Entry] { entries }

    func save(_ entries: [UtilityRecord.Entry]) {
        self.entries = entries
        saves += 1
        onSave()
    }
}
