/// How two lists of values go together.
public enum Correlation {
    /// Pearson's r; nil where a list is constant or shorter than 2.
    public static func pearson(_ x: [Double], _ y: [Double]) -> Double? {
        precondition(x.count == y.count, "lists of one length")
        guard x.count >= 2 else { return nil }
        let n = Double(x.count)
        let meanX = compensatedSum(x) / n, meanY = compensatedSum(y) / n
        let xx = compensatedSum(x.map { ($0 - meanX) * ($0 - meanX) }), yy = compensatedSum(y.map { ($0 - meanY) * ($0 - meanY) })
        guard xx > 0, yy > 0 else { return nil }
        let xy = compensatedSum(zip(x, y).map { ($0 - meanX) * ($1 - meanY) })
        return max(-1, min(1, xy / (xx.squareRoot() * yy.squareRoot())))
    }

    /// Spearman's rank correlation, ties at their mean rank; nil where a list is constant or shorter than 2.
    public static func spearman(_ x: [Double], _ y: [Double]) -> Double? { pearson(ranks(x), ranks(y)) }

    /// From 1 for the smallest; equal values share the mean of their ranks. - Complexity: O(n log n).
    public static func ranks(_ x: [Double]) -> [Double] {
        let order = x.indices.sorted { x[$0] < x[$1] }
        var ranks = [Double](repeating: 0, count: x.count)
        var start = 0
        while start < order.count {
            var end = start
            while end + 1 < order.count && x[order[end + 1]] == x[order[start]] { end += 1 }
            for place in start...end { ranks[order[place]] = Double(start + end) / 2 + 1 }
            start = end + 1
        }
        return ranks
    }
}
