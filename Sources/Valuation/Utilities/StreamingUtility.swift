import Checkpoints

/// A utility that tells each model's scores as soon as they are known, so that none is lost where a long run ends early.
public protocol StreamingUtility: Utility {
    /// What its scores are.
    var source: UtilityRecord.Source { get }

    /// Which of them is the value.
    var metric: Metric { get }

    /// The scores of each coalition's model, told by its index in any order, one at a time, on whichever thread found them. An
    /// error of `receive` ends the evaluation.
    func evaluate(_ coalitions: [Coalition], receive: (_ index: Int, _ scores: UtilityRecord.Scores) throws -> Void) throws
}

extension StreamingUtility {
    public func values(of coalitions: [Coalition]) throws -> [Double] {
        var values = [Double](repeating: .nan, count: coalitions.count)
        try evaluate(coalitions) { values[$0] = metric.value(of: $1) }
        return values
    }
}
