import Testing

/// Expects |actual − expected| ≤ relative·max(|actual|, |expected|) + floor at every place; reports the worst one.
func expectClose(
    _ actual: [Float], _ expected: [Double], relative: Double = 0, floor: Double, _ what: String = "values",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard actual.count == expected.count else {
        Issue.record("\(what): \(actual.count) values where \(expected.count) are expected", sourceLocation: sourceLocation)
        return
    }
    var worst: (excess: Double, index: Int)?
    for index in actual.indices {
        let a = Double(actual[index]), b = expected[index]
        let excess = abs(a - b) - (relative * max(abs(a), abs(b)) + floor)
        // Written so that NaN counts as an excess.
        if !(excess <= 0), excess.isNaN || excess > worst?.excess ?? 0 { worst = (excess.isNaN ? .infinity : excess, index) }
    }
    if let worst {
        Issue.record(
            "\(what)[\(worst.index)] is \(actual[worst.index]) instead of \(expected[worst.index])", sourceLocation: sourceLocation)
    }
}

/// Same bits: NaN equals NaN, and 0 differs from −0.
func bits(_ values: [Float]) -> [UInt32] { values.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) } }
