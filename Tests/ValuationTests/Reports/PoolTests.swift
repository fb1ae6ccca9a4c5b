import Files
import Foundation
import TestSupport
import Testing

@testable import Valuation

@Suite struct PoolTests {
    @Test(arguments: [("10000", 1_000_000), ("0.01", 1), ("2499.5", 249_950), ("2499.50", 249_950), ("007", 700), ("1000000000000", 100_000_000_000_000)])
    func `an amount is read to the hundredth`(text: String, cents: Int) throws { #expect(try Pool(text).cents == cents) }

    @Test(arguments: [
        "", "0", "0.00", "-5", "+5", "1e3", "1.", ".5", "1.234", "1,000", "1 000", "ten", "1.2.3", "1000000000000.01", "99999999999999999999999", "١٢", "0x10", "nan", "5 ",
    ])
    func `what is no amount is refused with an example`(text: String) {
        let failure = #expect(throws: Failure.self) { try Pool(text) }
        #expect(failure?.kind == .input && failure?.description.contains("such as 10000 or 2499.50") == true)
    }

    @Test(arguments: [
        ([1, 1, 1], 10000, [3334, 3333, 3333]), ([0.5, 0.25, 0.25], 1, [1, 0, 0]), ([0.25, 0.5, 0.25], 100, [25, 50, 25]), ([3, -1, 1], 1000, [750, 0, 250]),
        ([-1, -2], 1000, [0, 0]), ([0, 0], 1000, [0, 0]), ([], 1000, []), ([1e-300, 2e-300], 300, [100, 200]), ([1e17, -1e16], 5, [5, 0]),
        // Quotas of 1.4, 1.4 and 0.2: the first of equals gets what is left.
        ([7, 7, 1], 3, [2, 1, 0]),
    ] as [([Double], Int, [Int])])
    func `amounts follow from values, negative ones and what is left over`(values: [Double], cents: Int, amounts: [Int]) {
        #expect(Pool(cents: cents).amounts(values) == amounts)
    }

    @Test(arguments: [[0.1, -0.3], [0.2, -0.2]])
    func `where all together are no better than none nobody is paid, and statements that paid all the same still stand`(values: [Double]) {
        var report = SampleReport.exact(values)
        report.share(Pool(cents: 1000))
        #expect(report.pool == 10 && report.players.map(\.amount) == [0, 0] && ValueFigures(report).fault == nil)
        for (index, amount) in [10.0, 0].enumerated() { report.players[index].amount = amount }
        #expect(ValueFigures(report).fault == nil)
        for (index, amount) in [9.0, 1].enumerated() { report.players[index].amount = amount }
        #expect(ValueFigures(report).fault == "its amounts do not follow from its values")
        // Where there is something to pay for, somebody must be paid.
        var worth = SampleReport.exact([0.3, -0.1])
        worth.share(Pool(cents: 1000))
        #expect(worth.players.map(\.amount) == [10, 0])
        worth.players[0].amount = 0
        #expect(ValueFigures(worth).fault == "its amounts do not follow from its values")
    }

    @Test func `amounts add up exactly and lie within a hundredth of their quotas`() {
        var random = SeededGenerator(11)
        for round in 0..<400 {
            let count = Int.random(in: 1...60, using: &random), cents = Int.random(in: 1...(round.isMultiple(of: 4) ? 20 : 100_000_000_000_000), using: &random)
            let values = (0..<count).map { _ -> Double in
                let magnitude: Double = pow(10, Double(Int.random(in: -6...0, using: &random)))
                return Double.random(in: -0.2...1, using: &random) * magnitude
            }
            let amounts = Pool(cents: cents).amounts(values)
            let whole: Double = values.reduce(0) { $0 + max(0, $1) }
            guard whole > 0 else { continue }
            #expect(amounts.reduce(0, +) == cents)
            for (amount, value) in zip(amounts, values) {
                #expect(value > 0 || amount == 0)
                let quota: Double = max(0, value) / whole * Double(cents), rounding = 1 + Double(cents) * 1e-15
                #expect(abs(Double(amount) - quota) <= rounding)
            }
            // Nobody with a higher value gets less.
            for i in values.indices { for j in values.indices where values[i] > values[j] { #expect(amounts[i] >= amounts[j]) } }
        }
    }

    @Test(arguments: [0, 1, 9, 10, 99, 100, 249_950, 99_999_999_999_999])
    func `an amount reads back from JSON and from a table as the same hundredths`(cents: Int) throws {
        let json = try JSONEncoder().encode([Pool.number(cents)])
        #expect(try JSONDecoder().decode([Double].self, from: json).map(Pool.cents) == [cents])
        #expect(Pool.text(cents).split(separator: ".")[1].count == 2 && Int(Pool.text(cents).replacing(".", with: "")) == cents)
    }

    @Test(arguments: [-0.01, 1.005, .nan, .infinity, 1e13, 0.001])
    func `a number that is no amount has no hundredths`(number: Double) { #expect(Pool.cents(number) == nil) }
}
