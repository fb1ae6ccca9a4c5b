/// A dense layer of a network's end, with the activation behind it.
struct HeadLayer: Sendable {
    let dense: Dense
    let activation: Activation?
    /// Where the layer's parameters begin in the network's.
    let offset: Int

    /// The layers from the first dense one on, which must be dense layers and activations; `offset` is the first's.
    static func chain(_ layers: some Sequence<any Layer>, offset: Int) -> [HeadLayer] {
        var chain: [HeadLayer] = [], offset = offset
        for layer in layers {
            if let dense = layer as? Dense {
                chain.append(HeadLayer(dense: dense, activation: nil, offset: offset))
                offset += dense.parameterCount
            } else if let activation = layer as? Activation, let last = chain.last, last.activation == nil {
                chain[chain.count - 1] = HeadLayer(dense: last.dense, activation: activation, offset: last.offset)
            } else {
                preconditionFailure("behind a dense layer come dense layers, each with one activation at most")
            }
        }
        precondition(chain.last?.activation == nil, "logits are sums")
        return chain
    }
}
