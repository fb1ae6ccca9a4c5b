import Foundation
import TestSupport
import Testing

@testable import Tensors

let sampleLengths = [1, 15, 16, 17, 511, 512, 513, 1000]

@Suite("Snapping to the lattice")
struct LatticeSnapTests {
    /// The plain version: exact in Double, rounded once.
    private func reference(_ value: Float, bits: Int) -> Int32 {
        Int32((Double(value) * exp2(Double(bits))).rounded(.toNearestOrEven))
    }

    private func snap(_ values: [Float], bits: Int) throws -> [Int32] {
        try values.withUnsafeBufferPointer { try Lattice(bits: bits).snap($0) }.steps
    }

    @Test("Values of every size round to the nearest step", arguments: Lattice.allowedBits)
    func nearest(bits: Int) throws {
        var random = SeededGenerator(UInt64(bits))
        let limit = Float(exp2(Double(30 - bits)))
        for length in sampleLengths {
            var values = random.floats(length)
            for index in values.indices {
                switch index % 4 {
                case 0: values[index] *= Float(exp2(Double.random(in: -40...0, using: &random)))
                case 1: values[index] *= limit
                default: break
                }
            }
            #expect(try snap(values, bits: bits) == values.map { reference($0, bits: bits) })
        }
    }

    @Test("A value halfway between two steps goes to the even one", arguments: Lattice.allowedBits)
    func ties(bits: Int) throws {
        let unit = Float(exp2(Double(-bits)))
        let halves = (-300...300).map { Float($0) + 0.5 }
        let steps = try snap(halves.map { $0 * unit }, bits: bits)
        #expect(steps == halves.map { Int32($0.rounded(.toNearestOrEven)) })
        #expect(steps.allSatisfy { $0 % 2 == 0 })
        #expect(try snap([0.5, 1.5, 2.5, 3.5, -0.5, -1.5, -2.5].map { $0 * unit }, bits: bits) == [0, 2, 2, 4, 0, -2, -2])
    }

    @Test("The neighbours of a tie go to their own side")
    func besideTies() throws {
        let unit = Float(exp2(-18.0))
        let ties = [Float(0.5), 1.5, 2.5, 1000.5].map { $0 * unit }
        #expect(try snap(ties.map(\.nextDown), bits: 18) == [0, 1, 2, 1000])
        #expect(try snap(ties.map(\.nextUp), bits: 18) == [1, 2, 3, 1001])
    }

    @Test("Zeros of both signs and the smallest numbers are no step")
    func tiny() throws {
        let values: [Float] = [0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude]
        #expect(try snap(values, bits: 24) == [0, 0, 0, 0, 0])
    }

    @Test("The outermost floats with a place on the lattice keep it", arguments: Lattice.allowedBits)
    func limits(bits: Int) throws {
        let unit = Float(exp2(Double(-bits)))
        #expect(try snap([2_147_483_520 * unit, -2_147_483_648 * unit], bits: bits) == [2_147_483_520, .min])
    }

    @Test("Values without a place on the lattice are reported by the first one's index", arguments: sampleLengths)
    func firstOffLattice(length: Int) throws {
        let lattice = Lattice(bits: 18)
        let unit = Float(lattice.unit)
        let bad: [Float] = [
            .nan, .signalingNaN, .infinity, -.infinity, 2_147_483_648 * unit, -2_147_483_904 * unit, .greatestFiniteMagnitude,
        ]
        for value in bad {
            for index in Set([0, length / 2, length - 1]) {
                var values = [Float](repeating: 1, count: length)
                values[index] = value
                values[length - 1] = value
                let error = #expect(throws: Lattice.OffLattice.self) {
                    try values.withUnsafeBufferPointer { values throws(Lattice.OffLattice) in _ = try lattice.snap(values) }
                }
                #expect(error?.index == index)
                #expect(error?.value.isNaN == value.isNaN)
                if !value.isNaN { #expect(error?.value == value) }
            }
        }
    }

    @Test("No values give the empty vector")
    func empty() throws {
        let lattice = Lattice(bits: 18)
        #expect(try lattice.snap(UnsafeBufferPointer(start: nil, count: 0)) == LatticeVector([]))
        #expect(lattice.floats(LatticeVector([])) == [])
    }

    @Test("Steps up to 2²⁴ come back exactly from their floats", arguments: Lattice.allowedBits)
    func roundTrip(bits: Int) throws {
        var random = SeededGenerator(UInt64(100 + bits))
        let edges: [Int32] = [0, 1, -1, 2, -2, (1 << 24) - 1, 1 - (1 << 24), 1 << 24, -(1 << 24), 1 << 23, (1 << 23) + 1]
        for length in sampleLengths {
            let vector = LatticeVector(edges + random.integers(length, in: -(1 << 24) + 1...(1 << 24) - 1))
            let lattice = Lattice(bits: bits)
            #expect(try snap(lattice.floats(vector), bits: bits) == vector.steps)
        }
    }

    @Test("A vector's floats are its steps times the unit, rounded once", arguments: Lattice.allowedBits)
    func unsnap(bits: Int) {
        var random = SeededGenerator(UInt64(200 + bits))
        let unit = exp2(Double(-bits))
        #expect(Lattice(bits: bits).unit == unit)
        for length in sampleLengths {
            let steps = [Int32.min, .max] + random.integers(length, in: .min ... .max)
            #expect(Lattice(bits: bits).floats(LatticeVector(steps)) == steps.map { Float(Double($0) * unit) })
        }
    }

    @Test("Snapping a snapped state changes nothing")
    func idempotent() throws {
        var random = SeededGenerator(7)
        let lattice = Lattice(bits: 18)
        let steps = try snap(random.floats(1000, in: -3...3), bits: 18)
        #expect(try snap(lattice.floats(LatticeVector(steps)), bits: 18) == steps)
    }
}
