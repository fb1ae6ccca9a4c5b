import Glibc

/// What is to be small between two rows.
public enum InformationMeasure: String, Sendable, CaseIterable, Codable {
    /// MI(u, v), as DRMI has it. It is at most the smaller entropy, so that rows with little in them are preferred.
    case information
    /// MI(u, v) / √(H(u) H(v)) (Strehl, Ghosh, JMLR 3, 2002): 0 to 1 whatever the rows' entropies.
    case normalised
}

/// Mutual information in whole numbers, so that sums of it are exact and depend on no order, thread or instruction set.
///
/// For rows u, v of n positions with cell counts c(a, b) and level counts c_u(a), c_v(b),
/// `n·MI = n log₂ n + Σ c log₂ c − Σ c_u log₂ c_u − Σ c_v log₂ c_v` (Cover, Thomas: Elements of Information Theory, 2.4, with
/// frequencies for probabilities). `weights[c]` is c log₂ c in steps of 2⁻ˢ bits, rounded once; one unit of information is
/// therefore 2⁻ˢ/n bits. A pair is off by half a step for each of its occupied cells at most.
public struct InformationScale: Sendable, Equatable {
    /// Rows may have so many positions: kernels count in 16 bits.
    public static let mostPositions = 65_535

    public let positions: Int
    /// s: the largest up to 14 for which sums over all cells fit Int32.
    public let stepBits: Int
    /// c log₂ c for c = 0…positions.
    public let weights: [Int32]

    public init(positions: Int) {
        precondition((1...Self.mostPositions).contains(positions), "rows of 1 to \(Self.mostPositions) positions")
        let most = Double(positions) * log2(Double(positions))
        var stepBits = 14
        while most * Double(1 << stepBits) >= 0x1p30 { stepBits -= 1 }
        self.positions = positions
        self.stepBits = stepBits
        weights = (0...positions).map { $0 < 2 ? 0 : Int32((Double($0) * log2(Double($0)) * Double(1 << stepBits)).rounded()) }
    }

    /// The weight of all positions in one cell.
    var total: Int32 { weights[positions] }

    /// Units to bits.
    public func bits(_ units: Int64) -> Double { Double(units) / Double(positions << stepBits) }
}
