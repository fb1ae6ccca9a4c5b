/// How well low values give away bad players, such as those with wrong labels.
public struct Detection: Codable, Sendable, Equatable {
    /// Probability that a bad player's value is below a good one's, ties counting half (Mann–Whitney); 0.5 is guessing.
    public let auc: Double
    /// Where the values are cut in two clusters by exact 2-means and the lower one is called bad, as OpenDataVal does (Jiang,
    /// Liang, Zou, Kwon, NeurIPS 2023, §4).
    public let f1: Double
    /// At the cut that is best in hindsight: what any threshold could reach.
    public let bestF1: Double

    /// nil unless there are both bad and good players.
    public init?(values: [Double], isBad: [Bool]) {
        precondition(values.count == isBad.count, "a verdict for each value")
        let bad = isBad.count { $0 }, good = isBad.count - bad
        guard bad > 0, good > 0 else { return nil }
        let ranks = Correlation.ranks(values)
        let rankSum = zip(ranks, isBad).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
        auc = 1 - (rankSum - Double(bad) * Double(bad + 1) / 2) / (Double(bad) * Double(good))

        let order = values.indices.sorted { values[$0] < values[$1] }
        // Calling the lowest `called` players bad, for each cut between different values.
        var best = 0.0, found = 0
        var scores = [0.0]
        for (place, player) in order.enumerated() {
            found += isBad[player] ? 1 : 0
            scores.append(2 * Double(found) / Double(place + 1 + bad))
            if place + 1 == order.count || values[order[place + 1]] != values[player] { best = max(best, scores[place + 1]) }
        }
        bestF1 = best
        f1 = scores[Self.lowerCluster(order.map { values[$0] })]
    }

    /// Size of the lower cluster that leaves the least squared distance to two means; 0 where all values are equal.
    static func lowerCluster(_ sorted: [Double]) -> Int {
        let total = compensatedSum(sorted), n = Double(sorted.count)
        var (size, most, sum) = (0, total * total / n, 0.0)
        // Least within means most between: Σ n·mean². Equal values never part.
        for cut in 1..<max(1, sorted.count) {
            sum += sorted[cut - 1]
            let between = sum * sum / Double(cut) + (total - sum) * (total - sum) / (n - Double(cut))
            if sorted[cut] > sorted[cut - 1] && (size == 0 || between > most) { (size, most) = (cut, between) }
        }
        return size
    }
}
