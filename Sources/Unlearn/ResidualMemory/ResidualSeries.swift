import Tensors

/// The temporal residual memory behind one deleted block, as retraining walks away from it.
public struct ResidualSeries: Sendable {
    /// The deleted block d.
    public let deletedBlock: Int
    /// Δ_1, Δ_2, …: `‖D_{d+t} − D'_{d+t}‖₁`.
    public private(set) var delta: [Double] = []
    /// ρ_1, ρ_2, …: the same relative to `‖D_{d+t}‖₁`.
    public private(set) var rho: [Double] = []
    /// ‖g_0‖₁, ‖g_1‖₁, …: the gap `M_{d+t} ⊖ M'_{d+t}`, the deleted block first.
    public private(set) var gapNorms: [Double] = []

    /// Whether gaps were measured: else their norms are zeros.
    public private(set) var hasGaps = true

    public init(deletedBlock: Int) { self.deletedBlock = deletedBlock }

    /// Blocks walked behind the deleted one.
    public var count: Int { delta.count }

    /// Adds the next block, by L1 norms in lattice steps of length `unit`.
    /// - Parameters:
    ///   - distance: between its old and its new influence.
    ///   - norm: of the old one.
    ///   - gap: of the gap behind it; nil where no stitch can come of it, and it was not measured.
    mutating func append(distance: UInt64, norm: UInt64, gap: UInt64?, unit: Double) {
        let distance = Double(distance) * unit, norm = Double(norm) * unit
        // The deleted block itself (t = 0) has no residual: its rows differ.
        if !gapNorms.isEmpty {
            delta.append(distance)
            // A block that taught nothing and teaches nothing now has no residual; one that teaches something new has.
            rho.append(norm > 0 ? distance / norm : (distance > 0 ? 1 : 0))
        }
        gapNorms.append(Double(gap ?? 0) * unit)
        if gap == nil { hasGaps = false }
    }
}
