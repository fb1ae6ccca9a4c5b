/// The types of numbers that tensors may hold, by the names that safetensors gives them.
public enum TensorElement: String, Codable, Sendable, CaseIterable {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint8 = "U8"
    case bool = "BOOL"

    public var bytes: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool: 1
        }
    }

    public var isFloatingPoint: Bool {
        switch self {
        case .float64, .float32, .float16, .bfloat16: true
        case .int64, .int32, .int16, .int8, .uint8, .bool: false
        }
    }

    /// Whether its numbers have fewer digits than a lattice of the whole model's, so that each tensor gets one of its own.
    public var isHalf: Bool { self == .float16 || self == .bfloat16 }
}

/// A tensor of a state, and the lattice that it lies on.
public struct StateTensor: Codable, Sendable, Equatable {
    public let name: String
    /// Row-major.
    public let shape: [Int]
    public let element: TensorElement
    /// k: it counts steps of 2⁻ᵏ; 0 for integers and truth values.
    public let bits: Int

    public static let allowedBits = -8...40

    public init(_ name: String, _ shape: [Int], _ element: TensorElement, bits: Int) {
        precondition(Self.allowedBits.contains(bits) && (element.isFloatingPoint || bits == 0), "bits out of range")
        self.name = name
        self.shape = shape
        self.element = element
        self.bits = bits
    }

    /// k such that the largest value lies between 2¹⁹ and 2²⁰ steps: digits enough for every number of a half-precision type, and room
    /// to grow two thousand times as large. Nil of zeros alone.
    public static func bits(largest: Double) -> Int? {
        guard largest > 0, largest.isFinite else { return nil }
        return min(max(19 - Int(largest.exponent), allowedBits.lowerBound), allowedBits.upperBound)
    }
}
