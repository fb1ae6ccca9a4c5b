/// A model's parameters as named single-precision tensors: what export writes and import reads.
public struct NamedTensors: Sendable, Equatable {
    public let layout: ParameterLayout
    /// All tensors' values, as the layout places them.
    public let values: [Float]

    public init(layout: ParameterLayout, values: [Float]) {
        precondition(layout.count == values.count, "as many values as the layout has")
        self.layout = layout
        self.values = values
    }

    public func values(of index: Int) -> ArraySlice<Float> {
        let start = layout.offsets[index]
        return values[start..<start + layout.tensors[index].count]
    }
}
