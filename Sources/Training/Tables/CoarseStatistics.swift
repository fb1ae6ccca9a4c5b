/// A numeric column's mean and deviation, so coarse that no row can be worked out from them and the rows that are left.
///
/// With the exact mean m of n rows, n·m less the sum of the others is the row that was deleted. The mean is rounded to a grid
/// so wide that n grid steps exceed the column's range several times over: the sum of a few missing rows is then uncertain by more
/// than any value that they can have. The deviation has two binary digits behind its first, which leaves the sum of squares as
/// uncertain. Standardising needs neither to be exact.
struct CoarseStatistics {
    let mean: Double
    let deviation: Double

    /// So many missing rows have a sum that the rounding leaves wholly uncertain.
    private static let rowsTogether = 4.0
    /// The mean is off by at most so much of a deviation where there are many rows.
    private static let shareOfDeviation = 0.125

    init(mean: Double, deviation: Double, range: Double, rows: Double) {
        self.deviation = deviation > 0 ? Self.rounded(deviation) : 1
        let step = max(Self.rowsTogether * range / max(1, rows), Self.shareOfDeviation * self.deviation)
        // A column that is constant hides nothing: its value is that of every row.
        guard range > 0, step > 0, step.isFinite else {
            self.mean = mean
            return
        }
        // The power of two above the step.
        let power = Double(sign: .plus, exponent: step.exponent, significand: 1)
        let grid = step > power ? power * 2 : power
        self.mean = (mean / grid).rounded() * grid
    }

    /// To two binary digits behind the first: off by an eighth at most.
    static func rounded(_ value: Double) -> Double {
        Double(sign: .plus, exponent: value.exponent, significand: (value.significand * 4).rounded() / 4)
    }
}
