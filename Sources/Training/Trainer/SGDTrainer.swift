internal import CVectorKernels
import Files
import Tensors

/// The built-in trainer: mini-batch stochastic gradient descent with momentum, weight decay and label smoothing, with
/// the same bits for any number of threads.
///
/// A batch is a run of permuted slots; empty ones are skipped, and the gradient is the sum over live rows divided by
/// the nominal batch size. Lanes of the batch are summed apart and added in order; threads take lanes.
public final class SGDTrainer: BlockTrainer {
    /// Raise whenever a change alters the bits that training gives.
    static let arithmetic = 3

    public let recipe: Recipe
    public let lattice: Lattice
    public let threads: Int
    private let network: Network
    private let lanes: Lanes
    private let workspaces: [Workspace]
    /// One a lane; all zero between steps. Grows to the most lanes that a batch has used.
    private var laneGradients: [FloatBuffer] = []
    private let parameters: FloatBuffer
    private let velocity: FloatBuffer
    /// Sum of the states that are averaged.
    private let average: FloatBuffer

    public var layout: ParameterLayout { network.layout }

    public init(recipe: Recipe, input: RowShape, classes: Int, threads: Int) throws {
        precondition(threads > 0, "at least one thread")
        self.recipe = recipe
        self.threads = threads
        lattice = Lattice(bits: recipe.latticeBits)
        let network = try Network(recipe: recipe, input: input, classes: classes)
        let lanes = Lanes(batchSize: recipe.batchSize)
        let passRows = Workspace.rows(of: network, lane: lanes.rows)
        self.network = network
        self.lanes = lanes
        workspaces = (0..<threads).map { _ in Workspace(network: network, capacity: passRows) }
        parameters = FloatBuffer(count: network.layout.count)
        velocity = FloatBuffer(count: network.layout.count)
        average = FloatBuffer(count: recipe.averaging > 0 ? network.layout.count : 0)
    }

    public var fingerprint: NumericsFingerprint {
        NumericsFingerprint([
            "arithmetic": String(Self.arithmetic), "lattice_bits": String(lattice.bits), "lane_rows": String(lanes.rows), "pass_rows": String(workspaces[0].capacity),
        ])
    }

    public func initialState() throws -> LatticeVector {
        try snap(network.initialParameters(seed: recipe.seed), block: 0)
    }

    public func train(block: Int, from state: LatticeVector, rows: BlockRows, control: TrainingControl) throws -> LatticeVector {
        precondition(block >= 1 && state.count == layout.count && rows.featureCount == network.input.count)
        // Not even a sum of equal states and its division, which would round.
        guard rows.labels.contains(where: { $0 != BlockRows.emptySlot }) else { return state }
        lattice.unsnap(state, into: parameters.pointer)
        velocity.pointer.update(repeating: 0, count: velocity.count)
        let rate = recipe.rate(block: block)
        let steps = recipe.epochs * ((rows.slots + recipe.batchSize - 1) / recipe.batchSize)
        // Counted over all batches, empty ones too, so that deleting rows moves no boundary.
        let averaged = recipe.averaging > 0 ? max(1, Int((Double(steps) * Double(recipe.averaging)).rounded(.up))) : 0
        average.pointer.update(repeating: 0, count: average.count)
        try ThreadCrew.run(threads: min(recipe.batchSize, rows.slots) * layout.count < Self.leastWork ? 1 : threads) { crew in
            var taken = 0
            for epoch in 0..<recipe.epochs {
                if control.isInterrupted() { throw Failure.interrupted }
                var order = Array(0..<rows.slots)
                var random = RandomStream(seed: recipe.seed, purpose: .slotOrder, block: block, epoch: epoch)
                random.shuffle(&order)
                for start in stride(from: 0, to: order.count, by: recipe.batchSize) {
                    let batch = order[start..<min(start + recipe.batchSize, order.count)]
                    step(batch, rows, visit: Visit(block: block, epoch: epoch, rate: rate), crew)
                    taken += 1
                    if taken > steps - averaged { vk_add(parameters.pointer, average.pointer, layout.count) }
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
    }

    /// One step on one batch of slots. A batch without a live row does nothing at all.
    private func step(_ batch: ArraySlice<Int>, _ rows: BlockRows, visit: Visit, _ crew: ThreadCrew) {
        guard batch.contains(where: { rows.labels[$0] != BlockRows.emptySlot }) else { return }
        let scale = 1 / Float(recipe.batchSize)
        let used = (batch.count + lanes.rows - 1) / lanes.rows
        while laneGradients.count < used { laneGradients.append(FloatBuffer(count: layout.count)) }
        crew.forEach(used) { lane, thread in
            let start = batch.startIndex + lane * lanes.rows
            let slots = batch[start..<min(start + lanes.rows, batch.endIndex)]
            addLaneGradient(slots, rows, visit, scale: scale, workspaces[thread], into: laneGradients[lane].pointer)
        }
        var gradients = laneGradients.map { Optional($0.pointer) }
        gradients.withUnsafeMutableBufferPointer { gradients in
            let lanes = gradients.baseAddress!
            var scale: Float = 1, left = used
            if recipe.gradientClip > 0 {
                var squares = [Double](repeating: 0, count: (layout.count + Self.tile - 1) / Self.tile)
                squares.withUnsafeMutableBufferPointer { squares in
                    nonisolated(unsafe) let squares = squares.baseAddress!
                    onTiles(crew) { from, to in squares[from / Self.tile] = vk_sum_lanes(lanes, used, from, to) }
                }
                let norm = squares.reduce(0, +).squareRoot()
                scale = norm > Double(recipe.gradientClip) ? Float(Double(recipe.gradientClip) / norm) : 1
                left = 1
            }
            onTiles(crew) { from, to in
                vk_sgd_step(
                    parameters.pointer, velocity.pointer, lanes, left, from, to, visit.rate, recipe.momentum, recipe.weightDecay, scale)
            }
        }
    }

    /// Parameters that are updated at a time; no thread's choosing, so that sums over tiles have one order.
    private static let tile = 4096

    /// Rows times parameters of a step below which a second thread costs more than it does.
    private static let leastWork = 1 << 18

    /// `body(from, to)` for every tile of the parameters.
    private func onTiles(_ crew: ThreadCrew, _ body: (Int, Int) -> Void) {
        let count = layout.count
        crew.forEach((count + Self.tile - 1) / Self.tile) { tile, _ in body(tile * Self.tile, min((tile + 1) * Self.tile, count)) }
    }

    /// Adds the gradient of a lane's live rows, a pass at a time in slot order.
    private func addLaneGradient(
        _ slots: ArraySlice<Int>, _ rows: BlockRows, _ visit: Visit, scale: Float, _ workspace: Workspace, into gradient: Output
    ) {
        let width = rows.featureCount
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: workspace.capacity) { labels in
            rows.features.withUnsafeBufferPointer { features in
                var filled = 0
                func flush() {
                    guard filled > 0 else { return }
                    workspace.addGradient(
                        parameters.pointer, labels: labels.baseAddress!, rows: filled, smoothing: recipe.labelSmoothing,
                        scale: scale, into: gradient)
                    filled = 0
                }
                for slot in slots where rows.labels[slot] != BlockRows.emptySlot {
                    let row = features.baseAddress! + slot * width, place = workspace.input + filled * width
                    if recipe.augmentation.isNone {
                        place.update(from: row, count: width)
                    } else {
                        recipe.augmentation.apply(
                            row, place, shape: network.input, seed: recipe.seed, block: visit.block, epoch: visit.epoch, slot: slot)
                    }
                    labels[filled] = rows.labels[slot]
                    filled += 1
                    if filled == workspace.capacity { flush() }
                }
                flush()
            }
        }
    }

    public func probabilities(state: LatticeVector, rows: BlockRows) throws -> [Float] {
        precondition(state.count == layout.count && rows.featureCount == network.input.count)
        lattice.unsnap(state, into: parameters.pointer)
        let classes = network.classes, width = rows.featureCount
        let live = rows.labels.indices.filter { rows.labels[$0] != BlockRows.emptySlot }
        let pass = workspaces[0].capacity
        let passes = (live.count + pass - 1) / pass
        var result = [Float](repeating: 0, count: rows.slots * classes)
        try result.withUnsafeMutableBufferPointer { result in
            let target = result.baseAddress
            try rows.features.withUnsafeBufferPointer { features in
                // A piece takes several passes where there are more than a crew can count.
                let perPiece = passes / ThreadCrew.mostPieces + 1
                try ThreadCrew.run(threads: min(threads, passes)) { crew in
                    crew.forEach((passes + perPiece - 1) / perPiece) { piece, thread in
                        let workspace = workspaces[thread]
                        for number in piece * perPiece..<min((piece + 1) * perPiece, passes) {
                            let slots = live[number * pass..<min((number + 1) * pass, live.count)]
                            for (place, slot) in slots.enumerated() {
                                (workspace.input + place * width).update(from: features.baseAddress! + slot * width, count: width)
                            }
                            let logits = workspace.forward(parameters.pointer, rows: slots.count)
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
