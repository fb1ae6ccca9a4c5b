import Tensors

/// What each number of a recipe may be: asked of the command line and of a project's settings alike.
extension Recipe {
    public static let allowedBlocks = 1...1_000_000
    public static let allowedEpochs = 1...100_000
    public static let allowedBatchSizes = 1...65_536
    /// Of a hidden layer.
    public static let allowedUnits = 1...65_536
    public static let allowedWidths = 1...64
    public static let allowedLearningRates = 1e-9...1e3
    public static let allowedMomentum = 0...0.9999
    public static let allowedWeightDecay = 0.0...10
    public static let allowedLabelSmoothing = 0...0.99
    /// More than any number of rows over another.
    public static let allowedClassWeights = 0x1p-32...0x1p32
    public static let allowedGradientClips = 0...1e6
    public static let allowedAveraging = 0.0...1
    public static let allowedMergeSteps = 0.5...2
    /// In pixels.
    public static let allowedShifts = 0...16

    /// Whether every number is allowed. Whether the model fits the rows is not asked.
    public var isAllowed: Bool {
        // A bound is compared as the float that it is kept as.
        func holds(_ range: ClosedRange<Double>, _ value: Float) -> Bool { (Float(range.lowerBound)...Float(range.upperBound)).contains(value) }
        let branchesFit = plan.branches.map {
            Self.allowedBlocks.contains($0.count) && Self.allowedBlocks.contains($0.length) && $0.count.multipliedReportingOverflow(by: $0.length).partialValue <= plan.blocks
                && Self.allowedEpochs.contains($0.epochs) && holds(Self.allowedLearningRates, $0.learningRate)
                && $0.mergeStep.map { holds(Self.allowedMergeSteps, $0) } != false
        } ?? true
        // Each is bounded before they are added.
        let appendedFit = plan.appended.map { plan.branches == nil && !$0.isEmpty && $0.allSatisfy(Self.allowedBlocks.contains) && $0.count < plan.blocks && $0.reduce(0, +) < plan.blocks } ?? true
        let sharesFit = plan.appendedShares.map { $0.count == plan.appended?.count && $0.allSatisfy { (0...1).contains($0) } } ?? true
        return branchesFit && appendedFit && sharesFit && Self.allowedBlocks.contains(plan.blocks) && Self.allowedEpochs.contains(plan.epochs)
            && holds(Self.allowedLearningRates, plan.learningRate) && isTrainerAllowed
    }

    private var isTrainerAllowed: Bool {
        func holds(_ range: ClosedRange<Double>, _ value: Float) -> Bool { (Float(range.lowerBound)...Float(range.upperBound)).contains(value) }
        guard Lattice.allowedBits.contains(trainer.latticeBits) else { return false }
        guard let network else { return program?.fault == nil }
        return Self.allowedBatchSizes.contains(network.batchSize) && network.hidden.allSatisfy(Self.allowedUnits.contains) && Self.allowedWidths.contains(network.width)
            && holds(Self.allowedMomentum, network.momentum) && holds(Self.allowedWeightDecay, network.weightDecay)
            && holds(Self.allowedLabelSmoothing, network.labelSmoothing) && holds(Self.allowedGradientClips, network.gradientClip)
            && network.classWeights?.allSatisfy { holds(Self.allowedClassWeights, $0) } != false
            && holds(Self.allowedAveraging, network.averaging) && Self.allowedShifts.contains(network.augmentation.shift)
    }
}
