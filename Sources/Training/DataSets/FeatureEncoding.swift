internal import CVectorKernels

/// How a source's features are stored: the smallest form that loses nothing.
public enum FeatureEncoding: Sendable, Codable, Equatable {
    /// One byte a feature; its value is byte·scale + shift. The constants do not depend on the rows, so that no row
    /// leaves a trace in them.
    case bytes(scale: Float, shift: Float)
    /// Single-precision values as they are.
    case floats
    /// No features: a row is its trainer's alone, and what is stored is the text by which that finds it (`RowName`).
    case locators

    /// Pixels standardised by a mean and a deviation given as fractions of 255.
    static func image(mean: Float, deviation: Float) -> FeatureEncoding { .bytes(scale: 1 / (255 * deviation), shift: -mean / deviation) }

    /// 0…255 to −1…1.
    static let image = FeatureEncoding.image(mean: 0.5, deviation: 0.5)

    public var bytesPerFeature: Int {
        switch self {
        case .bytes, .locators: 1
        case .floats: 4
        }
    }

    /// Whether rows so encoded can stand beside others: bytes are read with one scale, whatever they came with.
    public func isLike(_ other: FeatureEncoding) -> Bool { bytesPerFeature == other.bytesPerFeature && (self == .locators) == (other == .locators) }

    /// The features' values, from as many stored bytes.
    public func decode(_ stored: [UInt8]) -> [Float] {
        let total = stored.count / bytesPerFeature
        return [Float](unsafeUninitializedCapacity: total) { values, count in
            count = total
            stored.withUnsafeBytes { source in
                guard total > 0 else { return }
                switch self {
                case .bytes(let scale, let shift):
                    vk_standardise_bytes(source.baseAddress!.assumingMemoryBound(to: UInt8.self), values.baseAddress!, total, scale, shift)
                case .locators: preconditionFailure("rows that only the trainer holds have no values here")
                case .floats:
                    UnsafeMutableRawBufferPointer(values).copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<(total * 4)]))
                }
            }
        }
    }
}
