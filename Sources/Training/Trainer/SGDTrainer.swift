internal import CVectorKernels
import Files
import Tensors

/// The built-in trainer: mini-batch stochastic gradient descent with momentum, weight decay and label smoothing, with
/// the same bits for any number of threads.
///
/// A batch is a run of permuted slots; empty ones are skipped, and the gradient is the sum over live rows divided by
/// the nominal batch size.
public final class SGDTrainer: BlockTrainer {
    /// Raise whenever a change alters the bits that training gives.
    static let arithmetic = 4
    /// Floats a thread: four GiB.
    private static let mostMemory = 1 << 30

    public let spec: NetworkSpec
    public let plan: TrainingPlan
    public let lattice: Lattice
    public let threads: Int
    private let network: Network
    private let lanes: Lanes
    /// Rows in one pass through the network's trunk.
    private let passRows: Int
    // Memory is allocated when it is first used: to look at a project takes none of it.
    private lazy var gradient = BatchGradient(network: network, laneRows: lanes.rows, passRows: passRows, threads: threads, classWeights: spec.classWeights)
    private lazy var parameters = FloatBuffer(count: layout.count)
    private lazy var velocity = FloatBuffer(count: layout.count)
    /// Sum of the states that are averaged.
    private lazy var average = FloatBuffer(count: spec.averaging > 0 ? layout.count : 0)
    /// A batch's gradient in full, where its norm must be known before the step.
    private lazy var unclipped = FloatBuffer(count: spec.gradientClip > 0 ? layout.count : 0)

    public var layout: ParameterLayout { network.layout }

    /// - Parameter classes: Labels are 0 to `classes` − 1.
    /// - Throws: `Failure` of kind `input` where the model does not fit the rows, or is too large.
    public init(_ spec: NetworkSpec, _ plan: TrainingPlan, input: RowShape, classes: Int, threads: Int) throws {
        precondition(threads > 0, "at least one thread")
        precondition(spec.classWeights.map { $0.count == classes } ?? true, "one weight a class")
        self.spec = spec
        self.plan = plan
        self.threads = threads
        lattice = Lattice(bits: spec.latticeBits)
        network = try Network(spec, input: input, classes: classes)
        lanes = Lanes(batchSize: spec.batchSize)
        passRows = TrunkPass.rows(of: network, lane: lanes.rows)
        let memory = TrunkPass.memory(of: network, rows: passRows)
        guard memory <= Self.mostMemory else {
            throw Failure(
                .input,
                "\(spec.model.rawValue) takes \(memory >> 28) GiB a thread for images of \(input.height)×\(input.width), more than \(Self.mostMemory >> 28); "
                    + "choose a smaller --width, or scale the images down")
        }
    }

    public var fingerprint: NumericsFingerprint {
        NumericsFingerprint([
            "arithmetic": String(Self.arithmetic), "lattice_bits": String(lattice.bits), "lane_rows": String(lanes.rows), "pass_rows": String(passRows),
        ])
    }

    public func initialState() throws -> LatticeVector {
        try snap(network.initialParameters(seed: spec.seed), block: 0)
    }

    public func train(block: Int, from state: LatticeVector, rows: BlockRows, control: TrainingControl) throws -> LatticeVector {
        precondition(block >= 1 && state.count == layout.count && rows.featureCount == network.input.count)
        precondition(rows.labels.allSatisfy { $0 < network.classes && $0 >= BlockRows.emptySlot }, "labels are classes")
        // Not even a sum of equal states and its division, which would round.
        guard rows.labels.contains(where: { $0 != BlockRows.emptySlot }) else { return state }
        lattice.unsnap(state, into: parameters.pointer)
        velocity.pointer.update(repeating: 0, count: velocity.count)
        let rate = plan.rate(block: block)
        let epochs = plan.epochs(of: block)
        let steps = epochs * ((rows.slots + spec.batchSize - 1) / spec.batchSize)
        // Counted over all batches, empty ones too, so that deleting rows moves no boundary.
        let averaged = spec.averagedSteps(of: steps)
        average.pointer.update(repeating: 0, count: average.count)
        try ThreadCrew.run(threads: min(spec.batchSize, rows.slots) * layout.count < Self.leastWork ? 1 : threads) { crew in
            var taken = 0
            for epoch in 0..<epochs {
                if control.isInterrupted() { throw Failure.interrupted }
                var order = Array(0..<rows.slots)
                var random = RandomStream(seed: spec.seed, purpose: .slotOrder, block: block, epoch: epoch)
                random.shuffle(&order)
                for start in stride(from: 0, to: order.count, by: spec.batchSize) {
                    let batch = order[start..<min(start + spec.batchSize, order.count)]
                    taken += 1
                    step(batch, rows, visit: Visit(block: block, epoch: epoch, rate: rate, isAveraged: taken > steps - averaged), crew)
                }
            }
        }
        if averaged > 0 { vk_scale_floats(average.pointer, parameters.pointer, layout.count, 1 / Float(averaged)) }
        return try snap(parameters, block: block)
    }

    /// The pass over a block that a step belongs to.
    private struct Visit {
        let block: Int
        let epoch: Int
        let rate: Float
        /// Whether the state behind the step is one of those that are averaged.
        let isAveraged: Bool
    }

    /// One step on one batch of slots. A batch without a live row changes no parameter.
    private func step(_ batch: ArraySlice<Int>, _ rows: BlockRows, visit: Visit, _ crew: ThreadCrew) {
        let (p, v, g, sum) = (parameters.pointer, velocity.pointer, unclipped.pointer, average.pointer), isClipped = spec.gradientClip > 0
        func descend(_ first: Int, _ gradient: Input, _ count: Int, scale: Float) {
            vk_sgd_step(p + first, v + first, gradient, count, visit.rate, spec.momentum, spec.weightDecay, scale)
            if visit.isAveraged { vk_add(p + first, sum + first, count) }
        }
        guard batch.contains(where: { rows.labels[$0] != BlockRows.emptySlot }) else {
            if visit.isAveraged { vk_add(p, sum, layout.count) }
            return
        }
        rows.features.withUnsafeBufferPointer { features in
            let source = BatchGradient.Rows(labels: rows.labels, slots: batch) { slot, place in
                self.place(slot, of: rows.featureCount, features.baseAddress!, visit, at: place)
            } prefetch: { slot in
                vk_prefetch(features.baseAddress! + slot * rows.featureCount, rows.featureCount)
            }
            gradient.compute(p, source, smoothing: spec.labelSmoothing, scale: 1 / Float(spec.batchSize), crew) { first, tile, count in
                if isClipped { (g + first).update(from: tile, count: count) } else { descend(first, tile, count, scale: 1) }
            }
        }
        guard isClipped else { return }
        var squares = [Double](repeating: 0, count: (layout.count + Self.tile - 1) / Self.tile)
        squares.withUnsafeMutableBufferPointer { squares in
            nonisolated(unsafe) let squares = squares.baseAddress!
            onTiles(crew) { first, count in squares[first / Self.tile] = vk_sum_squares(g + first, count) }
        }
        let norm = squares.reduce(0, +).squareRoot(), clip = Double(spec.gradientClip)
        onTiles(crew) { first, count in descend(first, g + first, count, scale: norm > clip ? Float(clip / norm) : 1) }
    }

    /// Parameters whose squares are summed at a time; no thread's choosing, so that sums over tiles have one order.
    private static let tile = 4096

    /// Rows times parameters of a step below which a second thread costs more than it does.
    private static let leastWork = 1 << 18

    /// `body(first, count)` for every tile of the parameters.
    private func onTiles(_ crew: ThreadCrew, _ body: (Int, Int) -> Void) {
        let count = layout.count
        crew.forEach((count + Self.tile - 1) / Self.tile) { tile, _ in body(tile * Self.tile, min(Self.tile, count - tile * Self.tile)) }
    }

    /// Puts a slot's row, augmented, at its place in a batch.
    private func place(_ slot: Int, of width: Int, _ features: Input, _ visit: Visit, at place: Output) {
        if spec.augmentation.isNone {
            place.update(from: features + slot * width, count: width)
        } else {
            spec.augmentation.apply(
                features + slot * width, place, shape: network.input, seed: spec.seed, block: visit.block, epoch: visit.epoch, slot: slot)
        }
    }

    public func probabilities(state: LatticeVector, rows: BlockRows) throws -> [Float] {
        precondition(state.count == layout.count && rows.featureCount == network.input.count)
        lattice.unsnap(state, into: parameters.pointer)
        let parameters = Input(parameters.pointer), classes = network.classes, width = rows.featureCount
        let live = rows.labels.indices.filter { rows.labels[$0] != BlockRows.emptySlot }
        let pass = passRows
        let passes = (live.count + pass - 1) / pass
        var result = [Float](repeating: 0, count: rows.slots * classes)
        try result.withUnsafeMutableBufferPointer { result in
            let target = result.baseAddress
            try rows.features.withUnsafeBufferPointer { features in
                let forwards = (0..<max(1, min(threads, passes))).map { _ in ForwardPass(network: network, capacity: pass) }
                // A piece takes several passes where there are more than a crew can count.
                let perPiece = passes / ThreadCrew.mostPieces + 1
                try ThreadCrew.run(threads: forwards.count) { crew in
                    crew.forEach((passes + perPiece - 1) / perPiece) { piece, thread in
                        let forward = forwards[thread]
                        for number in piece * perPiece..<min((piece + 1) * perPiece, passes) {
                            let slots = live[number * pass..<min((number + 1) * pass, live.count)]
                            for (place, slot) in slots.enumerated() {
                                (forward.input + place * width).update(from: features.baseAddress! + slot * width, count: width)
                            }
                            let logits = forward.run(parameters, rows: slots.count)
                            for (place, slot) in slots.enumerated() {
                                vk_softmax(logits + place * classes, target! + slot * classes, Int32(classes))
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    private func snap(_ parameters: FloatBuffer, block: Int) throws -> LatticeVector {
        do {
            return try lattice.snap(parameters.values)
        } catch {
            throw Divergence(block: block, tensor: layout.tensor(holding: error.index).name, value: error.value)
        }
    }
}
