import Statistics

/// Student-t intervals.
enum Interval {
    /// t · se by player. Quantiles are worked out once for equal degrees of freedom.
    static func halfWidths(_ errors: [Double], degrees: [Double], confidence: Double) -> [Double] {
        precondition(confidence > 0 && confidence < 1, "confidence lies between 0 and 1: 0.95 means 95 %")
        var quantiles: [Double: Double] = [:]
        return zip(errors, degrees).map { error, degrees in
            guard error > 0 else { return 0 }
            // Past a million degrees t is the normal distribution to seven digits.
            let capped = min(degrees, 1e6)
            let t = quantiles[capped] ?? StudentT.quantile((1 + confidence) / 2, degrees: capped)
            quantiles[capped] = t
            return t * error
        }
    }

    static func widest(_ errors: [Double], degrees: [Double], confidence: Double) -> Double {
        2 * (halfWidths(errors, degrees: degrees, confidence: confidence).max() ?? 0)
    }
}
