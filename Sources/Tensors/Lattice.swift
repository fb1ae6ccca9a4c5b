internal import CVectorKernels
import Files

/// The grid of multiples of 2⁻ᵏ on which every state lies.
public struct Lattice: Sendable, Equatable {
    public static let allowedBits = 12...24
    public static let defaultBits = 18

    /// k: a step is 2⁻ᵏ.
    public let bits: Int

    public init(bits: Int) {
        precondition(Self.allowedBits.contains(bits), "lattice bits out of range")
        self.bits = bits
    }

    /// The length of one step.
    public var unit: Double { Double(sign: .plus, exponent: -bits, significand: 1) }

    /// A value that has no place on the lattice: NaN, infinite, or beyond Int32 steps.
    public struct OffLattice: Error, Equatable {
        public let index: Int
        public let value: Float
    }

    /// Rounds each value to the nearest multiple of 2⁻ᵏ, ties to even.
    /// - Complexity: O(n), at memory bandwidth.
    public func snap(_ values: UnsafeBufferPointer<Float>) throws(OffLattice) -> LatticeVector {
        var firstBad = values.count
        let steps = [Int32](unsafeUninitializedCapacity: values.count) { buffer, count in
            count = values.count
            guard let source = values.baseAddress, let target = buffer.baseAddress else { return }
            firstBad = vk_snap(source, target, count, Float(1 / unit))
        }
        guard firstBad == values.count else { throw OffLattice(index: firstBad, value: values[firstBad]) }
        return LatticeVector(steps)
    }

    /// Writes the values of `vector` as floats. Steps beyond 2²⁴ round to the nearest float.
    public func unsnap(_ vector: LatticeVector, into values: UnsafeMutablePointer<Float>) {
        vector.steps.withUnsafeBufferPointer { steps in
            guard let source = steps.baseAddress else { return }
            vk_unsnap(source, values, steps.count, Float(unit))
        }
    }

    public func floats(_ vector: LatticeVector) -> [Float] {
        [Float](unsafeUninitializedCapacity: vector.count) { buffer, count in
            count = vector.count
            if let target = buffer.baseAddress { unsnap(vector, into: target) }
        }
    }
}

/// A sum or difference that leaves Int32: the records it was made of cannot belong together.
public struct LatticeOverflow: DescribedError, Equatable {
    public var kind: FailureKind { .damaged }
    public var description: String {
        "a sum of influences leaves the lattice's range; the store is damaged: run 'unlearn check'"
    }
}

/// A merge that goes farther than Int32 reaches: of branches that nearly diverged.
public struct MergeOverflow: DescribedError, Equatable {
    public var kind: FailureKind { .failed }
    public var description: String { "the merge of the branches leaves the lattice's range; make the project with a smaller --merge-step or --learning-rate" }
}

/// A state or an influence: one Int32 count of lattice steps for each parameter.
public struct LatticeVector: Sendable, Equatable {
    public private(set) var steps: [Int32]

    public init(_ steps: [Int32]) { self.steps = steps }
    public init(zeros count: Int) { steps = [Int32](repeating: 0, count: count) }

    public var count: Int { steps.count }

    /// `⊕`: exact, checked.
    public func adding(_ other: LatticeVector) throws(LatticeOverflow) -> LatticeVector {
        try combined(with: other, vk_add_checked)
    }

    /// Adds some of an influence in place, from the parameter at `offset` on: exact, checked.
    /// - Complexity: O(values) where nobody else holds the vector.
    public mutating func add(_ influence: UnsafeBufferPointer<Int32>, at offset: Int) throws(LatticeOverflow) {
        precondition(offset >= 0 && offset + influence.count <= count, "parameters of this state")
        guard let source = influence.baseAddress else { return }
        let overflow = steps.withUnsafeMutableBufferPointer { steps in
            let target = steps.baseAddress! + offset
            return vk_add_checked(target, source, target, influence.count)
        }
        guard overflow == 0 else { throw LatticeOverflow() }
    }

    /// The steps where they stand; those of a vector that somebody else holds, too, are copied first.
    mutating func withMutableSteps(_ body: (UnsafeMutableBufferPointer<Int32>) -> Void) { steps.withUnsafeMutableBufferPointer { body($0) } }

    /// `⊖`: exact, checked.
    public func subtracting(_ other: LatticeVector) throws(LatticeOverflow) -> LatticeVector {
        try combined(with: other, vk_subtract_checked)
    }

    /// The mean of what several states add to this one, put on it: `self ⊕ round((Σ (tip ⊖ self)) / tips)`, with one rounding, half to
    /// even, of an exact sum: the same whatever the order of the tips, and between the least and the largest of them. This state itself
    /// where there are none.
    /// - Complexity: O(n · tips), at memory bandwidth.
    public func merging(_ tips: [LatticeVector]) -> LatticeVector {
        precondition(tips.allSatisfy { $0.count == count } && tips.count <= Self.mostTips, "tips of this state")
        guard !tips.isEmpty, count > 0 else { return self }
        // All tips are read side by side, and may be more than closures can be nested. An array that nobody changes, of a type that is
        // no class, stays where it is for as long as it lives.
        return withExtendedLifetime(tips) {
            let addresses = tips.map { tip in tip.steps.withUnsafeBufferPointer { $0.baseAddress } }
            return LatticeVector([Int32](unsafeUninitializedCapacity: count) { buffer, initialised in
                initialised = count
                steps.withUnsafeBufferPointer { vk_merge($0.baseAddress!, addresses, addresses.count, buffer.baseAddress!, count) }
            })
        }
    }

    /// The same, farther from this state or less far: `step` times the mean of many tips. Of n tips it is 1 + (step − 1)(1 − 1/n) times the
    /// mean, for a mean of one has lost nothing: it is that tip. Rounded once more.
    /// - Parameter step: 0 to 2.
    /// - Throws: where the model would leave the lattice's range.
    /// - Complexity: O(n · tips), at memory bandwidth.
    public func merging(_ tips: [LatticeVector], step: Double) throws(MergeOverflow) -> LatticeVector {
        precondition((0...2).contains(step), "a step of 0 to 2")
        let mean = merging(tips)
        guard tips.count > 1, step != 1 else { return mean }
        do { return try mean.adding(mean.subtracting(self).scaled(by: (step - 1) * (1 - 1 / Double(tips.count)))) } catch { throw MergeOverflow() }
    }

    /// Up to so many the kernel's sums are exact.
    public static let mostTips = 1 << 20

    /// Every step count times `factor` (|factor| ≤ 1), to the nearest integer, ties to even.
    public func scaled(by factor: Double) -> LatticeVector {
        precondition(abs(factor) <= 1, "factor beyond 1")
        return LatticeVector([Int32](unsafeUninitializedCapacity: count) { buffer, initialised in
            initialised = count
            steps.withUnsafeBufferPointer { vk_scale($0.baseAddress!, buffer.baseAddress!, count, factor) }
        })
    }

    /// `‖·‖₁` in lattice steps: exact, whatever the order of additions.
    public var l1Norm: UInt64 {
        steps.withUnsafeBufferPointer { $0.isEmpty ? 0 : vk_l1_norm($0.baseAddress!, count) }
    }

    /// `‖a − b‖₁` in lattice steps.
    public func l1Distance(to other: LatticeVector) -> UInt64 {
        precondition(count == other.count, "vectors of different lengths")
        return steps.withUnsafeBufferPointer { a in
            other.steps.withUnsafeBufferPointer { b in a.isEmpty ? 0 : vk_l1_distance(a.baseAddress!, b.baseAddress!, count) }
        }
    }

    /// How far what a block adds now, from `before` to this state, lies from what it added, and how long that was: ‖(self ⊖ before) ⊖ D‖₁ and ‖D‖₁
    /// in lattice steps, of the parameters from `offset` on.
    public func residual(since before: LatticeVector, of influence: UnsafeBufferPointer<Int32>, at offset: Int) -> (distance: UInt64, norm: UInt64) {
        precondition(before.count == count && offset >= 0 && offset + influence.count <= count, "parameters of these states")
        var (distance, norm): (UInt64, UInt64) = (0, 0)
        guard let old = influence.baseAddress else { return (0, 0) }
        before.steps.withUnsafeBufferPointer { before in
            steps.withUnsafeBufferPointer { vk_l1_residual(before.baseAddress! + offset, $0.baseAddress! + offset, old, influence.count, &distance, &norm) }
        }
        return (distance, norm)
    }

    /// The same of all parameters.
    public func residual(since before: LatticeVector, of influence: LatticeVector) -> (distance: UInt64, norm: UInt64) {
        influence.steps.withUnsafeBufferPointer { residual(since: before, of: $0, at: 0) }
    }

    private typealias CheckedKernel = (UnsafePointer<Int32>, UnsafePointer<Int32>, UnsafeMutablePointer<Int32>, Int) -> Int32

    private func combined(with other: LatticeVector, _ kernel: CheckedKernel) throws(LatticeOverflow) -> LatticeVector {
        precondition(count == other.count, "vectors of different lengths")
        var overflow: Int32 = 0
        let result = [Int32](unsafeUninitializedCapacity: count) { buffer, initialised in
            initialised = count
            steps.withUnsafeBufferPointer { a in
                other.steps.withUnsafeBufferPointer { b in
                    if count > 0 { overflow = kernel(a.baseAddress!, b.baseAddress!, buffer.baseAddress!, count) }
                }
            }
        }
        guard overflow == 0 else { throw LatticeOverflow() }
        return LatticeVector(result)
    }
}
