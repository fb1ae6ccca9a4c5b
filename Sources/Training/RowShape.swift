/// What one row looks like to a network: an image (channels, height, width) or a flat vector (1, 1, n).
public struct RowShape: Sendable, Codable, Equatable {
    public let channels: Int
    public let height: Int
    public let width: Int

    public init(channels: Int, height: Int, width: Int) {
        self.channels = channels
        self.height = height
        self.width = width
    }

    public init(features: Int) { self.init(channels: 1, height: 1, width: features) }

    /// Whether features have no place in an image: those of a table.
    public var isFlat: Bool { channels == 1 && height == 1 }

    public var count: Int { channels * height * width }
}
