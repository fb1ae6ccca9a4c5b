import Tensors

/// The memory in which one thread passes a few rows through a whole network, forward only.
final class ForwardPass {
    private let trunk: TrunkPass?
    private let head: HeadPass

    init(network: Network, capacity: Int) {
        trunk = network.trunk.isEmpty ? nil : TrunkPass(network: network, capacity: capacity)
        head = HeadPass(network.head, capacity: capacity)
    }

    /// Where the caller puts the rows (capacity, input count).
    var input: Output { trunk?.input ?? head.input }

    /// Logits (rows, classes) of the rows in `input`.
    func run(_ parameters: Input, rows: Int) -> Input {
        if let trunk { head.input.update(from: trunk.forward(parameters, rows: rows), count: rows * head.layers[0].dense.inputCount) }
        head.forward(parameters, rows: 0..<rows)
        return Input(head.logits)
    }
}
