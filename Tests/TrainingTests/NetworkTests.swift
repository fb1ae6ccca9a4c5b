import Files
import Glibc
import Synchronization
import Tensors
import TestSupport
import Testing
import TrainingReference

@testable import Training

/// A network with rows to pass through it.
private struct NetworkCase: Sendable, CustomTestStringConvertible {
    let spec: NetworkSpec
    let input: RowShape
    let classes: Int
    var rows = 3

    var testDescription: String {
        "\(spec.model) \(spec.hidden) \(spec.activation) \(spec.pooling), \(input.channels)×\(input.height)×\(input.width)→\(classes)"
    }

    static func spec(
        _ model: ModelName, hidden: [Int] = [], _ activation: ActivationName = .tanh, _ pooling: PoolingName = .average
    ) -> NetworkSpec {
        NetworkSpec(model: model, hidden: hidden, activation: activation, pooling: pooling, batchSize: 8)
    }

    private static func wide(_ width: Int) -> NetworkSpec {
        var spec = spec(.lenet5)
        spec.width = width
        return spec
    }

    static let all: [NetworkCase] =
        [
            NetworkCase(spec: spec(.logistic), input: RowShape(features: 11), classes: 4, rows: 5),
            NetworkCase(spec: spec(.logistic), input: RowShape(channels: 1, height: 28, width: 28), classes: 10),
            NetworkCase(spec: spec(.mlp), input: RowShape(features: 5), classes: 2),
            // Large layers, one and two of them, that are passed through in tiles.
            NetworkCase(spec: spec(.mlp, hidden: [90, 5]), input: RowShape(features: 790), classes: 3, rows: 19),
            NetworkCase(spec: spec(.mlp, hidden: [300, 230, 9], .gelu), input: RowShape(features: 230), classes: 3, rows: 17),
        ]
        + ActivationName.allCases.map {
            NetworkCase(spec: spec(.mlp, hidden: [9, 6, 7], $0), input: RowShape(features: 13), classes: 3, rows: 6)
        }
        + ActivationName.allCases.flatMap { activation in
            PoolingName.allCases.map { pooling in
                NetworkCase(
                    spec: spec(.lenet5, activation, pooling), input: RowShape(channels: 1, height: 28, width: 28), classes: 10, rows: 2)
            }
        }
        + [
            NetworkCase(spec: spec(.lenet5), input: RowShape(channels: 3, height: 32, width: 32), classes: 10, rows: 2),
            NetworkCase(spec: spec(.lenet5), input: RowShape(channels: 2, height: 13, width: 17), classes: 3),
            NetworkCase(spec: wide(2), input: RowShape(channels: 1, height: 12, width: 12), classes: 3, rows: 2),
        ]
}

@Suite("Whole networks")
struct NetworkTests {
    @Test("The gradient of the summed loss agrees with finite differences in every tensor", arguments: NetworkCase.all, [0, 0.1] as [Float])
    private func gradient(_ test: NetworkCase, _ smoothing: Float) throws {
        var random = SeededGenerator(51)
        let network = try Network(test.spec, input: test.input, classes: test.classes)
        let reference = ReferenceNetwork(test.spec, input: test.input, classes: test.classes)
        try #require(network.layout.count == reference.parameterCount)
        let parameters = network.initialParameters(seed: 3)
        let rows = (0..<test.rows).map { _ in random.floats(test.input.count) }
        let labels = (0..<test.rows).map { $0 * 2 % test.classes }

        let values = try network.gradient(parameters, rows, labels, smoothing: smoothing)
        let exactRows = rows.map { $0.map(Double.init) }, exact = parameters.values.map(Double.init), s = Double(smoothing)
        for (tensor, offset) in zip(network.layout.tensors, network.layout.offsets) {
            let largest = values[offset..<offset + tensor.count].reduce(0) { max($0, abs($1)) }
            #expect(largest > 0, "\(tensor.name)")
            let chosen = (0..<5).map { _ in Int.random(in: offset..<offset + tensor.count, using: &random) }
            expectClose(
                chosen.map { values[$0] }, chosen.map { reference.slope(exactRows, labels, exact, $0, smoothing: s) }, relative: 1e-4,
                floor: 2e-5 * Double(largest), tensor.name)
        }
    }

    @Test("A row's gradient is multiplied by its class's weight, in every network", arguments: NetworkCase.all)
    private func weighted(_ test: NetworkCase) throws {
        var random = SeededGenerator(55)
        let network = try Network(test.spec, input: test.input, classes: test.classes), reference = ReferenceNetwork(test.spec, input: test.input, classes: test.classes)
        let parameters = network.initialParameters(seed: 3), weights = (0..<test.classes).map { 0.25 * Float(1 + 3 * $0) }
        let rows = (0..<test.rows).map { _ in random.floats(test.input.count) }, labels = (0..<test.rows).map { $0 * 2 % test.classes }
        let values = try network.gradient(parameters, rows, labels, smoothing: 0.1, weights: weights)
        let exactRows = rows.map { $0.map(Double.init) }, exact = parameters.values.map(Double.init)
        for (tensor, offset) in zip(network.layout.tensors, network.layout.offsets) {
            let largest = values[offset..<offset + tensor.count].reduce(0) { max($0, abs($1)) }
            let chosen = (0..<3).map { _ in Int.random(in: offset..<offset + tensor.count, using: &random) }
            expectClose(
                chosen.map { values[$0] }, chosen.map { reference.slope(exactRows, labels, exact, $0, smoothing: 0.1, weights: weights.map(Double.init)) }, relative: 1e-4,
                floor: 2e-5 * Double(largest), tensor.name)
        }
        // By finite differences alone, a factor of all rows could hide among them.
        let plain = try network.gradient(parameters, rows, labels, smoothing: 0.1)
        #expect(bits(try network.gradient(parameters, rows, labels, smoothing: 0.1, weights: weights.map { _ in 1 })) == bits(plain))
        #expect(bits(values) != bits(plain))
        #expect(bits(try network.gradient(parameters, rows, labels, smoothing: 0.1, threads: 3, weights: weights)) == bits(values))
    }

    @Test("A residual network's gradient agrees with finite differences in every tensor", arguments: ActivationName.allCases)
    func residual(_ activation: ActivationName) throws {
        var random = SeededGenerator(53)
        let spec = NetworkCase.spec(.resnet20, activation), input = RowShape(channels: 3, height: 8, width: 9)
        let network = try Network.residual(1, spec, input, 4), reference = ReferenceNetwork(residual: 1, spec, input: input, classes: 4)
        try #require(network.layout.count == reference.parameterCount)
        let parameters = network.initialParameters(seed: 3), rows = (0..<2).map { _ in random.floats(input.count) }
        let weights: [Float] = [1, 0.5, 1, 3]
        let values = try network.gradient(parameters, rows, [1, 3], smoothing: 0.1, weights: weights)
        let exactRows = rows.map { $0.map(Double.init) }, exact = parameters.values.map(Double.init)
        for (tensor, offset) in zip(network.layout.tensors, network.layout.offsets) {
            let largest = values[offset..<offset + tensor.count].reduce(0) { max($0, abs($1)) }
            let chosen = (0..<2).map { _ in Int.random(in: offset..<offset + tensor.count, using: &random) }
            expectClose(
                chosen.map { values[$0] }, chosen.map { reference.slope(exactRows, [1, 3], exact, $0, smoothing: 0.1, weights: weights.map(Double.init)) }, relative: 1e-3,
                floor: 2e-4 * Double(largest), tensor.name)
        }
    }

    @Test("resnet20 has He's twenty layers: 10 biases, and a gain and a bias for each of 688 channels")
    func residualSize() throws {
        let network = try Network(Recipe.builtIn(.resnet20).network!, input: RowShape(channels: 3, height: 32, width: 32), classes: 10)
        let weighted = network.layout.tensors.filter { $0.name.hasSuffix(".weight") }
        #expect(weighted.count == 20)
        let convolutions = 432 + 6 * 2304 + 4608 + 5 * 9216 + 18_432 + 5 * 36_864
        #expect(weighted.reduce(0) { $0 + $1.count } == convolutions + 640)
        let normalised = 7 * 16 + 6 * 32 + 6 * 64
        #expect(network.layout.count == convolutions + 650 + 2 * normalised)
    }

    @Test("The gradient is scaled, of the same bits for any number of threads, and again for the next batch", arguments: NetworkCase.all)
    private func gradientIsOne(_ test: NetworkCase) throws {
        var random = SeededGenerator(52)
        let network = try Network(test.spec, input: test.input, classes: test.classes)
        let parameters = network.initialParameters(seed: 4), labels = (0..<test.rows).map { $0 % test.classes }
        let rows = (0..<test.rows).map { _ in random.floats(test.input.count) }
        let plain = try network.gradient(parameters, rows, labels)
        for threads in [2, 3] { #expect(bits(try network.gradient(parameters, rows, labels, threads: threads)) == bits(plain)) }
        #expect(bits(try network.gradient(parameters, rows, labels, scale: 0.25)) == bits(plain.map { $0 * 0.25 }))
        #expect(bits(try network.gradient(parameters, rows, labels, batches: 3)) == bits(plain))
    }

    @Test("Passes of one lane add their gradients in turn: the same bits on any number of threads, and where the system gives fewer", arguments: [2, 4, 8], [(11, 2), (6, 4)])
    func passesInTurn(_ threads: Int, _ lane: (rows: Int, passRows: Int)) throws {
        var random = SeededGenerator(56)
        let image = RowShape(channels: 3, height: 8, width: 9), refused = WorkerThreads { _ in false }
        for network in [
            try Network.residual(1, NetworkCase.spec(.resnet20, .relu), image, 4),
            try Network(NetworkCase.spec(.lenet5), input: RowShape(channels: 1, height: 28, width: 28), classes: 4),
        ] {
            let parameters = network.initialParameters(seed: 6), rows = (0..<11).map { _ in random.floats(network.input.count) }
            // Some slots are empty.
            for labels in [(0..<11).map { $0 % 4 }, (0..<11).map { $0 % 3 == 1 ? -1 : $0 % 4 }] {
                let plain = bits(try network.gradient(parameters, rows, labels, laneRows: lane.rows, passRows: lane.passRows))
                // The first pass is slow to begin, so that those behind it wait for their turn, and sleep; then whoever comes first.
                for stalled in [0, 2, nil] {
                    #expect(bits(try network.gradient(parameters, rows, labels, threads: threads, batches: 3, laneRows: lane.rows, passRows: lane.passRows, stallingAt: stalled)) == plain)
                }
                #expect(bits(try network.gradient(parameters, rows, labels, threads: threads, laneRows: lane.rows, passRows: lane.passRows, on: refused)) == plain)
            }
        }
    }

    @Test("Rows that are no longer there leave the gradient of the others", arguments: NetworkCase.all.filter { $0.rows > 2 })
    private func emptySlots(_ test: NetworkCase) throws {
        var random = SeededGenerator(54)
        let network = try Network(test.spec, input: test.input, classes: test.classes)
        let parameters = network.initialParameters(seed: 5), labels = (0..<test.rows).map { $0 % test.classes }
        let rows = (0..<test.rows).map { _ in random.floats(test.input.count) }
        let all = try network.gradient(parameters, rows, labels), one = try network.gradient(parameters, [rows[1]], [labels[1]])
        var slots = labels
        slots[1] = Int(BlockRows.emptySlot)
        let rest = try network.gradient(parameters, rows, slots)
        expectClose(rest, zip(all, one).map { Double($0) - Double($1) }, relative: 1e-5, floor: 1e-5, "the rest")
    }

    @Test("lenet5 has LeCun's 61,706 parameters for 28×28 and for 32×32 in one channel", arguments: [28, 32])
    func leNetSize(_ side: Int) throws {
        let network = try Network(
            Recipe.builtIn(.lenet5).network!, input: RowShape(channels: 1, height: side, width: side), classes: 10)
        #expect(network.layout.count == 61_706)
        #expect(
            network.layout.tensors.map(\.name) == [
                "conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias",
                "dense3.weight", "dense3.bias",
            ])
        #expect(network.layout.tensors.map(\.count) == [150, 6, 2400, 16, 48_000, 120, 10_080, 84, 840, 10])
    }

    @Test("lenet5 takes three channels of 32×32")
    func leNetInColour() throws {
        let network = try Network(Recipe.builtIn(.lenet5).network!, input: RowShape(channels: 3, height: 32, width: 32), classes: 10)
        #expect(network.layout.count == 61_706 + 2 * 6 * 25)
        #expect(network.layout.tensors[0].shape == [6, 3, 5, 5])
    }

    @Test("Images too small for lenet5 are refused in words", arguments: [(1, 11, 28), (1, 28, 11), (3, 4, 4), (1, 1, 784)])
    func tooSmall(_ channels: Int, _ height: Int, _ width: Int) throws {
        let error = try failure {
            _ = try Network(
                Recipe.builtIn(.lenet5).network!, input: RowShape(channels: channels, height: height, width: width), classes: 10)
        }
        #expect(error.kind == .input)
        #expect(error.description.contains("\(channels)×\(height)×\(width)"))
    }

    @Test("A network of 2²⁸ parameters is the largest; one row of weights more is refused")
    func largest() throws {
        let spec = NetworkCase.spec(.logistic), width = (1 << 28) / 4 - 1
        #expect(try Network(spec, input: RowShape(features: width), classes: 4).layout.count == 1 << 28)
        let error = try failure { _ = try Network(spec, input: RowShape(features: width + 1), classes: 4) }
        #expect(error.kind == .input)
        #expect(error.description.contains("\((1 << 28) + 4) parameters"))
    }

    @Test("The smallest image for lenet5 is 12×12")
    func smallest() throws {
        let network = try Network(Recipe.builtIn(.lenet5).network!, input: RowShape(channels: 1, height: 12, width: 12), classes: 2)
        #expect(network.layout.tensors[4].shape == [120, 16])
    }

    @Test("Initial parameters fill ±1/√fan-in in every tensor and follow the seed")
    func initialisation() throws {
        let network = try Network(Recipe.builtIn(.lenet5).network!, input: RowShape(channels: 1, height: 28, width: 28), classes: 10)
        func draw(_ seed: UInt64) -> [Float] {
            let parameters = network.initialParameters(seed: seed)
            return withExtendedLifetime(parameters) { Array(parameters.values) }
        }
        let parameters = draw(1)
        let fanIns = [25, 25, 150, 150, 400, 400, 120, 120, 84, 84]
        for (index, tensor) in network.layout.tensors.enumerated() {
            let offset = network.layout.offsets[index], limit = 1 / Float(fanIns[index]).squareRoot()
            let values = parameters[offset..<offset + tensor.count]
            #expect(values.allSatisfy { abs($0) <= limit }, "\(tensor.name)")
            #expect(values.contains { abs($0) > 0.6 * limit }, "\(tensor.name)")
            #expect(Set(values).count > tensor.count / 2, "\(tensor.name)")
        }
        #expect(bits(parameters) == bits(draw(1)))
        #expect(bits(parameters) != bits(draw(2)))
    }

    @Test("Images too large to train on are refused before any memory is taken")
    func hugeImages() {
        var recipe = Recipe.builtIn(.resnet20)
        #expect(throws: Never.self) { try SGDTrainer(recipe.network!, recipe.plan, input: RowShape(channels: 3, height: 224, width: 224), classes: 10, threads: 64) }
        let failure = #expect(throws: Failure.self) {
            try SGDTrainer(recipe.network!, recipe.plan, input: RowShape(channels: 1, height: 4096, width: 4096), classes: 10, threads: 64)
        }
        #expect(failure?.kind == .input && failure?.description.contains("GiB a thread for images of 4096×4096") == true)
        recipe.network!.width = 64
        #expect(throws: Failure.self) { try SGDTrainer(recipe.network!, recipe.plan, input: RowShape(channels: 3, height: 224, width: 224), classes: 10, threads: 64) }
    }
}

extension Network {
    /// The gradient of a batch as the trainer computes it, of which every parameter's must be given once.
    fileprivate func gradient(
        _ parameters: FloatBuffer, _ rows: [[Float]], _ labels: [Int], smoothing: Float = 0, scale: Float = 1, threads: Int = 1, batches: Int = 1, weights: [Float]? = nil,
        laneRows: Int = 5, passRows: Int? = nil, on workers: WorkerThreads = .shared, stallingAt stalled: Int? = nil
    ) throws -> [Float] {
        // Lanes of a few rows, so that a batch has several.
        let batch = BatchGradient(
            network: self, laneRows: laneRows, passRows: passRows ?? TrunkPass.rows(of: self, lane: laneRows), threads: threads, classWeights: weights)
        let source = BatchGradient.Rows(labels: labels.map(Int32.init), slots: Array(rows.indices)[...]) { slot, place in
            if slot == stalled { usleep(1000) }
            for (index, value) in rows[slot].enumerated() { place[index] = value }
        }
        let gradient = GuardedFloats(count: layout.count)
        for _ in 0..<batches {
            let given = Atomic<Int>(0)
            for index in 0..<layout.count { gradient.pointer[index] = .nan }
            nonisolated(unsafe) let target = gradient.pointer
            try ThreadCrew.run(threads: threads, on: workers) { crew in
                batch.compute(parameters.pointer, source, smoothing: smoothing, scale: scale, crew) { first, tile, count in
                    (target + first).update(from: tile, count: count)
                    given.add(count, ordering: .relaxed)
                }
            }
            #expect(given.load(ordering: .relaxed) == layout.count && gradient.isIntact)
        }
        return gradient.values
    }
}
