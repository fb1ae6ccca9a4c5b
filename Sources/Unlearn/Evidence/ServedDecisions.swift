import Checkpoints
import Foundation
import Training

/// How the served model names the test rows, kept with it: the next deletion compares with it and need not ask it again, which would be
/// half of its scoring. A deletion puts its own model's in the place of the old one's, in the transaction that publishes it.
struct ServedDecisions: Codable {
    /// Of the model.
    private let stateDigest: String
    /// By slot, little endian.
    private let classes: Data
    private let score: Score

    /// It goes with the test rows that are deleted.
    private static let setting = Store.testRowsSettings + "decisions"

    private init(_ decisions: Decisions, stateDigest: String) {
        self.stateDigest = stateDigest
        var writer = ByteWriter(capacity: 4 * decisions.classes.count)
        for number in decisions.classes { writer.append(number) }
        classes = Data(writer.bytes)
        score = decisions.score
    }

    private func decisions(slots: Int) -> Decisions? {
        guard classes.count == 4 * slots else { return nil }
        return classes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            return Decisions(classes: (0..<slots).map { _ in reader.take(Int32.self) }, score: score)
        }
    }

    static func keep(_ decisions: Decisions, stateDigest: String, in change: borrowing StoreChange) throws {
        try change.set(setting, to: String(decoding: JSONEncoder().encode(ServedDecisions(decisions, stateDigest: stateDigest)), as: UTF8.self))
    }

    /// What was kept of a state; nil where it is not the one that something was kept of.
    static func kept(stateDigest: String, in store: Store) throws -> Decisions? {
        guard let text = try store.setting(setting), let kept = try? JSONDecoder().decode(ServedDecisions.self, from: Data(text.utf8)),
            kept.stateDigest == stateDigest
        else { return nil }
        return kept.decisions(slots: try store.rowBlocks(.test).reduce(0) { $0 + $1.slots })
    }
}
