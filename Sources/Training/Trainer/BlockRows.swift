/// The rows of one block in memory, by slot.
public struct BlockRows: Sendable {
    /// The label of a slot whose row was deleted.
    public static let emptySlot: Int32 = -1

    /// (slots, features), row-major; the features of an empty slot are never read.
    public let features: [Float]
    /// One label a slot, or `emptySlot`.
    public let labels: [Int32]
    public let featureCount: Int

    public init(features: [Float], labels: [Int32], featureCount: Int) {
        precondition(features.count == labels.count * featureCount, "as many features as slots")
        self.features = features
        self.labels = labels
        self.featureCount = featureCount
    }

    public var slots: Int { labels.count }
    public var liveRows: Int { labels.count { $0 != Self.emptySlot } }
}
