import Checkpoints

/// What nobody's data is worth: the score of the empty coalition, which values are measured against.
public enum Baseline: String, Sendable, Codable, CaseIterable {
    /// No model, but the frequencies of the classes among the rows that are scored. A network that was never trained does not know them,
    /// and where a class is rare, most of what the first provider adds would be to have learned them.
    case baseRate = "base-rate"
    /// The network as it is initialised.
    case untrained
}

/// A utility whose empty coalition scores what the base rate does, and has no model.
///
/// It stands in front of whatever stores utilities: tables keep scores of models alone, so that none holds a base rate, and another
/// baseline trains nothing anew.
final class BaseRateUtility: Utility {
    private let models: any Utility
    private let baseRate: Double

    init(_ models: any Utility, baseRate: Double) { (self.models, self.baseRate) = (models, baseRate) }

    var playerCount: Int { models.playerCount }

    func values(of coalitions: [Coalition]) throws -> [Double] {
        let others = coalitions.filter { !$0.isEmpty }
        var values = (others.isEmpty ? [] : try models.values(of: others))[...]
        return coalitions.map { $0.isEmpty ? baseRate : values.removeFirst() }
    }

    func flush() throws { try models.flush() }
}
