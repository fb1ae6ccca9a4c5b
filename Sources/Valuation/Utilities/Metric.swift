import Checkpoints

/// Which score of a model is its value.
public enum Metric: String, Sendable, Codable, CaseIterable {
    case accuracy, loss

    public func value(of scores: UtilityRecord.Scores) -> Double {
        switch self {
        case .accuracy: scores.accuracy
        case .loss: scores.loss
        }
    }
}
