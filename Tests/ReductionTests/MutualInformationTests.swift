import CVectorKernels
import Foundation
import Testing
import TestSupport

@testable import Reduction

/// Rows with few and many positions and levels, one level in front as images have it, and rows that are constant.
struct Problem: Sendable, CustomTestStringConvertible {
    let rows: Int
    let positions: Int
    let levelCount: Int
    /// Share of positions at level 0.
    let background: Double
    var testDescription: String { "\(rows) rows of \(positions) positions, \(levelCount) levels, \(background) background" }

    static let all = [
        Problem(rows: 1, positions: 1, levelCount: 2, background: 0), Problem(rows: 65, positions: 3, levelCount: 3, background: 0.3),
        Problem(rows: 70, positions: 64, levelCount: 16, background: 0.5), Problem(rows: 130, positions: 784, levelCount: 16, background: 0.5),
        Problem(rows: 66, positions: 784, levelCount: 2, background: 0.1), Problem(rows: 67, positions: 300, levelCount: 17, background: 0),
        Problem(rows: 64, positions: 1500, levelCount: 4, background: 0.2), Problem(rows: 65, positions: 500, levelCount: 256, background: 0.4),
        Problem(rows: 64, positions: 9000, levelCount: 5, background: 0.9),
    ]

    /// (rows, positions)
    func levels(seed: UInt64 = 5) -> [UInt8] {
        var random = SeededGenerator(seed)
        return (0..<rows).flatMap { row in
            (0..<positions).map { position in
                if row % 31 == 3 { return UInt8(levelCount - 1) }
                if Double.random(in: 0..<1, using: &random) < background { return 0 }
                // Neighbouring levels by position, so that rows do share something.
                let near = position * levelCount / positions + Int.random(in: 0...2, using: &random)
                return UInt8(min(near, levelCount - 1))
            }
        }
    }

    func tiles(measure: InformationMeasure = .information) -> RowTiles {
        RowTiles(levels: levels(), positions: positions, levelCount: levelCount, rows: Array(0..<rows), measure: measure)
    }
}

/// Entropies from frequencies, as a textbook has them.
enum Textbook {
    static func entropy(_ symbols: some Sequence<Int>) -> Double {
        var counts: [Int: Int] = [:], total = 0.0
        for symbol in symbols {
            counts[symbol, default: 0] += 1
            total += 1
        }
        return counts.values.reduce(0.0) { $0 - Double($1) / total * log2(Double($1) / total) }
    }

    static func information(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Double {
        entropy(a.map(Int.init)) + entropy(b.map(Int.init)) - entropy(zip(a, b).map { Int($0) << 8 | Int($1) })
    }
}

@Suite struct MutualInformationTests {
    @Test(arguments: Problem.all)
    func `Pairs have the textbook's mutual information to the rounding of their cells`(_ problem: Problem) {
        let levels = problem.levels(), tiles = problem.tiles(), n = problem.positions
        let tolerance = 2 * Double(min(n, problem.levelCount * problem.levelCount)) / Double(n << tiles.scale.stepBits)
        for row in stride(from: 0, to: problem.rows, by: 13) {
            let information = tiles.information(of: row)
            #expect(information.count == problem.rows)
            for other in 0..<problem.rows {
                let expected = Textbook.information(levels[row * n..<(row + 1) * n], levels[other * n..<(other + 1) * n])
                #expect(abs(tiles.value(Int64(information[other])) - expected) <= tolerance, "rows \(row) and \(other)")
            }
            #expect(abs(tiles.scale.bits(Int64(tiles.entropy(row))) - Textbook.entropy(levels[row * n..<(row + 1) * n].map(Int.init))) <= tolerance)
        }
    }

    @Test(arguments: Problem.all)
    func `Every instruction set gives the sums of a plain histogram`(_ problem: Problem) {
        let levels = problem.levels(), tiles = problem.tiles(), n = problem.positions, width = RowTiles.tileRows
        var tiled = [UInt8](repeating: 0, count: tiles.tileCount * n * width)
        var histograms = [UInt16](repeating: 0, count: tiles.tileCount * problem.levelCount * width)
        for row in 0..<tiles.tileCount * width {
            for position in 0..<n {
                let level = row < problem.rows ? levels[row * n + position] : 0
                tiled[(row / width * n + position) * width + row % width] = level
                histograms[(row / width * problem.levelCount + Int(level)) * width + row % width] += 1
            }
        }
        let one = tiles.sorted(problem.rows / 2)
        var plain = [Int32](repeating: 0, count: problem.rows)
        for row in 0..<problem.rows {
            var cells = [Int](repeating: 0, count: 65_536)
            for position in 0..<n { cells[Int(levels[problem.rows / 2 * n + position]) << 8 | Int(levels[row * n + position])] += 1 }
            plain[row] = cells.reduce(0) { $0 + tiles.scale.weights[$1] }
        }
        let best = vk_best_instructions()
        for instructions in [VK_ANY, VK_X86_64_V3, VK_X86_64_V4] where instructions.rawValue <= best.rawValue {
            var sums = [Int32](repeating: -1, count: tiles.tileCount * width)
            vk_joint_sums_by(
                instructions, tiled, histograms, tiles.tileCount, UInt32(problem.levelCount), one.order, one.starts, tiles.scale.weights, &sums)
            #expect(Array(sums[..<problem.rows]) == plain, "instructions \(instructions.rawValue)")
        }
    }

    @Test(arguments: [InformationMeasure.information, .normalised])
    func `No pair exceeds the bound that spares pairs, and order within a pair does not matter`(_ measure: InformationMeasure) {
        for problem in Problem.all where problem.positions > 1 {
            let tiles = problem.tiles(measure: measure)
            let rows = (0..<min(20, problem.rows)).map { tiles.information(of: $0) }
            for a in rows.indices {
                for b in 0..<problem.rows {
                    #expect(Int64(rows[a][b]) <= tiles.mostInformation(a, b), "\(problem), rows \(a) and \(b)")
                    if b < rows.count { #expect(rows[a][b] == rows[b][a]) }
                }
            }
        }
    }

    @Test func `Normalised, a row shares all with itself, and a constant row tells nothing new`() {
        let problem = Problem.all[3], tiles = problem.tiles(measure: .normalised)
        for row in [0, 1, 2, 4, 129] { #expect(abs(tiles.value(Int64(tiles.information(of: row)[row])) - 1) < 1e-5) }
        #expect(tiles.entropy(3) == 0)
        #expect(tiles.information(of: 3).allSatisfy { tiles.value(Int64($0)) == 1 })
    }

    @Test(arguments: [1, 2, 784, 3072, 65_535])
    func `The weights of every number of positions fit their integers`(_ positions: Int) {
        let scale = InformationScale(positions: positions)
        #expect(scale.weights.count == positions + 1 && scale.weights[0] == 0)
        // Of all positions in one cell, with room for the rounding of 65,536 cells.
        #expect(Int64(scale.total) + 65_536 < Int64(Int32.max))
        #expect(zip(scale.weights, scale.weights.dropFirst()).allSatisfy { $0 <= $1 })
        if positions > 1 { #expect(abs(scale.bits(Int64(scale.total)) - log2(Double(positions))) < 1e-4) }
    }

    @Test func `Standard bins are of equal width within three deviations, and constant features are one level`() {
        // Mean 0 and deviation 1, and a constant.
        let rows: [[Float]] = [[-1, 7], [1, 7], [-1, 7], [1, 7]]
        let bins = StandardBins(positions: 2, levelCount: 6) { body in rows.forEach(body) }
        #expect(rows.map { bins.levels(of: $0) } == [[2, 3], [4, 3], [2, 3], [4, 3]])
        #expect([-9, -3, -2.5, -0.01, 0.01, 2.99, 3, 9].map { bins.levels(of: [$0, 7])[0] } == [0, 0, 0, 2, 3, 5, 5, 5])
    }
}
