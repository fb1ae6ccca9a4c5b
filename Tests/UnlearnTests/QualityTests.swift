import Foundation
import TestSupport
import Testing

@testable import Unlearn

@Suite("How good a model is")
struct QualityTests {
    private func quality(_ probabilities: [[Float]], _ labels: [Int32], frequencies: [Double]? = nil) -> Quality {
        let classes = probabilities[0].count
        return Quality(
            probabilities: probabilities.flatMap { $0 }, labels: labels, classNames: (0..<classes).map { "c\($0)" },
            frequencies: frequencies ?? [Double](repeating: 1, count: classes))
    }

    /// Probabilities are single precision.
    private func isClose(_ value: Double, _ expected: Double) -> Bool { abs(value - expected) < 1e-6 }

    @Test("Two classes, by hand")
    func twoClasses() throws {
        let found = quality([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.6, 0.4]], [0, 0, 1, 1], frequencies: [3, 1])
        #expect(found.accuracy == 0.5 && found.rows == 4 && found.balancedAccuracy == 0.5)
        // Of the four pairs of a 1 and a 0, 0.7 stands above both, 0.4 above one.
        #expect(found.auc == 0.75)
        #expect(isClose(found.brierScore, 0.205))
        let right: [Double] = [0.9, 0.4, 0.7, 0.4]
        #expect(isClose(found.loss, -right.map { log($0) }.reduce(0, +) / 4))
        #expect(found.baseRate.accuracy == 0.5)
        #expect(isClose(found.baseRate.loss, -(log(0.75) + log(0.25)) / 2))
        #expect(found.classes.map(\.precision) == [0.5, 0.5] && found.classes.map(\.recall) == [0.5, 0.5] && found.classes.map(\.rows) == [2, 2])
    }

    @Test("A model that is sure and right is perfect; one that says the same of all has an AUC of a half")
    func extremes() {
        let perfect = quality([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 1, 2])
        #expect(perfect.accuracy == 1 && perfect.loss == 0 && perfect.auc == 1 && perfect.brierScore == 0 && perfect.calibrationError == 0 && perfect.balancedAccuracy == 1)
        let constant = quality([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]], [0, 1, 1])
        #expect(constant.auc == 0.5 && constant.classes[1].precision == nil && constant.classes[1].recall == 0)
        #expect(quality([[0.5, 0.5]], [1]).auc == nil)
    }

    @Test("Areas, calibration and balance are those of plain definitions", arguments: [2, 3, 7])
    func plain(_ classes: Int) throws {
        var random = SeededGenerator(UInt64(classes))
        let rows = 200
        // Few different values, so that many are equal.
        let probabilities = (0..<rows).map { _ in
            let weights = (0..<classes).map { _ in Float(Int.random(in: 1...6, using: &random)) }, sum = weights.reduce(0, +)
            return weights.map { $0 / sum }
        }
        let labels = (0..<rows).map { _ in Int32.random(in: 0..<Int32(classes), using: &random) }
        let found = quality(probabilities, labels)

        func area(_ place: Int) -> Double {
            var right = 0.0, pairs = 0.0
            for a in 0..<rows where labels[a] == Int32(place) {
                for b in 0..<rows where labels[b] != Int32(place) {
                    pairs += 1
                    right += probabilities[a][place] > probabilities[b][place] ? 1 : probabilities[a][place] == probabilities[b][place] ? 0.5 : 0
                }
            }
            return right / pairs
        }
        let areas = (classes == 2 ? [1] : Array(0..<classes)).map(area)
        let auc = try #require(found.auc), mean = areas.reduce(0, +) / Double(areas.count)
        #expect(abs(auc - mean) < 1e-12)

        let decided = probabilities.map { row in row.indices.max { row[$0] < row[$1] || (row[$0] == row[$1] && $0 > $1) }! }
        var calibration = 0.0
        for bin in 0..<15 {
            let inside = (0..<rows).filter { min(14, Int(Double(probabilities[$0][decided[$0]]) * 15)) == bin }
            guard !inside.isEmpty else { continue }
            let confidence = inside.reduce(0.0) { $0 + Double(probabilities[$1][decided[$1]]) } / Double(inside.count)
            let accuracy = Double(inside.count { decided[$0] == Int(labels[$0]) }) / Double(inside.count)
            calibration += Double(inside.count) / Double(rows) * abs(confidence - accuracy)
        }
        #expect(abs(found.calibrationError - calibration) < 1e-12)
        let recalls = (0..<classes).map { place in
            Double((0..<rows).count { Int(labels[$0]) == place && decided[$0] == place }) / Double(labels.count { Int($0) == place })
        }
        #expect(abs(found.balancedAccuracy - recalls.reduce(0, +) / Double(classes)) < 1e-12)
    }
}
