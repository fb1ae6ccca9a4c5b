import Files

/// A numeric column's mean and deviation as somebody gives them, so that the rows leave no trace in a project's encoding at all:
/// published figures, or figures of other rows.
public struct ColumnStatistics: Sendable, Equatable {
    public let mean: Double
    public let deviation: Double

    /// Reads a comma-separated file with the header `column,mean,deviation`.
    /// - Throws: `Failure` of kind `input` where a line is no such triple, names a column again, or has a deviation that is not above 0.
    public static func read(_ path: String) throws -> [String: ColumnStatistics] {
        var statistics: [String: ColumnStatistics] = [:]
        var isHeader = true
        try CSVFile.forEachRecord(in: path) { line, fields in
            if isHeader {
                isHeader = false
                guard fields == ["column", "mean", "deviation"] else {
                    throw Failure(.input, "\(path) line \(line): statistics begin with the header column,mean,deviation")
                }
                return
            }
            guard fields.count == 3, let mean = Cell.number(fields[1]), let deviation = Cell.number(fields[2]), deviation > 0,
                abs(mean) <= Cell.largestNumber, deviation <= Cell.largestNumber
            else { throw Failure(.input, "\(path) line \(line): write a column's name, its mean and a deviation above 0") }
            guard statistics.updateValue(ColumnStatistics(mean: mean, deviation: deviation), forKey: fields[0]) == nil else {
                throw Failure(.input, "\(path) line \(line) names the column '\(fields[0].prefix(80))' again; give each column one line")
            }
        }
        guard !statistics.isEmpty else { throw Failure(.input, "\(path) has no statistics; write column,mean,deviation and a line for each column") }
        return statistics
    }
}
