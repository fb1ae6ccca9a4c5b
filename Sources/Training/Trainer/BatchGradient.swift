internal import CVectorKernels
import Synchronization
import Tensors

/// The gradient of a batch, handed over in tiles that are complete and still in the cache: the sum over the live rows, with the same
/// bits for any number of threads.
///
/// Rows pass through the trunk in lanes, whose gradients are laid down apart and summed in order. Where there are fewer lanes than
/// threads, the passes of a lane, of a few rows each, are at work side by side: each goes back through a layer behind the pass before it,
/// so that a lane's gradients are one chain. The head's gradients are taken tile by tile from the values that its layers saw, each
/// lane's rows in one chain, lanes in order. Layers that are large are passed through tile by tile too, so that a thread meets those weights again that it has in its cache.
final class BatchGradient {
    private let network: Network
    /// Slots of a lane.
    private let laneRows: Int
    /// Rows in one pass through the trunk.
    private let passRows: Int
    private let classWeights: [Float]?
    /// One a thread.
    private let trunks: [TrunkPass]
    private let scratch: [(tile: FloatBuffer, lane: FloatBuffer)]
    /// The trunk's, one a lane; all zero between batches. Grows to the most lanes that a batch has used.
    private var laneGradients: [FloatBuffer] = []
    private var head: HeadPass
    private let tiles: [Tile]
    /// Layers from the first on that are passed through in tiles.
    private let tiledLayers: Int
    /// Live slots of the batch, in order, their labels, and where each lane begins among them.
    private var live: [Int] = []
    private var labels: [Int32] = []
    private var laneStarts: [Int] = []
    /// The batch's passes through the trunk, in the order in which threads take them, where lanes are not taken whole.
    private var passes: [Pass] = []
    private let takenPasses = Atomic<Int>(0)
    /// By lane and run of the trunk's way back: how many of the lane's passes have added the run's gradient.
    private let turns: Turns

    /// Rows that pass through the trunk together, all of one lane.
    private struct Pass {
        let lane: Int
        /// Within the lane, from 0.
        let number: Int
        let rows: Range<Int>
    }

    /// Counters that all threads read and whoever has the turn writes.
    private final class Turns: @unchecked Sendable {  // What it points to is atomic, and grows between batches only.
        private let runs: Int
        private(set) var lanes = 0
        private var counters: UnsafeMutablePointer<Atomic<Int>>?

        init(runs: Int) { self.runs = runs }

        deinit { release() }

        private func release() {
            counters?.deinitialize(count: lanes * runs)
            counters?.deallocate()
        }

        /// All from 0 again, of so many lanes at least.
        func reset(lanes count: Int) {
            if count > lanes {
                release()
                lanes = count
                counters = .allocate(capacity: count * runs)
                for index in 0..<count * runs { (counters! + index).initialize(to: Atomic(0)) }
            } else {
                for index in 0..<count * runs { counters![index].store(0, ordering: .relaxed) }
            }
        }

        func isAt(_ number: Int, lane: Int, run: Int) -> Bool { counters![lane * runs + run].load(ordering: .acquiring) == number }

        func advance(lane: Int, run: Int) { counters![lane * runs + run].add(1, ordering: .releasing) }
    }

    /// A piece of the gradient that one thread completes.
    private enum Tile {
        /// Of the trunk's parameters.
        case trunk(Range<Int>)
        case weights(layer: Int, outputs: Range<Int>, inputs: Range<Int>)
        case biases(layer: Int)
    }

    private static let trunkTile = 4096
    /// Outputs of a tile of weights, for products to be efficient, and its size, so that it fits the first-level cache.
    private static let tileOutputs = 16, tileFloats = 4096
    /// Outputs that a thread computes at a time where a layer is passed through in tiles, and inputs on the way back.
    private static let passOutputs = 32, passInputs = 64
    /// Weights beyond which fetching what the other threads changed costs more than handing their values around.
    private static let largeLayer = 1 << 16
    /// Rows that a thread takes at a time where there is no trunk.
    private static let chunkRows = 16

    init(network: Network, laneRows: Int, passRows: Int, threads: Int, classWeights: [Float]? = nil) {
        self.network = network
        self.laneRows = laneRows
        self.passRows = passRows
        self.classWeights = classWeights
        trunks = network.trunk.isEmpty ? [] : (0..<threads).map { _ in TrunkPass(network: network, capacity: passRows) }
        turns = Turns(runs: trunks.first?.backwardRunCount ?? 0)
        head = HeadPass(network.head, capacity: 0)
        let lastLarge = network.head.lastIndex {
            $0.dense.inputCount * $0.dense.outputCount >= Self.largeLayer && $0.dense.outputCount >= 2 * Self.passOutputs
        }
        tiledLayers = network.trunk.isEmpty ? (lastLarge ?? -1) + 1 : 0
        tiles = Self.tiles(of: network)
        let widestBias = network.head.map(\.dense.outputCount).max()!
        let floats = max(Self.trunkTile, Self.tileFloats, widestBias)
        scratch = (0..<threads).map { _ in (FloatBuffer(count: floats), FloatBuffer(count: floats)) }
    }

    /// In an order in which each layer's outputs come evenly, so that a thread's share of the tiles has the weights that it passes
    /// rows through.
    private static func tiles(of network: Network) -> [Tile] {
        var placed: [(place: Double, tile: Tile)] = []
        let trunk = network.trunkParameterCount
        for start in stride(from: 0, to: trunk, by: trunkTile) {
            placed.append((Double(start) / Double(trunk), .trunk(start..<min(start + trunkTile, trunk))))
        }
        for (index, layer) in network.head.enumerated() {
            let (outputs, inputs) = (layer.dense.outputCount, layer.dense.inputCount)
            let tileInputs = tileFloats / min(outputs, tileOutputs) / 16 * 16
            for output in stride(from: 0, to: outputs, by: tileOutputs) {
                for input in stride(from: 0, to: inputs, by: tileInputs) {
                    placed.append(
                        (
                            Double(output) / Double(outputs),
                            .weights(layer: index, outputs: output..<min(output + tileOutputs, outputs), inputs: input..<min(input + tileInputs, inputs))
                        ))
                }
            }
            placed.append((1, .biases(layer: index)))
        }
        // Sorting keeps no order of equals; their number does.
        return placed.enumerated().sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }.map(\.element.tile)
    }

    /// Rows of a batch and how they enter: `fill` puts the features of a slot where it is told, `prefetch` has them fetched before.
    struct Rows {
        /// Of the data set's rows; `BlockRows.emptySlot` where none is live.
        let labels: [Int32]
        let slots: ArraySlice<Int>
        let fill: (_ slot: Int, _ place: Output) -> Void
        var prefetch: (_ slot: Int) -> Void = { _ in }
    }

    /// The gradient of `scale` times the summed loss of the rows: `use(first, gradient, count)` for runs of parameters, each once,
    /// on any thread. It is not called for a batch without live rows.
    func compute(
        _ parameters: Input, _ rows: Rows, smoothing: Float, scale: Float, _ crew: ThreadCrew, use: (_ first: Int, _ gradient: Input, _ count: Int) -> Void
    ) {
        gather(rows)
        guard !live.isEmpty else { return }
        if network.trunk.isEmpty {
            passHead(parameters, rows, smoothing, scale, crew)
        } else {
            passLanes(parameters, rows, smoothing, scale, crew)
        }
        var lanes = laneGradients.prefix(laneStarts.count - 1).map { Optional($0.pointer) }
        lanes.withUnsafeMutableBufferPointer { lanes in
            nonisolated(unsafe) let lanes = lanes
            crew.forEach(tiles.count) { tile, thread in self.complete(self.tiles[tile], lanes, thread, use) }
        }
    }

    private func gather(_ rows: Rows) {
        live.removeAll(keepingCapacity: true)
        labels.removeAll(keepingCapacity: true)
        laneStarts.removeAll(keepingCapacity: true)
        for (place, slot) in rows.slots.enumerated() {
            if place % laneRows == 0 { laneStarts.append(live.count) }
            guard rows.labels[slot] != BlockRows.emptySlot else { continue }
            live.append(slot)
            labels.append(rows.labels[slot])
        }
        laneStarts.append(live.count)
        if head.capacity < rows.slots.count { head = HeadPass(network.head, capacity: rows.slots.count) }
        guard !trunks.isEmpty else { return }
        while laneGradients.count < laneStarts.count - 1 { laneGradients.append(FloatBuffer(count: network.trunkParameterCount)) }
    }

    /// Each lane by one thread, a pass at a time; or each pass by any thread, where there are fewer lanes than threads. Whoever waits for its
    /// turn then waits for a pass that has begun, for they are taken in order.
    private func passLanes(_ parameters: Input, _ rows: Rows, _ smoothing: Float, _ scale: Float, _ crew: ThreadCrew) {
        let lanes = laneStarts.count - 1
        guard lanes < crew.threads else {
            return crew.forEach(lanes) { lane, thread in
                let end = laneStarts[lane + 1]
                for start in stride(from: laneStarts[lane], to: end, by: passRows) {
                    pass(start..<min(start + passRows, end), lane, thread, parameters, rows, smoothing, scale) { _, add in add() }
                }
            }
        }
        planPasses()
        takenPasses.store(0, ordering: .relaxed)
        turns.reset(lanes: lanes)
        crew.forEach(passes.count) { _, thread in
            let taken = passes[takenPasses.add(1, ordering: .relaxed).oldValue], lane = taken.lane
            pass(taken.rows, lane, thread, parameters, rows, smoothing, scale) { run, add in
                if !turns.isAt(taken.number, lane: lane, run: run) { crew.waitForTurn { turns.isAt(taken.number, lane: lane, run: run) } }
                add()
                turns.advance(lane: lane, run: run)
                crew.passTurn()
            }
        }
    }

    /// - Parameter inTurn: as of `TrunkPass.addGradient`.
    private func pass(
        _ pass: Range<Int>, _ lane: Int, _ thread: Int, _ parameters: Input, _ rows: Rows, _ smoothing: Float, _ scale: Float,
        inTurn: (_ run: Int, _ add: () -> Void) -> Void
    ) {
        let (width, headWidth) = (network.input.count, network.head[0].dense.inputCount), trunk = trunks[thread]
        for row in pass { rows.fill(live[row], trunk.input + (row - pass.lowerBound) * width) }
        let features = trunk.forward(parameters, rows: pass.count)
        (head.input + pass.lowerBound * headWidth).update(from: features, count: pass.count * headWidth)
        head.forward(parameters, rows: pass)
        head.differentiateLoss(labels, rows: pass, smoothing: smoothing, scale: scale, weights: classWeights)
        head.backward(parameters, rows: pass)
        head.differentiateInput(parameters, rows: pass, into: trunk.outputGradient)
        trunk.addGradient(parameters, rows: pass.count, into: laneGradients[lane].pointer, inTurn: inTurn)
    }

    /// The lanes' first passes, then their second ones, and so on: threads meet in a lane as late as can be.
    private func planPasses() {
        passes.removeAll(keepingCapacity: true)
        let lanes = laneStarts.count - 1
        var number = 0, isLeft = true
        while isLeft {
            isLeft = false
            for lane in 0..<lanes {
                let start = laneStarts[lane] + number * passRows, end = laneStarts[lane + 1]
                guard start < end else { continue }
                passes.append(Pass(lane: lane, number: number, rows: start..<min(start + passRows, end)))
                isLeft = true
            }
            number += 1
        }
    }

    /// A network of dense layers: the large ones in tiles of all rows, then chunks of rows through the others.
    private func passHead(_ parameters: Input, _ rows: Rows, _ smoothing: Float, _ scale: Float, _ crew: ThreadCrew) {
        let width = network.input.count, all = 0..<live.count, tiled = tiledLayers
        let chunks = (live.count + Self.chunkRows - 1) / Self.chunkRows
        func chunk(_ number: Int) -> Range<Int> { number * Self.chunkRows..<min((number + 1) * Self.chunkRows, live.count) }
        func fill(_ rows: Rows, _ range: Range<Int>) {
            for row in range {
                // Shuffled rows lie anywhere; the next one comes while this one is copied.
                if row + 1 < live.count { rows.prefetch(live[row + 1]) }
                rows.fill(live[row], head.input + row * width)
            }
        }
        if tiled > 0 {
            crew.forEach(chunks) { number, _ in fill(rows, chunk(number)) }
            for layer in 0..<tiled {
                Self.onRuns(of: network.head[layer].dense.outputCount, Self.passOutputs, crew) { head.forward(layer, parameters, rows: all, outputs: $0) }
            }
        }
        crew.forEach(chunks) { number, _ in
            let chunk = chunk(number)
            if tiled == 0 { fill(rows, chunk) }
            head.forward(from: tiled, parameters, rows: chunk)
            head.differentiateLoss(labels, rows: chunk, smoothing: smoothing, scale: scale, weights: classWeights)
            head.backward(to: max(0, tiled - 1), parameters, rows: chunk)
        }
        for layer in stride(from: tiled - 1, to: 0, by: -1) {
            Self.onRuns(of: network.head[layer].dense.inputCount, Self.passInputs, crew) { head.backward(layer, parameters, rows: all, inputs: $0) }
        }
    }

    private static func onRuns(of count: Int, _ run: Int, _ crew: ThreadCrew, _ body: (Range<Int>) -> Void) {
        crew.forEach((count + run - 1) / run) { number, _ in body(number * run..<min((number + 1) * run, count)) }
    }

    private func complete(_ tile: Tile, _ lanes: UnsafeMutableBufferPointer<Output?>, _ thread: Int, _ use: (Int, Input, Int) -> Void) {
        let sum = scratch[thread].tile.pointer
        switch tile {
        case .trunk(let range):
            vk_take_lanes(lanes.baseAddress!, lanes.count, range.lowerBound, range.count, sum)
            use(range.lowerBound, sum, range.count)
        case .weights(let layer, let outputs, let inputs):
            sumLanes(outputs.count * inputs.count, thread) { head.weightGradient(layer, outputs: outputs, inputs: inputs, rows: $0, into: $1) }
            let dense = network.head[layer].dense, first = network.head[layer].offset + outputs.lowerBound * dense.inputCount + inputs.lowerBound
            if inputs.count == dense.inputCount { return use(first, sum, outputs.count * inputs.count) }
            for output in 0..<outputs.count { use(first + output * dense.inputCount, sum + output * inputs.count, inputs.count) }
        case .biases(let layer):
            let dense = network.head[layer].dense
            sumLanes(dense.outputCount, thread) { rows, target in
                target.update(repeating: 0, count: dense.outputCount)
                head.addBiasGradient(layer, rows: rows, into: target)
            }
            use(network.head[layer].offset + dense.outputCount * dense.inputCount, sum, dense.outputCount)
        }
    }

    /// The sum over the lanes, in order, of what `set` puts down for a lane's rows, in the thread's tile.
    private func sumLanes(_ count: Int, _ thread: Int, _ set: (Range<Int>, Output) -> Void) {
        let (sum, addend) = (scratch[thread].tile.pointer, scratch[thread].lane.pointer)
        for lane in 0..<laneStarts.count - 1 {
            let rows = laneStarts[lane]..<laneStarts[lane + 1]
            set(rows, lane == 0 ? sum : addend)
            if lane > 0 { vk_add(addend, sum, count) }
        }
    }
}
