/// The name and shape of one trainable tensor.
public struct TensorSpec: Sendable, Codable, Equatable {
    public let name: String
    /// Row-major; a dense weight is (outputs, inputs), a convolution weight (outputs, inputs, height, width).
    public let shape: [Int]

    public init(_ name: String, _ shape: [Int]) {
        self.name = name
        self.shape = shape
    }

    public var count: Int { shape.reduce(1, *) }
}

/// Where each tensor lies in the one allocation that holds a model's parameters, in order and without gaps.
public struct ParameterLayout: Sendable, Equatable {
    public let tensors: [TensorSpec]
    public let offsets: [Int]
    public let count: Int

    public init(_ tensors: [TensorSpec]) {
        self.tensors = tensors
        var offsets: [Int] = []
        var end = 0
        for tensor in tensors {
            offsets.append(end)
            end += tensor.count
        }
        self.offsets = offsets
        count = end
    }

    /// The tensor that holds parameter `index`.
    /// - Complexity: O(number of tensors).
    public func tensor(holding index: Int) -> TensorSpec {
        precondition(index >= 0 && index < count, "parameter index out of range")
        return tensors[offsets.lastIndex { $0 <= index }!]
    }
}
