/// How much rows of each class count in the loss.
public enum ClassWeighting: String, Sendable, CaseIterable {
    /// Rows over classes times rows of the class, as scikit-learn's `class_weight='balanced'` has it, but coarse: each class counts
    /// about as much as every other.
    case balanced

    /// One weight a class.
    ///
    /// With exact weights and the rows that are left, the class of a row that was deleted could be told: its class would be the one whose
    /// count is short of what its weight says. So counts are rounded to multiples of four rows, four at least, and weights to two
    /// binary digits behind the first: each weight fits four counts or more, and a few rows more or fewer seldom change one.
    /// - Parameter labels: of the rows to be trained on, those left out from the start included, so that both ways of leaving a row out give
    ///   the same bits. A class without rows weighs 1.
    public func weights(labels: some Sequence<Int32>, classes: Int) -> [Float] {
        var counts = [Int](repeating: 0, count: classes), rows = 0
        for label in labels where label >= 0 {
            counts[Int(label)] += 1
            rows += 1
        }
        let present = counts.count { $0 > 0 }
        return counts.map { count in
            guard count > 0 else { return 1 }
            let coarse = max(Self.rowsTogether, (Double(count) / Self.rowsTogether).rounded() * Self.rowsTogether)
            return Float(CoarseStatistics.rounded(Double(rows) / (Double(present) * coarse)))
        }
    }

    private static let rowsTogether = 4.0
}
